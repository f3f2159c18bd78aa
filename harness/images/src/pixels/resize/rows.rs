//! Resizes rows of a picture with AVX2. The compiler does not vectorise interleaved channels by itself.
//!
//! A weight is split into two halves of 11 bits, so that products of 16 bits are enough; one instruction adds two of
//! them. The sum of both halves equals the sum of the whole products exactly.

#[cfg(target_arch = "x86_64")]
pub(super) use avx2::resize;

/// Makes no rows, because there is no AVX2 here.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn resize(_: &[super::taps::Taps], _: &[u8], _: usize, _: &mut [u8], _: usize) -> usize {
    0
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::super::taps::{HALF, PRECISION, Taps};
    use pulp::{NullaryFnOnce, cast, x86::V3};
    use std::arch::x86_64::{__m128i, __m256i};

    /// Bits of the lower half of a weight.
    const LOWER: u32 = PRECISION / 2;
    /// Number of rows that are made together. They share the weights.
    const TOGETHER: usize = 4;
    /// Number of taps that are used together.
    const GROUP: usize = 4;
    /// Number of bytes that are read for a group of pixels. The last four are ignored.
    const BYTES: usize = 16;

    /// Makes rows of `new` bytes from rows of `old` bytes. It makes as many as it can, from the first on, and returns
    /// their number.
    pub(in super::super) fn resize(taps: &[Taps], rows: &[u8], old: usize, out: &mut [u8], new: usize) -> usize {
        let (Some(simd), Some(groups)) = (V3::try_new(), Groups::new(taps, old)) else { return 0 };
        // The ignored bytes may lie in the next row.
        let count = (rows.len().saturating_sub(BYTES) / old) / TOGETHER;
        simd.vectorize(All { simd, groups: &groups, rows, old, out, new, count });
        count * TOGETHER
    }

    /// A group's weights, in the order of [`ORDER`].
    #[derive(Clone, Copy)]
    struct Weights {
        lower: [i16; 16],
        upper: [i16; 16],
    }

    impl Weights {
        fn new(taps: [i32; GROUP]) -> Self {
            let order = |half: fn(i32) -> i32| std::array::from_fn(|i| half(taps[i / 8 * 2 + i % 2]) as i16);
            Self { lower: order(|w| w & ((1 << LOWER) - 1)), upper: order(|w| w >> LOWER) }
        }
    }

    /// Taps of all new samples, padded with weights of 0 to the same number.
    struct Groups {
        /// Position of the first byte of each new pixel.
        firsts: Vec<usize>,
        weights: Vec<Weights>,
        /// Number of groups of a new pixel.
        each: usize,
    }

    impl Groups {
        /// Returns `None` if a row of `old` bytes is shorter than the groups of one new pixel.
        fn new(taps: &[Taps], old: usize) -> Option<Self> {
            let each = taps.iter().map(|taps| taps.weights.len()).max()?.div_ceil(GROUP);
            let most = (old / 3).checked_sub(each * GROUP)?;
            let (mut firsts, mut weights) = (Vec::with_capacity(taps.len()), Vec::with_capacity(taps.len() * each));
            let mut padded = vec![[0; GROUP]; each];
            for taps in taps {
                let first = taps.first.min(most);
                padded.fill([0; GROUP]);
                padded.as_flattened_mut()[taps.first - first..][..taps.weights.len()].copy_from_slice(&taps.weights);
                firsts.push(3 * first);
                weights.extend(padded.iter().map(|&taps| Weights::new(taps)));
            }
            Some(Self { firsts, weights, each })
        }
    }

    /// All rows that are made together.
    struct All<'a> {
        simd: V3,
        groups: &'a Groups,
        rows: &'a [u8],
        old: usize,
        out: &'a mut [u8],
        new: usize,
        count: usize,
    }

    impl NullaryFnOnce for All<'_> {
        type Output = ();

        #[inline(always)]
        fn call(self) {
            let Self { simd, groups, rows, old, out, new, count } = self;
            let kernel = Kernel { simd };
            for (i, out) in out.chunks_exact_mut(new * TOGETHER).take(count).enumerate() {
                let rows: [&[u8]; TOGETHER] =
                    std::array::from_fn(|row| &rows[old * (TOGETHER * i + row)..][..old + BYTES]);
                let pixels = groups.firsts.iter().zip(groups.weights.chunks_exact(groups.each));
                for (x, (&first, weights)) in pixels.enumerate() {
                    let mut sums = [cast([0; 4]); TOGETHER];
                    for (sums, row) in sums.iter_mut().zip(rows) {
                        *sums = kernel.sums(&row[first..], weights);
                    }
                    let made = kernel.bytes(sums);
                    for (row, pixel) in made.as_chunks::<4>().0.iter().enumerate() {
                        out[new * row + 3 * x..][..3].copy_from_slice(&pixel[..3]);
                    }
                }
            }
        }
    }

    /// Order of 16 bytes for products, each in 16 bits: both reds, both greens, both blues and two zeros of the first
    /// two pixels, then the same of the last two.
    const ORDER: [i8; 32] = [
        0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1, //
        6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1,
    ];

    /// The arithmetic. It uses loops, because closures would be compiled without AVX2.
    #[derive(Clone, Copy)]
    struct Kernel {
        simd: V3,
    }

    impl Kernel {
        /// Red, green and blue of a new pixel, with the fractional bits of the weights. A fourth number is 0.
        #[inline(always)]
        fn sums(self, row: &[u8], weights: &[Weights]) -> __m128i {
            let Self { simd } = self;
            let order: __m256i = cast(ORDER);
            let zero = simd.avx._mm256_setzero_si256();
            let (mut lower, mut upper) = (zero, zero);
            for (i, weights) in weights.iter().enumerate() {
                let Some(bytes) = row.get(3 * GROUP * i..).and_then(|row| row.first_chunk::<BYTES>()) else { break };
                let bytes = simd.avx2._mm256_broadcastsi128_si256(cast(*bytes));
                let samples = simd.avx2._mm256_shuffle_epi8(bytes, order);
                lower = simd.avx2._mm256_add_epi32(lower, simd.avx2._mm256_madd_epi16(samples, cast(weights.lower)));
                upper = simd.avx2._mm256_add_epi32(upper, simd.avx2._mm256_madd_epi16(samples, cast(weights.upper)));
            }
            let both = simd.avx2._mm256_add_epi32(lower, simd.avx2._mm256_slli_epi32::<{ LOWER as i32 }>(upper));
            let [first, last]: [__m128i; 2] = cast(both);
            simd.sse2._mm_add_epi32(first, last)
        }

        /// The sums rounded to bytes: red, green, blue and a zero of each row.
        #[inline(always)]
        fn bytes(self, mut rows: [__m128i; TOGETHER]) -> [u8; 4 * TOGETHER] {
            let Self { simd } = self;
            let half = simd.sse2._mm_set1_epi32(HALF);
            for sums in &mut rows {
                *sums = simd.sse2._mm_srai_epi32::<{ PRECISION as i32 }>(simd.sse2._mm_add_epi32(*sums, half));
            }
            let [a, b, c, d] = rows;
            let (ab, cd) = (simd.sse2._mm_packs_epi32(a, b), simd.sse2._mm_packs_epi32(c, d));
            cast(simd.sse2._mm_packus_epi16(ab, cd))
        }
    }
}
