//! The matrix product behind every convolution: `C[m, n] (+)= Σ_k A[k, m] · B[k, n]`, of packed panels.
//!
//! `A` is stored in panels of [`ROWS`] rows, `[panel][k][ROWS]`; `B` and `C` in panels of [`LANES`] columns,
//! `[panel][k][LANES]` and `[panel][m][LANES]`. Every element of `C` is one chain of fused products in the order of `k`, so its
//! bits depend neither on the machine nor on the thread. Goto, van de Geijn: Anatomy of high-performance matrix multiplication,
//! 2008.

use crate::{
    isa::kernel,
    lanes::{LANES, Lanes},
};

/// Rows of a panel of `A`. With sixteen lanes they fill twelve of AVX2's sixteen registers.
pub(crate) const ROWS: usize = 6;

/// The layout of a product's operands, in elements.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Product {
    /// Number of rows of `C`. `A` has `⌈m / ROWS⌉` panels with arbitrary padding.
    pub(crate) m: usize,
    /// Number of panels of `B` and `C`.
    pub(crate) panels: usize,
    /// Length of the sums.
    pub(crate) k: usize,
    /// Distance between panels of `A`.
    pub(crate) a_stride: usize,
    /// Distance between panels of `B`.
    pub(crate) b_stride: usize,
    /// Distance between panels of `C`.
    pub(crate) c_stride: usize,
    /// True if the product is added to the values in `C`.
    pub(crate) accumulate: bool,
}

impl Product {
    fn check(&self, a: &[f32], b: &[f32], c: &[f32]) {
        let (m_panels, k) = (self.m.div_ceil(ROWS), self.k);
        let last = |panels: usize, stride: usize, length: usize| panels.saturating_sub(1) * stride + length;
        assert!(a.len() >= last(m_panels, self.a_stride, k * ROWS), "a matrix product reads beyond A");
        assert!(b.len() >= last(self.panels, self.b_stride, k * LANES), "a matrix product reads beyond B");
        assert!(c.len() >= last(self.panels, self.c_stride, self.m * LANES), "a matrix product writes beyond C");
    }
}

kernel! {
    /// `C (+)= Aᵀ·B`.
    pub(crate) fn multiply<V>(a: &[f32], b: &[f32], c: &mut [f32], product: Product) {
        product.check(a, b, c);
        if product.m == 0 {
            return;
        }
        // SAFETY: checked above.
        unsafe { panels::<V>(a.as_ptr(), b.as_ptr(), c.as_mut_ptr(), product) }
    }
}

/// Number of rows of `A` that are multiplied with all panels of `B` before the next rows: they stay in the second cache.
const BLOCK: usize = 44 * ROWS;

#[inline(always)]
unsafe fn panels<V: Lanes>(a: *const f32, b: *const f32, c: *mut f32, p: Product) {
    for first in (0..p.m).step_by(BLOCK) {
        let rows = first..p.m.min(first + BLOCK);
        let mut panel = 0;
        while panel < p.panels {
            let wide = V::TILE.1 == 2 && panel + 2 <= p.panels;
            // SAFETY: within the bounds that `Product::check` has seen.
            unsafe {
                let (b, c) = (b.add(panel * p.b_stride), c.add(panel * p.c_stride));
                if wide {
                    block::<V, 2>(a, b, c, rows.clone(), p);
                } else {
                    block::<V, 1>(a, b, c, rows.clone(), p);
                }
            }
            panel += if wide { 2 } else { 1 };
        }
    }
}

/// Computes all tiles of a block of rows and as many panels as a tile is wide, which stay in the first cache.
#[inline(always)]
unsafe fn block<V: Lanes, const WIDE: usize>(
    a: *const f32,
    b: *const f32,
    c: *mut f32,
    rows: std::ops::Range<usize>,
    p: Product,
) {
    let mut row = rows.start;
    while row < rows.end {
        let tall = V::TILE.0 == 2 && row + 2 * ROWS <= rows.end;
        // SAFETY: within the bounds that `Product::check` has seen.
        unsafe {
            let (a, c) = (a.add(row / ROWS * p.a_stride), c.add(row * LANES));
            if tall {
                tile::<V, 2, WIDE>(a, b, c, 2 * ROWS, p);
            } else {
                tile::<V, 1, WIDE>(a, b, c, ROWS.min(rows.end - row), p);
            }
        }
        row += if tall { 2 * ROWS } else { ROWS };
    }
}

/// Computes `TALL · ROWS` rows and `WIDE · LANES` columns of `C`, and stores `rows` of them.
#[inline(always)]
unsafe fn tile<V: Lanes, const TALL: usize, const WIDE: usize>(
    a: *const f32,
    b: *const f32,
    c: *mut f32,
    rows: usize,
    p: Product,
) {
    let mut sums = [[[V::splat(0.0); WIDE]; ROWS]; TALL];
    // SAFETY: within the bounds that `Product::check` has seen.
    unsafe {
        for k in 0..p.k {
            let mut columns = [V::splat(0.0); WIDE];
            for (wide, column) in columns.iter_mut().enumerate() {
                *column = V::load(b.add(wide * p.b_stride + k * LANES));
            }
            for (tall, sums) in sums.iter_mut().enumerate() {
                for (row, sums) in sums.iter_mut().enumerate() {
                    let factor = V::splat(*a.add(tall * p.a_stride + k * ROWS + row));
                    for (sum, &column) in sums.iter_mut().zip(&columns) {
                        *sum = factor.fma(column, *sum);
                    }
                }
            }
        }
        for (row, sums) in sums.iter().flatten().enumerate() {
            if row < rows {
                for (wide, &sum) in sums.iter().enumerate() {
                    let to = c.add(wide * p.c_stride + row * LANES);
                    let sum = if p.accumulate { V::load(to).add(sum) } else { sum };
                    sum.store(to);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{isa::Isa, testing::numbers};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_instruction_set_gives_the_chain_of_fused_products(
            m in 1usize..40, panels in 1usize..5, k in 0usize..40, accumulate: bool, seed in 0u64..100
        ) {
            let (a_stride, b_stride, c_stride) = (k * ROWS + 3, k * LANES + 5, m * LANES + 7);
            let a = numbers(m.div_ceil(ROWS) * a_stride, seed);
            let b = numbers(panels * b_stride, seed + 1);
            let start = numbers(panels * c_stride, seed + 2);
            let mut expected = start.clone();
            for (panel, row, lane) in elements(panels, m) {
                let chain = (0..k).fold(0.0f32, |sum, k| {
                    let a = a[row / ROWS * a_stride + k * ROWS + row % ROWS];
                    a.mul_add(b[panel * b_stride + k * LANES + lane], sum)
                });
                let c = &mut expected[panel * c_stride + row * LANES + lane];
                *c = if accumulate { *c + chain } else { chain };
            }
            for isa in Isa::available() {
                let mut c = start.clone();
                multiply(isa, &a, &b, &mut c, Product { m, panels, k, a_stride, b_stride, c_stride, accumulate });
                prop_assert_eq!(&c, &expected, "{}", isa.name());
            }
        }
    }

    fn elements(panels: usize, m: usize) -> impl Iterator<Item = (usize, usize, usize)> {
        (0..panels).flat_map(move |p| (0..m).flat_map(move |r| (0..LANES).map(move |l| (p, r, l))))
    }
}
