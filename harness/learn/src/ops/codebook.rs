//! Vector quantisation: the nearest code of every vector, and what the moving averages of the codebook need.

use super::{
    composed,
    gemm::{Matrix, multiply},
    storage::slice,
};
use candle_core::{Device, Error, Result, Storage, Tensor};
use rayon::prelude::*;

/// Which code each vector was given.
#[derive(Debug)]
pub struct Assignment {
    /// The nearest codes in the vectors' places, `[B, D, H, W]`, without gradient.
    pub quantized: Tensor,
    /// How many vectors each code was given, `[K]`.
    pub counts: Tensor,
    /// Sum of the vectors that each code was given, `[D, K]`.
    pub sums: Tensor,
}

/// The nearest code (Euclidean, the first of equals) of every vector of `z` `[B, D, H, W]`; `codes` is `[D, K]`.
pub fn nearest_codes(z: &Tensor, codes: &Tensor) -> Result<Assignment> {
    let (z, codes) = (z.detach().contiguous()?, codes.detach().contiguous()?);
    if !z.device().is_cpu() {
        return composed::nearest_codes(&z, &codes);
    }
    let (batch, dim, h, w) = z.dims4()?;
    let (code_dim, k) = codes.dims2()?;
    if dim != code_dim || k == 0 {
        return Err(Error::Msg(format!("vectors of {dim} against codes {:?}", codes.dims())));
    }
    let (z_storage, z_layout) = z.storage_and_layout();
    let (codes_storage, codes_layout) = codes.storage_and_layout();
    let (Storage::Cpu(z_data), Storage::Cpu(codes_data)) = (&*z_storage, &*codes_storage) else {
        return Err(Error::Msg("vectors and codes lie on different devices".into()));
    };
    let z_data: &[f32] = slice(z_data, z_layout, "codebook")?;
    let codes_data: &[f32] = slice(codes_data, codes_layout, "codebook")?;
    let pixels = h * w;
    let indices = assign(z_data, codes_data, &Sizes { dim, codes: k, pixels });

    let mut quantized = vec![0.0; z_data.len()];
    quantized.par_chunks_mut(dim * pixels).zip(indices.par_chunks(pixels)).for_each(|(image, indices)| {
        for (plane, code) in image.chunks_mut(pixels).zip(codes_data.chunks(k)) {
            plane.iter_mut().zip(indices).for_each(|(v, &i)| *v = code[i as usize]);
        }
    });
    let mut counts = vec![0.0f32; k];
    for &i in &indices {
        counts[i as usize] += 1.0;
    }
    // One owner a dimension, which walks over all vectors in order.
    let mut sums = vec![0.0; dim * k];
    sums.par_chunks_mut(k).enumerate().for_each(|(d, sums)| {
        for (image, indices) in z_data.chunks(dim * pixels).zip(indices.chunks(pixels)) {
            let plane = &image[d * pixels..][..pixels];
            plane.iter().zip(indices).for_each(|(v, &i)| sums[i as usize] += v);
        }
    });
    Ok(Assignment {
        quantized: Tensor::from_vec(quantized, (batch, dim, h, w), &Device::Cpu)?,
        counts: Tensor::from_vec(counts, k, &Device::Cpu)?,
        sums: Tensor::from_vec(sums, (dim, k), &Device::Cpu)?,
    })
}

struct Sizes {
    dim: usize,
    codes: usize,
    pixels: usize,
}

/// Index of the nearest code for every pixel of every image, in order.
fn assign(z: &[f32], codes: &[f32], sizes: &Sizes) -> Vec<u32> {
    /// Pixels whose distances are held at a time: 64 × 512 codes are 128 KiB.
    const TILE: usize = 64;
    let Sizes { dim, codes: k, pixels } = *sizes;
    let mut norms = vec![0.0f32; k];
    for row in codes.chunks(k) {
        norms.iter_mut().zip(row).for_each(|(n, c)| *n += c * c);
    }
    let mut indices = vec![0; z.len() / dim];
    indices.par_chunks_mut(pixels).zip(z.par_chunks(dim * pixels)).for_each_init(
        Vec::new,
        |products, (indices, image)| {
            for (tile, indices) in indices.chunks_mut(TILE).enumerate() {
                let n = indices.len();
                products.resize(n * k, 0.0);
                let vectors = Matrix { data: &image[tile * TILE..], rows: n, columns: dim, row: 1, column: pixels };
                multiply(products, vectors, Matrix::new(codes, dim, k), false);
                for (index, products) in indices.iter_mut().zip(products.chunks(k)) {
                    *index = nearest(&norms, products);
                }
            }
        },
    );
    indices
}

/// First index of the smallest `|e|² − 2 z·e` (the vector's own norm is the same for all codes).
fn nearest(norms: &[f32], products: &[f32]) -> u32 {
    let mut best = (f32::INFINITY, 0);
    for (i, (norm, product)) in norms.iter().zip(products).enumerate() {
        let distance = norm - 2.0 * product;
        if distance < best.0 {
            best = (distance, i as u32);
        }
    }
    best.1
}
