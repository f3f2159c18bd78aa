//! `validate`: every spec, in each of its profiles, and every manifest of data.

use super::{count, say, say_json};
use crate::{
    cli::{self, Folders},
    failure::{Failure, Outcome},
    manifests,
    spec::{
        decode::check_profiles,
        diagnosis::Problems,
        layers::{self, Spec},
    },
    study::{self, Study},
};
use std::path::Path;

pub(crate) fn run(options: &cli::Validate, folders: &Folders) -> Outcome {
    let folder = folders.root.join(manifests::FOLDER);
    let (files, all) = if options.files.is_empty() {
        let names = layers::names(&folders.root).map_err(Failure::run)?;
        (names.iter().map(|name| layers::file_of(&folders.root, name)).collect(), true)
    } else {
        (options.files.clone(), false)
    };
    let (manifests, specs): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| is_in(file, &folder));
    let mut problems = Vec::new();
    for file in &specs {
        match Spec::read(&folders.root, file) {
            Ok(spec) => problems.extend(check_profiles::<Study>(&spec, study::check)),
            Err(found) => problems.extend(found.into_vec()),
        }
    }
    let mut checked = manifests.len();
    if all || checked > 0 {
        let read = manifests::read(&folder)?;
        let named: Vec<_> = manifests.iter().filter_map(|file| file.file_stem()?.to_str()).collect();
        let asked = read.invalid().iter().filter(|invalid| all || named.contains(&invalid.name.as_str()));
        problems.extend(asked.flat_map(|invalid| invalid.problems.all()).cloned());
        checked = if all { read.count() } else { checked };
    }
    let found = Problems::found(problems);
    if options.json {
        say_json(&found.as_ref().map(Problems::all).unwrap_or_default())?;
    }
    match found {
        Some(problems) => Err(problems.into()),
        None if options.json => Ok(()),
        None => {
            let parts = [(specs.len(), "spec"), (checked, "manifest")].into_iter().filter(|(n, _)| *n > 0);
            let parts: Vec<String> = parts.map(|(n, what)| count(n, what)).collect();
            say(&format!("{} checked: no problem found", parts.join(" and ")))
        }
    }
}

/// Whether a file lies in a folder, whatever leads to it.
fn is_in(file: &Path, folder: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    real(file).is_some_and(|file| file.parent().map(Path::to_owned) == real(folder))
}
