//! Counts what was read of a data set.

use super::look::Look;
use crate::{
    failure::Outcome,
    manifests::{About, Manifests},
};
use harness_images::datasets::{DatasetSpec, Item, Part};
use harness_record::{rows::FileRow, vocabulary::FileUse};
use harness_report::contact::{Counts, LeftOut, Share, Sides, Summary};
use std::{cmp::Reverse, collections::BTreeMap, path::Path};

/// Names of the classes of a trimap, by index.
const TRIMAP: [&str; 3] = ["pet", "background", "border"];

pub(super) fn of(name: &str, spec: &DatasetSpec, look: &Look, manifests: &Manifests) -> Outcome<Summary> {
    let About { title, licence, citation } = manifests.about(spec)?;
    let (parts, classes, total) = counts(look);
    Ok(Summary {
        name: name.to_owned(),
        title,
        licence,
        citation,
        homepage: manifests.of(spec)?.map(|manifest| manifest.homepage.clone()).unwrap_or_default(),
        parts,
        classes,
        total,
        left_out: reasons(&look.left_out()),
        not_drawn: look.not_drawn,
        pixels: pixels(look),
        sides: sides(&look.dimensions),
        size: look.pictures.first().map_or(0, |pictures| pictures.size),
    })
}

/// The parts that have pictures, the counts of each class, and the counts of all classes together.
fn counts(look: &Look) -> (Vec<String>, Vec<Counts>, Counts) {
    let items = || look.pictures.iter().flat_map(|pictures| &pictures.items);
    let mut classes: BTreeMap<&str, Counts> = BTreeMap::new();
    let mut total = Counts { class: "total".to_owned(), ..Counts::default() };
    for Item { group, part, .. } in items() {
        let class = classes.entry(group).or_insert_with(|| Counts { class: group.clone(), ..Counts::default() });
        for counts in [class, &mut total] {
            *counts.images.entry(part.name().to_owned()).or_default() += 1;
            counts.total += 1;
        }
    }
    let known = [Part::Trainval, Part::Test, Part::Unlabelled].map(Part::name);
    let parts: Vec<String> =
        known.into_iter().filter(|part| total.images.contains_key(*part)).map(str::to_owned).collect();
    let mut classes: Vec<Counts> = classes.into_values().collect();
    for class in &mut classes {
        for part in &parts {
            class.images.entry(part.clone()).or_default();
        }
    }
    (parts, classes, total)
}

/// Files by reason. Reasons that differ only in the file's own name or in numbers count as one.
fn reasons(rows: &[FileRow]) -> Vec<LeftOut> {
    let mut found: BTreeMap<(FileUse, String), LeftOut> = BTreeMap::new();
    for row in rows {
        let group = found.entry((row.used, pattern(row))).or_insert_with(|| LeftOut {
            files: 0,
            how: row.used.to_string(),
            reason: row.reason.clone(),
            alike: false,
        });
        group.files += 1;
        group.alike |= group.reason != row.reason;
    }
    let mut reasons: Vec<LeftOut> = found.into_values().collect();
    reasons.sort_by_key(|reason| Reverse(reason.files));
    reasons
}

/// A reason without the file's own name and without numbers.
fn pattern(row: &FileRow) -> String {
    let stem = Path::new(&row.file).file_stem().unwrap_or_default().to_string_lossy();
    let reason = if stem.is_empty() { row.reason.clone() } else { row.reason.replace(&*stem, "\0") };
    reason.chars().filter(|c| !c.is_ascii_digit()).collect()
}

fn pixels(look: &Look) -> Vec<Share> {
    let mut counts = [0_u64; TRIMAP.len()];
    for &class in look.pictures.iter().flat_map(|pictures| pictures.classes.iter()) {
        counts[usize::from(class)] += 1;
    }
    let all: u64 = counts.iter().sum();
    if all == 0 {
        return Vec::new();
    }
    let percent = |pixels: u64| (pixels as f64 / all as f64 * 1000.0).round() / 10.0;
    let share = |(class, pixels): (&str, u64)| Share { class: class.to_owned(), pixels, percent: percent(pixels) };
    TRIMAP.into_iter().zip(counts).map(share).collect()
}

fn sides(dimensions: &[(u32, u32)]) -> Option<Sides> {
    let mut sides: Vec<u32> = dimensions.iter().flat_map(|&(width, height)| [width, height]).collect();
    sides.sort_unstable();
    let (smallest, largest) = (*sides.first()?, *sides.last()?);
    Some(Sides { smallest, median: sides[(sides.len() - 1) / 2], largest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_that_say_the_same_of_several_files_are_one() {
        let row = |file: &str, reason: &str| FileRow {
            used: FileUse::Skipped,
            file: file.into(),
            group: String::new(),
            reason: reason.into(),
        };
        let found = reasons(&[
            row("images/a_1.jpg", "in no list file"),
            row("images/a_2.jpg", "listed in line 12 of list.txt"),
            row("images/b_3.jpg", "listed in line 7 of list.txt"),
            row("images/b_4.jpg", "no trimap: there is no file trimaps/b_4.png"),
            row("images/b_5.jpg", "no trimap: there is no file trimaps/b_5.png"),
            row("images/c_6.jpg", "no trimap: there is no file trimaps/c_6.png"),
        ]);
        let told: Vec<(u64, &str, bool)> = found.iter().map(|r| (r.files, r.reason.as_str(), r.alike)).collect();
        assert_eq!(
            told,
            [
                (3, "no trimap: there is no file trimaps/b_4.png", true),
                (2, "listed in line 12 of list.txt", true),
                (1, "in no list file", false),
            ]
        );
    }

    #[test]
    fn widths_and_heights_together() {
        assert_eq!(sides(&[(500, 300), (10, 400)]), Some(Sides { smallest: 10, median: 300, largest: 500 }));
        assert_eq!(sides(&[]), None);
    }
}
