//! The counts of each predicted image.

use super::{
    engine::{Argument, Argument::Address, SCORES, count},
    memory::{make, require_f32},
};
use crate::ops::SOFT_DICE_SMOOTH;
use candle_core::{DType, Error, Result, Tensor};

/// Number of classes that the kernel supports.
const CLASSES: usize = 3;

/// For each image of `channels` `[B, 3, S, S]` against `target` `[B, S, S]` of u8, `[B, 12]` of f64: pixels by true and
/// predicted class, the soft overlap, the soft prediction, and the weighted sum of mean squared error, cross-entropy,
/// cross-entropy of sigmoids and soft Dice. An invalid class makes the loss NaN.
pub(crate) fn image_scores(channels: &Tensor, target: &Tensor, weights: [f64; 4]) -> Result<Option<Tensor>> {
    let (channels, target) = (channels.detach().contiguous()?, target.contiguous()?);
    require_f32(&channels, "image_scores")?;
    let (batch, classes, h, w) = channels.dims4()?;
    if classes != CLASSES || target.dims() != [batch, h, w] || target.dtype() != DType::U8 {
        let (ours, theirs) = (channels.dims(), target.dims());
        return Err(Error::Msg(format!("scores of {ours:?} against a target {theirs:?} of {:?}", target.dtype())));
    }
    // The kernel counts all elements in 32 bits.
    count(channels.elem_count())?;
    make(&[&channels, &target], DType::F64, (batch, CLASSES * CLASSES + 3), |engine, from, to| {
        let mut arguments = vec![Address(from[0]), Address(from[1]), Argument::count(h * w)?];
        arguments.extend(weights.map(Argument::Double));
        arguments.extend([Argument::Double(SOFT_DICE_SMOOTH), Address(to)]);
        engine.launch(&SCORES, "image_scores", (count(batch)?, 1, 1), (256, 1, 1), &arguments)
    })
    .map(Some)
}
