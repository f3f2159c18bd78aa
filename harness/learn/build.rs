//! Compiles the CUDA kernels of `src/ops/cuda/kernels` to PTX with nvcc, which is needed to build candle for CUDA as well. Does
//! nothing without the feature `cudnn`.

use std::{env, error::Error, fs, path::Path, process::Command};

const KERNELS: &str = "src/ops/cuda/kernels";

/// The oldest virtual architecture that nvcc 13 knows. The driver compiles its PTX for any newer GPU.
const ARCHITECTURE: &str = "compute_75";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={KERNELS}");
    if env::var_os("CARGO_FEATURE_CUDNN").is_none() {
        return Ok(());
    }
    println!("cargo::rerun-if-env-changed=NVCC");
    println!("cargo::rerun-if-env-changed=CUDA_HOME");
    let nvcc = match (env::var_os("NVCC"), env::var_os("CUDA_HOME")) {
        (Some(nvcc), _) => nvcc,
        (None, Some(home)) => Path::new(&home).join("bin/nvcc").into(),
        (None, None) => "nvcc".into(),
    };
    let out = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
    for entry in fs::read_dir(KERNELS)? {
        let source = entry?.path();
        if source.extension().is_none_or(|extension| extension != "cu") {
            continue;
        }
        let name = source.file_stem().ok_or("a kernel without a name")?;
        let ptx = Path::new(&out).join(name).with_extension("ptx");
        let mut compile = Command::new(&nvcc);
        compile.args(["--ptx", "-O3", "-std=c++17", "-arch", ARCHITECTURE]).arg(&source).arg("-o").arg(&ptx);
        let status = compile.status().map_err(|e| format!("cannot run {}: {e}", nvcc.display()))?;
        if !status.success() {
            return Err(format!("nvcc could not compile {}", source.display()).into());
        }
    }
    Ok(())
}
