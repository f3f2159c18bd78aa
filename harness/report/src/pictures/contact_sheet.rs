//! The contact sheet: all pictures of a page in one file, each with a copy that shows its mask. The page lays them out.

use super::{
    drawing::{encode, filled, nearest, outlined},
    tile::Tile,
};
use crate::{error::ReportError, markdown::words};
use harness_record::digest;
use image::{GrayImage, RgbImage, imageops};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// The maximum number of sheets in the cache.
const REMEMBERED: usize = 8;

/// The minimum side of a picture on the sheet, in pixels. In a smaller picture, each pixel is enlarged to a square.
const LEAST_SIDE: u32 = 96;

/// A sheet, and the place of each picture in it.
#[derive(Debug, Clone)]
pub(crate) struct Sheet {
    pub(crate) jpeg: Vec<u8>,
    pub(crate) cells: Vec<Cell>,
}

/// A picture and its copy, side by side.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Cell {
    class: String,
    /// The part of the data set, if the pictures come from several.
    part: Option<String>,
    /// True if there is a copy on the right that shows the mask.
    masked: bool,
    /// Distances from the left and upper edge of the sheet, in pixels.
    left: u32,
    top: u32,
    width: u32,
    height: u32,
}

/// Draws the sheet of pictures whose sides have `size` pixels.
pub(crate) fn draw(tiles: &[Tile], size: u32) -> Result<Sheet, ReportError> {
    let side = size * LEAST_SIDE.div_ceil(size.max(1));
    let columns = tiles.len().isqrt().max(1);
    let rows = tiles.len().div_ceil(columns).max(1);
    let mut sheet = RgbImage::new(2 * side.max(1) * columns as u32, side.max(1) * rows as u32);
    let several = tiles.iter().any(|tile| tile.part != tiles[0].part);
    let mut cells = Vec::new();
    for (number, tile) in tiles.iter().enumerate() {
        let (left, top) = (2 * side * (number % columns) as u32, side * (number / columns) as u32);
        put(&mut sheet, (left, top), tile, (size, side))?;
        let masked = tile.classes.is_some();
        cells.push(Cell {
            class: words(&tile.class),
            part: several.then(|| tile.part.clone()),
            masked,
            left,
            top,
            width: if masked { 2 * side } else { side },
            height: side,
        });
    }
    let wrap = |source| ReportError::Picture { path: "contact sheet".into(), source };
    Ok(Sheet { jpeg: encode(&sheet).map_err(wrap)?, cells })
}

/// Draws a picture and, if it has a mask, its copy with the mask.
fn put(
    sheet: &mut RgbImage,
    (left, top): (u32, u32),
    tile: &Tile,
    (size, side): (u32, u32),
) -> Result<(), ReportError> {
    let wrong = || ReportError::Gallery {
        path: "contact sheet".into(),
        message: format!("a picture of {} does not have {size} × {size} pixels", tile.class),
    };
    let small = Some(tile).filter(|tile| tile.rgb.len() as u32 == 3 * size * size);
    let small = small.and_then(|tile| RgbImage::from_raw(size, size, tile.rgb.clone())).ok_or_else(wrong)?;
    let picture = nearest(&small, side);
    if let Some(classes) = &tile.classes {
        let mask = GrayImage::from_raw(size, size, classes.clone()).ok_or_else(wrong)?;
        let mask = nearest(&mask, side);
        let copy = outlined(&filled(&picture, &mask), &mask);
        imageops::replace(sheet, &copy, i64::from(left + side), i64::from(top));
    }
    imageops::replace(sheet, &picture, i64::from(left), i64::from(top));
    Ok(())
}

/// Draws a sheet, or takes it from the cache, because the reports of a profile show the same sheet.
pub(crate) fn of_report(tiles: &[Tile], size: u32) -> Result<Sheet, ReportError> {
    static DRAWN: Mutex<BTreeMap<String, Sheet>> = Mutex::new(BTreeMap::new());
    let drawn = || DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    let what = digest_of(tiles, size);
    if let Some(known) = drawn().get(&what) {
        return Ok(known.clone());
    }
    let sheet = draw(tiles, size)?;
    let mut drawn = drawn();
    if drawn.len() >= REMEMBERED {
        drawn.clear();
    }
    drawn.insert(what, sheet.clone());
    Ok(sheet)
}

fn digest_of(tiles: &[Tile], size: u32) -> String {
    let mut bytes = size.to_le_bytes().to_vec();
    for tile in tiles {
        let classes = tile.classes.as_deref().unwrap_or_default();
        for part in [tile.class.as_bytes(), tile.part.as_bytes(), &tile.rgb, classes] {
            bytes.extend(part.len().to_le_bytes());
            bytes.extend(part);
        }
    }
    digest::of_bytes(&bytes)
}
