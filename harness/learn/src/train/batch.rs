//! Batches of pictures as tensors.

use candle_core::{Device, Result, Tensor};
use harness_images::{
    augment::{Drawn, Target},
    datasets::Pictures,
};
use rayon::prelude::*;

/// The images of a step.
#[derive(Debug)]
pub struct Batch {
    /// Epoch, counted from 1; 0 if the network is only evaluated.
    pub epoch: u32,
    /// The network's input, before conversion to the scale on which it sees images: `[B, 3, S, S]` in 0..1.
    pub images: Tensor,
    /// The target: images `[B, 3, S, S]` in 0..1, or classes `[B, S, S]` of u8.
    pub target: Tensor,
}

impl Batch {
    /// Copies the batch to `device`.
    pub(super) fn to_device(&self, device: &Device) -> Result<Self> {
        let (images, target) = (self.images.to_device(device)?, self.target.to_device(device)?);
        Ok(Self { epoch: self.epoch, images, target })
    }
}

/// The batch of the drawn images, in the host's memory.
pub(crate) fn assembled(pictures: &Pictures, drawn: &[Drawn], target: Target, epoch: u32) -> Result<Batch> {
    let side = pictures.size as usize;
    let (count, pixels) = (drawn.len(), side * side);
    let rgb = |image: &Drawn| pictures.rgb_of(image.place as usize);
    let mut data = vec![0.0f32; count * 3 * pixels];
    data.par_chunks_mut(3 * pixels).zip(drawn.par_iter()).for_each(|(planes, image)| {
        fill_planes(planes, &image.picture(rgb(image), pictures.size));
        planes.chunks_mut(pixels).for_each(|plane| image.mask(plane, side));
    });
    let images = Tensor::from_vec(data, (count, 3, side, side), &Device::Cpu)?;
    let target = match target {
        Target::Images => tensor(drawn.iter().map(rgb), side, &Device::Cpu)?,
        Target::Classes => {
            let classes = |image: &Drawn| image.classes(pictures.classes_of(image.place as usize), pictures.size);
            let classes: Vec<_> = drawn.par_iter().map(classes).collect();
            Tensor::from_vec(classes.concat(), (count, side, side), &Device::Cpu)?
        }
    };
    Ok(Batch { epoch, images, target })
}

/// The pictures at `places`, `[B, 3, S, S]` in 0..1.
pub fn images(pictures: &Pictures, places: &[u32], device: &Device) -> Result<Tensor> {
    let side = pictures.size as usize;
    tensor(places.iter().map(|&p| pictures.rgb_of(p as usize)), side, device)
}

/// Interleaved RGB bytes of square images as `[B, 3, S, S]` in 0..1.
pub(crate) fn tensor<'a>(images: impl Iterator<Item = &'a [u8]>, side: usize, device: &Device) -> Result<Tensor> {
    let images: Vec<&[u8]> = images.collect();
    let pixels = side * side;
    let mut data = vec![0.0f32; images.len() * 3 * pixels];
    data.par_chunks_mut(3 * pixels).zip(images.par_iter()).for_each(|(planes, rgb)| fill_planes(planes, rgb));
    Tensor::from_vec(data, (images.len(), 3, side, side), &Device::Cpu)?.to_device(device)
}

/// The planes red, green and blue, in 0..1, of interleaved bytes.
fn fill_planes(planes: &mut [f32], rgb: &[u8]) {
    let pixels = planes.len() / 3;
    for (channel, plane) in planes.chunks_mut(pixels).enumerate() {
        // Divides, as PyTorch's ToTensor does: a multiplication by 1/255 differs in the last bit.
        plane.iter_mut().zip(rgb[channel..].iter().step_by(3)).for_each(|(v, &b)| *v = f32::from(b) / 255.0);
    }
}

/// Interleaved RGB bytes of square images of `size` pixels a side as `[B, 3, S, S]` in 0..1.
pub fn pictures_tensor(images: &[&[u8]], size: u32, device: &Device) -> Result<Tensor> {
    tensor(images.iter().copied(), size as usize, device)
}

/// The class maps at `places`, `[B, S, S]` of u8, as a tensor and on the host.
pub fn classes(pictures: &Pictures, places: &[u32], device: &Device) -> Result<(Tensor, Vec<u8>)> {
    let side = pictures.size as usize;
    let host: Vec<u8> = places.iter().flat_map(|&p| pictures.classes_of(p as usize)).copied().collect();
    let tensor = Tensor::from_slice(&host, (places.len(), side, side), &Device::Cpu)?.to_device(device)?;
    Ok((tensor, host))
}
