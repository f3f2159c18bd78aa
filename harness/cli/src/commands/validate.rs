//! `validate`: checks every spec, in each of its profiles, and every manifest of data.

use crate::{
    cli::{self, Folders},
    failure::{Failure, Outcome},
    manifests,
    output::{count, say, say_json},
};
use harness_study::{
    spec::{
        decode::check_profiles,
        diagnosis::{Diagnosis, Problems},
        layers::{self, Spec},
    },
    study::{self, Study},
};
use std::path::{Path, PathBuf};

pub(crate) fn run(options: &cli::Validate, folders: &Folders) -> Outcome {
    let mut problems = Vec::new();
    let [specs, manifests] = check_files(&options.files, folders, &mut problems)?;
    let found = Problems::found(problems);
    if options.json {
        say_json(&found.as_ref().map(Problems::all).unwrap_or_default())?;
    }
    match found {
        Some(problems) => Err(problems.into()),
        None if options.json => Ok(()),
        None => say(&format!("{} checked: no problem found", in_words([(specs, "spec"), (manifests, "manifest")]))),
    }
}

/// The counts in words: `6 specs and 8 manifests`.
fn in_words(checked: [(usize, &str); 2]) -> String {
    let named = checked.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| count(n, what));
    named.collect::<Vec<_>>().join(" and ")
}

/// Checks specs and manifests, all if none is named, and returns how many there were of each.
fn check_files(files: &[PathBuf], folders: &Folders, problems: &mut Vec<Diagnosis>) -> Outcome<[usize; 2]> {
    let folder = folders.root.join(manifests::FOLDER);
    let all = files.is_empty();
    let files = if all {
        let names = layers::names(&folders.root).map_err(Failure::run)?;
        names.iter().map(|name| layers::file_of(&folders.root, name)).collect()
    } else {
        files.to_owned()
    };
    let (manifests, specs): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| is_in(file, &folder));
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
    Ok([specs.len(), checked])
}

/// Returns true if a file lies in a folder, whatever path leads to it.
fn is_in(file: &Path, folder: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    real(file).is_some_and(|file| file.parent().map(Path::to_owned) == real(folder))
}
