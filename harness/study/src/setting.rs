//! Which experiment a study is: the published one, or what else.
//!
//! It follows from the resolved spec and the numbers of images, never from a field that says so: only the published
//! experiment can reproduce a published figure.

use crate::study::{Arm, Resolved};
use harness_images::split::Selection;
use harness_report::inputs::{DatasetInput, Setting};

/// Images of the published work without labels.
const PUBLISHED_UNLABELLED: u64 = 2 * 18_499;
/// Labelled images of the published work.
const PUBLISHED_LABELLED: u64 = 3_680 + 3_669;

/// Which data a study ran on. The published experiment is the `full` profile without changes from the command line, with
/// networks and images of the published sizes, on as many images as published.
pub fn setting(resolved: &Resolved, overrides: &[String], datasets: &[DatasetInput]) -> Setting {
    if resolved.arms.iter().any(is_drawn) {
        return Setting::Synthetic;
    }
    if resolved.profile != "full" {
        return Setting::Sample;
    }
    let overridden = overrides.iter().any(|s| !s.starts_with("seeds=") && !s.starts_with("protocols="));
    let published =
        !overridden && resolved.arms.iter().all(|arm| is_of_published_size(arm) && is_complete(arm, datasets));
    if published { Setting::Full } else { Setting::Other }
}

/// Whether the program draws some of its images.
fn is_drawn(arm: &Arm) -> bool {
    let data = &arm.study.data;
    data.segmentation.dataset.is_drawn() || (arm.spec.pretrained && data.pretraining.dataset.is_drawn())
}

fn is_of_published_size(arm: &Arm) -> bool {
    let (model, size) = (&arm.study.model, arm.study.data.size);
    model.sizes().is_published() && model.sizes().sides().usual == size
}

/// Whether the arm's data sets hold as many images as the published ones.
fn is_complete(arm: &Arm, datasets: &[DatasetInput]) -> bool {
    let data = &arm.study.data;
    let selects = data.segmentation.train != Selection::default();
    let labelled = is_whole("segmentation", arm, selects, PUBLISHED_LABELLED, datasets);
    let selects = data.pretraining.fraction != 1.0;
    labelled
        && (!arm.spec.pretrained
            || data.pretraining.dataset.is_published_corpus()
                && is_whole("pretraining", arm, selects, PUBLISHED_UNLABELLED, datasets))
}

/// Whether what the arm used in `role` is a data set of `images` images. An arm that selects some of them is held against the
/// arms that use the same data set whole; where there are none, it cannot be told.
fn is_whole(role: &str, arm: &Arm, selects: bool, images: u64, datasets: &[DatasetInput]) -> bool {
    // What one protocol removes from the data set, the other holds.
    let mut sets: Vec<&DatasetInput> = datasets.iter().filter(|set| set.role == role).collect();
    if sets.iter().any(|set| !is_reduced(set)) {
        sets.retain(|set| !is_reduced(set));
    }
    let of_role = || sets.iter();
    let Some(own) = of_role().find(|set| set.arms.is_empty() || set.arms.contains(&arm.spec.label)) else {
        return false;
    };
    if selects {
        of_role().any(|set| set.digest == own.digest && holds(set, images)) && total(own) < images
    } else {
        holds(own, images)
    }
}

fn total(set: &DatasetInput) -> u64 {
    set.splits.iter().map(|split| split.images).sum()
}

/// Whether equal pictures were removed from it.
fn is_reduced(set: &DatasetInput) -> bool {
    set.repeated.is_some_and(|repeated| repeated.removed && repeated.pictures > 0)
}

/// Whether it is of `images` images, before equal ones were removed: each takes one of its class, and one of the other is cut with it.
fn holds(set: &DatasetInput, images: u64) -> bool {
    let removed = set.repeated.filter(|repeated| repeated.removed).map_or(0, |repeated| repeated.pictures);
    (images.saturating_sub(2 * removed)..=images).contains(&total(set))
}

#[cfg(test)]
mod tests;
