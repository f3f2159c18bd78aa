//! Finds the runs that are needed: by a report, or by a study as it is today.

use super::users::users;
use crate::stored::Run;
use crate::{
    cli::Folders,
    failure::{Failure, Outcome},
    manifests, plans,
    progress::{Loudness, Progress},
    surveys::{self, DataFolders},
};
use harness_record::{store::Store, vocabulary::Key};
use harness_study::{
    spec::layers::{self, PROFILES, Spec},
    study::Resolved,
    surveys::Surveys,
};
use std::collections::BTreeSet;

/// The runs that are needed.
pub(super) struct Needed {
    keys: BTreeSet<Key>,
    /// Profiles in which some study cannot be planned here.
    unknown: BTreeSet<String>,
}

impl Needed {
    pub(super) fn find(folders: &Folders, loudness: Loudness) -> Outcome<Self> {
        let mut needed = Self { keys: users(folders)?.into_keys().collect(), unknown: BTreeSet::new() };
        let progress = Progress::new(loudness);
        let (cache, place) = (Store::new(&folders.store).cache(), folders.root.join(manifests::FOLDER));
        let read = DataFolders { data: &folders.data, cache: &cache, manifests: &place };
        let mut surveys = Surveys::default();
        for name in layers::names(&folders.root).map_err(Failure::run)? {
            // An invalid spec could need any run, so it is an error.
            let spec = Spec::named(&folders.root, &name)?;
            for profile in spec.profiles() {
                let resolved = Resolved::new(&spec, profile, &[])?;
                if surveys::look(&mut surveys, &resolved, &read, &progress).is_err() {
                    needed.unknown.insert(profile.to_owned());
                    continue;
                }
                for plan in plans::on_any_device(&resolved, &surveys)? {
                    needed.keys.extend(plan.stages.into_iter().map(|stage| stage.key));
                }
            }
        }
        Ok(needed)
    }

    /// Returns true if a run is needed, or may be.
    pub(super) fn has(&self, run: &Run) -> bool {
        let may_be = || profile_of(&run.host.command).is_none_or(|profile| self.unknown.contains(profile));
        self.keys.contains(&run.key) || may_be()
    }

    /// Profiles of which all runs are kept.
    pub(super) fn unknown(&self) -> impl Iterator<Item = &str> {
        self.unknown.iter().map(String::as_str)
    }
}

/// The profile that a command line names, or else the default; `None` if it is not `harness study`.
fn profile_of(command: &[String]) -> Option<&str> {
    if command.get(1..)?.iter().all(|word| word != "study") {
        return None;
    }
    let mut words = command.iter().map(String::as_str);
    while let Some(word) = words.next() {
        if word == "--profile" {
            return words.next();
        }
        if let Some(profile) = word.strip_prefix("--profile=") {
            return Some(profile);
        }
    }
    PROFILES.first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_names_its_profile() {
        let profile =
            |line: &str| profile_of(&line.split(' ').map(str::to_owned).collect::<Vec<_>>()).map(str::to_owned);
        assert_eq!(profile("harness study x --profile demo --seeds 0"), Some("demo".to_owned()));
        assert_eq!(profile("harness -q study --profile=sample x"), Some("sample".to_owned()));
        assert_eq!(profile("harness study x"), Some("full".to_owned()));
        assert_eq!(profile("other x"), None);
    }
}
