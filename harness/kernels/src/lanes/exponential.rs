//! `e^x` and the natural logarithm of lanes. The system's versions differ between machines; these do not.
//!
//! Both remove the exact part of the argument and approximate the small rest by a polynomial: that of Shibata's SLEEF (`expf`,
//! 2010) and of Moshier's Cephes (`logf`, 1989).

use super::{LANES, Lanes};
use std::f32::consts::{FRAC_1_SQRT_2, LOG2_E};

/// ln 2 in two parts. The first ends in zeros, so that its product with an exponent is exact.
const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];

/// A number so large that adding it removes all digits after the point.
const WHOLE: f32 = 12_582_912.0;

/// `coefficients[0]·xⁿ + … + coefficients[n]`.
#[inline(always)]
fn polynomial<V: Lanes, const N: usize>(x: V, coefficients: [f32; N]) -> V {
    let mut sum = V::splat(coefficients[0]);
    for &coefficient in &coefficients[1..] {
        sum = sum.fma(x, V::splat(coefficient));
    }
    sum
}

/// `value · factor`, rounded to a whole number.
#[inline(always)]
fn round<V: Lanes>(value: V, factor: f32) -> V {
    value.fma(V::splat(factor), V::splat(WHOLE)).sub(V::splat(WHOLE))
}

/// `e^x` to 1 ulp; 0 below −104, ∞ above 88.73, NaN of NaN.
#[inline(always)]
pub(crate) fn exp<V: Lanes>(x: V) -> V {
    // Beyond these the result is 0 or ∞ in any case. NaN compares false and stays.
    let (low, high) = (V::splat(-104.5), V::splat(89.0));
    let x = V::select(high.less(x), high, x);
    let x = V::select(x.less(low), low, x);
    // e^x = 2^n · e^r with |r| ≤ ln 2 / 2
    let n = round(x, LOG2_E);
    let r = n.fma(V::splat(-LN_2[0]), x);
    let r = n.fma(V::splat(-LN_2[1]), r);
    let q = polynomial(r, [1.985_276e-4, 1.393_043_6e-3, 8.333_361e-3, 0.041_666_485, 0.166_666_67, 0.5]);
    let e = q.fma(r.mul(r), r).add(V::splat(1.0));
    // 2^n alone would leave the range before the result does.
    let half = round(n, 0.5);
    e.mul(half.power_of_two()).mul(n.sub(half).power_of_two())
}

/// The natural logarithm to 1 ulp; −∞ of 0, NaN below 0 and of NaN, ∞ of ∞.
#[inline(always)]
pub(crate) fn ln<V: Lanes>(x: V) -> V {
    let zero = V::splat(0.0);
    // Scales denormal numbers into the range of the others.
    let small = x.less(V::splat(f32::MIN_POSITIVE));
    let scaled = V::select(small, x.mul(V::splat(33_554_432.0)), x); // 2^25
    let (exponent, fraction) = split(scaled);
    let exponent = exponent.add(V::select(small, V::splat(-25.0), zero));
    let f = fraction.sub(V::splat(1.0));
    let q = polynomial(
        f,
        [
            7.037_683_6e-2,
            -1.151_461e-1,
            1.167_699_9e-1,
            -1.242_014_1e-1,
            1.424_932_3e-1,
            -1.666_805_8e-1,
            2.000_071_5e-1,
            -2.499_999_4e-1,
            0.333_333_3,
        ],
    );
    let square = f.mul(f);
    let y = q.mul(f).mul(square);
    let y = exponent.fma(V::splat(LN_2[1]), y);
    let y = square.fma(V::splat(-0.5), y);
    let y = exponent.fma(V::splat(LN_2[0]), f.add(y));
    let y = V::select(x.equal(zero), V::splat(f32::NEG_INFINITY), y);
    let y = V::select(x.less(zero), V::splat(f32::NAN), y);
    // ∞ and NaN stay as they are.
    V::select(x.less(V::splat(f32::INFINITY)), y, x)
}

/// Splits positive, normalised numbers: `x = 2^exponent · fraction` with the fraction in `√½..√2`.
#[inline(always)]
fn split<V: Lanes>(x: V) -> (V, V) {
    let (x, root) = (x.to_array(), FRAC_1_SQRT_2.to_bits());
    let (mut exponents, mut fractions) = ([0.0; LANES], [0.0; LANES]);
    for i in 0..LANES {
        let exponent = x[i].to_bits().wrapping_sub(root).cast_signed() >> 23;
        exponents[i] = exponent as f32;
        fractions[i] = f32::from_bits(x[i].to_bits().wrapping_sub(exponent.cast_unsigned() << 23));
    }
    (V::from_array(&exponents), V::from_array(&fractions))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::{Isa, kernel};
    use std::array::from_fn;

    kernel! {
        fn exps<V>(x: &[f32; LANES]) -> [f32; LANES] { exp(V::from_array(x)).to_array() }
    }
    kernel! {
        fn lns<V>(x: &[f32; LANES]) -> [f32; LANES] { ln(V::from_array(x)).to_array() }
    }

    type Function = fn(Isa, &[f32; LANES]) -> [f32; LANES];

    /// Largest error in units of the last place of the true value (at least of the smallest number), over numbers of all
    /// exponents between two limits, of both signs. All instruction sets must agree.
    fn worst(ours: Function, truth: impl Fn(f64) -> f64, limits: [f32; 2]) -> f64 {
        let mut worst = 0.0f64;
        let mut state = 1u32;
        for high in 0..512u32 {
            for _ in 0..400 {
                let x: [f32; LANES] = from_fn(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    f32::from_bits(high << 23 | state >> 9)
                });
                let x = x.map(|x| if x >= limits[0] && x <= limits[1] { x } else { limits[0] });
                let found = ours(Isa::PORTABLE, &x);
                for isa in Isa::available() {
                    assert_eq!(ours(isa, &x).map(f32::to_bits), found.map(f32::to_bits), "{} of {x:?}", isa.name());
                }
                for (x, found) in x.into_iter().zip(found) {
                    let truth = truth(f64::from(x));
                    let near = (truth as f32).abs();
                    let ulp = f64::from(f32::from_bits(near.to_bits() + 1)) - f64::from(near);
                    worst = worst.max((f64::from(found) - truth).abs() / ulp);
                }
            }
        }
        worst
    }

    #[test]
    fn exp_is_right_to_one_and_a_half_ulp() {
        let error = worst(exps, f64::exp, [-104.0, 88.72]);
        println!("exp: {error} ulp");
        assert!(error < 1.5, "{error}");
    }

    #[test]
    fn ln_is_right_to_one_and_a_half_ulp() {
        let error = worst(lns, f64::ln, [f32::from_bits(1), f32::MAX]);
        println!("ln: {error} ulp");
        assert!(error < 1.5, "{error}");
        // Near 1, where the logarithm is small.
        let mut worst = 0.0f64;
        for i in 0..200_000u32 {
            let x = f32::from_bits(1f32.to_bits() - 100_000 + i);
            let (found, truth) = (lns(Isa::best(), &[x; LANES])[0], f64::from(x).ln());
            if x == 1.0 {
                assert_eq!(found.to_bits(), 0);
            } else {
                worst = worst.max((f64::from(found) - truth).abs() / truth.abs() / f64::from(f32::EPSILON));
            }
        }
        assert!(worst < 1.5, "{worst}");
    }

    #[test]
    fn special_values_are_kept() {
        let mut x = [0.0; LANES];
        let values =
            [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, -1.0, 1.0, 1e-45, 1e9, -1e9, f32::MIN_POSITIVE];
        x[..values.len()].copy_from_slice(&values);
        for isa in Isa::available() {
            let e = exps(isa, &x);
            assert_eq!(
                [e[0], e[1], e[2], e[3], e[7], e[8], e[9]],
                [1.0, 1.0, f32::INFINITY, 0.0, 1.0, f32::INFINITY, 0.0]
            );
            assert!(e[4].is_nan() && (e[6] - std::f32::consts::E).abs() < 1e-6);
            let l = lns(isa, &x);
            assert_eq!([l[0], l[1], l[2], l[6]], [f32::NEG_INFINITY, f32::NEG_INFINITY, f32::INFINITY, 0.0]);
            assert!([l[3], l[4], l[5], l[9]].iter().all(|v| v.is_nan()));
            assert!((l[7] + 103.278_93).abs() < 1e-5 && (l[10] + 87.336_54).abs() < 1e-5);
        }
    }
}
