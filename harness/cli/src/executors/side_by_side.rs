//! Runs several stages at once. A small network cannot keep all cores busy: its layers take microseconds, and handing
//! them to other threads takes as long. Two stages side by side can.
//!
//! Each stage runs on one of rayon's threads and shares its work out as if it were alone. Threads without a stage, and
//! those that wait for something, take pieces of work from any stage. So threads need not be assigned to stages, and
//! the last stage of a study has all of them.

use super::{stage::run_stage, workshop::Workshop};
use crate::{
    failure::{Failure, Outcome},
    progress::Progress,
};
use harness_record::{files::Lock, monitor::Monitor as _, vocabulary::Stage};
use harness_study::plan::{Plan, PlannedStage};
use rayon::Scope;
use std::{
    cell::Cell,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// The time between two looks at stages that other processes work on.
const PATIENCE: Duration = Duration::from_millis(500);

/// Pixels in a step for each thread that the step is worth: eight images of 128 × 128.
const PIXELS_A_THREAD: u64 = 1 << 17;

thread_local! {
    /// True while a stage runs on this thread. While the stage waits for pieces of its work, the thread may be asked to
    /// take another stage.
    static TAKEN: Cell<bool> = const { Cell::new(false) };
}

/// The number of stages that run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Jobs {
    /// This number, whatever the size of the stages; each needs a thread.
    AtMost(usize),
    /// The number that there are threads for, where a stage with large steps counts for several. This also bounds the
    /// memory.
    ByThreads,
}

impl Jobs {
    /// The weight that all running stages together may have.
    fn capacity(self) -> usize {
        match self {
            Self::AtMost(jobs) => jobs.min(rayon::current_num_threads()),
            Self::ByThreads => rayon::current_num_threads(),
        }
    }

    /// The weight of a stage with this number of pixels in a step.
    fn weight(self, pixels: u64) -> usize {
        match self {
            Self::AtMost(_) => 1,
            Self::ByThreads => pixels.div_ceil(PIXELS_A_THREAD).max(1) as usize,
        }
    }
}

/// Called before each test; if it fails, the test does not run.
pub(crate) type BeforeTest<'a> = &'a (dyn Fn() -> Outcome + Sync);

/// Runs the missing stages of `plan`, as many side by side as [`Jobs`] allows. Stages that another process holds
/// are left to it and awaited. When one fails, the others stop after their current step; they can go on from their
/// last epoch.
///
/// Do not call this from one of rayon's threads: the stages need them.
pub(crate) fn run(
    workshop: &Workshop<'_>,
    plan: &Plan,
    jobs: Jobs,
    before_test: BeforeTest<'_>,
    progress: &Progress,
) -> Outcome {
    let mut waiting = Vec::new();
    for stage in &plan.stages {
        if workshop.is_done(stage)? {
            workshop.drop_checkpoint(stage);
        } else {
            waiting.push(stage);
        }
    }
    if waiting.is_empty() {
        return Ok(());
    }
    let board = Board {
        workshop,
        progress,
        before_test,
        jobs,
        capacity: jobs.capacity(),
        given_up: Arc::default(),
        state: Mutex::new(State { waiting, weight: 0, failure: None }),
        changed: Condvar::new(),
    };
    rayon::in_place_scope(|scope| board.attend(scope));
    let state = board.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    match state.failure {
        Some(failure) => Err(failure),
        None if state.waiting.is_empty() => Ok(()),
        None => Err(Failure::Interrupted),
    }
}

/// The stages that still have to run, and those that are running.
struct Board<'a> {
    workshop: &'a Workshop<'a>,
    progress: &'a Progress,
    before_test: BeforeTest<'a>,
    jobs: Jobs,
    capacity: usize,
    /// Set to stop the running stages.
    given_up: Arc<AtomicBool>,
    state: Mutex<State<'a>>,
    changed: Condvar,
}

struct State<'a> {
    /// Stages that no thread has taken, in the plan's order.
    waiting: Vec<&'a PlannedStage>,
    /// The total weight of the running stages.
    weight: usize,
    /// The first failure.
    failure: Option<Failure>,
}

/// A stage that a thread has taken. Dropping it makes room for others.
struct Taken<'b, 'a> {
    board: &'b Board<'a>,
    stage: &'a PlannedStage,
    weight: usize,
    _lock: Lock,
}

impl<'a> Board<'a> {
    fn state(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls the threads to work until all stages are done, or until a failure or the user stops the work.
    fn attend<'s>(&'s self, scope: &Scope<'s>) {
        let mut told = false;
        loop {
            let state = self.state();
            if !state.waiting.is_empty() {
                scope.spawn_broadcast(move |scope, _| self.work(scope));
            }
            let is_over = |state: &State<'_>| {
                state.weight == 0 && (state.waiting.is_empty() || state.failure.is_some() || self.progress.stopped())
            };
            let (state, timeout) = self
                .changed
                .wait_timeout_while(state, PATIENCE, |state| !is_over(state))
                .unwrap_or_else(PoisonError::into_inner);
            if !timeout.timed_out() {
                return;
            }
            if state.weight == 0 && !told {
                let names: Vec<String> = state.waiting.iter().map(|stage| stage.describe()).collect();
                self.progress.log(&format!("waiting for another process: {}", names.join(", ")));
                told = true;
            }
        }
    }

    /// Runs stages on this thread for as long as there are any.
    fn work<'s>(&'s self, scope: &Scope<'s>) {
        if TAKEN.replace(true) {
            return;
        }
        while let Some(taken) = self.take() {
            let progress = self.progress.beside(&self.given_up);
            let is_test = taken.stage.settings.work.stage() == Stage::Evaluate;
            let ready = if is_test { (self.before_test)() } else { Ok(()) };
            let result = ready.and_then(|()| run_stage(self.workshop, taken.stage, progress));
            if let Err(failure) = result {
                self.fail(failure);
            }
            drop(taken);
            // Other stages may have waited for this one, or it may have left room for more than one.
            scope.spawn_broadcast(move |scope, _| self.work(scope));
        }
        TAKEN.set(false);
    }

    fn fail(&self, failure: Failure) {
        self.given_up.store(true, Ordering::SeqCst);
        self.state().failure.get_or_insert(failure);
    }

    fn take(&self) -> Option<Taken<'_, 'a>> {
        self.try_take().unwrap_or_else(|failure| {
            self.fail(failure);
            self.changed.notify_all();
            None
        })
    }

    /// Takes the first stage that can run now, if there is one.
    fn try_take(&self) -> Outcome<Option<Taken<'_, 'a>>> {
        let mut state = self.state();
        let mut place = 0;
        while place < state.waiting.len() && state.failure.is_none() && !self.progress.stopped() {
            let stage = state.waiting[place];
            let settings = &stage.settings;
            let weight = self.jobs.weight(settings.pixels_a_step()).min(self.capacity);
            let room = state.weight + weight <= self.capacity;
            let lock = if room && self.workshop.is_ready(stage)? {
                self.workshop.store.lock(settings.work.stage(), &stage.key)?
            } else {
                None
            };
            let Some(lock) = lock else {
                place += 1;
                continue;
            };
            state.waiting.remove(place);
            // Another process may have finished the stage since the last look. Then other stages may have become ready.
            if self.workshop.is_done(stage)? {
                place = 0;
                self.changed.notify_all();
                continue;
            }
            state.weight += weight;
            return Ok(Some(Taken { board: self, stage, weight, _lock: lock }));
        }
        Ok(None)
    }
}

impl Drop for Taken<'_, '_> {
    fn drop(&mut self) {
        let mut state = self.board.state();
        state.weight -= self.weight;
        if std::thread::panicking() {
            self.board.given_up.store(true, Ordering::SeqCst);
            state.failure.get_or_insert(Failure::Run("a stage crashed; the message above says where".into()));
        }
        drop(state);
        self.board.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_weighs_as_many_threads_as_its_steps_are_worth() {
        // The sample's VQ-VAE and LinkNet, then the published VQ-VAE and LinkNet.
        let steps = [8 * 64 * 64, 8 * 128 * 128, 64 * 120 * 120, 32 * 256 * 256];
        assert_eq!(steps.map(|pixels| Jobs::ByThreads.weight(pixels)), [1, 1, 8, 16]);
        assert_eq!(steps.map(|pixels| Jobs::AtMost(3).weight(pixels)), [1; 4]);
        assert_eq!(Jobs::AtMost(1).capacity(), 1);
        assert_eq!(Jobs::AtMost(usize::MAX).capacity(), Jobs::ByThreads.capacity());
        assert_eq!(Jobs::ByThreads.weight(0), 1);
    }
}
