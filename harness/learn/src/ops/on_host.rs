//! The source of CUDA kernels, compiled for the CPU: what they compute can be tested where there is no GPU.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

/// The program and the folder that it lies in.
static PROGRAM: OnceLock<Option<(tempfile::TempDir, PathBuf)>> = OnceLock::new();

/// Runs a kernel by `tests/kernels/run.cpp`; `None`, and a line that says so, where there is no C++ compiler.
pub(crate) fn run(kernel: &str, numbers: &[usize], input: &[u8]) -> Option<Vec<u8>> {
    let Some((_, program)) = PROGRAM.get_or_init(compile) else {
        println!("not checked: no C++ compiler was found");
        return None;
    };
    let numbers = numbers.iter().map(ToString::to_string);
    let mut command = Command::new(program);
    command.arg(kernel).args(numbers).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // The program reads all before it writes anything.
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
    // Without fused products: the kernels say where they must not be.
    command.args(["-x", "c++", "-std=c++17", "-O1", "-ffp-contract=off", "-w", "-pthread"]);
    command.arg("-I").arg(root.join("src/ops/cuda/kernels")).arg(root.join("tests/kernels/run.cpp"));
    let status = command.arg("-o").arg(&program).status().ok()?;
    assert!(status.success(), "the kernels cannot be compiled for the CPU");
    Some((folder, program))
}

/// Bytes of numbers, as a kernel reads them.
pub(crate) fn bytes<const N: usize, T: Copy>(values: &[T], of: fn(T) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|&value| of(value)).collect()
}
