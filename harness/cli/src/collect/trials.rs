//! The tests that are known of a study and of its test images.

use super::Sources;
use crate::{failure::Outcome, stored::folders_of_runs};
use harness_record::{run::RunRecord, vocabulary::Key};
use harness_report::inputs::{TestImages, Tests};
use harness_study::test_images::digest_of_test;

/// The tests that the store knows: those noted of the study, and all on its test images.
pub(super) fn known(sources: &Sources<'_>, images: &[TestImages]) -> Outcome<Tests> {
    let mut tests = Tests { opened: sources.registry.tests()?.opened, ..Tests::default() };
    for folder in folders_of_runs(sources.store.root())? {
        // A run that is not done was no test yet. A damaged record of another study must not stop this one.
        let Ok(record) = RunRecord::read(&folder) else { continue };
        if digest_of_test(&record).is_some_and(|digest| images.iter().any(|set| set.digest == digest)) {
            tests.others.insert(record.key.short().to_owned());
        }
    }
    Ok(tests)
}

/// Adds tests to those noted before, which stay: a store that is empty cannot hide them. `own` are the report's runs.
pub(super) fn add<'a>(noted: &mut Tests, tests: Tests, own: impl Iterator<Item = &'a Key>) {
    for opening in tests.opened {
        opening.add_to(&mut noted.opened);
    }
    noted.others.extend(tests.others);
    for key in own {
        noted.others.remove(key.short());
    }
}
