//! Lanes in two registers of AVX2.

use super::super::{LANES, Lanes, Sums};
use super::transpose;
#[allow(clippy::wildcard_imports)]
use std::arch::x86_64::*;

/// Two registers of eight.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(__m256, __m256);

// SAFETY of every block below: `Lanes` is used only where the machine supports its instruction set; addresses are the caller's
// promise.
impl Lanes for Avx2 {
    type Mask = (__m256, __m256);
    type Sums = Avx2Sums;
    const TILE: (usize, usize) = (1, 1);

    #[inline(always)]
    fn splat(value: f32) -> Self {
        let value = unsafe { _mm256_set1_ps(value) };
        Self(value, value)
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        unsafe { Self(_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe {
            _mm256_storeu_ps(to, self.0);
            _mm256_storeu_ps(to.add(8), self.1);
        }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        unsafe { Self(_mm256_add_ps(self.0, other.0), _mm256_add_ps(self.1, other.1)) }
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        unsafe { Self(_mm256_sub_ps(self.0, other.0), _mm256_sub_ps(self.1, other.1)) }
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        unsafe { Self(_mm256_mul_ps(self.0, other.0), _mm256_mul_ps(self.1, other.1)) }
    }

    #[inline(always)]
    fn relu(self) -> Self {
        // If one operand is NaN, the instruction returns the second.
        unsafe {
            let zero = _mm256_setzero_ps();
            Self(_mm256_max_ps(zero, self.0), _mm256_max_ps(zero, self.1))
        }
    }

    #[inline(always)]
    unsafe fn transpose(from: *const f32, from_step: usize, to: *mut f32, to_step: usize) {
        unsafe { transpose(from, from_step, to, to_step) }
    }

    #[inline(always)]
    fn interleave(self, odd: Self) -> [f32; 2 * LANES] {
        let mut out = [0.0; 2 * LANES];
        unsafe {
            for (i, (even, odd)) in [(self.0, odd.0), (self.1, odd.1)].into_iter().enumerate() {
                // Within halves of four: (0 0 1 1 | 4 4 5 5) and (2 2 3 3 | 6 6 7 7).
                let (low, high) = (_mm256_unpacklo_ps(even, odd), _mm256_unpackhi_ps(even, odd));
                let to = out.as_mut_ptr().add(i * LANES);
                _mm256_storeu_ps(to, _mm256_permute2f128_ps::<0x20>(low, high));
                _mm256_storeu_ps(to.add(8), _mm256_permute2f128_ps::<0x31>(low, high));
            }
        }
        out
    }

    #[inline(always)]
    fn fma(self, factor: Self, sum: Self) -> Self {
        unsafe { Self(_mm256_fmadd_ps(self.0, factor.0, sum.0), _mm256_fmadd_ps(self.1, factor.1, sum.1)) }
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self {
        let (first, second) = Self::first(count);
        // The second address may lie beyond what is read, but then its mask is empty.
        unsafe { Self(_mm256_maskload_ps(from, first), _mm256_maskload_ps(from.wrapping_add(8), second)) }
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, count: usize) {
        let (first, second) = Self::first(count);
        unsafe {
            _mm256_maskstore_ps(to, first, self.0);
            _mm256_maskstore_ps(to.wrapping_add(8), second, self.1);
        }
    }

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        unsafe { Self(_mm256_div_ps(self.0, other.0), _mm256_div_ps(self.1, other.1)) }
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        unsafe { Self(_mm256_sqrt_ps(self.0), _mm256_sqrt_ps(self.1)) }
    }

    #[inline(always)]
    fn less(self, other: Self) -> Self::Mask {
        unsafe { (_mm256_cmp_ps::<_CMP_LT_OQ>(self.0, other.0), _mm256_cmp_ps::<_CMP_LT_OQ>(self.1, other.1)) }
    }

    #[inline(always)]
    fn at_most(self, other: Self) -> Self::Mask {
        unsafe { (_mm256_cmp_ps::<_CMP_LE_OQ>(self.0, other.0), _mm256_cmp_ps::<_CMP_LE_OQ>(self.1, other.1)) }
    }

    #[inline(always)]
    fn equal(self, other: Self) -> Self::Mask {
        unsafe { (_mm256_cmp_ps::<_CMP_EQ_OQ>(self.0, other.0), _mm256_cmp_ps::<_CMP_EQ_OQ>(self.1, other.1)) }
    }

    #[inline(always)]
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self {
        unsafe { Self(_mm256_blendv_ps(no.0, yes.0, mask.0), _mm256_blendv_ps(no.1, yes.1, mask.1)) }
    }

    #[inline(always)]
    fn power_of_two(self) -> Self {
        unsafe {
            let bias = _mm256_set1_epi32(127);
            let (a, b) = (_mm256_cvtps_epi32(self.0), _mm256_cvtps_epi32(self.1));
            let (a, b) = (_mm256_add_epi32(a, bias), _mm256_add_epi32(b, bias));
            let (a, b) = (_mm256_slli_epi32::<23>(a), _mm256_slli_epi32::<23>(b));
            Self(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b))
        }
    }
}

/// Four registers of four.
#[derive(Clone, Copy)]
pub(crate) struct Avx2Sums([__m256d; 4]);

impl Avx2 {
    /// Masks of the first `count` lanes.
    #[inline(always)]
    fn first(count: usize) -> (__m256i, __m256i) {
        unsafe {
            let count = _mm256_set1_epi32(count as i32);
            let (first, second) =
                (_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15));
            (_mm256_cmpgt_epi32(count, first), _mm256_cmpgt_epi32(count, second))
        }
    }

    /// The sixteen in f64.
    #[inline(always)]
    fn widen(self) -> [__m256d; 4] {
        unsafe {
            [
                _mm256_cvtps_pd(_mm256_castps256_ps128(self.0)),
                _mm256_cvtps_pd(_mm256_extractf128_ps::<1>(self.0)),
                _mm256_cvtps_pd(_mm256_castps256_ps128(self.1)),
                _mm256_cvtps_pd(_mm256_extractf128_ps::<1>(self.1)),
            ]
        }
    }
}

impl Sums<Avx2> for Avx2Sums {
    #[inline(always)]
    fn zero() -> Self {
        Self([unsafe { _mm256_setzero_pd() }; 4])
    }

    #[inline(always)]
    fn add(self, values: Avx2) -> Self {
        let v = values.widen();
        Self(unsafe {
            [
                _mm256_add_pd(self.0[0], v[0]),
                _mm256_add_pd(self.0[1], v[1]),
                _mm256_add_pd(self.0[2], v[2]),
                _mm256_add_pd(self.0[3], v[3]),
            ]
        })
    }

    #[inline(always)]
    fn add_product(self, a: Avx2, b: Avx2) -> Self {
        let (a, b) = (a.widen(), b.widen());
        Self(unsafe {
            [
                _mm256_fmadd_pd(a[0], b[0], self.0[0]),
                _mm256_fmadd_pd(a[1], b[1], self.0[1]),
                _mm256_fmadd_pd(a[2], b[2], self.0[2]),
                _mm256_fmadd_pd(a[3], b[3], self.0[3]),
            ]
        })
    }

    #[inline(always)]
    fn lanes(self) -> [f64; LANES] {
        let mut lanes = [0.0; LANES];
        for (to, quarter) in lanes.as_chunks_mut::<4>().0.iter_mut().zip(self.0) {
            unsafe { _mm256_storeu_pd(to.as_mut_ptr(), quarter) };
        }
        lanes
    }
}
