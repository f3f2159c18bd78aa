//! Sizes of a convolution, and where the elements under its kernel lie.

use candle_core::{Error, Result};
use std::ops::Range;

/// How an image and the map that a convolution makes of it lie to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Geometry {
    /// Channels of the image.
    pub(super) channels: usize,
    /// Height and width of the image, in pixels.
    pub(super) image: (usize, usize),
    /// Channels of the map.
    pub(super) filters: usize,
    /// Height and width of the map.
    pub(super) map: (usize, usize),
    /// Height and width of the kernel.
    pub(super) kernel: (usize, usize),
    /// Step of the kernel, in pixels of the image.
    pub(super) stride: usize,
    /// Zeros around the image, in pixels.
    pub(super) padding: usize,
}

impl Geometry {
    /// Geometry of a convolution of `x` `[B, C, H, W]` by `weight` `[O, C, KH, KW]`.
    pub(super) fn of_convolution(x: &[usize], weight: &[usize], stride: usize, padding: usize) -> Result<Self> {
        let (&[_, channels, h, w], &[filters, c, kh, kw]) = (x, weight) else {
            return Err(Error::Msg(format!("conv2d takes tensors of 4 dimensions, not {x:?} and {weight:?}")));
        };
        if c != channels || stride == 0 || h + 2 * padding < kh || w + 2 * padding < kw {
            return Err(Error::Msg(format!("conv2d: an image {x:?} does not fit a weight {weight:?}")));
        }
        let map = ((h + 2 * padding - kh) / stride + 1, (w + 2 * padding - kw) / stride + 1);
        Ok(Self { channels, image: (h, w), filters, map, kernel: (kh, kw), stride, padding })
    }

    /// Geometry of a transposed convolution of `x` `[B, C, H, W]` by `weight` `[C, O, KH, KW]`: `x` is the map.
    pub(super) fn of_transposed(
        x: &[usize],
        weight: &[usize],
        stride: usize,
        padding: usize,
        output_padding: usize,
    ) -> Result<Self> {
        let (&[_, filters, h, w], &[c, channels, kh, kw]) = (x, weight) else {
            return Err(Error::Msg(format!("conv_transpose2d takes 4 dimensions, not {x:?} and {weight:?}")));
        };
        if c != filters || stride == 0 || h == 0 || w == 0 || kh.min(kw) + output_padding <= 2 * padding {
            return Err(Error::Msg(format!("conv_transpose2d: a map {x:?} does not fit a weight {weight:?}")));
        }
        if output_padding >= stride {
            return Err(Error::Msg(format!(
                "conv_transpose2d: the output padding {output_padding} must be less than the stride {stride}"
            )));
        }
        let side = |n: usize, k: usize| (n - 1) * stride + k + output_padding - 2 * padding;
        Ok(Self {
            channels,
            image: (side(h, kh), side(w, kw)),
            filters,
            map: (h, w),
            kernel: (kh, kw),
            stride,
            padding,
        })
    }

    pub(super) fn image_len(&self) -> usize {
        self.channels * self.image.0 * self.image.1
    }

    pub(super) fn map_len(&self) -> usize {
        self.filters * self.pixels()
    }

    /// Pixels of the map.
    pub(super) fn pixels(&self) -> usize {
        self.map.0 * self.map.1
    }

    /// Elements under the kernel: rows of the column matrix.
    pub(super) fn taps(&self) -> usize {
        self.channels * self.kernel.0 * self.kernel.1
    }

    /// Whether the column matrix is the image itself.
    pub(super) fn is_pointwise(&self) -> bool {
        self.kernel == (1, 1) && self.stride == 1 && self.padding == 0
    }

    /// Rows of the image with its padding.
    pub(super) fn padded_rows(&self) -> usize {
        self.image.0 + 2 * self.padding
    }

    /// Columns of one phase of the image with its padding: every stride-th.
    pub(super) fn phase_width(&self) -> usize {
        (self.image.1 + 2 * self.padding).div_ceil(self.stride)
    }

    /// Elements of the image in [`Phases`].
    pub(super) fn phases_len(&self) -> usize {
        self.channels * self.padded_rows() * self.stride * self.phase_width()
    }

    /// Calls `row(range of columns, range of phases)` for every row of the column matrix, in order: what the kernel sees along
    /// a row of the map lies in one piece in both.
    pub(super) fn rows(&self, mut row: impl FnMut(Range<usize>, Range<usize>)) {
        let (width, map) = (self.phase_width(), self.map.1);
        let mut column = 0;
        for channel in 0..self.channels {
            for ky in 0..self.kernel.0 {
                for kx in 0..self.kernel.1 {
                    for y in 0..self.map.0 {
                        let line = channel * self.padded_rows() + y * self.stride + ky;
                        let at = (line * self.stride + kx % self.stride) * width + kx / self.stride;
                        row(column..column + map, at..at + map);
                        column += map;
                    }
                }
            }
        }
    }

    /// Calls `row(start of the image's row, start of its phases)` for every row of the image.
    pub(super) fn lines(&self, mut row: impl FnMut(usize, usize)) {
        let step = self.stride * self.phase_width();
        for channel in 0..self.channels {
            for y in 0..self.image.0 {
                let line = channel * self.padded_rows() + y + self.padding;
                row((channel * self.image.0 + y) * self.image.1, line * step);
            }
        }
    }
}
