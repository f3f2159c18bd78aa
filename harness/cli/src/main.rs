//! `harness`: see the library.

use std::process::ExitCode;

/// Tensors come and go by the megabyte. The system's allocator returns each of them to the kernel, which takes a fifth
/// of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    harness_cli::main()
}
