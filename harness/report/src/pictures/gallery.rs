//! The gallery: the truth above and predictions below. A sheet shows one photograph, with one column for each
//! condition. If there is only one condition, a sheet shows several photographs, with one column each.

use super::{
    drawing::{encode, filled, nearest, outlined},
    tile::Tile,
};
use crate::{
    error::ReportError,
    figures::{
        data::Data,
        metrics::{Metric, is_over_batches},
    },
    inputs::{pictures::Pictures, spec::GallerySpec},
    markdown::{escape, number, words},
};
use harness_record::{
    rows::PictureRow,
    run::file,
    vocabulary::{Condition, PictureContent, PictureSheet, Protocol},
};
use image::{
    DynamicImage, GrayImage, ImageFormat, ImageReader, Limits, Rgb, RgbImage,
    imageops::{self, FilterType},
};
use rayon::prelude::*;
use std::io::Cursor;

/// The height and width of a tile, in pixels.
const TILE: u32 = 128;
/// The space between tiles, in pixels.
const GAP: u32 = 4;
/// The colour between tiles: it can be seen on light and on dark pages.
const BETWEEN: Rgb<u8> = Rgb([128; 3]);
/// The maximum edge length of a sheet of tiles, in pixels.
const LARGEST_EDGE: u32 = 1 << 15;
/// The maximum number of columns of a sheet that shows several photographs.
const COLUMNS: usize = 6;

/// One sheet of the gallery.
#[derive(Debug, Clone)]
pub(crate) struct Sheet {
    /// The file name relative to the report.
    pub(crate) file: String,
    pub(crate) jpeg: Vec<u8>,
    columns: Vec<Column>,
    /// The arm and protocol whose predictions it shows.
    shown: GallerySpec,
}

/// A photograph under a condition.
#[derive(Debug, Clone)]
struct Column {
    image: String,
    group: String,
    condition: Condition,
}

/// Draws all sheets, in the order of the listed photographs.
pub(crate) fn sheets(data: &Data) -> Result<Vec<Sheet>, ReportError> {
    let (Some(pictures), Some(shown)) = (&data.pictures, &data.study.report.gallery) else { return Ok(Vec::new()) };
    let tiles = Tiles::open(pictures)?;
    let sheets = sheets_of_columns(data, &tiles, shown.images);
    let draw = |(i, columns): (usize, Vec<Column>)| {
        let canvas = tiles.sheet(&columns)?;
        let wrap = |source| ReportError::Picture { path: pictures.folder.clone(), source };
        let (file, jpeg) = (format!("gallery/{:02}.jpg", i + 1), encode(&canvas).map_err(wrap)?);
        Ok(Sheet { file, jpeg, columns, shown: shown.clone() })
    };
    sheets.into_par_iter().enumerate().map(draw).collect()
}

/// Returns every test image that was kept, under the first condition, with its truth and its side in pixels.
pub(crate) fn clear_images(data: &Data) -> Result<Vec<(Tile, u32)>, ReportError> {
    let Some(pictures) = &data.pictures else { return Ok(Vec::new()) };
    let tiles = Tiles::open(pictures)?;
    let first = Some(data.first_condition());
    let clear = |row: &&PictureRow| row.content == PictureContent::Image && row.condition == first;
    let tile = |row: &PictureRow| {
        let rgb = tiles.image(&row.image, data.first_condition())?;
        let truth = tiles.mask(PictureContent::Truth, &row.image, None)?;
        let (class, part) = (row.group.clone(), "test".to_owned());
        let side = rgb.width();
        Ok((Tile { class, part, rgb: rgb.into_raw(), classes: Some(truth.into_raw()) }, side))
    };
    pictures.rows.iter().filter(clear).map(tile).collect()
}

/// Chooses the columns of each sheet.
fn sheets_of_columns(data: &Data, tiles: &Tiles<'_>, most: usize) -> Vec<Vec<Column>> {
    let mut images: Vec<&PictureRow> = Vec::new();
    for row in &tiles.pictures.rows {
        if !images.iter().any(|seen| seen.image == row.image) {
            images.push(row);
        }
    }
    // The images are evenly spaced among the kept ones, which are evenly spaced among the test images.
    let (there, wanted) = (images.len(), most.min(images.len()));
    let images: Vec<_> = (0..wanted).map(|i| images[i * there / wanted]).collect();
    let columns = |row: &PictureRow| -> Vec<Column> {
        let conditions = data.study.conditions.iter().map(|c| c.name);
        let shown = conditions.filter(|name| tiles.find(PictureContent::Image, &row.image, Some(*name)).is_some());
        shown.map(|condition| Column { image: row.image.clone(), group: row.group.clone(), condition }).collect()
    };
    let by_image: Vec<_> = images.into_iter().map(columns).filter(|columns| !columns.is_empty()).collect();
    if data.has_conditions() || by_image.is_empty() {
        return by_image;
    }
    let all: Vec<_> = by_image.into_iter().flatten().collect();
    // Use as few sheets as hold all columns, evenly filled.
    let sheets = all.len().div_ceil(COLUMNS);
    all.chunks(all.len().div_ceil(sheets)).map(<[Column]>::to_vec).collect()
}

/// The decoded pictures of a run.
struct Tiles<'a> {
    pictures: &'a Pictures,
    images: RgbImage,
    masks: GrayImage,
}

impl<'a> Tiles<'a> {
    fn open(pictures: &'a Pictures) -> Result<Self, ReportError> {
        Ok(Self {
            images: decoded(pictures, PictureSheet::Images)?.to_rgb8(),
            masks: decoded(pictures, PictureSheet::Masks)?.to_luma8(),
            pictures,
        })
    }

    fn find(&self, content: PictureContent, image: &str, condition: Option<Condition>) -> Option<&PictureRow> {
        let wanted = |row: &&PictureRow| row.content == content && row.image == image && row.condition == condition;
        self.pictures.rows.iter().find(wanted)
    }

    fn sheet(&self, columns: &[Column]) -> Result<RgbImage, ReportError> {
        let edge = |tiles: usize| tiles as u32 * (TILE + GAP) - GAP;
        let at = |tile: usize| i64::from(tile as u32 * (TILE + GAP));
        let mut canvas = RgbImage::from_pixel(edge(columns.len()), edge(2), BETWEEN);
        for (i, column) in columns.iter().enumerate() {
            let picture = self.image(&column.image, column.condition)?;
            let photograph = imageops::resize(&picture, TILE, TILE, FilterType::Triangle);
            let truth = nearest(&self.mask(PictureContent::Truth, &column.image, None)?, TILE);
            imageops::replace(&mut canvas, &outlined(&photograph, &truth), at(i), at(0));
            let mask = self.mask(PictureContent::Prediction, &column.image, Some(column.condition))?;
            let mask = nearest(&mask, TILE);
            let tile = outlined(&filled(&photograph, &mask), &mask);
            imageops::replace(&mut canvas, &tile, at(i), at(1));
        }
        Ok(canvas)
    }

    fn image(&self, image: &str, condition: Condition) -> Result<RgbImage, ReportError> {
        let (x, y, side) = self.place(PictureContent::Image, image, Some(condition), PictureSheet::Images)?;
        Ok(imageops::crop_imm(&self.images, x, y, side, side).to_image())
    }

    fn mask(
        &self,
        content: PictureContent,
        image: &str,
        condition: Option<Condition>,
    ) -> Result<GrayImage, ReportError> {
        let (x, y, side) = self.place(content, image, condition, PictureSheet::Masks)?;
        Ok(imageops::crop_imm(&self.masks, x, y, side, side).to_image())
    }

    /// Returns the upper left corner of a tile in its sheet, and its side.
    fn place(
        &self,
        content: PictureContent,
        image: &str,
        condition: Option<Condition>,
        sheet: PictureSheet,
    ) -> Result<(u32, u32, u32), ReportError> {
        let refuse =
            |message: String| Err(ReportError::Gallery { path: self.pictures.folder.join(file::PICTURES), message });
        let Some(row) = self.find(content, image, condition).filter(|row| row.sheet == sheet) else {
            let at = condition.map_or(String::new(), |condition| format!(" under {condition}"));
            return refuse(format!("no {content} of {image}{at} is listed in {sheet}"));
        };
        let (width, height) = match sheet {
            PictureSheet::Images => self.images.dimensions(),
            PictureSheet::Masks => self.masks.dimensions(),
        };
        let rows = self.pictures.rows.iter().filter(|row| row.sheet == sheet).map(|row| row.row).max();
        let side = height / rows.unwrap_or(0).saturating_add(1);
        match (row.column.checked_mul(side), row.row.checked_mul(side)) {
            (Some(x), Some(y)) if side > 0 && x <= width - side.min(width) && side <= width => Ok((x, y, side)),
            _ => refuse(format!("{sheet} has no tile in row {} and column {}", row.row, row.column)),
        }
    }
}

fn decoded(pictures: &Pictures, sheet: PictureSheet) -> Result<DynamicImage, ReportError> {
    let mut reader = ImageReader::with_format(Cursor::new(pictures.sheet(sheet)), ImageFormat::Png);
    let mut limits = Limits::default();
    limits.max_image_width = Some(LARGEST_EDGE);
    limits.max_image_height = Some(LARGEST_EDGE);
    reader.limits(limits);
    let path = || pictures.folder.join(sheet.name());
    reader.decode().map_err(|source| ReportError::Picture { path: path(), source })
}

impl Sheet {
    /// Formats the sheet as Markdown: the picture, and a caption with the score of each column.
    fn to_markdown(&self, data: &Data) -> String {
        format!(
            "![{}]({})\n\nFigure: {}. {}\n",
            escape(&self.alternative(data)),
            self.file,
            self.photographs().iter().map(|name| escape(name)).collect::<Vec<_>>().join(", "),
            self.scores_in_words(data)
        )
    }

    /// Returns the file names with breeds, each once.
    fn photographs(&self) -> Vec<String> {
        let mut names: Vec<_> = self.columns.iter().map(|c| format!("{} ({})", c.image, words(&c.group))).collect();
        names.dedup();
        names
    }

    fn scores_in_words(&self, data: &Data) -> String {
        let GallerySpec { arm, protocol, .. } = &self.shown;
        let Some(metric) = dice_of_image(data, arm, *protocol) else { return String::new() };
        let score = |column: &Column| {
            let value = data.scores.of_image(&column.image, (arm, column.condition, *protocol), metric);
            let value = value.map_or("not known".to_owned(), number);
            let label = escape(&data.condition_label(column.condition));
            if data.has_conditions() { format!("{value} at {label}") } else { value }
        };
        let scores: Vec<_> = self.columns.iter().map(score).collect();
        format!("{} of {}: {}.", metric.label, row_label(data, &self.shown), scores.join(", "))
    }

    /// Describes the sheet for readers who cannot see it.
    fn alternative(&self, data: &Data) -> String {
        let labels: Vec<_> = self.columns.iter().map(|c| data.condition_label(c.condition)).collect();
        let names = self.photographs();
        format!(
            "{} {}{}, with true and predicted outlines of pet and border",
            if names.len() > 1 { "Pictures" } else { "Picture" },
            names.join(", "),
            if data.has_conditions() { format!(" under the conditions {}", labels.join(", ")) } else { String::new() }
        )
    }
}

/// Returns the Dice metric that has a value for each image. If the arm's Dice is computed over whole batches, this is
/// the hard Dice.
fn dice_of_image(data: &Data, arm: &str, protocol: Protocol) -> Option<&'static Metric> {
    let dice = Metric::find("dice")?;
    if is_over_batches(data.column(arm, dice, protocol)) { Metric::find("hard_dice") } else { Some(dice) }
}

fn row_label(data: &Data, shown: &GallerySpec) -> String {
    format!("{} ({} protocol)", escape(data.arm_label(&shown.arm)), shown.protocol)
}

/// Formats all sheets as Markdown, after a sentence on how to read them.
pub(crate) fn to_markdown(data: &Data, sheets: &[Sheet]) -> String {
    let Some(first) = sheets.first() else { return "There are no pictures.\n".to_owned() };
    let labels: Vec<_> = first.columns.iter().map(|c| escape(&data.condition_label(c.condition))).collect();
    let columns = if data.has_conditions() { labels.join(", ") } else { "one picture each".to_owned() };
    let reading = format!(
        "Columns: {columns}. First row: the truth as outlines; below it the predictions of {}, as outlines and fills. The \
         pet is blue and its border orange.",
        row_label(data, &first.shown)
    );
    let sheets: Vec<_> = sheets.iter().map(|sheet| sheet.to_markdown(data)).collect();
    format!("{reading}\n\n{}", sheets.join("\n"))
}
