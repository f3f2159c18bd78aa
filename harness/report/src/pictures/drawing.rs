//! Tiles: outlines and fills over a photograph, and JPEG encoding.

use image::{GrayImage, ImageBuffer, ImageResult, Pixel, Rgb, RgbImage};
use mozjpeg::{ColorSpace, Compress};

/// The quality of pictures, of at most 100: outlines stay sharp, and no levels are seen in soft colours.
const QUALITY: f32 = 80.0;

/// The index of the class background.
const BACKGROUND: u8 = 1;
/// The colours of the classes pet and border (blue and orange of Okabe and Ito), by class index.
const COLOURS: [[u8; 3]; 3] = [[86, 180, 233], [0, 0, 0], [230, 159, 0]];

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

/// Encodes a picture as JPEG, with all colours at full resolution, because outlines are one pixel wide.
pub(crate) fn encode(picture: &RgbImage) -> ImageResult<Vec<u8>> {
    let mut encoder = Compress::new(ColorSpace::JCS_RGB);
    encoder.set_fastest_defaults();
    encoder.set_size(picture.width() as usize, picture.height() as usize);
    encoder.set_quality(QUALITY);
    encoder.set_chroma_sampling_pixel_sizes((1, 1), (1, 1));
    encoder.set_optimize_coding(true);
    let mut started = encoder.start_compress(Vec::new())?;
    started.write_scanlines(picture.as_raw())?;
    Ok(started.finish()?)
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
    fn a_jpeg_looks_like_the_picture() {
        let picture = RgbImage::from_fn(41, 23, |x, y| Rgb([(x * 6) as u8, (y * 10) as u8, 90]));
        let jpeg = encode(&picture).unwrap();
        assert_eq!((&jpeg[..3], encode(&picture).unwrap()), (&[0xff, 0xd8, 0xff][..], jpeg.clone()));
        let decoder = mozjpeg::Decompress::new_mem(&jpeg).unwrap();
        let mut started = decoder.rgb().unwrap();
        let read: Vec<u8> = started.read_scanlines().unwrap();
        let furthest = read.iter().zip(picture.as_raw()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(read.len() == picture.as_raw().len() && furthest < 16, "{furthest}");
    }
}
