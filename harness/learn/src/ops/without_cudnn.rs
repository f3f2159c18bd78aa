//! What other devices than the CPU do without the feature `cudnn`: the operations are [`composed`](super::composed), and what
//! only our own kernels can do is left out.

pub(super) use super::composed::*;
use candle_core::{Device, Error, Result, Tensor};
use harness_images::augment::{Table, Target};
use std::ops::Range;

/// candle's primitives use one memory layout, so there is nothing to convert at a network's ends.
pub(crate) struct NetworkScope;

impl NetworkScope {
    /// The scope of a forward pass of a network.
    #[allow(clippy::unnecessary_wraps)]
    pub(crate) fn enter<'a>(_: &Device, _: impl IntoIterator<Item = &'a Tensor>) -> Result<Self> {
        Ok(Self)
    }

    /// Converts an image for the network.
    #[allow(clippy::unused_self, clippy::unnecessary_wraps)]
    pub(crate) fn input(&self, image: &Tensor) -> Result<Tensor> {
        Ok(image.clone())
    }

    /// Converts an image from the network.
    #[allow(clippy::unused_self, clippy::unnecessary_wraps)]
    pub(crate) fn output(&self, image: &Tensor) -> Result<Tensor> {
        Ok(image.clone())
    }
}

/// The counts of each predicted image. There are none here, because candle's primitives would be slower than the host.
#[allow(clippy::unnecessary_wraps)]
pub(crate) fn image_scores(_: &Tensor, _: &Tensor, _: [f64; 4]) -> Result<Option<Tensor>> {
    Ok(None)
}

/// Pictures kept on the device. There are none here, because candle's primitives cannot make batches of bytes.
#[derive(Debug)]
pub(crate) enum Resident {}

#[allow(clippy::unnecessary_wraps)]
impl Resident {
    /// Always `None`: no device takes pictures.
    pub(crate) fn free_memory(_: &Device) -> Result<Option<u64>> {
        Ok(None)
    }

    /// Always fails: no device takes pictures.
    pub(crate) fn upload(_: &[u8], _: &[u8], _: usize, _: &Device) -> Result<Self> {
        Err(Error::Msg("pictures stay in the host's memory without the feature cudnn".into()))
    }

    /// Never called, because no value of this type exists.
    pub(crate) fn table(&self, _: &Table) -> Result<Tensor> {
        match *self {}
    }

    /// Never called, because no value of this type exists.
    pub(crate) fn batch(&self, _: &Tensor, _: Range<usize>, _: Target) -> Result<(Tensor, Tensor)> {
        match *self {}
    }
}

/// See [`super::full_precision`]. Nothing is in another precision here.
#[allow(clippy::unnecessary_wraps)]
pub(super) fn full_precision(x: &Tensor) -> Result<Tensor> {
    Ok(x.clone())
}

/// Gradients are never left for later here.
#[allow(clippy::unnecessary_wraps)]
pub(super) fn settle() -> Result<()> {
    Ok(())
}

/// See [`settle`].
#[allow(clippy::unnecessary_wraps)]
pub(super) fn settle_for(_: [&Tensor; 2]) -> Result<()> {
    Ok(())
}

/// See [`settle`].
pub(super) fn forget() {}

/// The algorithms that a library chose for convolutions. There are none here.
pub fn chosen_algorithms() -> Vec<String> {
    Vec::new()
}
