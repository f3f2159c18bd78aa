//! Test images for a report: those of its gallery with predictions, and others for its page on the data.

use crate::{
    executors::KeptPicture,
    failure::{Failure, Outcome},
};
use harness_record::{files, rows, store::Store};
use harness_report::inputs::{GalleryKind, GalleryRow, file};
use harness_study::{
    plan::{Place, Plan, Work},
    study::Study,
};
use std::path::{Path, PathBuf};

/// The most that is read of a picture, in bytes.
const LIMIT: u64 = 64 << 20;

/// A picture of a run, and where it belongs in the study.
struct Picture<'a> {
    from: PathBuf,
    kept: KeptPicture,
    place: &'a Place,
}

/// Writes `folder` anew.
pub(super) fn collect(study: &Study, plan: &Plan, store: &Store, folder: &Path) -> Outcome {
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(Failure::run)?;
    }
    let mut index: Vec<GalleryRow> = Vec::new();
    for picture in pictures(study, plan, store)? {
        let row = row(&picture);
        let bytes = files::read(&picture.from.join(&picture.kept.file), LIMIT)?;
        files::write(&folder.join(&picture.kept.file), &bytes)?;
        index.push(row);
    }
    let list = folder.join(Path::new(file::GALLERY).file_name().unwrap_or_default());
    if index.is_empty() {
        // A table without rows has no header to derive from them.
        return Ok(files::write(&list, b"file,kind,image,group,condition,arm,protocol\n")?);
    }
    Ok(rows::write(&list, &index)?)
}

/// Those of the gallery first, with all that was kept of them; then the clear images of the others, with their truth.
fn pictures<'a>(study: &Study, plan: &'a Plan, store: &Store) -> Outcome<Vec<Picture<'a>>> {
    let of_gallery = |place: &&Place| {
        let wanted = study.report.gallery.as_ref();
        wanted.is_none_or(|gallery| place.arm == gallery.arm && place.protocol.name() == gallery.protocol)
    };
    let Some(place) = plan.places.iter().find(of_gallery) else { return Ok(Vec::new()) };
    let mut stages = place.keys.iter().filter_map(|key| plan.stage(key));
    let Some(stage) = stages.find(|stage| matches!(stage.settings.work, Work::Evaluate { .. })) else {
        return Ok(Vec::new());
    };
    let from = store.run("evaluate", &stage.key).join("gallery");
    let kept: Vec<KeptPicture> = rows::read(&from.join("index.csv"))?;
    let there = kept.iter().map(|picture| picture.number + 1).max().unwrap_or(0);
    let wanted = study.report.gallery.as_ref().map_or(0, |gallery| gallery.images).min(there);
    // Evenly spaced among the kept ones, which are evenly spaced among the test images.
    let numbers: Vec<usize> = (0..wanted).map(|i| i * there / wanted).collect();
    let first = kept.iter().find(|picture| picture.kind == GalleryKind::Image).map(|p| p.condition.clone());
    let first = first.unwrap_or_default();
    let (shown, others): (Vec<_>, Vec<_>) = kept.into_iter().partition(|picture| numbers.contains(&picture.number));
    let clear = |picture: &KeptPicture| match picture.kind {
        GalleryKind::Image => picture.condition == first,
        GalleryKind::Truth => true,
        GalleryKind::Prediction => false,
    };
    let all = shown.into_iter().chain(others.into_iter().filter(clear));
    Ok(all.map(|kept| Picture { from: from.clone(), kept, place }).collect())
}

fn row(Picture { kept, place, .. }: &Picture<'_>) -> GalleryRow {
    let prediction = kept.kind == GalleryKind::Prediction;
    let own = |text: &str| if prediction { text.to_owned() } else { String::new() };
    GalleryRow {
        file: kept.file.clone(),
        kind: kept.kind,
        image: kept.image.clone(),
        group: kept.group.clone(),
        condition: kept.condition.clone(),
        arm: own(&place.arm),
        protocol: own(place.protocol.name()),
    }
}
