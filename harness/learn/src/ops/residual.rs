//! A residual block as one operation: its gradient is added to the skip connection's in the same pass, and no ReLU is stored.

use super::{
    geometry::of_convolution,
    storage::{Gradients, slice, storage, wanted, with_slice},
};
use candle_core::{CpuStorage, CustomOp2, CustomOp3, Error, Layout, Result, Shape, Tensor};
use harness_kernels::{
    convolution::{Finish, Geometry, Operand, correlate, gather, scatter},
    isa::Isa,
    sums::sum_channels,
};
use std::sync::OnceLock;

/// `x + conv1×1(relu(conv3×3(relu(x))))` on the CPU; `wide` and `narrow` are weight and bias of the two convolutions.
pub(super) fn block(x: &Tensor, wide: (&Tensor, &Tensor), narrow: (&Tensor, &Tensor)) -> Result<Tensor> {
    let sizes = (of_convolution(x.dims(), wide.0.dims(), 1, 1)?, inner(x, wide.0, narrow.0)?);
    let op = Block { wide: sizes.0, narrow: sizes.1, hidden: OnceLock::new() };
    // candle's operations have at most three inputs.
    let join = |(weight, bias): (&Tensor, &Tensor)| weight.contiguous()?.apply_op2(&bias.contiguous()?, Join);
    x.contiguous()?.apply_op3(&join(wide)?, &join(narrow)?, op)
}

/// Geometry of the second convolution, whose output must fit `x`.
fn inner(x: &Tensor, wide: &Tensor, narrow: &Tensor) -> Result<Geometry> {
    let (batch, channels, h, w) = x.dims4()?;
    let g = of_convolution(&[batch, wide.dim(0)?, h, w], narrow.dims(), 1, 0)?;
    if g.filters != channels || g.map != (h, w) {
        return Err(Error::Msg(format!(
            "a residual block of {:?} gives another shape than {:?}",
            narrow.dims(),
            x.dims()
        )));
    }
    Ok(g)
}

/// Joins weight and bias in one tensor.
struct Join;

impl CustomOp2 for Join {
    fn name(&self) -> &'static str {
        "join"
    }

    fn cpu_fwd(&self, weight: &CpuStorage, lw: &Layout, bias: &CpuStorage, lb: &Layout) -> Result<(CpuStorage, Shape)> {
        let joined = [slice::<f32>(weight, lw, self.name())?, slice(bias, lb, self.name())?].concat();
        let length = joined.len();
        Ok(storage(joined, length))
    }

    fn bwd(
        &self,
        weight: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let length = weight.elem_count();
        Ok((
            wanted(weight, || grad.narrow(0, 0, length)?.reshape(weight.shape()))?,
            wanted(bias, || grad.narrow(0, length, bias.elem_count()))?,
        ))
    }
}

struct Block {
    wide: Geometry,
    narrow: Geometry,
    /// The output of the first convolution, for the gradient.
    hidden: OnceLock<Vec<f32>>,
}

impl CustomOp3 for Block {
    fn name(&self) -> &'static str {
        "residual-block"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        wide: &CpuStorage,
        wide_layout: &Layout,
        narrow: &CpuStorage,
        narrow_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let x: &[f32] = slice(x, x_layout, self.name())?;
        let (weight, bias) = slice(wide, wide_layout, self.name())?.split_at(self.wide.weight_len());
        let finish = Finish { bias: Some(bias), ..Finish::default() };
        let hidden = gather(Isa::best(), x, true, weight, finish, &self.wide);
        let (weight, bias) = slice(narrow, narrow_layout, self.name())?.split_at(self.narrow.weight_len());
        let finish = Finish { bias: Some(bias), mask: None, add: Some(x) };
        let out = gather(Isa::best(), &hidden, true, weight, finish, &self.narrow);
        // Filled only once: an operation serves a single call.
        self.hidden.get_or_init(|| hidden);
        Ok(storage(out, x_layout.shape()))
    }

    fn bwd(&self, x: &Tensor, wide: &Tensor, narrow: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Gradients> {
        let grad = grad.contiguous()?;
        let Some(hidden) = self.hidden.get() else {
            return Err(Error::Msg("a residual block has no gradient before it has an output".into()));
        };
        with_slice(x, |x_data| {
            with_slice(&grad, |grad| {
                let after = Operand { values: grad, relu: false };
                let narrow_grad = wanted(narrow, || {
                    let weight = correlate(Isa::best(), Operand { values: hidden, relu: true }, after, &self.narrow);
                    joined(weight, grad, &self.narrow)
                })?;
                let inside = with_slice(narrow, |weight| {
                    let finish = Finish { mask: Some(hidden), ..Finish::default() };
                    let weight = &weight[..self.narrow.weight_len()];
                    Ok(scatter(Isa::best(), grad, false, weight, finish, &self.narrow))
                })?;
                let wide_grad = wanted(wide, || {
                    let (x, inside_operand) =
                        (Operand { values: x_data, relu: true }, Operand { values: &inside, relu: false });
                    joined(correlate(Isa::best(), x, inside_operand, &self.wide), &inside, &self.wide)
                })?;
                let x_grad = wanted(x, || {
                    let values = with_slice(wide, |weight| {
                        let finish = Finish { bias: None, mask: Some(x_data), add: Some(grad) };
                        let weight = &weight[..self.wide.weight_len()];
                        Ok(scatter(Isa::best(), &inside, false, weight, finish, &self.wide))
                    })?;
                    Tensor::from_vec(values, x.shape(), x.device())
                })?;
                Ok((x_grad, wide_grad, narrow_grad))
            })
        })
    }
}

/// The gradients of weight and bias in one tensor; `grad` is the gradient of the convolution's output.
fn joined(mut weight: Vec<f32>, grad: &[f32], g: &Geometry) -> Result<Tensor> {
    weight.extend(sum_channels(grad, g.filters, g.map.0 * g.map.1));
    let length = weight.len();
    Tensor::from_vec(weight, length, &candle_core::Device::Cpu)
}
