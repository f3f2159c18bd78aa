//! Creates files of pictures for the tests. None is a photograph.

use flate2::{Compression, write::ZlibEncoder};
use image::{
    DynamicImage, Frame, GrayImage, ImageBuffer, ImageFormat, Rgb, RgbImage, RgbaImage,
    codecs::gif::{GifEncoder, Repeat},
};
use std::io::{Cursor, Write as _};

pub(crate) const WIDTH: u32 = 60;
pub(crate) const HEIGHT: u32 = 44;

/// A drawing that does not compress well.
pub(crate) fn drawing() -> RgbImage {
    RgbImage::from_fn(WIDTH, HEIGHT, |x, y| Rgb([x * 4, y * 5, (x * x + y * 77) * 31].map(|value| value as u8)))
}

pub(crate) fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

pub(crate) fn jpeg(progressive: bool) -> Vec<u8> {
    let mut encoder = mozjpeg::Compress::new(mozjpeg::ColorSpace::JCS_RGB);
    if !progressive {
        encoder.set_fastest_defaults();
    }
    encoder.set_size(WIDTH as usize, HEIGHT as usize);
    let mut started = encoder.start_compress(Vec::new()).unwrap();
    started.write_scanlines(drawing().as_raw()).unwrap();
    started.finish().unwrap()
}

/// 16 bits per sample. The high byte is the drawing's, and the low byte would round it up.
pub(crate) fn deep_png() -> Vec<u8> {
    let deep = drawing().into_raw().into_iter().map(|value| u16::from(value) << 8 | 0xff).collect();
    encoded(DynamicImage::ImageRgb16(ImageBuffer::from_raw(WIDTH, HEIGHT, deep).unwrap()), ImageFormat::Png)
}

/// Three frames: the drawing, then others.
pub(crate) fn animated_gif() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    encoder.set_repeat(Repeat::Infinite).unwrap();
    for shift in 0..3_u8 {
        let frame = DynamicImage::from(drawing()).huerotate(i32::from(shift) * 90).into_rgba8();
        encoder.encode_frame(Frame::new(frame)).unwrap();
    }
    drop(encoder);
    bytes
}

pub(crate) fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let mut chunk = (data.len() as u32).to_be_bytes().to_vec();
    chunk.extend_from_slice(&kind);
    chunk.extend_from_slice(data);
    let sum = crc32fast::hash(&chunk[4..]);
    chunk.extend_from_slice(&sum.to_be_bytes());
    chunk
}

pub(crate) fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// A PNG of these chunks between its head and its end.
pub(crate) fn png(size: (u32, u32), depth: u8, colour: u8, chunks: &[Vec<u8>]) -> Vec<u8> {
    let head = [&size.0.to_be_bytes()[..], &size.1.to_be_bytes(), &[depth, colour, 0, 0, 0]].concat();
    let parts = [&b"\x89PNG\r\n\x1a\n"[..], &chunk(*b"IHDR", &head), &chunks.concat(), &chunk(*b"IEND", b"")];
    parts.concat()
}

/// Four pixels of a palette of two colours, one of them transparent.
pub(crate) fn palette_png() -> Vec<u8> {
    let palette = chunk(*b"PLTE", &[200, 100, 50, 10, 20, 30]);
    let rows = zlib(&[0, 0, 1, 0, 1, 0]);
    png((2, 2), 8, 3, &[palette, chunk(*b"tRNS", &[0, 255]), chunk(*b"IDAT", &rows)])
}

/// One file of each supported kind.
pub(crate) fn all() -> Vec<(&'static str, Vec<u8>)> {
    let grey = GrayImage::from_fn(WIDTH, HEIGHT, |x, y| image::Luma([(x * y * 37) as u8]));
    let clear = RgbaImage::from_fn(WIDTH, HEIGHT, |x, y| image::Rgba([x as u8, y as u8, (x * y) as u8, (x * 4) as u8]));
    vec![
        ("baseline.jpg", jpeg(false)),
        ("progressive.jpg", jpeg(true)),
        ("restarts.jpg", include_bytes!("../preprocess/restarts.jpg").to_vec()),
        ("cmyk.jpg", include_bytes!("../preprocess/inks.jpg").to_vec()),
        ("colour.png", encoded(drawing(), ImageFormat::Png)),
        ("deep.png", deep_png()),
        ("grey.png", encoded(grey, ImageFormat::Png)),
        ("clear.png", encoded(clear.clone(), ImageFormat::Png)),
        ("palette.png", palette_png()),
        ("palette.gif", include_bytes!("../preprocess/palette.gif").to_vec()),
        ("animated.gif", animated_gif()),
        ("colour.bmp", encoded(drawing(), ImageFormat::Bmp)),
        ("colour.webp", encoded(drawing(), ImageFormat::WebP)),
        ("clear.webp", encoded(clear, ImageFormat::WebP)),
    ]
}
