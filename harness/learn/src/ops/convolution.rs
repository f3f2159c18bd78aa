//! Convolution and transposed convolution with their gradients, using the kernels of `harness-kernels`.

use super::{
    geometry::{Geometry, of_convolution, of_transposed},
    storage::{read, result, tensor},
    tape::wanted,
};
use candle_core::{Result, Tensor};
use harness_kernels::{
    convolution::{Finish, Operand, correlate, gather, scatter},
    isa::Isa,
    sums::sum_channels,
};

/// The sizes of a convolution beside those of its tensors.
#[derive(Clone, Copy)]
pub(super) struct Convolution {
    pub(super) stride: usize,
    pub(super) padding: usize,
    /// True if a ReLU is applied to the input first. Its output is not stored, and its gradient is computed in the same pass.
    pub(super) relu: bool,
}

impl Convolution {
    /// See [`super::conv2d`].
    pub(super) fn of(self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        let g = of_convolution(x.dims(), weight.dims(), self.stride, self.padding)?;
        let [x, weight] = [x.contiguous()?, weight.contiguous()?];
        let bias = bias.map(Tensor::contiguous).transpose()?;
        let values = {
            let (x, weight) = (read(&x)?, read(&weight)?);
            let bias = bias.as_ref().map(read).transpose()?;
            gather(Isa::best(), &x, self.relu, &weight, Finish { bias: bias.as_deref(), ..Finish::default() }, &g)
        };
        let shape = (x.dim(0)?, g.filters, g.map.0, g.map.1);
        let inputs = all(&x, &weight, bias.as_ref());
        let tensors = (x.clone(), weight.clone(), bias.clone());
        result(&inputs, values, shape, move |grad| {
            let (x, weight, bias) = &tensors;
            // Nobody needs the input's gradient in the first layer, where the input is the data.
            let of_x = wanted(x, || {
                let values = {
                    let (x, weight, grad) = (read(x)?, read(weight)?, read(grad)?);
                    let finish = Finish { mask: self.relu.then_some(&*x), ..Finish::default() };
                    scatter(Isa::best(), &grad, false, &weight, finish, &g)
                };
                tensor(values, x.shape())
            })?;
            let of_weight = wanted(weight, || weight_gradient((x, self.relu), (grad, false), weight, &g))?;
            let of_bias = bias.as_ref().map(|bias| wanted(bias, || channels(grad))).transpose()?;
            Ok([of_x, of_weight].into_iter().chain(of_bias).collect())
        })
    }
}

/// The sizes of a transposed convolution beside those of its tensors.
#[derive(Clone, Copy)]
pub(super) struct TransposedConvolution {
    pub(super) stride: usize,
    pub(super) padding: usize,
    pub(super) output_padding: usize,
    /// True if a ReLU is applied to the input first.
    pub(super) relu: bool,
}

impl TransposedConvolution {
    /// See [`super::conv_transpose2d`].
    pub(super) fn of(self, x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
        let g = of_transposed(x.dims(), weight.dims(), self.stride, self.padding, self.output_padding)?;
        let [x, weight, bias] = [x.contiguous()?, weight.contiguous()?, bias.contiguous()?];
        let values = {
            let (x, weight, bias) = (read(&x)?, read(&weight)?, read(&bias)?);
            let finish = Finish { bias: Some(&*bias), ..Finish::default() };
            scatter(Isa::best(), &x, self.relu, &weight, finish, &g)
        };
        let shape = (x.dim(0)?, g.channels, g.image.0, g.image.1);
        let inputs = all(&x, &weight, Some(&bias));
        let tensors = (x.clone(), weight.clone(), bias.clone());
        result(&inputs, values, shape, move |grad| {
            let (x, weight, bias) = &tensors;
            let of_x = wanted(x, || {
                let values = {
                    let (x, weight, grad) = (read(x)?, read(weight)?, read(grad)?);
                    let finish = Finish { mask: self.relu.then_some(&*x), ..Finish::default() };
                    gather(Isa::best(), &grad, false, &weight, finish, &g)
                };
                tensor(values, x.shape())
            })?;
            let of_weight = wanted(weight, || weight_gradient((grad, false), (x, self.relu), weight, &g))?;
            Ok(vec![of_x, of_weight, wanted(bias, || channels(grad))?])
        })
    }
}

/// The tensors that a convolution takes.
fn all<'a>(x: &'a Tensor, weight: &'a Tensor, bias: Option<&'a Tensor>) -> Vec<&'a Tensor> {
    [x, weight].into_iter().chain(bias).collect()
}

/// The weight's gradient from images and maps, optionally after a ReLU.
fn weight_gradient(images: (&Tensor, bool), maps: (&Tensor, bool), weight: &Tensor, g: &Geometry) -> Result<Tensor> {
    let (values, relus) = ((read(images.0)?, read(maps.0)?), (images.1, maps.1));
    let (images, maps) = (Operand { values: &values.0, relu: relus.0 }, Operand { values: &values.1, relu: relus.1 });
    tensor(correlate(Isa::best(), images, maps, g), weight.shape())
}

/// The bias's gradient.
fn channels(grad: &Tensor) -> Result<Tensor> {
    let (_, channels, h, w) = grad.dims4()?;
    tensor(sum_channels(&read(grad)?, channels, h * w), channels)
}
