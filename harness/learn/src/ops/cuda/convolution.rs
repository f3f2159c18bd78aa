//! Convolution and transposed convolution by cuDNN.
//!
//! Both are the three computations of one [`Geometry`] ("images" are the side with more pixels, "maps" the other). The
//! transposed convolution computes images from maps, which is also the gradient of a convolution's input.

use super::{
    engine::{Argument::Address, ELEMENTWISE, Engine, counts},
    layout::{Mode, swapped},
    memory::{Filled, cast, fill, make, pack, record2, record3, require_f32, suffix, tensor},
    normalization::channel_sums,
    plan::{Direction, Plan, Problem},
};
use crate::ops::storage::wanted;
use candle_core::{DType, Error, Result, Tensor};

/// The sizes of a convolution and its parameters.
#[derive(Debug, Clone, Copy)]
struct Geometry {
    /// `[B, C, H, W]`
    images: [usize; 4],
    /// `[O, C, KH, KW]`
    filters: [usize; 4],
    /// `[B, O, H', W']`
    maps: [usize; 4],
    stride: usize,
    padding: usize,
    mode: Mode,
}

impl Geometry {
    fn of_convolution(x: &Tensor, weight: &Tensor, stride: usize, padding: usize) -> Result<Self> {
        let ((batch, channels, h, w), (filters, c, kh, kw)) = (x.dims4()?, weight.dims4()?);
        if c != channels || stride == 0 || h + 2 * padding < kh || w + 2 * padding < kw {
            return Err(Error::Msg(format!(
                "conv2d: an image {:?} does not fit a weight {:?}",
                x.dims(),
                weight.dims()
            )));
        }
        let side = |n: usize, k: usize| (n + 2 * padding - k) / stride + 1;
        Ok(Self {
            images: [batch, channels, h, w],
            filters: [filters, channels, kh, kw],
            maps: [batch, filters, side(h, kh), side(w, kw)],
            stride,
            padding,
            mode: Mode::current(),
        })
    }

    /// The problem of a transposed convolution, whose inputs are the maps.
    fn of_transposed(
        x: &Tensor,
        weight: &Tensor,
        stride: usize,
        padding: usize,
        output_padding: usize,
    ) -> Result<Self> {
        let ((batch, filters, h, w), (c, channels, kh, kw)) = (x.dims4()?, weight.dims4()?);
        if c != filters || h * w == 0 || kh.min(kw) + output_padding <= 2 * padding || output_padding >= stride {
            return Err(Error::Msg(format!(
                "conv_transpose2d: a map {:?} does not fit a weight {:?} with stride {stride}, padding {padding} and output \
                 padding {output_padding}",
                x.dims(),
                weight.dims()
            )));
        }
        let side = |n: usize, k: usize| (n - 1) * stride + k + output_padding - 2 * padding;
        Ok(Self {
            images: [batch, channels, side(h, kh), side(w, kw)],
            filters: [filters, channels, kh, kw],
            maps: [batch, filters, h, w],
            stride,
            padding,
            mode: Mode::current(),
        })
    }

    fn run(&self, engine: &Engine, direction: Direction, images: u64, filters: u64, maps: u64) -> Result<()> {
        let Self { stride, padding, mode, .. } = *self;
        let problem =
            Problem { direction, images: self.images, filters: self.filters, maps: self.maps, stride, padding, mode };
        Plan::of(engine, &problem)?.run(engine, images, filters, maps)
    }

    /// Computes maps from images and filters, plus a bias.
    fn maps(&self, images: &Tensor, filters: &Tensor, bias: Option<&Tensor>) -> Result<Filled> {
        self.with_bias(images, filters, bias, self.maps, |engine, from, to| {
            self.run(engine, Direction::Forward, from[0], from[1], to)
        })
    }

    /// Computes images from maps and filters, plus a bias.
    fn images(&self, maps: &Tensor, filters: &Tensor, bias: Option<&Tensor>) -> Result<Filled> {
        self.with_bias(maps, filters, bias, self.images, |engine, from, to| {
            self.run(engine, Direction::Data, to, from[1], from[0])
        })
    }

    fn with_bias(
        &self,
        x: &Tensor,
        filters: &Tensor,
        bias: Option<&Tensor>,
        dims: [usize; 4],
        convolve: impl FnOnce(&Engine, &[u64], u64) -> Result<()>,
    ) -> Result<Filled> {
        let dtype = self.mode.element();
        let [_, channels, h, w] = dims;
        let n = dims.iter().product();
        let name = format!("add_bias_{}", suffix(dtype)?);
        let inputs: Vec<&Tensor> = [x, filters].into_iter().chain(bias).collect();
        fill(&inputs, dtype, &dims[..], |engine, from, to| {
            convolve(engine, from, to)?;
            let Some(&bias) = from.get(2) else { return Ok(()) };
            let [channels, inner] = counts([channels, self.mode.inner(h * w)])?;
            engine.each(&ELEMENTWISE, &name, n, pack(dtype), &[Address(to), Address(bias), channels, inner])
        })
    }

    /// The weight's gradient from images and maps, in f32 and in candle's layout.
    fn weight_gradient(&self, images: &Tensor, maps: &Tensor) -> Result<Tensor> {
        let gradient = make(&[images, maps], self.mode.element(), &self.filters[..], |engine, from, to| {
            self.run(engine, Direction::Filter, from[0], to, from[1])
        })?;
        let [_, channels, kh, kw] = self.filters;
        if self.mode.last {
            return Ok(tensor(swapped(&gradient, kh * kw, channels, DType::F32, gradient.shape())?));
        }
        cast(&gradient, DType::F32)
    }

    /// The weight in the layout that cuDNN needs for images of this mode.
    fn filters(&self, weight: &Tensor) -> Result<Tensor> {
        let weight = weight.contiguous()?;
        require_f32(&weight, "a convolution's weight")?;
        let [_, channels, kh, kw] = self.filters;
        if self.mode.last {
            return Ok(tensor(swapped(&weight, channels, kh * kw, self.mode.element(), weight.shape())?));
        }
        cast(&weight, self.mode.element())
    }
}

/// See [`crate::ops::conv2d`].
pub(in crate::ops) fn conv2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: usize,
    padding: usize,
) -> Result<Tensor> {
    let geometry = Geometry::of_convolution(x, weight, stride, padding)?;
    let x = x.contiguous()?;
    let bias = checked_bias(bias, geometry.filters[0])?;
    let (images, filters) = (cast(&x, geometry.mode.element())?, geometry.filters(weight)?);
    let result = geometry.maps(&images, &filters, bias.as_ref())?;
    let gradients = move |x: &Tensor, weight: &Tensor, grad: &Tensor| -> Result<(Option<Tensor>, Option<Tensor>)> {
        // Nobody needs the input's gradient in the first layer, where the input is the data.
        let x_grad = wanted(x, || cast(&tensor(geometry.images(grad, &filters, None)?), x.dtype()))?;
        Ok((x_grad, wanted(weight, || geometry.weight_gradient(&images, grad))?))
    };
    match bias {
        None => record2("conv2d", &x, weight, result, gradients),
        Some(bias) => record3("conv2d", [&x, weight, &bias], result, move |[x, weight, bias], grad| {
            let (x_grad, weight_grad) = gradients(x, weight, grad)?;
            Ok((x_grad, weight_grad, wanted(bias, || channel_sums(grad, geometry.mode))?))
        }),
    }
}

/// See [`crate::ops::conv_transpose2d`].
pub(in crate::ops) fn conv_transpose2d(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    stride: usize,
    padding: usize,
    output_padding: usize,
) -> Result<Tensor> {
    let geometry = Geometry::of_transposed(x, weight, stride, padding, output_padding)?;
    let x = x.contiguous()?;
    let bias = checked_bias(Some(bias), geometry.filters[1])?;
    let (maps, filters) = (cast(&x, geometry.mode.element())?, geometry.filters(weight)?);
    let result = geometry.images(&maps, &filters, bias.as_ref())?;
    let bias = bias.ok_or_else(|| Error::Msg("conv_transpose2d without bias".into()))?;
    record3("conv_transpose2d", [&x, weight, &bias], result, move |[x, weight, bias], grad| {
        let x_grad = wanted(x, || cast(&tensor(geometry.maps(grad, &filters, None)?), x.dtype()))?;
        let weight_grad = wanted(weight, || geometry.weight_gradient(grad, &maps))?;
        Ok((x_grad, weight_grad, wanted(bias, || channel_sums(grad, geometry.mode))?))
    })
}

/// The bias in the form that the kernels take.
fn checked_bias(bias: Option<&Tensor>, channels: usize) -> Result<Option<Tensor>> {
    let Some(bias) = bias else { return Ok(None) };
    require_f32(bias, "a convolution's bias")?;
    if bias.dims() != [channels] {
        return Err(Error::Msg(format!("a bias {:?} for {channels} channels", bias.dims())));
    }
    bias.contiguous().map(Some)
}
