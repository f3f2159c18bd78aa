//! Data sets made for a test.

use crate::studio::Studio;
use image::{GrayImage, Luma, Rgb, RgbImage};
use std::fs;

/// Puts a file into the data folder.
pub(crate) fn put(studio: &Studio, name: &str, bytes: impl AsRef<[u8]>) {
    let path = studio.path("data").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// A PNG with one shade of red in which every pixel differs.
pub(crate) fn picture(width: u32, height: u32, shade: u8) -> Vec<u8> {
    let mut png = std::io::Cursor::new(Vec::new());
    let image = RgbImage::from_fn(width, height, |x, y| Rgb([shade, x as u8, y as u8]));
    image.write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner()
}

/// A PNG trimap: half pet, a quarter background, a quarter border.
pub(crate) fn trimap(width: u32, height: u32) -> Vec<u8> {
    let mut png = std::io::Cursor::new(Vec::new());
    let image = GrayImage::from_fn(width, height, |x, _| Luma([[1, 1, 2, 3][(x * 4 / width) as usize]]));
    image.write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner()
}
