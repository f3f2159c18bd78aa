//! The overview of a data set: the number of pictures of each class, the files left out, and a contact sheet with the
//! masks drawn on top.

pub use crate::pictures::tile::Tile;

use crate::{
    error::ReportError,
    output::{RenderedFile, csv},
    pictures::contact_sheet,
    template::engine,
};
use harness_record::rows::FileRow;
use minijinja::{Value, context, value::Serde};
use serde::Serialize;
use std::{collections::BTreeMap, path::Path};

const TEMPLATE: &str = "contact.html.j2";
const COUNTS: &str = "counts.csv";
const LEFT_OUT: &str = "left_out.csv";
const SHEET: &str = "sheet.jpg";

/// The facts about a data set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The name by which it was asked for.
    pub name: String,
    /// The readable name.
    pub title: String,
    /// The licence.
    pub licence: String,
    /// The work to cite.
    pub citation: String,
    /// The address of its home page; empty if it has none.
    pub homepage: String,
    /// The names of the parts that have pictures.
    pub parts: Vec<String>,
    /// The number of pictures of each class, sorted by name.
    pub classes: Vec<Counts>,
    /// The number of pictures of all classes.
    pub total: Counts,
    /// The files that are not used, most frequent reason first.
    pub left_out: Vec<LeftOut>,
    /// The number of files that a balanced draw left over.
    pub not_drawn: u64,
    /// The pixels of all trimaps by class; empty if there are no trimaps.
    pub pixels: Vec<Share>,
    /// The widths and heights of the files; `None` if the pictures are drawn by the program or cannot be measured.
    pub sides: Option<Sides>,
    /// The side to which pictures were resized, in pixels.
    pub size: u32,
}

/// The number of pictures of a class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// The breed or class; `total` for all.
    pub class: String,
    /// The number of pictures in each part.
    pub images: BTreeMap<String, u64>,
    /// The number of pictures in all parts.
    pub total: u64,
}

/// Files that are not used for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The number of files.
    pub files: u64,
    /// `skipped` if they are damaged or missing, `unused` if nothing says what they are for.
    pub how: String,
    /// The reason, in the words for the first of the files.
    pub reason: String,
    /// True if the reason has other words for the other files, such as their own names or numbers.
    pub alike: bool,
}

/// The pixels of a class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Share {
    /// `pet`, `background` or `border`.
    pub class: String,
    /// The number of pixels, at [`Summary::size`].
    pub pixels: u64,
    /// The percentage of all pixels, with one decimal.
    pub percent: f64,
}

/// The widths and heights of all files, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Sides {
    /// The smallest width or height.
    pub smallest: u32,
    /// The median; the smaller one if two are in the middle.
    pub median: u32,
    /// The largest width or height.
    pub largest: u32,
}

/// Renders `counts.csv`, `index.html`, `left_out.csv` and `sheet.jpg`. The sheet shows `tiles` in their order.
///
/// # Errors
/// Fails if the template is missing or asks for something that does not exist, or if a tile is not `size` pixels wide
/// and high.
pub fn render(
    summary: &Summary,
    tiles: &[Tile],
    left_out: &[FileRow],
    templates: &Path,
) -> Result<Vec<RenderedFile>, ReportError> {
    let sheet = contact_sheet::draw(tiles, summary.size)?;
    let pairs = tiles.iter().any(|tile| tile.classes.is_some());
    let sheet_of = context! { file => SHEET, cells => Value::from(Serde(&sheet.cells)), pairs };
    let context =
        context! { summary => Value::from(Serde(summary)), sheet => sheet_of, counts => COUNTS, left_out => LEFT_OUT };
    let page = engine::page(templates, TEMPLATE, context)?;
    Ok(vec![
        RenderedFile::new(COUNTS, counts(summary)?),
        RenderedFile::new("index.html", page.into_bytes()),
        RenderedFile::new(LEFT_OUT, csv(LEFT_OUT, ["split", "file", "group", "reason"], left_out)?),
        RenderedFile::new(SHEET, sheet.jpeg),
    ])
}

/// Returns one row for each class and part, as CSV.
fn counts(summary: &Summary) -> Result<Vec<u8>, ReportError> {
    let of = |counts: &Counts, part: &String| counts.images.get(part).copied().unwrap_or_default();
    let rows: Vec<(&str, &str, u64)> = summary
        .classes
        .iter()
        .flat_map(|class| summary.parts.iter().map(move |part| (class.class.as_str(), part.as_str(), of(class, part))))
        .collect();
    csv(COUNTS, ["class", "part", "images"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile(class: &str, masked: bool) -> Tile {
        Tile {
            class: class.into(),
            part: "test".into(),
            rgb: [90, 140, 60].repeat(32 * 32),
            classes: masked.then(|| (0..32 * 32).map(|i| u8::from(i % 32 > 16)).collect()),
        }
    }

    fn summary(class: &str) -> Summary {
        let counts = |class: &str| Counts { class: class.into(), images: [("test".into(), 2)].into(), total: 2 };
        Summary {
            name: "x".into(),
            title: "X".into(),
            licence: "none".into(),
            citation: "none".into(),
            homepage: String::new(),
            parts: vec!["test".into()],
            classes: vec![counts(class)],
            total: counts("total"),
            left_out: Vec::new(),
            not_drawn: 0,
            pixels: Vec::new(),
            sides: None,
            size: 32,
        }
    }

    fn rendered(summary: &Summary, tiles: &[Tile]) -> BTreeMap<String, Vec<u8>> {
        let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../templates");
        let files = render(summary, tiles, &[], &templates).unwrap();
        files.into_iter().map(|file| (file.path.display().to_string(), file.bytes)).collect()
    }

    #[test]
    fn a_picture_and_tables_with_headers() {
        let files = rendered(&summary("Maine_Coon"), &[tile("Maine_Coon", true), tile("Maine_Coon", false)]);
        assert_eq!(files["counts.csv"], b"class,part,images\nMaine_Coon,test,2\n");
        assert_eq!(files["left_out.csv"], b"split,file,group,reason\n");
        let sheet = mozjpeg::Decompress::new_mem(&files["sheet.jpg"]).unwrap();
        assert_eq!(sheet.size(), (2 * 96, 2 * 96));
        let page = String::from_utf8(files["index.html"].clone()).unwrap();
        let [pair, single] =
            ["alt=\"Maine Coon; on the right with its mask\" width=\"192\"", "alt=\"Maine Coon\" width=\"96\""];
        assert!(page.contains(pair) && page.contains(single), "{page}");
    }

    #[test]
    fn names_stay_text() {
        let class = "<script>alert(1)</script>\" onload=\"x";
        let files = rendered(&summary(class), &[tile(class, false)]);
        let page = String::from_utf8(files["index.html"].clone()).unwrap();
        assert!(page.contains("&lt;script&gt;alert(1)") && !page.contains("<script") && !page.contains("\" onload="));
    }

    #[test]
    fn a_tile_of_another_size_is_refused() {
        let small = Tile { rgb: vec![0; 12], ..tile("a", false) };
        let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../templates");
        assert!(render(&summary("a"), &[small], &[], &templates).is_err());
    }
}
