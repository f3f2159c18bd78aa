//! The contact sheet: pictures in a grid, each beside a copy with its mask and above its class.

use super::{
    drawing::{encode, filled, nearest, opaque, outlined},
    lettering::Lettering,
    tile::Tile,
};
use crate::{error::ReportError, markdown::words};
use harness_record::digest;
use image::{GrayImage, RgbImage, Rgba, RgbaImage, imageops};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Mutex, PoisonError},
};

/// The file name of a data set's sheet.
pub(crate) const SHEET: &str = "sheet.png";
/// The size limit for the sheet of a report, in bytes.
const BUDGET: usize = 60_000;
/// The maximum number of cached report sheets.
const REMEMBERED: usize = 8;

/// The width that a sheet may fill with columns, in pixels.
const WIDTH: u32 = 1024;
/// The minimum number of columns, however wide they are.
const LEAST_COLUMNS: u32 = 2;
/// The minimum side of a picture on the sheet. In a smaller picture, each pixel is enlarged to a square.
const LEAST_SIDE: u32 = 64;
/// The space between cells, in pixels.
const GAP: u32 = 8;
/// The space between a picture and its copy, in pixels.
const SEAM: u32 = 2;
/// The height of the strip with a cell's class (`STRIP`) and of its letters (`LETTERS`), in pixels.
const STRIP: u32 = 22;
const LETTERS: f32 = 15.0;
/// The space on the left and right of the letters, in pixels.
const MARGIN: f32 = 6.0;

/// The colours of the strip: background, class and part.
const PAPER: [u8; 3] = [38, 45, 56];
const INK: [u8; 3] = [240, 243, 248];
const MUTED: [u8; 3] = [176, 185, 199];

/// Draws the sheet.
pub(crate) fn draw(tiles: &[Tile], size: u32) -> Result<RgbaImage, ReportError> {
    let grid = Grid::new(tiles, size);
    let letters = Lettering::new(LETTERS)?;
    // The space between cells is transparent, so that it has the colour of the page.
    let (columns, rows) = (grid.columns, (tiles.len() as u32).div_ceil(grid.columns));
    let mut sheet = RgbaImage::new(extent(columns, grid.cell), extent(rows, grid.side + STRIP));
    for (number, tile) in (0..).zip(tiles) {
        let (column, row) = (number % columns, number / columns);
        let corner = (column * (grid.cell + GAP), row * (grid.side + STRIP + GAP));
        grid.picture(&mut sheet, corner, tile)?;
        grid.caption(&mut sheet, corner, tile, &letters);
    }
    Ok(sheet)
}

/// Returns the number of pixels for a number of cells with the gaps between them; at least one pixel.
fn extent(cells: u32, each: u32) -> u32 {
    (cells * (each + GAP)).saturating_sub(GAP).max(1)
}

/// The layout of the cells.
struct Grid {
    /// The side of a picture in the data, in pixels.
    size: u32,
    /// The side of a picture on the sheet, in pixels.
    side: u32,
    /// The width of a cell, which holds a picture or a picture and its copy.
    cell: u32,
    columns: u32,
    /// True if the pictures come from several parts, so that the part is worth naming.
    parts: bool,
}

impl Grid {
    fn new(tiles: &[Tile], size: u32) -> Self {
        let side = size * LEAST_SIDE.div_ceil(size.max(1));
        let pairs = tiles.iter().any(|tile| tile.classes.is_some());
        let cell = if pairs { 2 * side + SEAM } else { side };
        let fitting = ((WIDTH + GAP) / (cell + GAP)).max(LEAST_COLUMNS);
        let parts = tiles.iter().any(|tile| tile.part != tiles[0].part);
        Self { size, side, cell, columns: fitting.min(tiles.len().max(1) as u32), parts }
    }

    /// Draws the picture and, if it has a mask, its copy with the mask.
    fn picture(&self, sheet: &mut RgbaImage, (x, y): (u32, u32), tile: &Tile) -> Result<(), ReportError> {
        let wrong = || ReportError::Gallery {
            path: SHEET.into(),
            message: format!("a picture of {} has not {} × {} pixels", tile.class, self.size, self.size),
        };
        let small = RgbImage::from_raw(self.size, self.size, tile.rgb.clone()).ok_or_else(wrong)?;
        let small = Some(small).filter(|_| tile.rgb.len() as u32 == 3 * self.size * self.size).ok_or_else(wrong)?;
        let picture = nearest(&small, self.side);
        if let Some(classes) = &tile.classes {
            let mask = GrayImage::from_raw(self.size, self.size, classes.clone()).ok_or_else(wrong)?;
            let mask = nearest(&mask, self.side);
            let copy = outlined(&filled(&picture, &mask), &mask);
            imageops::replace(sheet, &opaque(copy), i64::from(x + self.side + SEAM), i64::from(y));
        }
        imageops::replace(sheet, &opaque(picture), i64::from(x), i64::from(y));
        Ok(())
    }

    /// Writes the class on the left. If there are several parts and enough room, it writes the part on the right.
    fn caption(&self, sheet: &mut RgbaImage, (x, y): (u32, u32), tile: &Tile, letters: &Lettering) {
        let [r, g, b] = PAPER;
        let strip = RgbaImage::from_pixel(self.cell, STRIP, Rgba([r, g, b, 255]));
        imageops::replace(sheet, &strip, i64::from(x), i64::from(y + self.side));
        let room = self.cell as f32 - 2.0 * MARGIN;
        let (left, top) = (x as f32 + MARGIN, (y + self.side) as f32 + (STRIP as f32 - LETTERS) / 2.0);
        let class = letters.fitted(&words(&tile.class), room);
        letters.write(sheet, (left, top), INK, &class);
        let part = letters.width(&tile.part);
        if self.parts && letters.width(&class) + 2.0 * MARGIN + part <= room {
            letters.write(sheet, (left + room - part, top), MUTED, &tile.part);
        }
    }
}

/// A sheet by itself: the PNG (with fewer colour levels if it would be large), its width and height, and its text
/// alternative.
type Sheet = (Vec<u8>, [u32; 2], String);

/// Draws a sheet, or returns it from the cache, because the reports of a profile show the same sheet.
pub(crate) fn sheet_png(tiles: &[Tile], size: u32) -> Result<Sheet, ReportError> {
    static DRAWN: Mutex<BTreeMap<String, Sheet>> = Mutex::new(BTreeMap::new());
    let drawn = || DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    let what = digest_of(tiles, size);
    if let Some(known) = drawn().get(&what) {
        return Ok(known.clone());
    }
    let sheet = draw(tiles, size)?;
    let png = encode(&sheet, BUDGET).map_err(|source| ReportError::Picture { path: SHEET.into(), source })?;
    let found = (png, [sheet.width(), sheet.height()], alternative(tiles));
    let mut drawn = drawn();
    if drawn.len() >= REMEMBERED {
        drawn.clear();
    }
    drawn.insert(what, found.clone());
    Ok(found)
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

/// Describes a sheet for readers who cannot see it.
pub(crate) fn alternative(tiles: &[Tile]) -> String {
    let mut classes: BTreeMap<&str, usize> = BTreeMap::new();
    for tile in tiles {
        *classes.entry(&tile.class).or_default() += 1;
    }
    let masks = tiles.iter().filter(|tile| tile.classes.is_some()).count();
    let mut text = format!("Contact sheet of {} pictures", tiles.len());
    let _ = match masks {
        0 => Ok(()),
        all if all == tiles.len() => write!(text, ", each beside a copy with its mask drawn over"),
        some => write!(text, ", {some} of them beside a copy with their mask drawn over"),
    };
    let named: Vec<String> = classes.iter().map(|(class, n)| format!("{n} of {}", words(class))).collect();
    let _ = write!(text, ": {}.", named.join(", "));
    text
}
