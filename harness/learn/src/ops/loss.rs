//! Mean squared error, cross-entropy and soft Dice over channels, each with one forward and one backward pass.

use super::storage::{read, read_as, result, result_output, tensor};
use candle_core::{Error, Result, Tensor};
use harness_kernels::{cross_entropy, isa::Isa, mean_squared_error, sigmoid, soft_dice};

/// See [`super::mse`].
pub(super) fn mse(x: &Tensor, target: &Tensor) -> Result<Tensor> {
    if x.shape() != target.shape() || x.elem_count() == 0 {
        return Err(Error::Msg(format!("mse of {:?} against {:?}", x.shape(), target.shape())));
    }
    let (x, target) = (x.contiguous()?, target.contiguous()?);
    let loss = mean_squared_error::forward(Isa::best(), &read(&x)?, &read(&target)?) as f32;
    let kept = x.clone();
    result(&[&x], vec![loss], (), move |grad| {
        let factor = grad.to_scalar::<f32>()?;
        let values = mean_squared_error::backward(Isa::best(), &read(&kept)?, &read(&target)?, factor);
        Ok(vec![Some(tensor(values, kept.shape())?)])
    })
}

/// Logits and classes whose shapes fit, and whose classes exist; and the pixels of an image.
fn checked(logits: &Tensor, target: &Tensor) -> Result<(Tensor, Tensor, usize)> {
    let &[batch, channels, h, w] = logits.dims() else {
        return Err(Error::Msg(format!("a loss over channels takes logits [B, K, H, W], not {:?}", logits.dims())));
    };
    if target.dims() != [batch, h, w] || batch * h * w == 0 {
        return Err(Error::Msg(format!("a loss of {:?} against a target {:?}", logits.dims(), target.dims())));
    }
    let (logits, target) = (logits.contiguous()?, target.contiguous()?);
    if let Some(class) = read_as::<u8>(&target)?.iter().find(|&&c| usize::from(c) >= channels) {
        return Err(Error::Msg(format!("a loss over {channels} classes: the target has class {class}")));
    }
    Ok((logits, target, h * w))
}

/// See [`super::cross_entropy`].
pub(super) fn cross_entropy(logits: &Tensor, target: &Tensor) -> Result<Tensor> {
    let (logits, target, pixels) = checked(logits, target)?;
    let images = cross_entropy::forward(Isa::best(), &read(&logits)?, &read_as::<u8>(&target)?, pixels);
    let loss = (images.iter().sum::<f64>() / target.elem_count() as f64) as f32;
    let kept = logits.clone();
    result(&[&logits], vec![loss], (), move |grad| {
        let factor = grad.to_scalar::<f32>()? / target.elem_count() as f32;
        let values = cross_entropy::backward(Isa::best(), &read(&kept)?, &read_as::<u8>(&target)?, pixels, factor);
        Ok(vec![Some(tensor(values, kept.shape())?)])
    })
}

/// Sum over the pixels of one image of `−log softmax(image)[class]`; `image` is `[K, pixels]`.
pub(crate) fn image_cross_entropy(image: &[f32], classes: &[u8], pixels: usize) -> f64 {
    cross_entropy::forward(Isa::best(), image, classes, pixels).into_iter().sum()
}

/// Added to numerator and denominator of the soft Dice, in pixels, so that it is 1 for an absent class.
pub const SOFT_DICE_SMOOTH: f64 = 1.0;

/// See [`super::soft_dice`].
pub(super) fn soft_dice(logits: &Tensor, target: &Tensor) -> Result<Tensor> {
    let (logits, target, pixels) = checked(logits, target)?;
    // Its probabilities and sums serve the gradient, too.
    let dice =
        soft_dice::SoftDice::new(Isa::best(), &read(&logits)?, &read_as::<u8>(&target)?, pixels, SOFT_DICE_SMOOTH);
    let images = dice.losses();
    let loss = (images.iter().sum::<f64>() / images.len() as f64) as f32;
    let shape = logits.shape().clone();
    let parts = logits.dim(0)? * logits.dim(1)?;
    result(&[&logits], vec![loss], (), move |grad| {
        let factor = f64::from(grad.to_scalar::<f32>()?) / parts as f64;
        Ok(vec![Some(tensor(dice.backward(Isa::best(), &read_as::<u8>(&target)?, factor), &shape)?)])
    })
}

/// `1 − Dice`, mean over the channels of one image `[K, pixels]`; see [`super::soft_dice`].
pub(crate) fn image_soft_dice(image: &[f32], classes: &[u8], pixels: usize) -> f64 {
    soft_dice::SoftDice::new(Isa::best(), image, classes, pixels, SOFT_DICE_SMOOTH).losses().into_iter().sum()
}

/// See [`super::sigmoid`].
pub(super) fn sigmoid(x: &Tensor) -> Result<Tensor> {
    let x = x.contiguous()?;
    let values = image_sigmoid(&read(&x)?);
    result_output(&[&x], values, x.shape(), |output, grad| {
        Ok(vec![Some(tensor(sigmoid::backward(Isa::best(), &read(output)?, &read(grad)?), output.shape())?)])
    })
}

/// `1 / (1 + e^−x)` of every value.
pub(crate) fn image_sigmoid(values: &[f32]) -> Vec<f32> {
    sigmoid::forward(Isa::best(), values)
}
