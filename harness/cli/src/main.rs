//! `harness`: see the library.

use std::process::ExitCode;

/// Tensors come and go by the megabyte; the system's allocator gives each back to the kernel and takes a fifth of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    harness_cli::main()
}
