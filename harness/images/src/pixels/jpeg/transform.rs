//! The inverse cosine transform of blocks, in the integer arithmetic of libjpeg's accurate method (`jidctint.c`).
//!
//! Loeffler, Ligtenberg, Moschytz: Practical Fast 1-D DCT Algorithms with 11 Multiplications, 1989.

use super::baseline::Unusual;

/// Side of a block.
pub(super) const SIDE: usize = 8;
/// Coefficients, or samples, of a block.
pub(super) const BLOCK: usize = SIDE * SIDE;
/// Fractional bits of a factor.
const FACTOR_BITS: u32 = 13;
/// Fractional bits between the two passes.
const BETWEEN_BITS: u32 = 2;
/// The largest sum of a block's magnitudes: a result is at most 1.39² times as large, with 15 fractional bits, and fits.
const MOST: i32 = (1 << 15) - 1;

/// A transform of eight numbers. Results have `bits` fractional bits fewer than the products, rounded. Sums and products wrap
/// around, which does no harm as long as the results fit.
#[inline(always)]
fn transformed(x: [i32; SIDE], bits: u32) -> [i32; SIDE] {
    let plus = i32::wrapping_add;
    let minus = i32::wrapping_sub;
    let times = i32::wrapping_mul; // by factors in units of 2⁻¹³

    let z1 = times(plus(x[2], x[6]), 4433); // 0.541196100
    let t2 = plus(z1, times(x[6], -15137)); // 1.847759065
    let t3 = plus(z1, times(x[2], 6270)); // 0.765366865
    let t0 = times(plus(x[0], x[4]), 1 << FACTOR_BITS);
    let t1 = times(minus(x[0], x[4]), 1 << FACTOR_BITS);
    let even = [plus(t0, t3), plus(t1, t2), minus(t1, t2), minus(t0, t3)];

    let (t0, t1, t2, t3) = (x[7], x[5], x[3], x[1]);
    let (z3, z4) = (plus(t0, t2), plus(t1, t3));
    let z5 = times(plus(z3, z4), 9633); // 1.175875602
    let z1 = times(plus(t0, t3), -7373); // 0.899976223
    let z2 = times(plus(t1, t2), -20995); // 2.562915447
    let z3 = plus(times(z3, -16069), z5); // 1.961570560
    let z4 = plus(times(z4, -3196), z5); // 0.390180644
    let odd = [
        plus(plus(times(t3, 12299), z1), z4), // 1.501321110
        plus(plus(times(t2, 25172), z2), z3), // 3.072711026
        plus(plus(times(t1, 16819), z2), z4), // 2.053119869
        plus(plus(times(t0, 2446), z1), z3),  // 0.298631336
    ];

    let rounded = |value: i32| plus(value, 1 << (bits - 1)) >> bits;
    let mut out = [0; SIDE];
    for i in 0..4 {
        out[i] = rounded(plus(even[i], odd[i]));
        out[SIDE - 1 - i] = rounded(minus(even[i], odd[i]));
    }
    out
}

/// Blocks that are transformed together, the same coefficient of each side by side, so that none need be moved.
pub(super) struct Batch {
    /// By row and column, then by block.
    coefficients: [[i32; SIDE]; BLOCK],
    /// Where the upper left sample of each block belongs.
    places: [usize; SIDE],
    filled: usize,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self { coefficients: [[0; SIDE]; BLOCK], places: [0; SIDE], filled: 0 }
    }

    /// Sets a coefficient, still to be multiplied by its factor, of the block that [`Self::finish`] ends. The place is taken modulo 64.
    #[inline(always)]
    pub(super) fn set(&mut self, place: u8, coefficient: i32) {
        self.coefficients[usize::from(place) % BLOCK][self.filled % SIDE] = coefficient;
    }

    /// Ends a block, whose samples belong at `place` of the plane, and says whether the batch is full and must be written.
    #[inline(always)]
    pub(super) fn finish(&mut self, place: usize) -> bool {
        self.places[self.filled % SIDE] = place;
        self.filled += 1;
        self.filled == SIDE
    }

    /// Writes the blocks that are there to a plane with `stride` samples from row to row, and is empty again. `factors` are those of
    /// the coefficients by row and column. Coefficients so large that the arithmetic could overflow are unusual.
    #[inline(always)]
    #[allow(clippy::needless_range_loop)] // iterators keep the loops over blocks from becoming vectors
    pub(super) fn write(&mut self, factors: &[i32; BLOCK], plane: &mut [u8], stride: usize) -> Result<(), Unusual> {
        // The innermost loops, over blocks, are those that become vectors.
        let blocks = &mut self.coefficients;
        let mut magnitudes = [0; SIDE];
        for (coefficients, factor) in blocks.iter_mut().zip(factors) {
            for (coefficient, magnitude) in coefficients.iter_mut().zip(&mut magnitudes) {
                *coefficient *= factor;
                *magnitude += coefficient.abs();
            }
        }
        if magnitudes.iter().any(|&magnitude| magnitude > MOST) {
            return Err(Unusual);
        }
        for x in 0..SIDE {
            for block in 0..SIDE {
                let column = std::array::from_fn(|y| blocks[SIDE * y + x][block]);
                let column = transformed(column, FACTOR_BITS - BETWEEN_BITS);
                for y in 0..SIDE {
                    blocks[SIDE * y + x][block] = column[y];
                }
            }
        }
        for (y, row) in self.coefficients.as_chunks::<SIDE>().0.iter().enumerate() {
            let (mut left, mut right) = ([0; SIDE], [0; SIDE]);
            for block in 0..SIDE {
                let row = transformed(std::array::from_fn(|x| row[x][block]), FACTOR_BITS + BETWEEN_BITS + 3);
                let [a, b, c, d, e, f, g, h] = row.map(|value| u32::from(sample(value)));
                left[block] = a | b << 8 | c << 16 | d << 24;
                right[block] = e | f << 8 | g << 16 | h << 24;
            }
            for ((place, left), right) in self.places[..self.filled].iter().zip(left).zip(right) {
                let Some(out) = plane.get_mut(place + y * stride..).and_then(|out| out.first_chunk_mut::<SIDE>())
                else {
                    continue;
                };
                *out = (u64::from(right) << 32 | u64::from(left)).to_le_bytes();
            }
        }
        *self = Self::new();
        Ok(())
    }
}

/// The samples of a block that has but its first coefficient.
pub(super) fn flat(coefficient: i32, out: &mut [u8], stride: usize) {
    let value = sample((coefficient * (1 << BETWEEN_BITS) + 16) >> 5);
    for out in out.chunks_mut(stride).take(SIDE) {
        out[..SIDE].fill(value);
    }
}

/// libjpeg looks results up by their ten lowest bits, of which one is the sign.
#[inline(always)]
fn sample(value: i32) -> u8 {
    (((value << 22) >> 22) + 128).clamp(0, 255) as u8
}
