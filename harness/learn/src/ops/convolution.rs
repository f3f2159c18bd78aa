//! Convolution and transposed convolution with their gradients, using the kernels of `harness-kernels`.

use super::{
    geometry::{Geometry, of_convolution, of_transposed},
    storage::{Gradients, slice, storage, wanted, with_slice},
};
use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};
use harness_kernels::{
    convolution::{Finish, Operand, correlate, gather, scatter},
    isa::Isa,
    sums::sum_channels,
};

/// `conv2d` with its gradient: a [`CustomOp3`] with bias, a [`CustomOp2`] without.
#[derive(Clone, Copy)]
pub(super) struct Convolution {
    pub(super) stride: usize,
    pub(super) padding: usize,
    /// True if a ReLU is applied to the input first. Its output is not stored, and its gradient is computed in the same pass.
    pub(super) relu: bool,
}

impl Convolution {
    const NAME: &'static str = "conv2d";

    fn forward(
        self,
        (x, x_layout): (&CpuStorage, &Layout),
        (weight, weight_layout): (&CpuStorage, &Layout),
        bias: Option<&[f32]>,
    ) -> Result<(CpuStorage, Shape)> {
        let g = of_convolution(x_layout.dims(), weight_layout.dims(), self.stride, self.padding)?;
        let (x, weight) = (slice(x, x_layout, Self::NAME)?, slice(weight, weight_layout, Self::NAME)?);
        let out = gather(Isa::best(), x, self.relu, weight, Finish { bias, ..Finish::default() }, &g);
        Ok(storage(out, (x_layout.dims()[0], g.filters, g.map.0, g.map.1)))
    }

    /// The gradients of input and weight. Nobody needs the input's gradient in the first layer, where the input is the data.
    fn gradients(self, x: &Tensor, weight: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let g = of_convolution(x.dims(), weight.dims(), self.stride, self.padding)?;
        let x_grad = wanted(x, || {
            let make = |x: &[f32], weight: &[f32], grad: &[f32]| {
                let finish = Finish { mask: self.relu.then_some(x), ..Finish::default() };
                scatter(Isa::best(), grad, false, weight, finish, &g)
            };
            of_three(x, weight, grad, x.shape(), make)
        })?;
        let weight_grad = wanted(weight, || weight_gradient((x, self.relu), (grad, false), weight.shape(), &g))?;
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
        Ok((x_grad, weight_grad, wanted(bias, || channels(&grad))?))
    }
}

/// `conv_transpose2d` with its gradient.
#[derive(Clone, Copy)]
pub(super) struct TransposedConvolution {
    pub(super) stride: usize,
    pub(super) padding: usize,
    pub(super) output_padding: usize,
    /// True if a ReLU is applied to the input first.
    pub(super) relu: bool,
}

impl TransposedConvolution {
    fn geometry(&self, x: &[usize], weight: &[usize]) -> Result<Geometry> {
        of_transposed(x, weight, self.stride, self.padding, self.output_padding)
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
        let finish = Finish { bias: Some(slice(bias, bias_layout, self.name())?), ..Finish::default() };
        let (x, weight) = (slice(x, x_layout, self.name())?, slice(weight, weight_layout, self.name())?);
        let out = scatter(Isa::best(), x, self.relu, weight, finish, &g);
        Ok(storage(out, (x_layout.dims()[0], g.channels, g.image.0, g.image.1)))
    }

    fn bwd(&self, x: &Tensor, weight: &Tensor, bias: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Gradients> {
        let g = self.geometry(x.dims(), weight.dims())?;
        let grad = grad.contiguous()?;
        let x_grad = wanted(x, || {
            let make = |x: &[f32], weight: &[f32], grad: &[f32]| {
                let finish = Finish { mask: self.relu.then_some(x), ..Finish::default() };
                gather(Isa::best(), grad, false, weight, finish, &g)
            };
            of_three(x, weight, &grad, x.shape(), make)
        })?;
        let weight_grad = wanted(weight, || weight_gradient((&grad, false), (x, self.relu), weight.shape(), &g))?;
        Ok((x_grad, weight_grad, wanted(bias, || channels(&grad))?))
    }
}

/// Applies `make` to the elements of three tensors, and returns the result as a tensor.
fn of_three(
    a: &Tensor,
    b: &Tensor,
    c: &Tensor,
    shape: &Shape,
    make: impl FnOnce(&[f32], &[f32], &[f32]) -> Vec<f32>,
) -> Result<Tensor> {
    let values = with_slice(a, |a| with_slice(b, |b| with_slice(c, |c| Ok(make(a, b, c)))))?;
    Tensor::from_vec(values, shape, a.device())
}

/// The weight's gradient from images and maps, optionally after a ReLU.
fn weight_gradient(images: (&Tensor, bool), maps: (&Tensor, bool), shape: &Shape, g: &Geometry) -> Result<Tensor> {
    let values = with_slice(images.0, |i| {
        with_slice(maps.0, |m| {
            let (images, maps) = (Operand { values: i, relu: images.1 }, Operand { values: m, relu: maps.1 });
            Ok(correlate(Isa::best(), images, maps, g))
        })
    })?;
    Tensor::from_vec(values, shape, images.0.device())
}

/// The bias's gradient.
fn channels(grad: &Tensor) -> Result<Tensor> {
    let (_, channels, h, w) = grad.dims4()?;
    let sums = with_slice(grad, |grad| Ok(sum_channels(grad, channels, h * w)))?;
    Tensor::from_vec(sums, channels, grad.device())
}
