//! The last moment before a test: what the studies say is registered, and the test is noted.

use super::Ready;
use crate::{
    failure::{Failure, Outcome},
    progress::Progress,
    registry::{Registry, locked},
    reports::freshness::numbers_of,
};
use harness_record::{digest, store::Store, vocabulary::Stage};
use harness_report::inputs::{Occasion, Opening};
use harness_study::test_images;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Mutex, PoisonError},
};

/// Stands before the tests of a study.
pub(super) struct Gate<'a> {
    store: &'a Store,
    reports: &'a Path,
    progress: &'a Progress,
    /// All studies of the command. They share tests, so all are registered before the first test of any.
    all: &'a [Ready],
    /// The study that is tested.
    tested: &'a Ready,
    /// True once it was passed.
    passed: Mutex<bool>,
}

impl<'a> Gate<'a> {
    pub(super) fn new(
        store: &'a Store,
        reports: &'a Path,
        progress: &'a Progress,
        all: &'a [Ready],
        tested: &'a Ready,
    ) -> Self {
        Self { store, reports, progress, all, tested, passed: Mutex::new(false) }
    }

    /// Registers what is not registered yet, and notes the tests that follow. Later calls do nothing.
    pub(super) fn pass(&self) -> Outcome {
        let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        if *passed {
            return Ok(());
        }
        for ready in self.all {
            self.register(ready)?;
        }
        let registry = registry(self.store, self.reports, self.tested);
        let _lock = registry.lock(self.progress)?;
        let opening = opening(self.tested)?;
        registry.note(|notes| {
            notes.shut = false;
            opening.add_to(&mut notes.opened);
        })?;
        *passed = true;
        Ok(())
    }

    /// Registers a study unless it is. A study that is run with changed settings is registered as its file has it, if
    /// its test images are the same.
    fn register(&self, ready: &Ready) -> Outcome {
        let registry = registry(self.store, self.reports, ready);
        let _lock = registry.lock(self.progress)?;
        let Some(base) = &ready.base else { return Ok(()) };
        if registry.registration()?.is_some() || !test_images::are_the_same(base, &ready.resolved) {
            return Ok(());
        }
        let tested = ready.was_tested || !registry.tests()?.opened.is_empty();
        let occasion = if tested { Occasion::AfterResults } else { Occasion::FirstTest };
        let images = test_images::of_plan(&ready.plan).map_err(Failure::run)?;
        registry.register(occasion, locked(&base.study, images))?;
        Ok(())
    }
}

pub(super) fn registry(store: &Store, reports: &Path, ready: &Ready) -> Registry {
    Registry::new(store, reports, &ready.resolved.name, &ready.resolved.profile)
}

/// The tests of a study's plan.
fn opening(ready: &Ready) -> Outcome<Opening> {
    let mut settings = numbers_of(&ready.resolved.study)?;
    if let Some(fields) = settings.as_object_mut() {
        // Another seed is no other setting, and the rest of the report decides no test.
        fields.retain(|name, _| !["seeds", "protocols", "report"].contains(&name.as_str()));
    }
    let is_setting = |one: &&String| !(one.starts_with("seeds=") || one.starts_with("protocols="));
    let mut tests: BTreeMap<u64, BTreeSet<String>> = BTreeMap::new();
    for stage in ready.plan.stages.iter().filter(|stage| stage.settings.work.stage() == Stage::Evaluate) {
        tests.entry(stage.settings.seed).or_default().insert(stage.key.short().to_owned());
    }
    Ok(Opening {
        settings: digest::of_settings(&settings).map_err(Failure::run)?,
        set: ready.overrides.iter().filter(is_setting).cloned().collect(),
        tests,
    })
}
