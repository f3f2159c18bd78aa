//! Tiles: outlines and fills over a photograph, and PNG encoding.

use image::{
    GrayImage, ImageBuffer, ImageError, ImageFormat, ImageResult, Pixel, Rgb, RgbImage, RgbaImage,
    error::{EncodingError, ImageFormatHint},
};
use png::{BitDepth, ColorType, DeflateCompression, Encoder, Filter};

/// The index of the class background.
const BACKGROUND: u8 = 1;
/// The colours of the classes pet and border (blue and orange of Okabe and Ito), by class index.
const COLOURS: [[u8; 3]; 3] = [[86, 180, 233], [0, 0, 0], [230, 159, 0]];

pub(crate) fn opaque(tile: RgbImage) -> RgbaImage {
    image::DynamicImage::ImageRgb8(tile).to_rgba8()
}

/// Scales a picture to `side` × `side` pixels. Each pixel is the pixel of `picture` at the place of its centre. `image`
/// gives the same result, but computes weighted sums of floats.
pub(crate) fn nearest<P: Pixel<Subpixel = u8>>(
    picture: &ImageBuffer<P, Vec<u8>>,
    side: u32,
) -> ImageBuffer<P, Vec<u8>> {
    let at = |to: u32, of: u32| ((2 * u64::from(to) + 1) * u64::from(of) / (2 * u64::from(side))) as u32;
    ImageBuffer::from_fn(side, side, |x, y| *picture.get_pixel(at(x, picture.width()), at(y, picture.height())))
}

/// Draws the classes as a translucent fill.
pub(crate) fn filled(photograph: &RgbImage, mask: &GrayImage) -> RgbImage {
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

/// Draws the outlines of the classes: a line in the class's colour with a dark rim towards the background, visible on
/// any photograph.
pub(crate) fn outlined(photograph: &RgbImage, mask: &GrayImage) -> RgbImage {
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

/// Returns true if a neighbour in the same row or column has another class.
fn near_other(mask: &GrayImage, (x, y): (u32, u32)) -> bool {
    let neighbours = [(x.wrapping_sub(1), y), (x + 1, y), (x, y.wrapping_sub(1)), (x, y + 1)];
    let class = mask.get_pixel(x, y);
    neighbours.iter().any(|&(x, y)| mask.get_pixel_checked(x, y).is_some_and(|other| other != class))
}

/// The compression level, of at most 9. A higher one takes up to twenty times as long and saves only a twentieth of the
/// bytes.
const EFFORT: u8 = 2;

/// The maximum number of bits dropped from the eight of each colour.
const DROPPED: u32 = 5;
/// The file size is estimated from part of the rows: from each group of `STRIDE.0` rows, the first `STRIDE.1`.
const STRIDE: (u32, u32) = (64, 8);

/// Encodes a picture as PNG. If it would be larger than `budget`, each colour gets fewer levels; at least one bit is
/// always dropped.
pub(crate) fn encode(picture: &RgbaImage, budget: usize) -> ImageResult<Vec<u8>> {
    // The estimate from part of the rows saves most of the attempts on the whole picture.
    let rows = part_of_rows(picture);
    let share = rows.height() as usize;
    let mut dropped = 1;
    while dropped < DROPPED && encode_with_levels(&rows, dropped)?.len() * picture.height() as usize / share > budget {
        dropped += 1;
    }
    loop {
        let png = encode_with_levels(picture, dropped)?;
        if png.len() <= budget || dropped >= DROPPED {
            return Ok(png);
        }
        dropped += 1;
    }
}

/// Returns the first rows of every [`STRIDE`].
fn part_of_rows(picture: &RgbaImage) -> RgbaImage {
    let rows: Vec<u32> = (0..picture.height()).filter(|row| row % STRIDE.0 < STRIDE.1).collect();
    RgbaImage::from_fn(picture.width(), rows.len() as u32, |x, y| *picture.get_pixel(x, rows[y as usize]))
}

/// Encodes a picture as PNG without loss.
pub(crate) fn encode_exactly(picture: &RgbaImage) -> ImageResult<Vec<u8>> {
    let mut png = Vec::new();
    written(Encoder::new(&mut png, picture.width(), picture.height()), ColorType::Rgba, picture.as_raw())?;
    Ok(png)
}

/// Encodes without an alpha channel, which makes the file a tenth smaller. Half of the dropped range is added to each
/// visible level, so no visible level is 0, and black can stand for transparent pixels.
fn encode_with_levels(picture: &RgbaImage, dropped_bits: u32) -> ImageResult<Vec<u8>> {
    let (mask, half) = (0xff_u8 << dropped_bits, (1_u8 << dropped_bits) >> 1);
    let mut pixels = Vec::with_capacity(picture.as_raw().len() / 4 * 3);
    for [colour @ .., seen] in picture.as_raw().as_chunks::<4>().0 {
        pixels.extend(colour.map(|value| if *seen == 0 { 0 } else { (value & mask) | half }));
    }
    let mut png = Vec::new();
    let mut encoder = Encoder::new(&mut png, picture.width(), picture.height());
    encoder.set_trns(vec![0_u8; 6]);
    written(encoder, ColorType::Rgb, &pixels)?;
    Ok(png)
}

fn written(mut encoder: Encoder<'_, &mut Vec<u8>>, colour: ColorType, pixels: &[u8]) -> ImageResult<()> {
    let wrap = |error| ImageError::Encoding(EncodingError::new(ImageFormatHint::Exact(ImageFormat::Png), error));
    encoder.set_color(colour);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_deflate_compression(DeflateCompression::Level(EFFORT));
    encoder.set_filter(Filter::Paeth);
    let mut writer = encoder.write_header().map_err(wrap)?;
    writer.write_image_data(pixels).map_err(wrap)?;
    writer.finish().map_err(wrap)
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
    fn the_nearest_pixel_is_that_at_the_same_place() {
        let picture = RgbImage::from_fn(3, 5, |x, y| Rgb([(x * 50) as u8, (y * 50) as u8, 7]));
        for side in [1, 2, 3, 5, 7, 15] {
            let theirs = image::imageops::resize(&picture, side, side, image::imageops::FilterType::Nearest);
            assert_eq!(nearest(&picture, side), theirs, "{side}");
        }
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

    #[test]
    fn what_is_not_seen_stays_transparent_and_black_stays_black() {
        let picture = RgbaImage::from_fn(9, 5, |x, y| {
            image::Rgba([(x * 20) as u8, 0, (y * 40) as u8, if x == 4 { 0 } else { 255 }])
        });
        let read_back = |png: Vec<u8>| image::load_from_memory(&png).unwrap().to_rgba8();
        let seen = RgbaImage::from_fn(9, 5, |x, y| {
            if x == 4 { image::Rgba([0; 4]) } else { image::Rgba([(x * 20) as u8 | 1, 1, (y * 40) as u8 | 1, 255]) }
        });
        assert_eq!(read_back(encode(&picture, 1 << 20).unwrap()), seen);
        assert_eq!(read_back(encode_exactly(&picture).unwrap()), picture);
    }
}
