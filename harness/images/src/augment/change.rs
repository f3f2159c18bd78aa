//! The changes that make up all distortions and augmentations, each with the values drawn for it.
//!
//! They are drawn on the host, on every kind of device. The host applies them with [`crate::pixels`]. A GPU reads them
//! from a table of words and produces the same bytes (`ops/cuda/kernels/pictures.cu`).

use crate::pixels::{self, Labels, Picture, Raster};
use std::borrow::Cow;

/// One change of an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// Counter-clockwise rotation by quarter turns, 1 to 3.
    Turn(u32),
    /// Swaps left and right.
    Mirror,
    /// Cuts out the square of `side` pixels whose upper left pixel is (`left`, `top`), and enlarges it to the whole
    /// image.
    Crop {
        /// Side of the square, in pixels.
        side: u32,
        /// Distance from the left, in pixels.
        left: u32,
        /// Distance from the top, in pixels.
        top: u32,
    },
    /// Removes the colours.
    Grey,
    /// Multiplies the brightness by a factor.
    Brightness(f32),
    /// Multiplies the contrast by a factor.
    Contrast(f32),
    /// Multiplies the saturation by a factor.
    Saturation(f32),
    /// Turns the hue by this share of the colour circle.
    Hue(f64),
    /// Fills a rectangle with `fill`, in 0..1. A fill need not be a byte, so the mask is applied last, to the
    /// floating-point values.
    Mask {
        /// Distance from the top, in pixels.
        top: usize,
        /// Distance from the left, in pixels.
        left: usize,
        /// Height in pixels.
        height: usize,
        /// Width in pixels.
        width: usize,
        /// The value of its pixels.
        fill: f32,
    },
}

/// An image of a batch, and the changes made to it in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// Place of the image in the data set.
    pub place: u32,
    /// The changes, in order.
    pub changes: Vec<Change>,
}

impl Drawn {
    /// The image at `place` without changes.
    pub fn unchanged(place: u32) -> Self {
        Self { place, changes: Vec::new() }
    }

    /// Interleaved RGB of a square image of `side` pixels a side, after all changes except masks.
    pub fn picture<'a>(&self, rgb: &'a [u8], side: u32) -> Cow<'a, [u8]> {
        changed(&self.changes, rgb, side, Change::on_picture)
    }

    /// The classes of such an image after all changes.
    pub fn classes<'a>(&self, classes: &'a [u8], side: u32) -> Cow<'a, [u8]> {
        changed(&self.changes, classes, side, Change::on_labels)
    }

    /// Fills the masks in a plane of `side` pixels a side.
    pub fn mask(&self, plane: &mut [f32], side: usize) {
        for change in &self.changes {
            if let Change::Mask { top, left, height, width, fill } = *change {
                plane.chunks_mut(side).skip(top).take(height).for_each(|row| row[left..left + width].fill(fill));
            }
        }
    }
}

fn changed<'a, const CHANNELS: usize>(
    changes: &[Change],
    data: &'a [u8],
    side: u32,
    change: fn(Change, &Raster<CHANNELS>) -> Option<Raster<CHANNELS>>,
) -> Cow<'a, [u8]> {
    if changes.iter().all(|change| matches!(change, Change::Mask { .. })) {
        return Cow::Borrowed(data);
    }
    let whole = Raster { width: side, height: side, data: data.to_vec() };
    Cow::Owned(changes.iter().fold(whole, |raster, &one| change(one, &raster).unwrap_or(raster)).data)
}

impl Change {
    /// Applies the change to a picture. `None` if the change does not alter the bytes.
    fn on_picture(self, picture: &Picture) -> Option<Picture> {
        let Picture { width, height, data } = picture;
        let coloured = |data| Some(Picture { width: *width, height: *height, data });
        match self {
            Self::Turn(quarters) => Some(pixels::rotate(picture, quarters)),
            Self::Mirror => Some(pixels::mirror(picture)),
            Self::Crop { side, left, top } => {
                let part = pixels::crop(picture, (left, top), (side, side));
                Some(pixels::resize_bilinear(&part, *width, *height))
            }
            Self::Grey => coloured(pixels::greyscale(data)),
            Self::Brightness(factor) => coloured(pixels::adjust_brightness(data, factor)),
            Self::Contrast(factor) => coloured(pixels::adjust_contrast(data, factor)),
            Self::Saturation(factor) => coloured(pixels::adjust_saturation(data, factor)),
            Self::Hue(turns) => coloured(pixels::adjust_hue(data, turns)),
            Self::Mask { .. } => None,
        }
    }

    /// Applies the change to labels. `None` if the change does not alter the classes.
    fn on_labels(self, labels: &Labels) -> Option<Labels> {
        match self {
            Self::Turn(quarters) => Some(pixels::rotate(labels, quarters)),
            Self::Mirror => Some(pixels::mirror(labels)),
            Self::Crop { side, left, top } => {
                let part = pixels::crop(labels, (left, top), (side, side));
                Some(pixels::resize_nearest(&part, labels.width, labels.height))
            }
            Self::Grey
            | Self::Brightness(_)
            | Self::Contrast(_)
            | Self::Saturation(_)
            | Self::Hue(_)
            | Self::Mask { .. } => None,
        }
    }
}
