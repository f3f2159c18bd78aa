//! The fidelity of a study: whether it is the published experiment or a different one.
//!
//! The fidelity is derived from the resolved spec and the numbers of images. No field of the spec states it, because
//! only the published experiment can reproduce a published figure.

use crate::study::{Arm, DataSpec, Resolved, Study};
use harness_images::split::Selection;
use harness_record::vocabulary::Purpose;
use harness_report::inputs::{DatasetInput, Fidelity};

/// Number of images without labels in the published work.
const PUBLISHED_UNLABELLED: u64 = 2 * 18_499;
/// Number of labelled images in the published work.
const PUBLISHED_LABELLED: u64 = 3_680 + 3_669;

/// Returns the fidelity of a study. The published experiment is the `full` profile without changes from the command line
/// (other than to seeds and protocols), with networks and images of the published sizes, on as many images as
/// published.
pub fn fidelity(resolved: &Resolved, overrides: &[String], datasets: &[DatasetInput]) -> Fidelity {
    if resolved.arms.iter().any(is_drawn) {
        return Fidelity::Synthetic;
    }
    if resolved.profile != "full" {
        return Fidelity::Sample;
    }
    let overridden = overrides.iter().any(|s| !s.starts_with("seeds=") && !s.starts_with("protocols="));
    let published =
        !overridden && resolved.arms.iter().all(|arm| is_of_published_size(arm) && is_complete(arm, datasets));
    if published { Fidelity::Full } else { Fidelity::Other }
}

/// Returns true if the program draws some of the arm's images.
fn is_drawn(arm: &Arm) -> bool {
    arm.studies().any(|(_, study)| {
        let data = &study.data;
        data.segmentation.dataset.is_drawn() || (arm.spec.pretrained && data.pretraining.dataset.is_drawn())
    })
}

fn is_of_published_size(arm: &Arm) -> bool {
    arm.studies()
        .all(|(_, Study { model, data, .. })| model.sizes().is_published() && model.sizes().sides().usual == data.size)
}

/// Returns true if the arm's data sets hold as many images as the published ones.
fn is_complete(arm: &Arm, datasets: &[DatasetInput]) -> bool {
    arm.studies().all(|(_, study)| has_all_images(arm, &study.data, datasets))
}

fn has_all_images(arm: &Arm, data: &DataSpec, datasets: &[DatasetInput]) -> bool {
    let selects = data.segmentation.train != Selection::default();
    let labelled = is_whole(Purpose::Segmentation, arm, selects, PUBLISHED_LABELLED, datasets);
    let selects = data.pretraining.fraction != 1.0;
    labelled
        && (!arm.spec.pretrained
            || data.pretraining.dataset.is_published_corpus()
                && is_whole(Purpose::Pretraining, arm, selects, PUBLISHED_UNLABELLED, datasets))
}

/// Returns true if the data set that the arm uses for `purpose` has `images` images. An arm that selects some of the images
/// is compared with the arms that use the same data set whole. If there are none, the result is false.
fn is_whole(purpose: Purpose, arm: &Arm, selects: bool, images: u64, datasets: &[DatasetInput]) -> bool {
    // If one protocol removes pictures from the data set, the other protocol still holds them.
    let mut sets: Vec<&DatasetInput> = datasets.iter().filter(|set| set.purpose == purpose).collect();
    if sets.iter().any(|set| !is_reduced(set)) {
        sets.retain(|set| !is_reduced(set));
    }
    let for_purpose = || sets.iter();
    let Some(own) = for_purpose().find(|set| set.arms.is_empty() || set.arms.contains(&arm.spec.label)) else {
        return false;
    };
    if selects {
        for_purpose().any(|set| set.digest == own.digest && holds(set, images)) && total(own) < images
    } else {
        holds(own, images)
    }
}

fn total(set: &DatasetInput) -> u64 {
    set.splits.iter().map(|split| split.images).sum()
}

/// Returns true if equal pictures were removed from the set.
fn is_reduced(set: &DatasetInput) -> bool {
    set.repeated.is_some_and(|repeated| repeated.removed && repeated.pictures > 0)
}

/// Returns true if the set had `images` images before equal ones were removed. Each removed picture lowers the total by
/// one or two: itself, and a picture of the other class that is cut to match.
fn holds(set: &DatasetInput, images: u64) -> bool {
    let removed = set.repeated.filter(|repeated| repeated.removed).map_or(0, |repeated| repeated.pictures);
    (images.saturating_sub(2 * removed)..=images).contains(&total(set))
}

#[cfg(test)]
mod tests;
