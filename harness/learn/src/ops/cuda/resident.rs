//! Pictures kept on the device as bytes, and batches made from them there.

use super::{
    engine::{Argument::Address, PICTURES, count, counts},
    memory::{empty, make, tensor},
};
use candle_core::{CudaStorage, DType, Device, Error, Result, Shape, Tensor, cuda_backend::CudaStorageSlice};
use harness_images::augment::{Table, Target};
use std::ops::Range;

/// Threads of the block that makes an image: a power of two, and at most as many as `pictures.cu` provides for.
const THREADS: u32 = 512;

/// Largest side of a picture in pixels; `pictures.cu` has the same limit.
const MOST: usize = 2048;

/// Bytes of scratch memory per pixel: two pictures and two class maps.
const WORK: usize = 8;

/// Pictures on a device. Dropping this frees them.
#[derive(Debug)]
pub(crate) struct Resident {
    /// Interleaved RGB, `[N·S·S·3]` of u8.
    rgb: Tensor,
    /// Class maps, `[N·S·S]` of u8; `None` where pictures have no classes.
    classes: Option<Tensor>,
    side: usize,
    /// N.
    count: usize,
}

impl Resident {
    /// Bytes free on `device`; `None` if it takes no pictures.
    pub(crate) fn free_memory(device: &Device) -> Result<Option<u64>> {
        let stream = device.as_cuda_device()?.cuda_stream();
        let (free, _) = stream.context().mem_get_info().map_err(Error::wrap)?;
        Ok(Some(free as u64))
    }

    /// Copies pictures of `side` pixels a side to `device`: `rgb` `[N, S, S, 3]`, and `classes` `[N, S, S]` or nothing.
    pub(crate) fn upload(rgb: &[u8], classes: &[u8], side: usize, device: &Device) -> Result<Self> {
        let count = rgb.len() / (3 * side * side).max(1);
        let fits = rgb.len() == count * 3 * side * side && (classes.is_empty() || classes.len() * 3 == rgb.len());
        if !fits || count == 0 || side > MOST {
            let (rgb, classes) = (rgb.len(), classes.len());
            return Err(Error::Msg(format!("{rgb} bytes of pictures of {side} pixels a side, {classes} classes")));
        }
        let there = (!classes.is_empty()).then(|| bytes(classes, device)).transpose()?;
        Ok(Self { rgb: bytes(rgb, device)?, classes: there, side, count })
    }

    /// Copies the draws to the device. Batches need no other transfer.
    pub(crate) fn table(&self, table: &Table) -> Result<Tensor> {
        let rows = table.words.len() / table.width;
        if let Some(place) = table.words.iter().step_by(table.width).find(|&&place| place as usize >= self.count) {
            return Err(Error::Msg(format!("picture {place} of {}", self.count)));
        }
        Tensor::from_slice(&table.words, (rows, table.width), self.rgb.device())
    }

    /// The batch of rows `rows` of `table`: images `[B, 3, S, S]` in 0..1, and the target, which is images of the same shape or
    /// classes `[B, S, S]` of u8.
    pub(crate) fn batch(&self, table: &Tensor, rows: Range<usize>, target: Target) -> Result<(Tensor, Tensor)> {
        let (all, width) = table.dims2()?;
        let (batch, side) = (rows.len(), self.side);
        if rows.end > all || batch == 0 {
            return Err(Error::Msg(format!("rows {rows:?} of {all}")));
        }
        // The kernel counts the elements of a batch in 32 bits.
        count(batch * side * side * WORK)?;
        let device = self.rgb.device();
        // Every element of both is written by the kernel.
        let target = match (target, &self.classes) {
            (Target::Images, _) => empty(DType::F32, (batch, 3, side, side), device)?,
            (Target::Classes, Some(_)) => empty(DType::U8, (batch, side, side), device)?,
            (Target::Classes, None) => return Err(Error::Msg("the pictures have no classes".into())),
        };
        let work = empty(DType::U8, batch * side * side * WORK, device)?;
        let mut inputs = vec![&self.rgb, table, &work, &target];
        inputs.extend(&self.classes);
        let images = make(&inputs, DType::F32, (batch, 3, side, side), |engine, from, to| {
            let classes = from.get(4).copied().unwrap_or_default();
            let (clean, labels) = if target.dtype() == DType::F32 { (from[3], 0) } else { (0, from[3]) };
            let [first, width, side] = counts([rows.start, width, side])?;
            let arguments = [
                Address(from[0]),
                Address(classes),
                Address(from[1]),
                first,
                width,
                side,
                Address(from[2]),
                Address(to),
                Address(clean),
                Address(labels),
            ];
            engine.launch(&PICTURES, "assemble", (count(batch)?, 1, 1), (THREADS, 1, 1), &arguments)
        })?;
        Ok((images, target))
    }
}

/// Bytes on the device that need no second copy in the host's memory.
fn bytes(data: &[u8], device: &Device) -> Result<Tensor> {
    let device = device.as_cuda_device()?;
    let slice = CudaStorageSlice::U8(device.clone_htod(data)?);
    Ok(tensor((CudaStorage { slice, device: device.clone() }, Shape::from(data.len()))))
}
