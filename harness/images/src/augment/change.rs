//! The changes of which all distortions and augmentations consist, each with what was drawn for it.
//!
//! They are drawn on the host, whatever device trains. The host makes them by [`crate::pixels`]; a GPU reads them from a table of
//! words and makes the same bytes (`ops/cuda/kernels/pictures.cu`).

use crate::pixels::{self, Labels, Picture, Raster};
use std::borrow::Cow;

/// One change of an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// Turned counter-clockwise by quarters of a circle, 1 to 3.
    Turn(u32),
    /// Left and right swapped.
    Mirror,
    /// The square of `side` pixels whose upper left pixel is (`left`, `top`), enlarged to the whole.
    Crop {
        /// Pixels.
        side: u32,
        /// Pixels from the left.
        left: u32,
        /// Pixels from above.
        top: u32,
    },
    /// Without colours.
    Grey,
    /// Brightness times a factor.
    Brightness(f32),
    /// Contrast times a factor.
    Contrast(f32),
    /// Saturation times a factor.
    Saturation(f32),
    /// Hue turned by so much of the colour circle.
    Hue(f64),
    /// A rectangle filled with `fill`, in 0..1. Only the numbers show it, because a fill need not be a byte: it is laid on last.
    Mask {
        /// Pixels from above.
        top: usize,
        /// Pixels from the left.
        left: usize,
        /// Pixels.
        height: usize,
        /// Pixels.
        width: usize,
        /// The value of its pixels.
        fill: f32,
    },
}

/// An image of a batch, and what is done to it, one change after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// Place of the image in the data set.
    pub place: u32,
    /// The changes, in the order in which they are made.
    pub changes: Vec<Change>,
}

impl Drawn {
    /// The image at `place` as it is.
    pub fn unchanged(place: u32) -> Self {
        Self { place, changes: Vec::new() }
    }

    /// Interleaved RGB of a square image of `side` pixels a side after all changes but masks.
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
    /// `None` if it leaves the bytes alone.
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

    /// `None` if it leaves the classes alone.
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
