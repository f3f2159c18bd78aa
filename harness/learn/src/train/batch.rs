//! Batches of pictures as tensors.

use crate::datasets::Pictures;
use candle_core::{Device, Result, Tensor};
use rayon::prelude::*;

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
    data.par_chunks_mut(3 * pixels).zip(images.par_iter()).for_each(|(planes, rgb)| {
        for (channel, plane) in planes.chunks_mut(pixels).enumerate() {
            // PyTorch's ToTensor divides, so we do: a product with 1/255 differs in the last bit.
            plane.iter_mut().zip(rgb[channel..].iter().step_by(3)).for_each(|(v, &b)| *v = f32::from(b) / 255.0);
        }
    });
    Tensor::from_vec(data, (images.len(), 3, side, side), &Device::Cpu)?.to_device(device)
}

/// Interleaved RGB bytes of square images of `size` pixels a side as `[B, 3, S, S]` in 0..1.
pub fn pictures_tensor(images: &[&[u8]], size: u32, device: &Device) -> Result<Tensor> {
    tensor(images.iter().copied(), size as usize, device)
}

/// The class maps at `places`: `[B, S, S]` of u8, and the same on the host.
pub fn classes(pictures: &Pictures, places: &[u32], device: &Device) -> Result<(Tensor, Vec<u8>)> {
    let side = pictures.size as usize;
    let host: Vec<u8> = places.iter().flat_map(|&p| pictures.classes_of(p as usize)).copied().collect();
    let tensor = Tensor::from_slice(&host, (places.len(), side, side), &Device::Cpu)?.to_device(device)?;
    Ok((tensor, host))
}

impl Pictures {
    /// The interleaved RGB bytes of a picture.
    pub fn rgb_of(&self, place: usize) -> &[u8] {
        let length = 3 * (self.size * self.size) as usize;
        &self.rgb[place * length..][..length]
    }

    /// The class map of a picture.
    pub fn classes_of(&self, place: usize) -> &[u8] {
        let length = (self.size * self.size) as usize;
        &self.classes[place * length..][..length]
    }
}
