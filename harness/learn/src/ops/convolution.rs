//! Convolution and transposed convolution: im2col and matrix products, an image at a time.
//!
//! Both are made of three pieces over one [`Geometry`] ("image" is the side with more pixels, "map" the other):
//! [`gather`] (image -> map), [`scatter`] (map -> image) and [`correlate`] (image and map -> weight). The forward pass of
//! a convolution gathers, and its input's gradient scatters; the transposed convolution does the reverse.

use super::{
    columns::Scratch,
    gemm::{Matrix, multiply},
    geometry::Geometry,
    storage::{Gradients, slice, storage, wanted, with_slice},
};
use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// `map = weight · im2col(image) + bias`. `weight` is `[filters, taps]`, whatever the convolution's direction.
fn gather(images: &[f32], weight: &[f32], bias: Option<&[f32]>, g: &Geometry) -> Vec<f32> {
    let batch = images.len() / g.image_len().max(1);
    let mut maps = vec![0.0; batch * g.map_len()];
    maps.par_chunks_mut(g.map_len()).zip(images.par_chunks(g.image_len())).for_each_init(
        || Scratch::of(g),
        |scratch, (map, image)| {
            if let Some(bias) = bias {
                map.chunks_mut(g.pixels()).zip(bias).for_each(|(plane, &b)| plane.fill(b));
            }
            let columns = scratch.im2col(image, g);
            multiply(
                map,
                Matrix::new(weight, g.filters, g.taps()),
                Matrix::new(columns, g.taps(), g.pixels()),
                bias.is_some(),
            );
        },
    );
    maps
}

/// `image = col2im(weightᵀ · map) + bias`.
fn scatter(maps: &[f32], weight: &[f32], bias: Option<&[f32]>, g: &Geometry) -> Vec<f32> {
    let batch = maps.len() / g.map_len().max(1);
    let mut images = vec![0.0; batch * g.image_len()];
    let weight = Matrix::new(weight, g.filters, g.taps()).transposed();
    images.par_chunks_mut(g.image_len()).zip(maps.par_chunks(g.map_len())).for_each_init(
        || Scratch::of(g),
        |scratch, (image, map)| {
            let map = Matrix::new(map, g.filters, g.pixels());
            if g.is_pointwise() {
                multiply(image, weight, map, false);
            } else {
                multiply(&mut scratch.columns, weight, map, false);
                scratch.col2im(g, image);
            }
            if let Some(bias) = bias {
                let plane = g.image.0 * g.image.1;
                image.chunks_mut(plane).zip(bias).for_each(|(plane, &b)| plane.iter_mut().for_each(|v| *v += b));
            }
        },
    );
    images
}

/// `weight = Σ over images of map · im2col(image)ᵀ`, `[filters, taps]`.
fn correlate(images: &[f32], maps: &[f32], g: &Geometry) -> Vec<f32> {
    /// Images are summed in at most this many parts, whatever the number of threads, so that the order of the sum is fixed.
    const PARTS: usize = 8;
    let batch = images.len() / g.image_len().max(1);
    let part = batch.div_ceil(PARTS).max(1);
    let parts: Vec<Vec<f32>> = images
        .par_chunks(part * g.image_len())
        .zip(maps.par_chunks(part * g.map_len()))
        .map(|(images, maps)| {
            let (mut sum, mut scratch) = (vec![0.0; g.filters * g.taps()], Scratch::of(g));
            for (i, (image, map)) in images.chunks(g.image_len()).zip(maps.chunks(g.map_len())).enumerate() {
                let columns = Matrix::new(scratch.im2col(image, g), g.taps(), g.pixels());
                multiply(&mut sum, Matrix::new(map, g.filters, g.pixels()), columns.transposed(), i > 0);
            }
            sum
        })
        .collect();
    add_up(parts)
}

/// `bias[c] = Σ over images and pixels` of a `[B, C, pixels]` gradient.
fn sum_planes(gradient: &[f32], channels: usize, pixels: usize) -> Vec<f32> {
    let images = gradient.par_chunks(channels * pixels);
    add_up(images.map(|image| image.chunks(pixels).map(sum).collect()).collect())
}

/// The sum in eight lanes of fixed order: fast, and more exact than one running sum.
fn sum(values: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 8];
    let chunks = values.chunks_exact(8);
    let rest: f32 = chunks.remainder().iter().sum();
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, v)| *lane += v);
    }
    lanes.iter().sum::<f32>() + rest
}

fn add_up(parts: Vec<Vec<f32>>) -> Vec<f32> {
    let mut parts = parts.into_iter();
    let mut total = parts.next().unwrap_or_default();
    for part in parts {
        total.iter_mut().zip(&part).for_each(|(t, p)| *t += p);
    }
    total
}

/// `conv2d` with its gradient: with bias a [`CustomOp3`], without a [`CustomOp2`].
#[derive(Clone, Copy)]
pub(super) struct Convolution {
    pub(super) stride: usize,
    pub(super) padding: usize,
}

impl Convolution {
    const NAME: &'static str = "conv2d";

    fn forward(
        self,
        (x, x_layout): (&CpuStorage, &Layout),
        (weight, weight_layout): (&CpuStorage, &Layout),
        bias: Option<&[f32]>,
    ) -> Result<(CpuStorage, Shape)> {
        let g = Geometry::of_convolution(x_layout.dims(), weight_layout.dims(), self.stride, self.padding)?;
        let out = gather(slice(x, x_layout, Self::NAME)?, slice(weight, weight_layout, Self::NAME)?, bias, &g);
        Ok(storage(out, (x_layout.dims()[0], g.filters, g.map.0, g.map.1)))
    }

    /// Gradients of the input and the weight. The first layer's input is the data, whose gradient nobody needs.
    fn gradients(self, x: &Tensor, weight: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let geometry = Geometry::of_convolution(x.dims(), weight.dims(), self.stride, self.padding)?;
        let batch = x.dim(0)?;
        let x_grad = wanted(x, || grad.apply_op2_no_bwd(weight, &Scatter { geometry, batch }))?;
        let weight_grad = wanted(weight, || {
            x.contiguous()?.apply_op2_no_bwd(grad, &Correlate { geometry, shape: weight.shape().clone() })
        })?;
        Ok((x_grad, weight_grad))
    }
}

impl CustomOp2 for Convolution {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn cpu_fwd(&self, x: &CpuStorage, lx: &Layout, weight: &CpuStorage, lw: &Layout) -> Result<(CpuStorage, Shape)> {
        self.forward((x, lx), (weight, lw), None)
    }

    fn bwd(&self, x: &Tensor, weight: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        self.gradients(x, weight, &grad.contiguous()?)
    }
}

impl CustomOp3 for Convolution {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let bias = slice(bias, bias_layout, Self::NAME)?;
        self.forward((x, x_layout), (weight, weight_layout), Some(bias))
    }

    fn bwd(&self, x: &Tensor, weight: &Tensor, bias: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Gradients> {
        let grad = grad.contiguous()?;
        let (x_grad, weight_grad) = self.gradients(x, weight, &grad)?;
        Ok((x_grad, weight_grad, wanted(bias, || planes(&grad))?))
    }
}

/// `conv_transpose2d` with its gradient.
#[derive(Clone, Copy)]
pub(super) struct TransposedConvolution {
    pub(super) stride: usize,
    pub(super) padding: usize,
    pub(super) output_padding: usize,
}

impl TransposedConvolution {
    fn geometry(&self, x: &[usize], weight: &[usize]) -> Result<Geometry> {
        Geometry::of_transposed(x, weight, self.stride, self.padding, self.output_padding)
    }
}

impl CustomOp3 for TransposedConvolution {
    fn name(&self) -> &'static str {
        "conv_transpose2d"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let g = self.geometry(x_layout.dims(), weight_layout.dims())?;
        let bias = slice(bias, bias_layout, self.name())?;
        let out = scatter(slice(x, x_layout, self.name())?, slice(weight, weight_layout, self.name())?, Some(bias), &g);
        Ok(storage(out, (x_layout.dims()[0], g.channels, g.image.0, g.image.1)))
    }

    fn bwd(&self, x: &Tensor, weight: &Tensor, bias: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Gradients> {
        let geometry = self.geometry(x.dims(), weight.dims())?;
        let grad = grad.contiguous()?;
        let batch = x.dim(0)?;
        let x_grad = wanted(x, || grad.apply_op2_no_bwd(weight, &Gather { geometry, batch }))?;
        let weight_grad = wanted(weight, || {
            grad.apply_op2_no_bwd(&x.contiguous()?, &Correlate { geometry, shape: weight.shape().clone() })
        })?;
        Ok((x_grad, weight_grad, wanted(bias, || planes(&grad))?))
    }
}

fn planes(grad: &Tensor) -> Result<Tensor> {
    let (_, channels, h, w) = grad.dims4()?;
    let sums = with_slice(grad, |grad| Ok(sum_planes(grad, channels, h * w)))?;
    Tensor::from_vec(sums, channels, grad.device())
}

macro_rules! gradient_op {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* }, |$op:ident, $a:ident, $b:ident| $body:expr) => {
        $(#[$doc])*
        struct $name { geometry: Geometry, $($field: $type),* }

        impl CustomOp2 for $name {
            fn name(&self) -> &'static str {
                "conv2d-backward"
            }

            fn cpu_fwd(&self, a: &CpuStorage, la: &Layout, b: &CpuStorage, lb: &Layout) -> Result<(CpuStorage, Shape)> {
                let ($op, $a, $b) = (self, slice(a, la, self.name())?, slice(b, lb, self.name())?);
                Ok($body)
            }
        }
    };
}

gradient_op!(
    /// (image, weight) -> map, without bias.
    Gather { batch: usize },
    |op, images, weight| {
        let g = &op.geometry;
        storage(gather(images, weight, None, g), (op.batch, g.filters, g.map.0, g.map.1))
    }
);

gradient_op!(
    /// (map, weight) -> image, without bias.
    Scatter { batch: usize },
    |op, maps, weight| {
        let g = &op.geometry;
        storage(scatter(maps, weight, None, g), (op.batch, g.channels, g.image.0, g.image.1))
    }
);

gradient_op!(
    /// (image, map) -> gradient of the weight.
    Correlate { shape: Shape },
    |op, images, maps| storage(correlate(images, maps, &op.geometry), op.shape.clone())
);
