//! `validate`: every spec, in each of its profiles.

use super::{count, say, say_json};
use crate::{
    cli::{self, Folders},
    failure::Outcome,
    spec::{
        decode::check_profiles,
        diagnosis::Problems,
        layers::{self, Spec},
    },
    study::{self, Study},
};

pub(crate) fn run(options: &cli::Validate, folders: &Folders) -> Outcome {
    let files = if options.files.is_empty() {
        let names = layers::names(&folders.root).map_err(crate::failure::Failure::run)?;
        names.iter().map(|name| layers::file_of(&folders.root, name)).collect()
    } else {
        options.files.clone()
    };
    let mut problems = Vec::new();
    for file in &files {
        match Spec::read(&folders.root, file) {
            Ok(spec) => problems.extend(check_profiles::<Study>(&spec, study::check)),
            Err(found) => problems.extend(found.into_vec()),
        }
    }
    let found = Problems::found(problems);
    if options.json {
        say_json(&found.as_ref().map(Problems::all).unwrap_or_default())?;
    }
    match found {
        Some(problems) => Err(problems.into()),
        None if options.json => Ok(()),
        None => say(&format!("{} checked: no problem found", count(files.len(), "spec"))),
    }
}
