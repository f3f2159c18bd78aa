//! The fast way for what nearly all photographs are: one scan of Huffman-coded blocks, grey or luma and chroma, undamaged.
//!
//! libjpeg without its assembler files spends most of its time in arithmetic that a compiler cannot make vectors of. Here it can,
//! which halves the time, and every result is the same to the bit. Whatever is unusual or damaged is left to libjpeg.

use super::{
    super::Picture,
    header::{Component, Header, ZIGZAG},
    huffman::Bits,
    planes::{Plane, Subsampling, rgb},
    transform::{self, BLOCK, Batch, SIDE},
};
use pulp::{Arch, Simd, WithSimd};
use std::ops::Range;

/// A file that is not decoded here.
#[derive(Debug)]
pub(super) struct Unusual;

/// Largest sizes of coefficients in a baseline JPEG (ITU-T T.81, tables F.1 and F.2).
const MOST_FIRST: u32 = 11;
const MOST_OTHERS: u32 = 10;
/// Largest first coefficient, which is the sum of differences.
const MOST_BEFORE: i32 = 1 << 14;

/// Decodes a usual file.
pub(super) fn decode(bytes: &[u8]) -> Result<Picture, Unusual> {
    let header = Header::read(bytes)?;
    let (width, height) = (header.width, header.height);
    let planes = Arch::new().dispatch(Planes { header: &header, bytes })?;
    let data = match <[Plane; 3]>::try_from(planes) {
        Ok(planes) => Arch::new().dispatch(Colours { planes: &planes, subsampling: header.subsampling, width }),
        Err(grey) => {
            let rows = grey.iter().flat_map(|plane| plane.samples.chunks(plane.stride).take(height));
            rows.flat_map(|row| row[..width].iter().flat_map(|&grey| [grey; 3])).collect()
        }
    };
    Ok(Picture { width: width as u32, height: height as u32, data })
}

/// Work that is compiled once for each set of vector instructions, of which the best that the processor has is chosen.
struct Planes<'a> {
    header: &'a Header,
    bytes: &'a [u8],
}

impl WithSimd for Planes<'_> {
    type Output = Result<Vec<Plane>, Unusual>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Self::Output {
        self.header.planes(self.bytes)
    }
}

/// Likewise.
struct Colours<'a> {
    planes: &'a [Plane; 3],
    subsampling: Subsampling,
    width: usize,
}

impl WithSimd for Colours<'_> {
    type Output = Vec<u8>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Self::Output {
        rgb(self.planes, self.subsampling, self.width)
    }
}

impl Header {
    /// The samples of all components.
    #[inline(always)]
    fn planes(&self, bytes: &[u8]) -> Result<Vec<Plane>, Unusual> {
        let most =
            |side: fn((usize, usize)) -> usize| self.components.iter().map(|c| side(c.blocks)).max().unwrap_or(1);
        let (along, across) = (most(|b| b.0), most(|b| b.1));
        let units = (self.width.div_ceil(SIDE * along), self.height.div_ceil(SIDE * across));
        let plane = |component: &Component| {
            let (h, v) = component.blocks;
            let stride = units.0 * h * SIDE;
            Plane {
                samples: vec![0; stride * units.1 * v * SIDE],
                stride,
                width: (self.width * h).div_ceil(along),
                height: (self.height * v).div_ceil(across),
            }
        };
        let mut planes: Vec<Plane> = self.components.iter().map(plane).collect();
        let mut batches: Vec<Batch> = planes.iter().map(|_| Batch::new()).collect();
        let mut segment = Vec::new();
        let mut at = self.scan;
        let interval = if self.restart == 0 { units.0 * units.1 } else { self.restart };
        let mut done = 0;
        while done < units.0 * units.1 {
            if done > 0 {
                let expected = 0xd0 + ((done / interval - 1) % 8) as u8;
                if bytes.get(at..at + 2) != Some(&[0xff, expected]) {
                    return Err(Unusual);
                }
                at += 2;
            }
            at = unstuffed(bytes, at, &mut segment)?;
            let end = (done + interval).min(units.0 * units.1);
            self.interval(&segment, done..end, units.0, &mut planes, &mut batches)?;
            done = end;
        }
        for ((component, plane), batch) in self.components.iter().zip(&mut planes).zip(&mut batches) {
            batch.write(&component.factors, &mut plane.samples, plane.stride)?;
        }
        Ok(planes)
    }

    /// The units between two restarts.
    #[inline(always)]
    fn interval(
        &self,
        segment: &[u8],
        units: Range<usize>,
        columns: usize,
        planes: &mut [Plane],
        batches: &mut [Batch],
    ) -> Result<(), Unusual> {
        let mut bits = Bits::new(segment);
        let mut before = [0; 3];
        for unit in units {
            let (row, column) = (unit / columns, unit % columns);
            let parts = self.components.iter().zip(&mut *planes).zip(&mut *batches).zip(&mut before);
            for (((component, plane), batch), before) in parts {
                let (h, v) = component.blocks;
                for y in 0..v {
                    for x in 0..h {
                        let place = ((row * v + y) * plane.stride + column * h + x) * SIDE;
                        component.block(&mut bits, before, batch, (&mut plane.samples, plane.stride, place))?;
                    }
                }
            }
            if bits.overrun() {
                return Err(Unusual);
            }
        }
        Ok(())
    }
}

impl Component {
    /// Reads a block, whose samples belong at `place` of a plane with `stride` samples from row to row.
    #[inline(always)]
    fn block(
        &self,
        bits: &mut Bits<'_>,
        before: &mut i32,
        batch: &mut Batch,
        (plane, stride, place): (&mut [u8], usize, usize),
    ) -> Result<(), Unusual> {
        bits.refill();
        let (_, difference) = self.first.read(bits, MOST_FIRST)?;
        *before += difference;
        let mut at = 1;
        while at < BLOCK {
            bits.refill();
            let (symbol, value) = self.others.read(bits, MOST_OTHERS)?;
            at += usize::from(symbol >> 4);
            if value != 0 {
                if at >= BLOCK {
                    return Err(Unusual);
                }
                batch.set(ZIGZAG[at], value);
            } else if symbol == 0 {
                break;
            } else if symbol != 0xf0 {
                return Err(Unusual);
            }
            at += 1;
        }
        if at > BLOCK || !(-MOST_BEFORE..=MOST_BEFORE).contains(before) {
            return Err(Unusual);
        }
        if at == 1 {
            transform::flat(*before * self.factors[0], &mut plane[place..], stride);
        } else {
            batch.set(0, *before);
            if batch.finish(place) {
                batch.write(&self.factors, plane, stride)?;
            }
        }
        Ok(())
    }
}

/// Puts the entropy-coded segment that begins at `at` into `out`, without the zeros that are stuffed behind each 255, and gives the
/// place of the marker that ends it.
fn unstuffed(bytes: &[u8], mut at: usize, out: &mut Vec<u8>) -> Result<usize, Unusual> {
    out.clear();
    loop {
        let rest = bytes.get(at..).ok_or(Unusual)?;
        let length = rest.iter().position(|&byte| byte == 0xff).ok_or(Unusual)?;
        out.extend_from_slice(&rest[..length]);
        match rest.get(length + 1) {
            Some(0) => out.push(0xff),
            Some(0xff) | None => return Err(Unusual),
            Some(_) => {
                out.extend([0; Bits::PADDING]);
                return Ok(at + length);
            }
        }
        at += length + 2;
    }
}
