//! Tiles: outlines and fills over a photograph, and their file.

use image::{
    GrayImage, ImageEncoder as _, Rgb, RgbImage, RgbaImage,
    codecs::png::{CompressionType, FilterType as PngFilter, PngEncoder},
};

/// Index of class background.
const BACKGROUND: u8 = 1;
/// Colours of the classes pet and border (blue and orange of Okabe and Ito), by index.
const COLOURS: [[u8; 3]; 3] = [[86, 180, 233], [0, 0, 0], [230, 159, 0]];

pub(crate) fn opaque(tile: RgbImage) -> RgbaImage {
    image::DynamicImage::ImageRgb8(tile).to_rgba8()
}

/// Classes as a translucent fill.
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

/// Outlines of the classes: a line in the class's colour, with a dark rim towards the background, visible on any photograph.
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

/// Whether a neighbour in the row or column has another class.
fn near_other(mask: &GrayImage, (x, y): (u32, u32)) -> bool {
    let neighbours = [(x.wrapping_sub(1), y), (x + 1, y), (x, y.wrapping_sub(1)), (x, y + 1)];
    let class = mask.get_pixel(x, y);
    neighbours.iter().any(|&(x, y)| mask.get_pixel_checked(x, y).is_some_and(|other| other != class))
}

/// The picture as PNG, with fewer levels of each colour where it would be larger than `budget`.
pub(crate) fn encode(picture: &RgbaImage, budget: usize) -> image::ImageResult<Vec<u8>> {
    let mut png = Vec::new();
    for dropped in 1..6 {
        png = encode_with_levels(picture, dropped)?;
        if png.len() <= budget {
            break;
        }
    }
    Ok(png)
}

/// The picture as PNG, to the bit.
pub(crate) fn encode_exactly(picture: &RgbaImage) -> image::ImageResult<Vec<u8>> {
    encode_with_levels(picture, 0)
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
