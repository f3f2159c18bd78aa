//! Compiles the source of CUDA kernels for the CPU, so that their results can be tested without a GPU.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

/// The program and the folder that contains it.
static PROGRAM: OnceLock<Option<(tempfile::TempDir, PathBuf)>> = OnceLock::new();

/// Runs a kernel with `tests/kernels/run.cpp`. Prints a line and returns `None` if there is no C++ compiler.
pub(crate) fn run(kernel: &str, numbers: &[usize], input: &[u8]) -> Option<Vec<u8>> {
    let Some((_, program)) = PROGRAM.get_or_init(compile) else {
        println!("not checked: no C++ compiler was found");
        return None;
    };
    let numbers = numbers.iter().map(ToString::to_string);
    let mut command = Command::new(program);
    command.arg(kernel).args(numbers).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // The program reads everything before it writes anything.
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{kernel} {:?}", output.status);
    Some(output.stdout)
}

fn compile() -> Option<(tempfile::TempDir, PathBuf)> {
    let (root, folder) = (Path::new(env!("CARGO_MANIFEST_DIR")), tempfile::tempdir().unwrap());
    let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    let program = folder.path().join("run");
    let mut command = Command::new(compiler);
    // The compiler must not fuse products: the kernels state where they are fused.
    command.args(["-x", "c++", "-std=c++17", "-O1", "-ffp-contract=off", "-w", "-pthread"]);
    command.arg("-I").arg(root.join("src/ops/cuda/kernels")).arg(root.join("tests/kernels/run.cpp"));
    let status = command.arg("-o").arg(&program).status().ok()?;
    assert!(status.success(), "the kernels cannot be compiled for the CPU");
    Some((folder, program))
}

/// The bytes of numbers, in the form that a kernel reads.
pub(crate) fn bytes<const N: usize, T: Copy>(values: &[T], of: fn(T) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|&value| of(value)).collect()
}
