//! Lanes in the registers of x86 machines.

mod avx2;
mod avx512;

pub(crate) use avx2::Avx2;
pub(crate) use avx512::Avx512;
#[allow(clippy::wildcard_imports)]
use std::arch::x86_64::*;

/// See [`Lanes::transpose`](super::Lanes::transpose); both have AVX2.
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
