//! The page on a report's data: how many images of each breed in each split, and a contact sheet of test images.

use crate::{
    contact::{self, Tile},
    data::Data,
    error::ReportError,
    gallery,
    input::DatasetInput,
    markdown::{count, listed, words},
    output::RenderedFile,
    template,
};
use minijinja::{Value, context, value::Serde};
use serde::Serialize;
use std::path::Path;

const TEMPLATE: &str = "data.html.j2";
const PAGE: &str = "data.html";
const SHEET: &str = "gallery/contact.png";

/// A data set as some arms used it.
#[derive(Serialize)]
struct Set<'a> {
    name: &'a str,
    role: &'a str,
    arms: String,
    protocols: String,
    licence: &'a str,
    citation: &'a str,
    digest: &'a str,
    size: u32,
    /// Names of the splits that were used.
    splits: Vec<&'a str>,
    groups: Vec<Group>,
    /// Images in each split, and in all.
    total: Vec<String>,
    left_out: String,
}

/// A breed or class.
#[derive(Serialize)]
struct Group {
    name: String,
    /// Images in each split, and in all.
    images: Vec<String>,
}

/// The page, and the sheet where there are pictures.
pub(crate) fn files(data: &Data, templates: &Path) -> Result<Vec<RenderedFile>, ReportError> {
    let tiles = gallery::clear_images(data)?;
    let sheet = match tiles.first() {
        Some((_, size)) => {
            let size = *size;
            let tiles: Vec<Tile> = tiles.into_iter().map(|(tile, _)| tile).collect();
            Some(contact::sheet_png(&tiles, size)?)
        }
        None => None,
    };
    let sets: Vec<Set<'_>> = data.datasets.iter().map(set).collect();
    let context = context! {
        study => &data.study.study, title => &data.study.title, profile => &data.study.profile,
        sets => Value::from(Serde(sets)),
        sheet => sheet.as_ref().map(|(_, [width, height], alternative)| {
            context! { file => SHEET, width, height, alternative }
        }),
    };
    let page = template::page(templates, TEMPLATE, context)?;
    let mut files = vec![RenderedFile::new(PAGE, page.into_bytes())];
    files.extend(sheet.map(|(png, ..)| RenderedFile::new(SHEET, png)));
    Ok(files)
}

fn set(set: &DatasetInput) -> Set<'_> {
    let splits: Vec<&str> = set.splits.iter().map(|split| split.split.as_str()).collect();
    let counts = |group: &crate::input::GroupCount| -> Vec<u64> {
        let of = |split: &&str| match *split {
            "train" => group.train,
            "validation" => group.validation,
            _ => group.test,
        };
        splits.iter().map(of).collect()
    };
    let with_sum =
        |images: &[u64]| -> Vec<String> { images.iter().copied().chain([images.iter().sum()]).map(count).collect() };
    let group =
        |group: &crate::input::GroupCount| Group { name: words(&group.group), images: with_sum(&counts(group)) };
    let total: Vec<u64> = set.splits.iter().map(|split| split.images).collect();
    Set {
        name: &set.dataset,
        role: &set.role,
        arms: listed(&set.arms),
        protocols: set.protocols.join(", "),
        licence: &set.licence,
        citation: &set.citation,
        digest: &set.digest,
        size: set.size,
        groups: set.groups.iter().map(group).collect(),
        total: with_sum(&total),
        left_out: count(set.left_out.len() as u64),
        splits,
    }
}
