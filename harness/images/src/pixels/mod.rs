//! Pictures as bytes: decoding, resizing, turning, blurring, and changing colours.
//!
//! The published numbers were computed from photographs processed by Python's Pillow, so every function here repeats
//! Pillow's integer arithmetic, including its rounding. All are pure functions of bytes: they give the same result on
//! every machine and with any number of threads.

mod blur;
mod decode;
mod dimensions;
mod encode;
mod enhance;
mod error;
mod grey;
mod hue;
mod jpeg;
mod resize;
mod transpose;

pub use blur::gaussian_blur;
pub use decode::{decode, decode_labels};
pub use dimensions::dimensions;
pub use encode::{encode_grey, encode_rgb};
pub use enhance::{adjust_brightness, adjust_contrast, adjust_saturation};
pub use error::{DecodeError, MAX_BYTES, MAX_PIXELS};
pub use grey::greyscale;
pub use hue::adjust_hue;
pub(crate) use hue::hue_steps;
pub use resize::{resize_bilinear, resize_nearest};
pub use transpose::{crop, mirror, rotate};

/// Raised when a function of this module changes the bytes that it returns. Decoded data of another version are not
/// reused.
pub const VERSION: u32 = 1;

/// A picture of `height` rows of `width` pixels, stored by row and interleaved:
/// `data[(y * width + x) * CHANNELS + channel]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raster<const CHANNELS: usize> {
    /// Pixels in a row.
    pub width: u32,
    /// Number of rows.
    pub height: u32,
    /// `height * width * CHANNELS` bytes.
    pub data: Vec<u8>,
}

/// A photograph: red, green and blue, 0..=255 each.
pub type Picture = Raster<3>;

/// A label map: one number per pixel, as stored in the file.
pub type Labels = Raster<1>;
