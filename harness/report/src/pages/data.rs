//! The page about a report's data: the number of images of each breed in each split, and a contact sheet of test
//! images.

use crate::{
    error::ReportError,
    figures::data::Data,
    inputs::datasets::{DatasetInput, GroupCount},
    markdown::{count, listed, words},
    output::RenderedFile,
    pictures::{contact_sheet, gallery, tile::Tile},
    template::engine,
};
use harness_record::vocabulary::{Purpose, Split};
use minijinja::{Value, context, value::Serde};
use serde::Serialize;
use std::path::Path;

const TEMPLATE: &str = "data.html.j2";
const PAGE: &str = "data.html";
const SHEET: &str = "gallery/contact.jpg";

/// A data set as some arms used it.
#[derive(Serialize)]
struct Set<'a> {
    name: &'a str,
    purpose: Purpose,
    arms: String,
    protocols: String,
    licence: &'a str,
    citation: &'a str,
    digest: &'a str,
    size: u32,
    /// The seed of the run whose images are counted, if every seed draws its own cut.
    seed: Option<u64>,
    /// The names of the splits that were used.
    splits: Vec<Split>,
    groups: Vec<Group>,
    /// The number of images in each split, and in all.
    total: Vec<Cell>,
    left_out: String,
}

/// A breed or class.
#[derive(Serialize)]
struct Group {
    name: String,
    /// The number of images in each split, and in all.
    images: Vec<Cell>,
}

/// A number of images.
#[derive(Serialize)]
struct Cell {
    images: String,
    /// A JSON pointer (RFC 6901) to the number in `study.json`, or to the values that it is the sum of.
    pointer: String,
}

/// Returns the page, and the sheet if there are pictures.
pub(crate) fn files(data: &Data, templates: &Path) -> Result<Vec<RenderedFile>, ReportError> {
    let tiles = gallery::clear_images(data)?;
    let sheet = match tiles.first() {
        Some((_, size)) => {
            let size = *size;
            let tiles: Vec<Tile> = tiles.into_iter().map(|(tile, _)| tile).collect();
            Some(contact_sheet::of_report(&tiles, size)?)
        }
        None => None,
    };
    let sets: Vec<Set<'_>> =
        data.study.datasets.iter().enumerate().map(|(place, used)| set(data, place, used)).collect();
    let context = context! {
        study => &data.study.study, title => &data.study.title, profile => &data.study.profile,
        sets => Value::from(Serde(sets)),
        sheet => sheet.as_ref().map(|sheet| context! { file => SHEET, cells => Value::from(Serde(&sheet.cells)) }),
    };
    let page = engine::page(templates, TEMPLATE, context)?;
    let mut files = vec![RenderedFile::new(PAGE, page.into_bytes())];
    files.extend(sheet.map(|sheet| RenderedFile::new(SHEET, sheet.jpeg)));
    Ok(files)
}

fn set<'a>(data: &Data, place: usize, set: &'a DatasetInput) -> Set<'a> {
    let splits: Vec<Split> = set.splits.iter().map(|split| split.split).collect();
    let of_group = |(at, group): (usize, &GroupCount)| {
        let of = |split: &Split| match split {
            Split::Train => (group.train, "train"),
            Split::Validation => (group.validation, "validation"),
            Split::Test => (group.test, "test"),
        };
        let counts = splits.iter().map(of).map(|(images, member)| (images, format!("/{member}")));
        Group { name: words(&group.group), images: with_sum(&format!("/datasets/{place}/groups/{at}"), counts) }
    };
    let total = set.splits.iter().enumerate().map(|(at, split)| (split.images, format!("/{at}/images")));
    Set {
        name: &set.dataset,
        purpose: set.purpose,
        arms: listed(&data.arm_labels(&set.arms)),
        protocols: set.protocols.iter().map(|protocol| protocol.name()).collect::<Vec<_>>().join(", "),
        licence: &set.licence,
        citation: &set.citation,
        digest: &set.digest,
        size: set.size,
        seed: set.seed,
        groups: set.groups.iter().enumerate().map(of_group).collect(),
        total: with_sum(&format!("/datasets/{place}/splits"), total),
        left_out: count(set.left_out.len() as u64),
        splits,
    }
}

/// Returns numbers of images with their places below `pointer`, followed by their sum.
fn with_sum(pointer: &str, counts: impl Iterator<Item = (u64, String)>) -> Vec<Cell> {
    let (mut cells, mut sum) = (Vec::new(), 0_u64);
    for (images, place) in counts {
        sum = sum.saturating_add(images);
        cells.push(Cell { images: count(images), pointer: format!("{pointer}{place}") });
    }
    cells.push(Cell { images: count(sum), pointer: pointer.to_owned() });
    cells
}
