//! Lanes for any machine: an array that the compiler distributes over the available registers.

use super::{LANES, Lanes, Sums};
use std::array::from_fn;

#[derive(Clone, Copy)]
pub(crate) struct Portable([f32; LANES]);

impl Lanes for Portable {
    type Mask = [bool; LANES];
    type Sums = PortableSums;
    const TILE: (usize, usize) = (1, 1);

    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self([value; LANES])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller says so; an array of f32 has the alignment of one.
        Self(unsafe { *from.cast::<[f32; LANES]>() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller says so; an array of f32 has the alignment of one.
        unsafe { *to.cast::<[f32; LANES]>() = self.0 }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(from_fn(|i| self.0[i] + other.0[i]))
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(from_fn(|i| self.0[i] - other.0[i]))
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(from_fn(|i| self.0[i] * other.0[i]))
    }

    #[inline(always)]
    fn relu(self) -> Self {
        Self(self.0.map(|v| if v < 0.0 { 0.0 } else { v }))
    }

    #[inline(always)]
    fn interleave(self, odd: Self) -> [f32; 2 * LANES] {
        from_fn(|i| if i % 2 == 0 { self.0[i / 2] } else { odd.0[i / 2] })
    }

    #[inline(always)]
    fn fma(self, factor: Self, sum: Self) -> Self {
        Self(from_fn(|i| fused(self.0[i], factor.0[i], sum.0[i])))
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self {
        // SAFETY: the caller says so.
        Self(from_fn(|i| if i < count { unsafe { *from.add(i) } } else { 0.0 }))
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, count: usize) {
        for (i, value) in self.0.into_iter().enumerate().take(count) {
            // SAFETY: the caller says so.
            unsafe { *to.add(i) = value };
        }
    }

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        Self(from_fn(|i| self.0[i] / other.0[i]))
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(self.0.map(f32::sqrt))
    }

    #[inline(always)]
    fn less(self, other: Self) -> Self::Mask {
        from_fn(|i| self.0[i] < other.0[i])
    }

    #[inline(always)]
    fn at_most(self, other: Self) -> Self::Mask {
        from_fn(|i| self.0[i] <= other.0[i])
    }

    #[inline(always)]
    fn equal(self, other: Self) -> Self::Mask {
        from_fn(|i| self.0[i] == other.0[i])
    }

    #[inline(always)]
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self {
        Self(from_fn(|i| if mask[i] { yes.0[i] } else { no.0[i] }))
    }

    #[inline(always)]
    fn power_of_two(self) -> Self {
        Self(self.0.map(|n| f32::from_bits((n as i32).wrapping_add(127).cast_unsigned() << 23)))
    }
}

#[derive(Clone, Copy)]
pub(crate) struct PortableSums([f64; LANES]);

impl Sums<Portable> for PortableSums {
    #[inline(always)]
    fn zero() -> Self {
        Self([0.0; LANES])
    }

    #[inline(always)]
    fn add(self, values: Portable) -> Self {
        Self(from_fn(|i| self.0[i] + f64::from(values.0[i])))
    }

    #[inline(always)]
    fn add_product(self, a: Portable, b: Portable) -> Self {
        Self(from_fn(|i| self.0[i] + f64::from(a.0[i]) * f64::from(b.0[i])))
    }

    #[inline(always)]
    fn lanes(self) -> [f64; LANES] {
        self.0
    }
}

/// `a · b + c`, rounded once.
#[cfg(any(target_feature = "fma", target_arch = "aarch64"))]
#[inline(always)]
fn fused(a: f32, b: f32, c: f32) -> f32 {
    a.mul_add(b, c)
}

/// `a · b + c`, rounded once, without an instruction for it.
///
/// The product is exact in f64. The sum is then rounded to odd: if it is inexact, to the neighbour whose last bit is 1. With 53
/// digits against 24, rounding that to f32 equals rounding the exact sum (Boldo and Melquiond, "Emulation of FMA and correctly
/// rounded sums: proved algorithms using rounding to odd", 2008).
#[cfg(not(any(target_feature = "fma", target_arch = "aarch64")))]
#[inline(always)]
fn fused(a: f32, b: f32, c: f32) -> f32 {
    let (product, c) = (f64::from(a) * f64::from(b), f64::from(c));
    let sum = product + c;
    // The exact rounding error of the sum (Knuth's TwoSum).
    let back = sum - product;
    let error = (product - (sum - back)) + (c - back);
    let bits = sum.to_bits();
    // For infinities and NaN the error is NaN, which compares unequal to 0.
    let inexact = error.abs() > 0.0;
    // Away from zero if the error has the sum's sign.
    let step = if (error > 0.0) == (sum > 0.0) { 1 } else { u64::MAX };
    let odd = if inexact && bits & 1 == 0 { bits.wrapping_add(step) } else { bits };
    f64::from_bits(odd) as f32
}
