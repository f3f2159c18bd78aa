//! The gallery: the truth above and predictions below. A sheet shows one photograph, with a column a condition; where there
//! is but one condition, it shows several photographs, with a column each.

use super::{
    drawing::{encode, filled, nearest, opaque, outlined},
    tile::Tile,
};
use crate::{
    error::ReportError,
    figures::{
        data::Data,
        metrics::{Metric, is_over_batches},
    },
    inputs::gallery::{GalleryKind, GalleryRow},
    markdown::{escape, number, words},
};
use harness_record::files;
use image::{
    GrayImage, ImageFormat, ImageReader, Limits, RgbImage, RgbaImage,
    imageops::{self, FilterType},
};
use rayon::prelude::*;
use std::{
    io::Cursor,
    path::{Path, PathBuf},
};

/// Height and width of a tile, in pixels.
const TILE: u32 = 136;
/// Space between tiles.
const GAP: u32 = 4;
/// Bytes that all sheets together may have.
const BUDGET: usize = 1_000_000;
/// The most that is read of one picture: they are at most a few hundred pixels wide.
const PICTURE_LIMIT: u64 = 16 << 20;
/// The most pixels along an edge of a picture.
const LARGEST_EDGE: u32 = 4096;
/// Columns of a sheet that shows several photographs.
const COLUMNS: usize = 6;
/// The fewest columns that a sheet is as wide as: a page sets every sheet in the same width.
const LEAST_COLUMNS: usize = 4;

/// One sheet of the gallery.
#[derive(Debug, Clone)]
pub(crate) struct Sheet {
    /// File name relative to the report.
    pub(crate) file: String,
    pub(crate) png: Vec<u8>,
    columns: Vec<Column>,
    /// Arm and protocol of each row of predictions.
    predictions: Vec<(String, String)>,
}

/// A photograph under a condition.
#[derive(Debug, Clone)]
struct Column {
    image: String,
    group: String,
    condition: String,
}

/// Draws all sheets, in the order in which the photographs are listed.
pub(crate) fn sheets(data: &Data) -> Result<Vec<Sheet>, ReportError> {
    let pictures = Pictures { dir: data.dir.join("gallery"), rows: &data.gallery };
    let predictions = pictures.predictions(data);
    let sheets = sheets_of_columns(data, &pictures);
    let budget = BUDGET / sheets.len().max(1);
    let draw = |(i, columns): (usize, Vec<Column>)| {
        let canvas = pictures.sheet(&columns, &predictions)?;
        let wrap = |source| ReportError::Picture { path: pictures.dir.clone(), source };
        let (file, png) = (format!("gallery/{:02}.png", i + 1), encode(&canvas, budget).map_err(wrap)?);
        Ok(Sheet { file, png, columns, predictions: predictions.clone() })
    };
    sheets.into_par_iter().enumerate().map(draw).collect()
}

/// Every test image that was kept, under the first condition, with its truth, and its side in pixels.
pub(crate) fn clear_images(data: &Data) -> Result<Vec<(Tile, u32)>, ReportError> {
    let pictures = Pictures { dir: data.dir.join("gallery"), rows: &data.gallery };
    let clear = |row: &&GalleryRow| row.kind == GalleryKind::Image && row.condition == data.first_condition();
    let tile = |row: &GalleryRow| {
        let rgb = pictures.open(GalleryKind::Image, &row.image, [&row.condition, "", ""])?.to_rgb8();
        let truth = pictures.open(GalleryKind::Truth, &row.image, ["", "", ""])?.to_luma8();
        let (class, part) = (row.group.clone(), "test".to_owned());
        let side = rgb.width();
        Ok((Tile { class, part, rgb: rgb.into_raw(), classes: Some(truth.into_raw()) }, side))
    };
    data.gallery.iter().filter(clear).map(tile).collect()
}

/// What the sheets show.
fn sheets_of_columns(data: &Data, pictures: &Pictures<'_>) -> Vec<Vec<Column>> {
    let mut images: Vec<&GalleryRow> = Vec::new();
    for row in &data.gallery {
        if !images.iter().any(|seen| seen.image == row.image) {
            images.push(row);
        }
    }
    images.truncate(data.study.report.gallery.as_ref().map_or(0, |g| g.images));
    let columns = |row: &GalleryRow| -> Vec<Column> {
        let conditions = data.study.conditions.iter().map(|c| c.name.clone());
        let shown = conditions.filter(|name| pictures.find(GalleryKind::Image, &row.image, [name, "", ""]).is_some());
        shown.map(|condition| Column { image: row.image.clone(), group: row.group.clone(), condition }).collect()
    };
    let by_image: Vec<_> = images.into_iter().map(columns).filter(|columns| !columns.is_empty()).collect();
    if data.has_conditions() || by_image.is_empty() {
        return by_image;
    }
    let all: Vec<_> = by_image.into_iter().flatten().collect();
    // As few sheets as hold them all, evenly filled.
    let sheets = all.len().div_ceil(COLUMNS);
    all.chunks(all.len().div_ceil(sheets)).map(<[Column]>::to_vec).collect()
}

/// The pictures of the data folder.
struct Pictures<'a> {
    dir: PathBuf,
    rows: &'a [GalleryRow],
}

impl Pictures<'_> {
    fn find(&self, kind: GalleryKind, image: &str, [condition, arm, protocol]: [&str; 3]) -> Option<&GalleryRow> {
        let wanted = |row: &&GalleryRow| {
            (row.kind == kind && row.image == image)
                && (row.condition == condition && row.arm == arm && row.protocol == protocol)
        };
        self.rows.iter().find(wanted)
    }

    /// Arm and protocol of the predictions there are, in the order of the study.
    fn predictions(&self, data: &Data) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for arm in &data.study.arms {
            for protocol in &data.study.protocols {
                let of = |row: &&GalleryRow| row.kind == GalleryKind::Prediction && row.arm == arm.name;
                if self.rows.iter().filter(of).any(|row| row.protocol == *protocol) {
                    found.push((arm.name.clone(), protocol.clone()));
                }
            }
        }
        found
    }

    fn sheet(&self, columns: &[Column], predictions: &[(String, String)]) -> Result<RgbaImage, ReportError> {
        let edge = |tiles: usize| tiles as u32 * (TILE + GAP) - GAP;
        let at = |tile: usize| i64::from(tile as u32 * (TILE + GAP));
        // Transparent, so that the space between tiles is light or dark as the page is.
        let mut canvas = RgbaImage::new(edge(columns.len().max(LEAST_COLUMNS)), edge(1 + predictions.len()));
        for (i, column) in columns.iter().enumerate() {
            let photograph = self.photograph(column)?;
            let truth = self.mask(GalleryKind::Truth, column, ["", "", ""])?;
            imageops::replace(&mut canvas, &opaque(outlined(&photograph, &truth)), at(i), at(0));
            for (row, (arm, protocol)) in predictions.iter().enumerate() {
                let mask = self.mask(GalleryKind::Prediction, column, [&column.condition, arm, protocol])?;
                let tile = outlined(&filled(&photograph, &mask), &mask);
                imageops::replace(&mut canvas, &opaque(tile), at(i), at(row + 1));
            }
        }
        Ok(canvas)
    }

    fn photograph(&self, column: &Column) -> Result<RgbImage, ReportError> {
        let picture = self.open(GalleryKind::Image, &column.image, [&column.condition, "", ""])?.to_rgb8();
        Ok(imageops::resize(&picture, TILE, TILE, FilterType::Triangle))
    }

    fn mask(&self, kind: GalleryKind, column: &Column, place: [&str; 3]) -> Result<GrayImage, ReportError> {
        let picture = self.open(kind, &column.image, place)?.to_luma8();
        Ok(nearest(&picture, TILE))
    }

    fn open(&self, kind: GalleryKind, image: &str, place: [&str; 3]) -> Result<image::DynamicImage, ReportError> {
        let list = || self.dir.join("index.csv");
        let missing = |message: String| ReportError::Gallery { path: list(), message };
        let Some(row) = self.find(kind, image, place) else {
            return Err(missing(format!("no {kind:?} is listed for {}", place.join(" ").trim()).to_lowercase()));
        };
        // The list comes with the data, and the data may come from a stranger: stay in the folder.
        if Path::new(&row.file).file_name() != Some(row.file.as_ref()) {
            return Err(missing(format!("`{}` is not the name of a file in this folder", row.file)));
        }
        let path = self.dir.join(&row.file);
        let bytes = files::read(&path, PICTURE_LIMIT)?;
        let mut reader = ImageReader::with_format(Cursor::new(bytes), ImageFormat::Png);
        let mut limits = Limits::default();
        limits.max_image_width = Some(LARGEST_EDGE);
        limits.max_image_height = Some(LARGEST_EDGE);
        reader.limits(limits);
        reader.decode().map_err(|source| ReportError::Picture { path, source })
    }
}

impl Sheet {
    /// The sheet in Markdown: the picture, and a caption with the score of each column.
    fn to_markdown(&self, data: &Data) -> String {
        let rows = self.predictions.iter().map(|row| self.scores_in_words(data, row));
        format!(
            "![{}]({})\n\nFigure: {}. {}\n",
            escape(&self.alternative(data)),
            self.file,
            self.photographs().iter().map(|name| escape(name)).collect::<Vec<_>>().join(", "),
            rows.collect::<Vec<_>>().join(" ")
        )
    }

    /// File names with breeds, each once.
    fn photographs(&self) -> Vec<String> {
        let mut names: Vec<_> = self.columns.iter().map(|c| format!("{} ({})", c.image, words(&c.group))).collect();
        names.dedup();
        names
    }

    fn scores_in_words(&self, data: &Data, (arm, protocol): &(String, String)) -> String {
        let Some(metric) = dice_of_image(data, arm, protocol) else { return String::new() };
        let score = |column: &Column| {
            let value = data.scores.of_image(&column.image, [arm, &column.condition, protocol], metric);
            let value = value.map_or("not known".to_owned(), number);
            let label = escape(data.condition_label(&column.condition));
            if data.has_conditions() { format!("{value} at {label}") } else { value }
        };
        let scores: Vec<_> = self.columns.iter().map(score).collect();
        format!("{} of {}: {}.", metric.label, row_label(data, arm, protocol), scores.join(", "))
    }

    /// What the sheet shows, for those who cannot see it.
    fn alternative(&self, data: &Data) -> String {
        let labels: Vec<_> = self.columns.iter().map(|c| data.condition_label(&c.condition)).collect();
        let names = self.photographs();
        format!(
            "{} {}{}, with true and predicted outlines of pet and border",
            if names.len() > 1 { "Pictures" } else { "Picture" },
            names.join(", "),
            if data.has_conditions() { format!(" under the conditions {}", labels.join(", ")) } else { String::new() }
        )
    }
}

/// The Dice that an image has: where the arm's is one of whole batches, the hard one stands in.
fn dice_of_image(data: &Data, arm: &str, protocol: &str) -> Option<&'static Metric> {
    let dice = Metric::find("dice")?;
    if is_over_batches(data.column(arm, dice, protocol)) { Metric::find("hard_dice") } else { Some(dice) }
}

fn row_label(data: &Data, arm: &str, protocol: &str) -> String {
    format!("{} ({} protocol)", escape(data.arm_label(arm)), escape(protocol))
}

/// All sheets in Markdown, after a sentence on how to read them.
pub(crate) fn to_markdown(data: &Data, sheets: &[Sheet]) -> String {
    let Some(first) = sheets.first() else { return "There are no pictures.\n".to_owned() };
    let labels: Vec<_> = first.columns.iter().map(|c| escape(data.condition_label(&c.condition))).collect();
    let columns = if data.has_conditions() { labels.join(", ") } else { "one picture each".to_owned() };
    let rows: Vec<_> = first.predictions.iter().map(|(arm, protocol)| row_label(data, arm, protocol)).collect();
    let reading = format!(
        "Columns: {columns}. First row: the truth as outlines; below it the predictions of {}, as outlines and fills. The \
         pet is blue and its border orange.",
        rows.join(", ")
    );
    let sheets: Vec<_> = sheets.iter().map(|sheet| sheet.to_markdown(data)).collect();
    format!("{reading}\n\n{}", sheets.join("\n"))
}
