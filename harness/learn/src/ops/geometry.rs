//! The sizes of a convolution, derived from the shapes of its tensors.

use candle_core::{Error, Result};
pub(super) use harness_kernels::convolution::Geometry;

/// Geometry of a convolution of `x` `[B, C, H, W]` by `weight` `[O, C, KH, KW]`.
pub(super) fn of_convolution(x: &[usize], weight: &[usize], stride: usize, padding: usize) -> Result<Geometry> {
    let (&[_, channels, h, w], &[filters, c, kh, kw]) = (x, weight) else {
        return Err(Error::Msg(format!("conv2d takes tensors of 4 dimensions, not {x:?} and {weight:?}")));
    };
    if c != channels || stride == 0 || h + 2 * padding < kh || w + 2 * padding < kw {
        return Err(Error::Msg(format!("conv2d: an image {x:?} does not fit a weight {weight:?}")));
    }
    let map = ((h + 2 * padding - kh) / stride + 1, (w + 2 * padding - kw) / stride + 1);
    Ok(Geometry { channels, image: (h, w), filters, map, kernel: (kh, kw), stride, padding })
}

/// Geometry of a transposed convolution of `x` `[B, C, H, W]` by `weight` `[C, O, KH, KW]`: `x` is the map.
pub(super) fn of_transposed(
    x: &[usize],
    weight: &[usize],
    stride: usize,
    padding: usize,
    output_padding: usize,
) -> Result<Geometry> {
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
    Ok(Geometry {
        channels,
        image: (side(h, kh), side(w, kw)),
        filters,
        map: (h, w),
        kernel: (kh, kw),
        stride,
        padding,
    })
}
