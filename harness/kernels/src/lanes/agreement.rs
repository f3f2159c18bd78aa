//! Compares comparisons, roots, quotients and sums of all instruction sets with plain loops.

use super::*;
use crate::isa::{Isa, kernel};
use std::array::from_fn;

kernel! {
    fn elementwise<V>(a: &[f32; LANES], b: &[f32; LANES]) -> [[f32; LANES]; 6] {
        let (a, b) = (V::from_array(a), V::from_array(b));
        [
            a.div(b),
            a.sqrt(),
            V::select(a.less(b), a, b),
            V::select(a.at_most(b), a, b),
            V::select(a.equal(b), a, V::splat(7.0)),
            V::select(a.equal(a), b, a),
        ]
        .map(V::to_array)
    }
}
kernel! {
    fn powers<V>(n: &[f32; LANES]) -> [f32; LANES] { V::from_array(n).power_of_two().to_array() }
}
kernel! {
    fn sums<V>(a: &[f32; LANES], b: &[f32; LANES]) -> [[f64; LANES]; 2] {
        let (a, b) = (V::from_array(a), V::from_array(b));
        let once = V::Sums::zero().add(a);
        [once.add(b).lanes(), once.add_product(a, b).lanes()]
    }
}
kernel! {
    fn rest<V>(values: &[f32], out: &mut [MaybeUninit<f32>]) { V::load_rest(values).write_rest(out); }
}

/// Random bits, with some values equal, zero of either sign, infinite or NaN.
fn pair(state: &mut u64) -> (f32, f32) {
    let mut next = || {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 32) as u32
    };
    let special = [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1.0, f32::MIN_POSITIVE, 1e-45];
    let a = f32::from_bits(next());
    match next() >> 28 {
        0..4 => (special[(next() >> 29) as usize], special[(next() >> 29) as usize]),
        4..6 => (a, a),
        _ => (a, f32::from_bits(next())),
    }
}

fn same(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

#[test]
fn all_instruction_sets_compare_divide_and_add_alike() {
    let mut state = 3;
    for _ in 0..20_000 {
        let pairs: [(f32, f32); LANES] = from_fn(|_| pair(&mut state));
        let (a, b) = (pairs.map(|p| p.0), pairs.map(|p| p.1));
        for isa in Isa::available() {
            let (found, totals) = (elementwise(isa, &a, &b), sums(isa, &a, &b));
            for (i, (a, b)) in pairs.into_iter().enumerate() {
                let expected = [
                    a / b,
                    a.sqrt(),
                    if a < b { a } else { b },
                    if a <= b { a } else { b },
                    if a == b { a } else { 7.0 },
                    if a.is_nan() { a } else { b },
                ];
                for (k, expected) in expected.into_iter().enumerate() {
                    assert!(same(found[k][i], expected), "{}: operation {k} of {a:e} and {b:e}", isa.name());
                }
                let (a, b) = (f64::from(a), f64::from(b));
                // A sum starts at 0, and −0 does not change it.
                for (found, expected) in [(totals[0][i], 0.0 + a + b), (totals[1][i], 0.0 + a + a * b)] {
                    let alike = found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan());
                    assert!(alike, "{}: {found:e}, not {expected:e}, of {a:e} and {b:e}", isa.name());
                }
            }
        }
    }
}

#[test]
fn powers_of_two_are_exact() {
    for first in -126..=112 {
        let n: [f32; LANES] = from_fn(|i| (first + i as i32) as f32);
        let expected = n.map(|n| f64::from(n).exp2() as f32);
        assert!(Isa::available().into_iter().all(|isa| powers(isa, &n) == expected), "from {first}");
    }
}

#[test]
fn what_is_left_of_a_row_is_padded_with_zeros() {
    let values: Vec<f32> = (1..=16).map(|v| v as f32).collect();
    for isa in Isa::available() {
        for (from, to) in (0..=LANES).flat_map(|from| (0..=LANES).map(move |to| (from, to))) {
            let mut out = [MaybeUninit::new(-1.0); LANES + 1];
            rest(isa, &values[..from], &mut out[..to]);
            // SAFETY: computed from numbers above.
            let out = out.map(|v| unsafe { v.assume_init() });
            let expected =
                |i: usize| if i >= to { -1.0 } else { values.get(i).filter(|_| i < from).copied().unwrap_or(0.0) };
            assert_eq!(out, from_fn(expected), "{}: {from} to {to}", isa.name());
        }
    }
}
