//! Lanes in the registers of AVX2 and of AVX-512.

use super::{LANES, Lanes};
#[allow(clippy::wildcard_imports)]
use std::arch::x86_64::*;

/// Two registers of eight.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(__m256, __m256);

// SAFETY of every block below: `Lanes` is used only where its instruction set is there; addresses are the caller's promise.
impl Lanes for Avx2 {
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
        // Of a NaN and a number, the instruction gives the second operand.
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
}

/// One register of sixteen.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(__m512);

impl Lanes for Avx512 {
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
        // Of a NaN and a number, the instruction gives the second operand.
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
}

/// See [`Lanes::transpose`].
#[inline(always)]
unsafe fn transpose(from: *const f32, from_step: usize, to: *mut f32, to_step: usize) {
    unsafe {
        let mut pairs = [_mm256_setzero_ps(); 8];
        for i in 0..4 {
            let (even, odd) =
                (_mm256_loadu_ps(from.add(2 * i * from_step)), _mm256_loadu_ps(from.add((2 * i + 1) * from_step)));
            pairs[2 * i] = _mm256_unpacklo_ps(even, odd);
            pairs[2 * i + 1] = _mm256_unpackhi_ps(even, odd);
        }
        // Columns 0 and 4, 1 and 5, 2 and 6, 3 and 7 of four rows each.
        let mut fours = [_mm256_setzero_ps(); 8];
        for i in 0..2 {
            let [a, b, c, d] = [pairs[4 * i], pairs[4 * i + 1], pairs[4 * i + 2], pairs[4 * i + 3]];
            fours[4 * i] = _mm256_shuffle_ps::<0x44>(a, c);
            fours[4 * i + 1] = _mm256_shuffle_ps::<0xee>(a, c);
            fours[4 * i + 2] = _mm256_shuffle_ps::<0x44>(b, d);
            fours[4 * i + 3] = _mm256_shuffle_ps::<0xee>(b, d);
        }
        for i in 0..4 {
            _mm256_storeu_ps(to.add(i * to_step), _mm256_permute2f128_ps::<0x20>(fours[i], fours[4 + i]));
        }
        for i in 0..4 {
            _mm256_storeu_ps(to.add((4 + i) * to_step), _mm256_permute2f128_ps::<0x31>(fours[i], fours[4 + i]));
        }
    }
}
