//! Lanes in a register of AVX-512.

use super::super::{LANES, Lanes, Sums};
use super::transpose;
#[allow(clippy::wildcard_imports)]
use std::arch::x86_64::*;

// SAFETY of every block below: as for AVX2.
/// One register of sixteen.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(__m512);

impl Lanes for Avx512 {
    type Mask = __mmask16;
    type Sums = Avx512Sums;
    const TILE: (usize, usize) = (2, 2);

    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self(unsafe { _mm512_set1_ps(value) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(unsafe { _mm512_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { _mm512_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(unsafe { _mm512_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(unsafe { _mm512_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(unsafe { _mm512_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn relu(self) -> Self {
        // If one operand is NaN, the instruction returns the second.
        Self(unsafe { _mm512_max_ps(_mm512_setzero_ps(), self.0) })
    }

    #[inline(always)]
    unsafe fn transpose(from: *const f32, from_step: usize, to: *mut f32, to_step: usize) {
        unsafe { transpose(from, from_step, to, to_step) }
    }

    #[inline(always)]
    fn interleave(self, odd: Self) -> [f32; 2 * LANES] {
        let mut out = [0.0; 2 * LANES];
        unsafe {
            let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            let high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
            _mm512_storeu_ps(out.as_mut_ptr(), _mm512_permutex2var_ps(self.0, low, odd.0));
            _mm512_storeu_ps(out.as_mut_ptr().add(LANES), _mm512_permutex2var_ps(self.0, high, odd.0));
        }
        out
    }

    #[inline(always)]
    fn fma(self, factor: Self, sum: Self) -> Self {
        Self(unsafe { _mm512_fmadd_ps(self.0, factor.0, sum.0) })
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self {
        Self(unsafe { _mm512_maskz_loadu_ps(((1u32 << count) - 1) as __mmask16, from) })
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, count: usize) {
        unsafe { _mm512_mask_storeu_ps(to, ((1u32 << count) - 1) as __mmask16, self.0) }
    }

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        Self(unsafe { _mm512_div_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(unsafe { _mm512_sqrt_ps(self.0) })
    }

    #[inline(always)]
    fn less(self, other: Self) -> Self::Mask {
        unsafe { _mm512_cmp_ps_mask::<_CMP_LT_OQ>(self.0, other.0) }
    }

    #[inline(always)]
    fn at_most(self, other: Self) -> Self::Mask {
        unsafe { _mm512_cmp_ps_mask::<_CMP_LE_OQ>(self.0, other.0) }
    }

    #[inline(always)]
    fn equal(self, other: Self) -> Self::Mask {
        unsafe { _mm512_cmp_ps_mask::<_CMP_EQ_OQ>(self.0, other.0) }
    }

    #[inline(always)]
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self {
        Self(unsafe { _mm512_mask_blend_ps(mask, no.0, yes.0) })
    }

    #[inline(always)]
    fn power_of_two(self) -> Self {
        unsafe {
            let exponent = _mm512_add_epi32(_mm512_cvtps_epi32(self.0), _mm512_set1_epi32(127));
            Self(_mm512_castsi512_ps(_mm512_slli_epi32::<23>(exponent)))
        }
    }
}

/// Two registers of eight.
#[derive(Clone, Copy)]
pub(crate) struct Avx512Sums([__m512d; 2]);

impl Avx512 {
    /// The sixteen in f64.
    #[inline(always)]
    fn widen(self) -> [__m512d; 2] {
        unsafe {
            // AVX-512 F lacks an instruction to extract halves of f32. The one for f64 moves the same bits.
            let upper = _mm256_castpd_ps(_mm512_extractf64x4_pd::<1>(_mm512_castps_pd(self.0)));
            [_mm512_cvtps_pd(_mm512_castps512_ps256(self.0)), _mm512_cvtps_pd(upper)]
        }
    }
}

impl Sums<Avx512> for Avx512Sums {
    #[inline(always)]
    fn zero() -> Self {
        Self([unsafe { _mm512_setzero_pd() }; 2])
    }

    #[inline(always)]
    fn add(self, values: Avx512) -> Self {
        let v = values.widen();
        Self(unsafe { [_mm512_add_pd(self.0[0], v[0]), _mm512_add_pd(self.0[1], v[1])] })
    }

    #[inline(always)]
    fn add_product(self, a: Avx512, b: Avx512) -> Self {
        let (a, b) = (a.widen(), b.widen());
        Self(unsafe { [_mm512_fmadd_pd(a[0], b[0], self.0[0]), _mm512_fmadd_pd(a[1], b[1], self.0[1])] })
    }

    #[inline(always)]
    fn lanes(self) -> [f64; LANES] {
        let mut lanes = [0.0; LANES];
        for (to, half) in lanes.as_chunks_mut::<8>().0.iter_mut().zip(self.0) {
            unsafe { _mm512_storeu_pd(to.as_mut_ptr(), half) };
        }
        lanes
    }
}
