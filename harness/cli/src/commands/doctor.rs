//! `doctor`: shows what this machine offers and what is missing.

use super::data::Here;
use crate::{
    cli::Folders,
    failure::{Failure, Outcome},
    manifests,
    output::{say, say_json, table},
};
use harness_fetch::manifest::Manifest;
use harness_learn::device;
use serde::Serialize;
use std::path::Path;

#[derive(Serialize)]
struct Finding {
    what: String,
    state: String,
    detail: String,
}

impl Finding {
    fn new(what: &str, state: &str, detail: String) -> Self {
        Self { what: what.to_owned(), state: state.to_owned(), detail }
    }
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
        Err(failure) => findings.push(Finding::new("root", "missing", failure.to_string())),
    }
    if as_json {
        return say_json(&findings);
    }
    let rows: Vec<Vec<String>> = findings.into_iter().map(|f| vec![f.what, f.state, f.detail]).collect();
    say(&table(&rows))
}

fn ok(what: &str, detail: String) -> Finding {
    Finding::new(what, "ok", detail)
}

fn program() -> Finding {
    let features = match (cfg!(feature = "cuda"), cfg!(feature = "cudnn")) {
        (_, true) => "with CUDA and cuDNN",
        (true, false) => "with CUDA",
        (false, false) => "for the CPU",
    };
    ok("harness", format!("{}, recipe {}, built {features}", crate::program::version(), harness_learn::RECIPE))
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
    let used = harness_learn::ops::instruction_set();
    let (arch, features) = (std::env::consts::ARCH, features.join(", "));
    ok("processor", format!("{threads} threads, {arch} {features}; computes with {used}"))
}

fn cuda() -> Finding {
    match device::cuda_state() {
        Ok(()) => ok("CUDA", "device 0 answers".to_owned()),
        Err(error @ device::DeviceError::NotBuilt) => Finding::new("CUDA", "not built", error.to_string()),
        Err(error) => Finding::new("CUDA", "missing", error.to_string()),
    }
}

fn writable(what: &str, folder: &Path) -> Finding {
    // The nearest existing folder decides: missing folders are made when they are needed.
    let nearest = folder.ancestors().find(|f| f.is_dir()).unwrap_or(Path::new("."));
    let probe = nearest.join(format!(".harness-doctor-{}", std::process::id()));
    match std::fs::write(&probe, b"") {
        Ok(()) => {
            let _ = std::fs::remove_file(&probe); // at worst an empty file stays
            ok(what, folder.display().to_string())
        }
        Err(error) => Finding::new(what, "not writable", format!("{}: {error}", folder.display())),
    }
}

fn data_sets(folders: &Folders) -> Vec<Finding> {
    let finding = |here: &Here<'_>, manifest: &Manifest| {
        let (state, problems) = here.state_of(manifest)?;
        let place = manifest.place(&folders.data).display().to_string();
        let detail = if problems.is_empty() { place } else { format!("{place}: {}", problems.join("; ")) };
        Ok(Finding::new(&manifest.name, &state, detail))
    };
    let found = manifests::read(&folders.root.join(manifests::FOLDER)).and_then(|manifests| {
        let here = Here::look(&manifests, &folders.data);
        let sound = manifests.catalogue().all().iter();
        let mut found: Vec<Finding> = sound.map(|manifest| finding(&here, manifest)).collect::<Outcome<_>>()?;
        found.extend(here.damage.iter().map(|damage| Finding::new("packs", "damaged", damage.clone())));
        let invalid = manifests.invalid().iter();
        found.extend(invalid.map(|invalid| Finding::new(&invalid.name, "invalid", invalid.lines().join("; "))));
        Ok(found)
    });
    found.unwrap_or_else(|failure: Failure| vec![Finding::new("data", "invalid", failure.to_string())])
}
