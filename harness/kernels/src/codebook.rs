//! Vector quantisation: the nearest code of each vector, and the sums for the codebook's moving averages.
//!
//! Distances are computed for 64 vectors and 96 codes at a time. Only the nearest code so far is kept for each vector.

use crate::{
    gemm::{Product, ROWS, multiply},
    isa::{Isa, kernel},
    lanes::LANES,
    output::filled,
};
use rayon::prelude::*;

/// The sizes of a codebook and of its input: vectors `[B, dim, pixels]`, codes `[dim, codes]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Number of elements of a vector.
    pub dim: usize,
    /// Number of codes.
    pub codes: usize,
    /// Number of vectors of an image.
    pub pixels: usize,
}

impl Sizes {
    /// Number of elements of an image.
    fn image(&self) -> usize {
        self.dim * self.pixels
    }

    fn check(&self, vectors: &[f32], codes: &[f32]) {
        assert!(codes.len() == self.dim * self.codes, "codes of another size");
        assert!(vectors.len().checked_rem(self.image()).unwrap_or(vectors.len()) == 0, "vectors of another size");
    }
}

/// Number of panels of [`LANES`] vectors whose distances are computed together.
const PANELS: usize = 4;

/// Number of codes whose distances are computed together: a multiple of [`ROWS`].
const BLOCK: usize = 96;

/// Finds the index of the nearest code (Euclidean, the first of equals) of each vector, in the order of images and pixels: the
/// first with the smallest `|e|² − 2 z·e`, since the vector's own norm is the same for all codes. A vector whose distances are
/// all NaN or ∞ gets index 0.
///
/// # Panics
/// Panics if the lengths do not fit, or there are no codes or 2³⁰ of them.
pub fn nearest_codes(isa: Isa, vectors: &[f32], codes: &[f32], sizes: Sizes) -> Vec<u32> {
    sizes.check(vectors, codes);
    assert!((1..1 << 30).contains(&sizes.codes), "a codebook has between 1 and 2³⁰ codes");
    let book = Codebook::new(codes, sizes);
    let Sizes { dim, pixels, .. } = sizes;
    let mut indices = vec![0; vectors.len() / dim.max(1)];
    let images = indices.chunks_mut(pixels.max(1)).zip(vectors.chunks(sizes.image().max(1)));
    let blocks: Vec<_> = images
        .flat_map(|(indices, image)| {
            indices.chunks_mut(PANELS * LANES).enumerate().map(move |(i, out)| (i, out, image))
        })
        .collect();
    blocks.into_par_iter().for_each_init(
        || (vec![0.0; PANELS * dim * LANES], vec![0.0; PANELS * BLOCK * LANES]),
        |(packed, products), (i, indices, image)| {
            let from = i * PANELS * LANES;
            pack(packed, image, from..from + indices.len(), sizes);
            book.search(isa, packed, products, indices);
        },
    );
    indices
}

/// The vectors of one image as panels `[panel][dim][LANES]`. The values after the last vector are arbitrary.
fn pack(packed: &mut [f32], image: &[f32], vectors: std::ops::Range<usize>, sizes: Sizes) {
    for (panel, first) in packed.chunks_mut((sizes.dim * LANES).max(1)).zip(vectors.clone().step_by(LANES)) {
        let count = LANES.min(vectors.end - first);
        for (to, plane) in panel.chunks_mut(LANES).zip(image.chunks(sizes.pixels)) {
            to[..count].copy_from_slice(&plane[first..first + count]);
        }
    }
}

/// The codes in the layout of the matrix product, `[panel][dim][ROWS]`, and `|e|²` of each.
struct Codebook {
    panels: Vec<f32>,
    norms: Vec<f32>,
    sizes: Sizes,
}

impl Codebook {
    fn new(codes: &[f32], sizes: Sizes) -> Self {
        let Sizes { dim, codes: k, .. } = sizes;
        let mut panels = vec![0.0; k.div_ceil(ROWS) * dim * ROWS];
        let mut norms = vec![0.0f32; k];
        for (d, row) in codes.chunks(k).enumerate() {
            for (i, (&code, norm)) in row.iter().zip(&mut norms).enumerate() {
                panels[(i / ROWS * dim + d) * ROWS + i % ROWS] = code;
                // Not fused, because machines without such an instruction are slow at it. The rounding of the product is the
                // same on all machines.
                *norm += code * code;
            }
        }
        Self { panels, norms, sizes }
    }

    /// Finds the nearest codes of at most [`PANELS`] panels of vectors.
    fn search(&self, isa: Isa, packed: &[f32], products: &mut [f32], indices: &mut [u32]) {
        let (dim, panels) = (self.sizes.dim, indices.len().div_ceil(LANES));
        let mut best = [([f32::INFINITY; LANES], [0.0; LANES]); PANELS];
        for (block, norms) in self.norms.chunks(BLOCK).enumerate() {
            let product = Product {
                m: norms.len(),
                panels,
                k: dim,
                a_stride: dim * ROWS,
                b_stride: dim * LANES,
                c_stride: BLOCK * LANES,
                accumulate: false,
            };
            multiply(isa, &self.panels[block * BLOCK * dim..], packed, products, product);
            for (best, products) in best.iter_mut().zip(products.chunks(BLOCK * LANES)).take(panels) {
                closest(isa, &mut best.0, &mut best.1, norms, products, (block * BLOCK) as u32);
            }
        }
        for (indices, (_, at)) in indices.chunks_mut(LANES).zip(&best) {
            indices.iter_mut().zip(at).for_each(|(index, at)| *index = at.to_bits());
        }
    }
}

kernel! {
    /// Updates the `least` distances of sixteen vectors with those of the codes from `first` on. The arguments are the norms of
    /// these codes and their products with the vectors. `at` holds the bits of the indices.
    fn closest<V>(
        least: &mut [f32; LANES], at: &mut [f32; LANES], norms: &[f32], products: &[f32], first: u32,
    ) {
        let (mut distance, mut index) = (V::from_array(least), V::from_array(at));
        for ((i, &norm), product) in (first..).zip(norms).zip(products.as_chunks::<LANES>().0) {
            let other = V::from_array(product).fma(V::splat(-2.0), V::splat(norm));
            let closer = other.less(distance);
            distance = V::select(closer, other, distance);
            index = V::select(closer, V::splat(f32::from_bits(i)), index);
        }
        distance.write(least);
        index.write(at);
    }
}

/// Puts the codes in place of the vectors, `[B, dim, pixels]`.
///
/// # Panics
/// Panics if the lengths do not fit, or there is no code with one of the indices.
pub fn quantize(codes: &[f32], indices: &[u32], sizes: Sizes) -> Vec<f32> {
    let Sizes { dim, codes: k, pixels } = sizes;
    sizes.check(&[], codes);
    assert!(indices.len().checked_rem(pixels).unwrap_or(0) == 0, "indices of another size");
    assert!(indices.iter().all(|&i| (i as usize) < k), "an index has no code");
    // SAFETY: every pixel of every plane of every image is written.
    unsafe {
        filled(indices.len() * dim, sizes.image(), |image, out| {
            let indices = &indices[image * pixels..][..pixels];
            for (plane, code) in out.chunks_mut(pixels).zip(codes.chunks(k)) {
                plane.iter_mut().zip(indices).for_each(|(v, &i)| {
                    v.write(code[i as usize]);
                });
            }
        })
    }
}

/// The number of vectors assigned to each code, `[codes]`, and their sums, `[dim, codes]`. One thread makes each sum, in the
/// order of the vectors.
///
/// # Panics
/// Panics if the lengths do not fit, or there is no code with one of the indices.
pub fn count_and_sum(vectors: &[f32], indices: &[u32], sizes: Sizes) -> (Vec<f32>, Vec<f32>) {
    let Sizes { dim, codes: k, pixels } = sizes;
    assert!(vectors.len() == indices.len() * dim, "as many indices as vectors");
    let mut counts = vec![0.0; k];
    for &i in indices {
        counts[i as usize] += 1.0;
    }
    let mut sums = vec![0.0; dim * k];
    sums.par_chunks_mut(k).enumerate().for_each(|(d, sums)| {
        for (image, indices) in vectors.chunks(sizes.image().max(1)).zip(indices.chunks(pixels.max(1))) {
            let plane = &image[d * pixels..][..pixels];
            plane.iter().zip(indices).for_each(|(v, &i)| sums[i as usize] += v);
        }
    });
    (counts, sums)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, numbers, on_threads};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn codes_are_the_nearest(
            batch in 0usize..4, dim in 1usize..20, codes in 1usize..210, pixels in 1usize..90, seed in 0u64..1000
        ) {
            let sizes = Sizes { dim, codes, pixels };
            let (vectors, book) = (numbers(batch * dim * pixels, seed), numbers(dim * codes, seed + 1));
            let indices = nearest_codes(Isa::PORTABLE, &vectors, &book, sizes);
            prop_assert_eq!(indices.len(), batch * pixels);
            for isa in Isa::available() {
                prop_assert_eq!(&nearest_codes(isa, &vectors, &book, sizes), &indices);
            }
            let (mut quantized, mut counts, mut sums) = (vec![0.0; vectors.len()], vec![0.0; codes], vec![0.0; dim * codes]);
            for (n, &index) in indices.iter().enumerate() {
                let element = |d: usize| (n / pixels * dim + d) * pixels + n % pixels;
                let distance = |k: usize| -> f64 {
                    (0..dim).map(|d| (f64::from(vectors[element(d)]) - f64::from(book[d * codes + k])).powi(2)).sum()
                };
                let least = (0..codes).map(distance).fold(f64::INFINITY, f64::min);
                prop_assert!(distance(index as usize) <= least + 1e-5);
                counts[index as usize] += 1.0;
                for d in 0..dim {
                    quantized[element(d)] = book[d * codes + index as usize];
                    sums[d * codes + index as usize] += f64::from(vectors[element(d)]);
                }
            }
            prop_assert_eq!(quantize(&book, &indices, sizes), quantized);
            let found = count_and_sum(&vectors, &indices, sizes);
            prop_assert_eq!(found.0, counts);
            assert_close("sums", &found.1, &sums, 1e-5);
        }
    }

    #[test]
    fn of_equal_codes_the_first_is_taken_and_nan_is_no_code() {
        // Codes of one element. There are 200, so that equal ones lie in different blocks.
        let mut codes: Vec<f32> = (0..200).map(|i| (i % 100) as f32).collect();
        codes[7] = f32::NAN;
        let vectors = [3.0, 99.4, 7.2, f32::NAN, -5.0];
        for isa in Isa::available() {
            let found = nearest_codes(isa, &vectors, &codes, Sizes { dim: 1, codes: 200, pixels: 5 });
            assert_eq!(found, [3, 99, 107, 0, 0]);
        }
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        let sizes = Sizes { dim: 17, codes: 300, pixels: 411 };
        let (vectors, codes) = (numbers(3 * 17 * 411, 1), numbers(17 * 300, 2));
        on_threads(|| {
            let indices = nearest_codes(Isa::best(), &vectors, &codes, sizes);
            (quantize(&codes, &indices, sizes), count_and_sum(&vectors, &indices, sizes), indices)
        });
    }
}
