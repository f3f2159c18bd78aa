//! `doctor`: what this machine offers and what is missing.

use super::{say, say_json, table};
use crate::{cli::Folders, failure::Outcome};
use harness_learn::device;
use serde::Serialize;
use std::path::Path;

#[derive(Serialize)]
struct Finding {
    what: &'static str,
    state: &'static str,
    detail: String,
}

pub(crate) fn run(folders: Outcome<Folders>, as_json: bool) -> Outcome {
    let mut findings = vec![program(), processor(), cuda()];
    match folders {
        Ok(folders) => {
            findings.push(ok("root", folders.root.display().to_string()));
            findings.push(writable("store", &folders.store));
            findings.push(writable("reports", &folders.reports));
            findings.extend(data_sets(&folders));
        }
        Err(failure) => findings.push(Finding { what: "root", state: "missing", detail: failure.to_string() }),
    }
    if as_json {
        return say_json(&findings);
    }
    let rows: Vec<Vec<String>> =
        findings.into_iter().map(|f| vec![f.what.to_owned(), f.state.to_owned(), f.detail]).collect();
    say(&table(&rows))
}

fn ok(what: &'static str, detail: String) -> Finding {
    Finding { what, state: "ok", detail }
}

fn program() -> Finding {
    let features = match (cfg!(feature = "cuda"), cfg!(feature = "cudnn")) {
        (_, true) => "with CUDA and cuDNN",
        (true, false) => "with CUDA",
        (false, false) => "for the CPU",
    };
    ok("harness", format!("{}, recipe {}, built {features}", env!("CARGO_PKG_VERSION"), harness_learn::RECIPE))
}

fn processor() -> Finding {
    #[cfg(target_arch = "x86_64")]
    let features = [
        ("AVX-512", std::arch::is_x86_feature_detected!("avx512f")),
        ("AVX2", std::arch::is_x86_feature_detected!("avx2")),
        ("FMA", std::arch::is_x86_feature_detected!("fma")),
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let features: [(&str, bool); 0] = [];
    let features: Vec<&str> = features.iter().filter(|(_, there)| *there).map(|(name, _)| *name).collect();
    let threads = rayon::current_num_threads();
    let used = harness_learn::ops::instruction_set().unwrap_or("what is fastest");
    let (arch, features) = (std::env::consts::ARCH, features.join(", "));
    ok("processor", format!("{threads} threads, {arch} {features}; computes with {used}"))
}

fn cuda() -> Finding {
    match device::cuda_state() {
        Ok(()) => ok("CUDA", "device 0 answers".to_owned()),
        Err(error @ device::DeviceError::NotBuilt) => {
            Finding { what: "CUDA", state: "not built", detail: error.to_string() }
        }
        Err(error) => Finding { what: "CUDA", state: "missing", detail: error.to_string() },
    }
}

fn writable(what: &'static str, folder: &Path) -> Finding {
    // The nearest folder that exists decides: missing ones are made when they are needed.
    let nearest = folder.ancestors().find(|f| f.is_dir()).unwrap_or(Path::new("."));
    let probe = nearest.join(format!(".harness-doctor-{}", std::process::id()));
    match std::fs::write(&probe, b"") {
        Ok(()) => {
            let _ = std::fs::remove_file(&probe); // an empty file is all that could stay
            ok(what, folder.display().to_string())
        }
        Err(error) => Finding { what, state: "not writable", detail: format!("{}: {error}", folder.display()) },
    }
}

fn data_sets(folders: &Folders) -> Vec<Finding> {
    let data = |name: &'static str, parts: &[&str]| {
        let folder = folders.data.join(name);
        let missing: Vec<&str> = parts.iter().filter(|part| !folder.join(part).exists()).copied().collect();
        let state = if missing.is_empty() { "ok" } else { "missing" };
        let detail = match missing.as_slice() {
            [] => folder.display().to_string(),
            parts => format!("{} lacks {}", folder.display(), parts.join(", ")),
        };
        Finding { what: name, state, detail }
    };
    vec![
        data("oxford-iiit-pet", &["images", "annotations"]),
        data("cats-and-dogs/PetImages", &["Cat", "Dog"]),
        data("pets-sample", &["images", "annotations"]),
        data("cats-and-dogs-10k/PetImages", &["Cat", "Dog"]),
        ok("synthetic-pets", "built in".to_owned()),
    ]
}
