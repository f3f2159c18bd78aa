//! Sixteen f32 side by side, for any size of the machine's registers.
//!
//! All instruction sets compute in lanes of sixteen and fuse every product that is added. So a kernel's bits are the same on
//! all of them: no sum depends on the width of a register.

#[cfg(test)]
mod agreement;
mod exponential;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::mem::MaybeUninit;

pub(crate) use exponential::{exp, ln};
pub(crate) use portable::Portable;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

/// Number of lanes.
pub(crate) const LANES: usize = 16;

/// Sixteen f32.
///
/// The methods of an instruction set may be called only in functions compiled for it (see [`kernel`](crate::isa::kernel)), and
/// these only on machines that support it (see [`Isa`](crate::isa::Isa)).
pub(crate) trait Lanes: Copy {
    /// A boolean for each lane.
    type Mask: Copy;
    /// Sums of lanes in f64.
    type Sums: Sums<Self>;
    /// Number of panels of [`ROWS`](crate::gemm::ROWS) and of [`LANES`] in a tile of a matrix product: as many as fill the
    /// registers.
    const TILE: (usize, usize);
    fn splat(value: f32) -> Self;
    /// # Safety
    /// Sixteen f32 can be read at `from`.
    unsafe fn load(from: *const f32) -> Self;
    /// # Safety
    /// Sixteen f32 can be written at `to`.
    unsafe fn store(self, to: *mut f32);
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    /// Negative lanes as zeros; NaN stays.
    fn relu(self) -> Self;
    /// `self · factor + sum`, rounded once.
    fn fma(self, factor: Self, sum: Self) -> Self;
    /// Loads the first `count` lanes, at most sixteen, and zeros in the others.
    ///
    /// # Safety
    /// `count` f32 can be read at `from`.
    unsafe fn load_first(from: *const f32, count: usize) -> Self;
    /// Stores the first `count` lanes, at most sixteen.
    ///
    /// # Safety
    /// `count` f32 can be written at `to`.
    unsafe fn store_first(self, to: *mut f32, count: usize);
    fn div(self, other: Self) -> Self;
    fn sqrt(self) -> Self;
    /// True where `self < other`; false where one of them is NaN.
    fn less(self, other: Self) -> Self::Mask;
    /// True where `self ≤ other`; false where one of them is NaN.
    fn at_most(self, other: Self) -> Self::Mask;
    /// True where `self = other`; false where one of them is NaN.
    fn equal(self, other: Self) -> Self::Mask;
    /// `yes` where the mask is true, `no` elsewhere, bit by bit.
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self;
    /// `2^self` for integers in −126..=127. Other inputs give arbitrary numbers.
    fn power_of_two(self) -> Self;

    /// Transposes eight rows of eight elements, `from_step` apart, to eight rows `to_step` apart. They are written in order, so
    /// that a later row may overwrite the end of the one before.
    ///
    /// # Safety
    /// All rows can be read and written.
    #[inline(always)]
    unsafe fn transpose(from: *const f32, from_step: usize, to: *mut f32, to_step: usize) {
        for x in 0..8 {
            for y in 0..8 {
                // SAFETY: the caller's promise.
                unsafe { *to.add(x * to_step + y) = *from.add(y * from_step + x) };
            }
        }
    }
    /// The lanes of both, alternating.
    fn interleave(self, odd: Self) -> [f32; 2 * LANES];

    #[inline(always)]
    fn from_array(values: &[f32; LANES]) -> Self {
        // SAFETY: an array of sixteen.
        unsafe { Self::load(values.as_ptr()) }
    }

    #[inline(always)]
    fn write(self, to: &mut [f32; LANES]) {
        // SAFETY: an array of sixteen.
        unsafe { self.store(to.as_mut_ptr()) }
    }

    #[inline(always)]
    fn to_array(self) -> [f32; LANES] {
        let mut values = [0.0; LANES];
        self.write(&mut values);
        values
    }

    /// The rest of a row: at most sixteen values, followed by zeros.
    #[inline(always)]
    fn load_rest(values: &[f32]) -> Self {
        if let Ok(values) = values.try_into() {
            return Self::from_array(values);
        }
        assert!(values.len() < LANES, "more values than lanes");
        // SAFETY: as many as there are.
        unsafe { Self::load_first(values.as_ptr(), values.len()) }
    }

    /// Stores the first lanes in at most sixteen places.
    #[inline(always)]
    fn write_rest(self, to: &mut [MaybeUninit<f32>]) {
        assert!(to.len() <= LANES, "more places than lanes");
        // SAFETY: as many as there are.
        unsafe {
            if to.len() == LANES {
                self.store(to.as_mut_ptr().cast());
            } else {
                self.store_first(to.as_mut_ptr().cast(), to.len());
            }
        }
    }
}

/// Sixteen sums in f64. A product of two f32 is exact there, so fusing it with the addition makes no difference.
pub(crate) trait Sums<V>: Copy {
    fn zero() -> Self;
    fn add(self, values: V) -> Self;
    fn add_product(self, a: V, b: V) -> Self;
    fn lanes(self) -> [f64; LANES];

    /// The sum of all sixteen, added in order.
    #[inline(always)]
    fn total(self) -> f64 {
        self.lanes().into_iter().fold(0.0, |sum, lane| sum + lane)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::{Isa, kernel};

    kernel! {
        fn arithmetic<V>(a: &[f32; LANES], b: &[f32; LANES], c: &[f32; LANES]) -> [[f32; LANES]; 4] {
            let (a, b, c) = (V::from_array(a), V::from_array(b), V::from_array(c));
            let mut out = [[0.0; LANES]; 4];
            for (out, value) in out.iter_mut().zip([a.add(b), a.sub(b), a.mul(b), a.fma(b, c)]) {
                value.write(out);
            }
            out
        }
    }

    /// Numbers of every kind, from a small generator: random bits are as often tiny or huge as of medium size.
    fn numbers(seed: u32) -> [f32; LANES] {
        let mut state = u64::from(seed) * 2 + 1;
        std::array::from_fn(|lane| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            match (lane + seed as usize) % 8 {
                0 => f32::from_bits((state >> 32) as u32),
                1 => 0.0,
                2 => 1.0 + f32::EPSILON * ((state >> 60) as f32),
                _ => f32::from_bits(((state >> 32) as u32 & 0x007f_ffff) | (0x3f80_0000 + ((seed % 40) << 23))),
            }
        })
    }

    #[test]
    fn all_instruction_sets_round_alike() {
        for seed in 0..20_000 {
            let (a, b) = (numbers(seed), numbers(seed.wrapping_mul(7) + 1));
            let mut c = numbers(seed.wrapping_mul(3) + 2);
            if seed % 3 == 0 {
                // The sum nearly cancels the product, which exposes the rounding of a fused product.
                c = std::array::from_fn(|i| -(a[i] * b[i]));
            }
            for isa in Isa::available() {
                let out = arithmetic(isa, &a, &b, &c);
                for i in 0..LANES {
                    let expected = [a[i] + b[i], a[i] - b[i], a[i] * b[i], f32::mul_add(a[i], b[i], c[i])];
                    for (k, expected) in expected.into_iter().enumerate() {
                        let found = out[k][i];
                        assert!(
                            found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan()),
                            "{} lane {i} of operation {k}: {found:e}, not {expected:e}, of {:e} {:e} {:e}",
                            isa.name(),
                            a[i],
                            b[i],
                            c[i]
                        );
                    }
                }
            }
        }
    }
}
