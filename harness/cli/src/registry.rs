//! What a study registered before its test, and the notes of its tests: `<store>/registrations/<profile>/<study>.*`.

use crate::{
    failure::{Failure, Outcome},
    json,
    progress::Progress,
};
use harness_record::{
    files::{self, Lock},
    store::{State, Store},
    vocabulary::Stage,
};
use harness_report::inputs::{Locked, Occasion, Opening, Registration, TestImages, file};
use harness_study::{plan::Plan, study::Study};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Size limit for reading a file of notes, in bytes.
const LIMIT: u64 = 64 << 20;

/// The registration and the notes of one study under one profile.
pub(crate) struct Registry {
    study: String,
    profile: String,
    folder: PathBuf,
    /// The registration in the folder of the study's report.
    reported: PathBuf,
}

/// The notes of a study's tests.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct TestNotes {
    /// True while the study is developed on its validation images, so that only `--final` tests it.
    pub(crate) shut: bool,
    /// Each different setting that was tested, in the order of the first test.
    pub(crate) opened: Vec<Opening>,
}

impl Registry {
    pub(crate) fn new(store: &Store, reports: &Path, study: &str, profile: &str) -> Self {
        Self {
            study: study.to_owned(),
            profile: profile.to_owned(),
            folder: store.registrations(profile),
            reported: reports.join(profile).join(study).join("data").join(file::REGISTRATION),
        }
    }

    fn file(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("{}.{ending}", self.study))
    }

    /// The file of the registration.
    pub(crate) fn registration_file(&self) -> PathBuf {
        self.file("json")
    }

    /// Waits until no other process changes the notes.
    pub(crate) fn lock(&self, progress: &Progress) -> Outcome<Lock> {
        let waiting = format!("study {}, profile {}: waiting for its registration", self.study, self.profile);
        Lock::wait(&self.file("lock"), &waiting, progress)?.ok_or(Failure::Interrupted)
    }

    /// The registration, if there is one. If only the study's report has one, the store takes it over: the first one
    /// stays, also in a clone without the store.
    pub(crate) fn registration(&self) -> Outcome<Option<Registration>> {
        let own = self.registration_file();
        if let Some(registration) = Registration::read(&own)? {
            return Ok(Some(registration));
        }
        let reported = Registration::read(&self.reported)?;
        if reported.is_some() {
            files::write(&own, &files::read(&self.reported, LIMIT)?)?;
        }
        Ok(reported)
    }

    /// Registers the study. The caller holds the lock and has seen that nothing is registered.
    pub(crate) fn register(&self, occasion: Occasion, locked: Locked) -> Outcome<Registration> {
        let registration = Registration::new(&self.study, &self.profile, occasion, locked).map_err(Failure::run)?;
        json::write(&self.registration_file(), &registration)?;
        Ok(registration)
    }

    /// Puts the registration, if there is one, among the data of a report.
    pub(crate) fn publish(&self, data: &Path) -> Outcome {
        if self.registration_file().exists() {
            files::write(&data.join(file::REGISTRATION), &files::read(&self.registration_file(), LIMIT)?)?;
        }
        Ok(())
    }

    pub(crate) fn tests(&self) -> Outcome<TestNotes> {
        let path = self.file("tests.json");
        if !path.exists() {
            return Ok(TestNotes::default());
        }
        serde_json::from_slice(&files::read(&path, LIMIT)?)
            .map_err(|error| Failure::Data(format!("{}: {error}", path.display()).into()))
    }

    /// Changes the notes of tests. Leaves the file alone if nothing changes. The caller holds the lock.
    pub(crate) fn note(&self, change: impl FnOnce(&mut TestNotes)) -> Outcome {
        let mut notes = self.tests()?;
        let before = json::bytes(&notes)?;
        change(&mut notes);
        let after = json::bytes(&notes)?;
        if before != after {
            files::write(&self.file("tests.json"), &after)?;
        }
        Ok(())
    }
}

/// What is registered of a study that is tested on these images.
pub(crate) fn locked(study: &Study, test_images: Vec<TestImages>) -> Locked {
    Locked {
        question: study.question.clone(),
        expectation: study.expectation.clone(),
        claims: study.report.claims.clone(),
        metrics: study.report.metrics.clone(),
        test_images,
    }
}

/// Returns true if the store has a test of one of the plans.
pub(crate) fn any_tests<'a>(plans: impl IntoIterator<Item = &'a Plan>, store: &Store) -> Outcome<bool> {
    for plan in plans {
        if tests_in(store, plan, true)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns true if the store lacks a test of the plan.
pub(crate) fn lacks_tests(store: &Store, plan: &Plan) -> Outcome<bool> {
    tests_in(store, plan, false)
}

/// Returns true if there is a test of the plan that the store has, or one that it has not.
fn tests_in(store: &Store, plan: &Plan, done: bool) -> Outcome<bool> {
    for stage in plan.stages.iter().filter(|stage| stage.settings.work.stage() == Stage::Evaluate) {
        if (store.state(Stage::Evaluate, &stage.key)? == State::Done) == done {
            return Ok(true);
        }
    }
    Ok(false)
}
