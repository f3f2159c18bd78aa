//! The time of each operation on the GPU, between two events. Nothing is measured unless somebody asks.

use super::engine::Engine;
use crate::bench::Timed;
use candle_core::{
    Error, Result,
    cuda_backend::cudarc::driver::{CudaEvent, sys::CUevent_flags},
};
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

static ON: AtomicBool = AtomicBool::new(false);

/// The operations since the start: a name, and the events before and after.
static MEASURED: Mutex<Vec<(String, CudaEvent, CudaEvent)>> = Mutex::new(Vec::new());

/// Starts to measure all operations of this process.
pub(crate) fn start_profile() {
    MEASURED.lock().unwrap_or_else(PoisonError::into_inner).clear();
    ON.store(true, Ordering::Relaxed);
}

/// Waits for the GPU, and returns what was measured since the start, by name.
pub(crate) fn stop_profile() -> Vec<Timed> {
    ON.store(false, Ordering::Relaxed);
    let measured = std::mem::take(&mut *MEASURED.lock().unwrap_or_else(PoisonError::into_inner));
    let mut all: Vec<Timed> = Vec::new();
    for (name, start, end) in measured {
        // An operation that failed has reported its error itself.
        let milliseconds = f64::from(start.elapsed_ms(&end).unwrap_or_default());
        match all.iter_mut().find(|timed| timed.name == name) {
            Some(timed) => {
                timed.calls += 1;
                timed.milliseconds += milliseconds;
            }
            None => all.push(Timed { name, calls: 1, milliseconds }),
        }
    }
    all
}

/// Does `work`, which asks something of the GPU, and measures it if somebody has asked for that.
pub(super) fn measured<R>(engine: &Engine, name: &str, work: impl FnOnce() -> Result<R>) -> Result<R> {
    if !ON.load(Ordering::Relaxed) {
        return work();
    }
    let event = || engine.stream.record_event(Some(CUevent_flags::CU_EVENT_DEFAULT)).map_err(Error::wrap);
    let start = event()?;
    let result = work()?;
    let end = event()?;
    MEASURED.lock().unwrap_or_else(PoisonError::into_inner).push((name.to_owned(), start, end));
    Ok(result)
}
