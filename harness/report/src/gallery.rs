//! The gallery: for each photograph a sheet with a column a condition, the truth above and predictions below.

use crate::{
    data::Data,
    error::ReportError,
    input::{GalleryKind, GalleryRow},
    markdown::{escape, number},
    metric::Metric,
};
use harness_record::files;
use image::{
    GrayImage, ImageEncoder as _, ImageFormat, ImageReader, Limits, Rgb, RgbImage, RgbaImage,
    codecs::png::{CompressionType, FilterType as PngFilter, PngEncoder},
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
/// Index of class background.
const BACKGROUND: u8 = 1;
/// Colours of the classes pet and border (blue and orange of Okabe and Ito), by index.
const COLOURS: [[u8; 3]; 3] = [[86, 180, 233], [0, 0, 0], [230, 159, 0]];

/// One sheet of the gallery.
#[derive(Debug, Clone)]
pub(crate) struct Sheet {
    /// File name relative to the report.
    pub(crate) file: String,
    pub(crate) png: Vec<u8>,
    pub(crate) image: String,
    pub(crate) group: String,
    pub(crate) conditions: Vec<String>,
    /// Arm and protocol of each row of predictions.
    pub(crate) predictions: Vec<(String, String)>,
}

/// Draws all sheets, in the order in which the photographs are listed.
pub(crate) fn sheets(data: &Data) -> Result<Vec<Sheet>, ReportError> {
    let mut images: Vec<&str> = Vec::new();
    for row in &data.gallery {
        if !images.contains(&row.image.as_str()) {
            images.push(&row.image);
        }
    }
    let limit = data.study.report.gallery.as_ref().map_or(images.len(), |g| g.images);
    images.truncate(limit);
    let budget = BUDGET / images.len().max(1);
    images.par_iter().enumerate().map(|(i, image)| sheet(data, i, image, budget)).collect()
}

fn sheet(data: &Data, index: usize, image: &str, budget: usize) -> Result<Sheet, ReportError> {
    let rows: Vec<_> = data.gallery.iter().filter(|row| row.image == image).collect();
    let pictures = Pictures { dir: data.dir.join("gallery"), rows };
    let shown = |name: &str| pictures.find(GalleryKind::Image, [name, "", ""]).is_some();
    let conditions: Vec<String> =
        data.study.conditions.iter().map(|c| c.name.clone()).filter(|name| shown(name)).collect();
    let predictions = pictures.predictions(data);
    let size = (conditions.len().max(1) as u32, 1 + predictions.len() as u32);
    let edge = |tiles: u32| tiles * (TILE + GAP) - GAP;
    // Transparent, so that the space between tiles is light or dark as the page is.
    let mut canvas = RgbaImage::new(edge(size.0), edge(size.1));
    for (column, condition) in conditions.iter().enumerate() {
        let photograph = pictures.photograph(condition)?;
        let at = |row: usize| (i64::from(column as u32 * (TILE + GAP)), i64::from(row as u32 * (TILE + GAP)));
        let truth = pictures.mask(GalleryKind::Truth, ["", "", ""])?;
        imageops::replace(&mut canvas, &opaque(outlined(&photograph, &truth)), at(0).0, at(0).1);
        for (i, (arm, protocol)) in predictions.iter().enumerate() {
            let mask = pictures.mask(GalleryKind::Prediction, [condition, arm, protocol])?;
            let (x, y) = at(i + 1);
            imageops::replace(&mut canvas, &opaque(outlined(&filled(&photograph, &mask), &mask)), x, y);
        }
    }
    Ok(Sheet {
        file: format!("gallery/{:02}.png", index + 1),
        png: encode(&canvas, budget).map_err(|source| ReportError::Picture { path: pictures.dir.clone(), source })?,
        image: image.to_owned(),
        group: pictures.rows.first().map(|row| row.group.clone()).unwrap_or_default(),
        conditions,
        predictions,
    })
}

/// The pictures of one photograph.
struct Pictures<'a> {
    dir: PathBuf,
    rows: Vec<&'a GalleryRow>,
}

impl Pictures<'_> {
    fn find(&self, kind: GalleryKind, [condition, arm, protocol]: [&str; 3]) -> Option<&GalleryRow> {
        let wanted = |row: &&&GalleryRow| {
            row.kind == kind && row.condition == condition && row.arm == arm && row.protocol == protocol
        };
        self.rows.iter().find(wanted).copied()
    }

    /// Arm and protocol of the predictions there are, in the order of the study.
    fn predictions(&self, data: &Data) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for arm in &data.study.arms {
            for protocol in &data.study.protocols {
                let of = |row: &&GalleryRow| row.kind == GalleryKind::Prediction && row.arm == arm.name;
                if self.rows.iter().any(|row| of(row) && row.protocol == *protocol) {
                    found.push((arm.name.clone(), protocol.clone()));
                }
            }
        }
        found
    }

    fn photograph(&self, condition: &str) -> Result<RgbImage, ReportError> {
        let picture = self.open(GalleryKind::Image, [condition, "", ""])?.to_rgb8();
        Ok(imageops::resize(&picture, TILE, TILE, FilterType::Triangle))
    }

    fn mask(&self, kind: GalleryKind, place: [&str; 3]) -> Result<GrayImage, ReportError> {
        let picture = self.open(kind, place)?.to_luma8();
        Ok(imageops::resize(&picture, TILE, TILE, FilterType::Nearest))
    }

    fn open(&self, kind: GalleryKind, place: [&str; 3]) -> Result<image::DynamicImage, ReportError> {
        let list = || self.dir.join("index.csv");
        let missing = |message: String| ReportError::Gallery { path: list(), message };
        let Some(row) = self.find(kind, place) else {
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

fn opaque(tile: RgbImage) -> RgbaImage {
    image::DynamicImage::ImageRgb8(tile).to_rgba8()
}

/// Classes as a translucent fill.
fn filled(photograph: &RgbImage, mask: &GrayImage) -> RgbImage {
    let mut out = photograph.clone();
    for (pixel, class) in out.pixels_mut().zip(mask.pixels()) {
        let class = class.0[0];
        if class != BACKGROUND && usize::from(class) < COLOURS.len() {
            for (channel, colour) in pixel.0.iter_mut().zip(COLOURS[usize::from(class)]) {
                *channel = ((u16::from(*channel) * 11 + u16::from(colour) * 9) / 20) as u8;
            }
        }
    }
    out
}

/// Outlines of the classes: a line in the class's colour, with a dark rim towards the background, visible on any photograph.
fn outlined(photograph: &RgbImage, mask: &GrayImage) -> RgbImage {
    let mut out = photograph.clone();
    for (x, y, pixel) in out.enumerate_pixels_mut() {
        let class = mask.get_pixel(x, y).0[0];
        if near_other(mask, (x, y)) {
            let known = class != BACKGROUND && usize::from(class) < COLOURS.len();
            *pixel = Rgb(if known { COLOURS[usize::from(class)] } else { [20, 20, 20] });
        }
    }
    out
}

/// Whether a neighbour in the row or column has another class.
fn near_other(mask: &GrayImage, (x, y): (u32, u32)) -> bool {
    let neighbours = [(x.wrapping_sub(1), y), (x + 1, y), (x, y.wrapping_sub(1)), (x, y + 1)];
    let class = mask.get_pixel(x, y);
    neighbours.iter().any(|&(x, y)| mask.get_pixel_checked(x, y).is_some_and(|other| other != class))
}

/// The picture as PNG, with fewer levels of each colour where it would be larger than `budget`.
fn encode(picture: &RgbaImage, budget: usize) -> image::ImageResult<Vec<u8>> {
    let mut png = Vec::new();
    for dropped in 1..6 {
        png = encode_with_levels(picture, dropped)?;
        if png.len() <= budget {
            break;
        }
    }
    Ok(png)
}

fn encode_with_levels(picture: &RgbaImage, dropped_bits: u32) -> image::ImageResult<Vec<u8>> {
    let (mask, half) = (0xff_u8 << dropped_bits, (1_u8 << dropped_bits) >> 1);
    let mut pixels = picture.clone();
    for pixel in pixels.pixels_mut().filter(|pixel| pixel.0[3] != 0) {
        pixel.0[..3].iter_mut().for_each(|v| *v = (*v & mask) | half);
    }
    let mut png = Vec::new();
    PngEncoder::new_with_quality(&mut png, CompressionType::Best, PngFilter::Adaptive).write_image(
        pixels.as_raw(),
        picture.width(),
        picture.height(),
        image::ExtendedColorType::Rgba8,
    )?;
    Ok(png)
}

impl Sheet {
    /// The sheet in Markdown: the picture, and a caption with the score under each condition.
    pub(crate) fn to_markdown(&self, data: &Data) -> String {
        let rows = self.predictions.iter().map(|row| self.scores_in_words(data, row));
        format!(
            "![{}]({})\n\nFigure: {} ({}). {}\n",
            escape(&self.alternative(data)),
            self.file,
            escape(&self.image),
            escape(&self.group.replace('_', " ")),
            rows.collect::<Vec<_>>().join(" ")
        )
    }

    fn scores_in_words(&self, data: &Data, (arm, protocol): &(String, String)) -> String {
        let score = |condition: &str| {
            let value = data.scores.of_image(&self.image, [arm, condition, protocol], Metric::find("dice")?)?;
            Some(format!("{} at {}", number(value), escape(data.condition_label(condition))))
        };
        let scores: Vec<_> = self.conditions.iter().filter_map(|c| score(c)).collect();
        let scores = if scores.is_empty() { "not known".to_owned() } else { scores.join(", ") };
        format!("Dice of {}: {scores}.", row_label(data, arm, protocol))
    }

    /// What the sheet shows, for those who cannot see it.
    fn alternative(&self, data: &Data) -> String {
        let labels: Vec<_> = self.conditions.iter().map(|c| data.condition_label(c)).collect();
        format!(
            "Photograph {} ({}) under the conditions {}, with true and predicted outlines of pet and border",
            self.image,
            self.group.replace('_', " "),
            labels.join(", ")
        )
    }
}

fn row_label(data: &Data, arm: &str, protocol: &str) -> String {
    format!("{} ({} protocol)", escape(data.arm_label(arm)), escape(protocol))
}

/// All sheets in Markdown, after a sentence on how to read them.
pub(crate) fn to_markdown(data: &Data, sheets: &[Sheet]) -> String {
    let Some(first) = sheets.first() else { return "There are no pictures.\n".to_owned() };
    let columns: Vec<_> = first.conditions.iter().map(|c| escape(data.condition_label(c))).collect();
    let rows: Vec<_> = first.predictions.iter().map(|(arm, protocol)| row_label(data, arm, protocol)).collect();
    let reading = format!(
        "Columns: {}. First row: the truth as outlines; below it the predictions of {}, as outlines and fills. The pet is \
         blue and its border orange.",
        columns.join(", "),
        rows.join(", ")
    );
    let sheets: Vec<_> = sheets.iter().map(|sheet| sheet.to_markdown(data)).collect();
    format!("{reading}\n\n{}", sheets.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outlines_follow_the_edge_of_a_class() {
        let mask = GrayImage::from_fn(8, 8, |x, _| image::Luma([u8::from(x >= 4)]));
        let out = outlined(&RgbImage::from_pixel(8, 8, Rgb([200; 3])), &mask);
        let row: Vec<_> = (0..8).map(|x| out.get_pixel(x, 3).0).collect();
        let (inside, blue, rim) = ([200; 3], COLOURS[0], [20; 3]);
        assert_eq!(row, [inside, inside, inside, blue, rim, inside, inside, inside]);
    }

    #[test]
    fn a_picture_over_its_budget_loses_levels() {
        let mut state = 1_u32;
        let noise = RgbaImage::from_fn(64, 64, |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            image::Rgba([(state >> 24) as u8, (state >> 16) as u8, (state >> 20) as u8, 255])
        });
        assert!(encode(&noise, 4000).unwrap().len() < encode(&noise, 1 << 20).unwrap().len());
    }
}
