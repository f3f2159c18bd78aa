//! A residual block: two convolutions whose output is added to their input. Each ReLU, the sum and the biases are
//! computed in the same pass, and no ReLU is stored.

use super::{
    geometry::of_convolution,
    storage::{read, result, tensor},
    tape::wanted,
};
use candle_core::{Error, Result, Tensor};
use harness_kernels::{
    convolution::{Finish, Geometry, Operand, correlate, gather, scatter},
    isa::Isa,
    sums::sum_channels,
};

/// `x + conv1×1(relu(conv3×3(relu(x))))` on the CPU; `wide` and `narrow` are weight and bias of the two convolutions.
pub(super) fn block(x: &Tensor, wide: (&Tensor, &Tensor), narrow: (&Tensor, &Tensor)) -> Result<Tensor> {
    let (outer, inner) = (of_convolution(x.dims(), wide.0.dims(), 1, 1)?, inner(x, wide.0, narrow.0)?);
    let x = x.contiguous()?;
    let [wide, wide_bias, narrow, narrow_bias] =
        [wide.0.contiguous()?, wide.1.contiguous()?, narrow.0.contiguous()?, narrow.1.contiguous()?];
    let (hidden, values) = {
        let (x, bias) = (read(&x)?, read(&wide_bias)?);
        let finish = Finish { bias: Some(&*bias), ..Finish::default() };
        let hidden = gather(Isa::best(), &x, true, &read(&wide)?, finish, &outer);
        let bias = read(&narrow_bias)?;
        let finish = Finish { bias: Some(&*bias), mask: None, add: Some(&*x) };
        let values = gather(Isa::best(), &hidden, true, &read(&narrow)?, finish, &inner);
        (hidden, values)
    };
    let shape = x.shape().clone();
    let all = [x, wide, wide_bias, narrow, narrow_bias];
    result(&all.each_ref(), values, &shape, {
        let [x, wide, wide_bias, narrow, narrow_bias] = all.clone();
        move |grad| {
            let (x_data, grad) = (read(&x)?, read(grad)?);
            let after = Operand { values: &grad, relu: false };
            let of_narrow = wanted(&narrow, || {
                let values = correlate(Isa::best(), Operand { values: &hidden, relu: true }, after, &inner);
                tensor(values, narrow.shape())
            })?;
            let of_narrow_bias = wanted(&narrow_bias, || bias_gradient(&grad, &inner))?;
            let finish = Finish { mask: Some(&hidden), ..Finish::default() };
            let inside = scatter(Isa::best(), &grad, false, &read(&narrow)?, finish, &inner);
            let of_wide = wanted(&wide, || {
                let before = Operand { values: &x_data, relu: true };
                let values = correlate(Isa::best(), before, Operand { values: &inside, relu: false }, &outer);
                tensor(values, wide.shape())
            })?;
            let of_wide_bias = wanted(&wide_bias, || bias_gradient(&inside, &outer))?;
            let of_x = wanted(&x, || {
                let finish = Finish { bias: None, mask: Some(&*x_data), add: Some(&*grad) };
                tensor(scatter(Isa::best(), &inside, false, &read(&wide)?, finish, &outer), x.shape())
            })?;
            Ok(vec![of_x, of_wide, of_wide_bias, of_narrow, of_narrow_bias])
        }
    })
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

/// The gradient of a bias; `grad` is the gradient of the convolution's output.
fn bias_gradient(grad: &[f32], g: &Geometry) -> Result<Tensor> {
    tensor(sum_channels(grad, g.filters, g.map.0 * g.map.1), g.filters)
}
