//! `data show`: counts a data set's pictures by class and part, and draws a contact sheet with the masks on top.

mod choice;
mod look;
mod summary;

use super::dataset;
use crate::{
    cli::{DataShow, Folders},
    failure::{Failure, Outcome},
    manifests::Manifests,
    output::{count, say, say_json, table},
    progress::Progress,
};
use harness_record::{files, store::Store};
use harness_report::contact::{self, Counts, Summary};
use harness_study::spec::diagnosis::printable;
use look::Look;
use std::path::Path;

pub(super) fn run(options: &DataShow, manifests: &Manifests, folders: &Folders, progress: &Progress) -> Outcome {
    let spec = dataset::named(&options.dataset, manifests)?;
    dataset::must_be_there(&spec, manifests, &folders.data, "cannot be shown")?;
    let cache = Store::new(&folders.store).cache();
    let look = Look::new(&spec, &folders.data, &cache, options.size, progress)?;
    let summary = summary::of(&options.dataset, &spec, &look, manifests)?;
    if let Some(out) = &options.out {
        let wanted = options.images.map(usize::from);
        let tiles = choice::tiles(&look.pictures, wanted.unwrap_or_else(|| summary.classes.len().clamp(24, 60)));
        let rendered = contact::render(&summary, &tiles, &look.left_out(), &folders.root.join("templates"));
        for file in rendered.map_err(Failure::run)? {
            files::write(&out.join(&file.path), &file.bytes)?;
        }
    }
    if options.json { say_json(&summary) } else { print(&summary, options.out.as_deref()) }
}

fn print(summary: &Summary, out: Option<&Path>) -> Outcome {
    let tell = |line: &str| say(&printable(line));
    tell(&summary.title)?;
    say("")?;
    say(&table(&counts(summary)))?;
    say("")?;
    if !summary.left_out.is_empty() {
        let files = summary.left_out.iter().map(|row| row.files as usize).sum();
        tell(&format!("left out: {}", count(files, "file")))?;
        for row in &summary.left_out {
            let alike = if row.alike { ", and the like" } else { "" };
            tell(&format!("  {} {}: {}{alike}", row.files, row.how, row.reason))?;
        }
    }
    if summary.not_drawn > 0 {
        tell(&format!("not shown: {} more, so that every class has the same number", summary.not_drawn))?;
    }
    if !summary.pixels.is_empty() {
        let shares: Vec<String> =
            summary.pixels.iter().map(|share| format!("{} {:.1} %", share.class, share.percent)).collect();
        tell(&format!("pixels of trimaps: {}", shares.join(", ")))?;
    }
    if let Some(sides) = summary.sides {
        let contact::Sides { smallest, median, largest } = sides;
        tell(&format!("widths and heights: {smallest} to {largest} px, median {median} px"))?;
    }
    tell(&format!("licence: {}", summary.licence))?;
    tell(&format!("citation: {}", summary.citation))?;
    if !summary.homepage.is_empty() {
        tell(&format!("page: {}", summary.homepage))?;
    }
    match out {
        Some(out) => tell(&format!("page and contact sheet: {}", out.join("index.html").display())),
        None => Ok(()),
    }
}

/// The table of classes by parts, with right-aligned numbers.
fn counts(summary: &Summary) -> Vec<Vec<String>> {
    let row = |counts: &Counts| {
        let parts = summary.parts.iter().map(|part| counts.images.get(part).copied().unwrap_or_default().to_string());
        [counts.class.clone()].into_iter().chain(parts).chain([counts.total.to_string()]).collect::<Vec<_>>()
    };
    let mut rows = vec![[&["class".to_owned()], &summary.parts[..], &["total".to_owned()]].concat()];
    rows.extend(summary.classes.iter().map(row));
    rows.push(row(&summary.total));
    for column in 1..summary.parts.len() + 2 {
        let width = rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        for row in &mut rows {
            row[column] = format!("{:>width$}", row[column]);
        }
    }
    rows
}
