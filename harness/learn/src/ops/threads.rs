//! The resources of computation on the CPU: one pool of threads, not two, and one instruction set.

#![allow(unsafe_code)]

use harness_kernels::isa::Isa;

/// Keeps candle from starting its own pool, whose threads spin beside rayon's and take a quarter of two cores. Must be called
/// first in `main`, before any other thread exists.
pub fn leave_threads_to_rayon() {
    // SAFETY: the caller has started no other thread yet, so none can read the environment at the same time.
    unsafe { std::env::set_var("CANDLE_NUM_THREADS", "1") }
}

/// Name of the instruction set that operations on the CPU use: `portable`, `avx2` or `avx512`.
pub fn instruction_set() -> &'static str {
    Isa::best().name()
}

/// Fails if the environment asks for an instruction set that this machine lacks.
pub fn check_instruction_set() -> Result<(), String> {
    Isa::wanted().map(|_| ())
}
