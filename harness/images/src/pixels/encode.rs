//! Encodes PNG files for people to look at.

use image::{ExtendedColorType, ImageEncoder as _, ImageResult, codecs::png::PngEncoder};

/// Encodes interleaved RGB bytes as PNG. `size` is (width, height) in pixels.
pub fn encode_rgb(rgb: &[u8], size: (u32, u32)) -> ImageResult<Vec<u8>> {
    encode(rgb, size, ExtendedColorType::Rgb8)
}

/// Encodes one byte per pixel as greyscale PNG. `size` is (width, height) in pixels.
pub fn encode_grey(grey: &[u8], size: (u32, u32)) -> ImageResult<Vec<u8>> {
    encode(grey, size, ExtendedColorType::L8)
}

fn encode(data: &[u8], (width, height): (u32, u32), colour: ExtendedColorType) -> ImageResult<Vec<u8>> {
    let mut png = Vec::new();
    PngEncoder::new(&mut png).write_image(data, width, height, colour)?;
    Ok(png)
}
