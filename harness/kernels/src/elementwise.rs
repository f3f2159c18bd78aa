//! Loops of kernels that compute each output element from the input elements at the same place.
//!
//! They are macros, because a closure that the compiler does not inline would be compiled without the instruction set.

use crate::{
    isa::Isa,
    output::{CHUNK, filled},
};
use std::mem::MaybeUninit;

/// `map!(V, out, [a, b], f(a, b))` writes the expression's value for the lanes of the slices `a` and `b` to the same place of
/// the slice `out`.
macro_rules! map {
    ($lanes:ident, $out:ident, [$($input:ident),+], $value:expr) => {{
        use $crate::lanes::LANES;
        let length = $out.len();
        assert!([$($input.len()),+].iter().all(|&input| input == length), "the inputs of a kernel differ in length");
        let whole = length / LANES * LANES;
        let mut at = 0;
        while at < whole {
            // SAFETY: sixteen elements from `at` lie in all of them, whose lengths are equal.
            $(let $input = unsafe { $lanes::load($input.as_ptr().add(at)) };)+
            let value: $lanes = $value;
            // SAFETY: as above.
            unsafe { value.store($out.as_mut_ptr().add(at).cast::<f32>()) };
            at += LANES;
        }
        if whole < length {
            $(let $input = $lanes::load_rest(&$input[whole..]);)+
            let value: $lanes = $value;
            value.write_rest(&mut $out[whole..]);
        }
    }};
}
pub(crate) use map;

/// `for_lanes!(V, [a, b], { sum = sum.add_product(a, b); })` runs the block for the lanes of the slices `a` and `b` at each
/// place. Elements past the end are 0, which must not change the block's result.
macro_rules! for_lanes {
    ($lanes:ident, [$first:ident $(, $input:ident)*], $body:block) => {{
        use $crate::lanes::LANES;
        let length = $first.len();
        assert!([length $(, $input.len())*].iter().all(|&input| input == length), "the inputs of a kernel differ in length");
        let whole = length / LANES * LANES;
        let mut at = 0;
        while at < whole {
            // SAFETY: sixteen elements from `at` lie in all of them, whose lengths are equal.
            let $first = unsafe { $lanes::load($first.as_ptr().add(at)) };
            $(
                // SAFETY: as above.
                let $input = unsafe { $lanes::load($input.as_ptr().add(at)) };
            )*
            $body
            at += LANES;
        }
        if whole < length {
            let $first = $lanes::load_rest(&$first[whole..]);
            $(let $input = $lanes::load_rest(&$input[whole..]);)*
            $body
        }
    }};
}
pub(crate) use for_lanes;

/// Returns the vector that `kernel` makes of vectors of its length, with [`CHUNK`] elements per task.
///
/// # Safety
/// `kernel` writes every element of its chunk.
pub(crate) unsafe fn apply<const N: usize>(
    isa: Isa,
    inputs: [&[f32]; N],
    kernel: impl Fn(Isa, &mut [MaybeUninit<f32>], [&[f32]; N]) + Sync,
) -> Vec<f32> {
    let length = inputs[0].len();
    assert!(inputs.iter().all(|input| input.len() == length), "the inputs of a kernel differ in length");
    // SAFETY: the caller's promise.
    unsafe {
        filled(length, CHUNK, |i, out| {
            let from = i * CHUNK;
            let length = out.len();
            kernel(isa, out, inputs.map(|input| &input[from..from + length]));
        })
    }
}
