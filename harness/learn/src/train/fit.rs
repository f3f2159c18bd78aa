//! The loop over epochs.

use super::{
    Measured, Progress, Task, TrainError, Training, add, checkpoint::Checkpoint, clip::clip_gradients, feed::Feed,
    ledger::Ledger, metric_row, session::Session, spec::KeepSpec,
};
use crate::{models::Model, ops};
use candle_core::{Device, Tensor};
use harness_images::augment::Visit;
use harness_record::{monitor::Monitor, rows::MetricRow, vocabulary::Split};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// Interval at which the loss of a step is read and shown, if the host has to wait for it.
const LOOK: Duration = Duration::from_secs(2);

/// Trains `model` on `task`. After each epoch it writes a checkpoint to `folder` and passes all rows so far to `keep`. If
/// `folder` has a checkpoint, training resumes there and ends with the same bytes as without the interruption.
///
/// In addition to the task's own rows, an epoch has the `learning_rate` of its steps and, if gradients are clipped, their mean
/// norm before clipping as `gradient_norm`. Schedules, early stopping and the best weights use the task's row `loss` of the
/// split `validation`.
pub fn fit(
    model: &Model,
    task: &dyn Task,
    training: Training<'_>,
    folder: &Path,
    keep: &mut dyn FnMut(&Progress) -> Result<(), TrainError>,
    monitor: &dyn Monitor,
) -> Result<Progress, TrainError> {
    if task.images().places.is_empty() {
        return Err(TrainError::NoImages("train on"));
    }
    if training.needs_validation() && !task.validates() {
        return Err(TrainError::NoImages("validate on"));
    }
    let mut session = Session::new(model, training)?;
    let checkpoint = Checkpoint::new(folder);
    if checkpoint.restore(&mut session)? {
        keep(&session.progress)?; // the previous process may have died between its checkpoint and its rows
        monitor.log(&format!("resuming after epoch {} of {}", session.progress.epoch, training.epochs));
    }
    let feed = Feed::new(task.pictures(), model.device(), monitor)?;
    monitor.begin("epoch", u64::from(training.epochs));
    monitor.advance(u64::from(session.progress.epoch));
    let mut stopped = session.stop_reason();
    while session.progress.epoch < training.epochs && stopped.is_none() {
        session.epoch(task, &feed, monitor)?;
        checkpoint.save(&session)?;
        keep(&session.progress)?;
        monitor.advance(1);
        stopped = session.stop_reason();
    }
    monitor.end();
    if let Some(reason) = &stopped {
        monitor.log(reason);
    }
    if training.keep == KeepSpec::Best
        && let Some(weights) = &session.best.weights
    {
        monitor.log(&format!("the weights of epoch {} are kept", session.best.epoch));
        weights.put_into(model, folder)?;
    }
    Ok(session.progress)
}

impl Session<'_> {
    /// Trains and validates one epoch.
    fn epoch(&mut self, task: &dyn Task, feed: &Feed<'_>, monitor: &dyn Monitor) -> Result<(), TrainError> {
        let start = Instant::now();
        let epoch = self.progress.epoch + 1;
        let mut rows = self.train_epoch(task, feed, epoch, monitor)?;
        rows.extend(task.validate(self.model, feed, epoch, monitor)?);
        monitor.note(&task.summary(self.model, &rows));
        self.progress.epoch = epoch;
        if self.training.needs_validation() {
            let row = rows.iter().find(|row| row.split == Split::Validation && row.metric == "loss");
            let loss = row.ok_or(TrainError::NoImages("validate on"))?.value;
            if !loss.is_finite() {
                return Err(TrainError::Diverged { what: "validation loss".to_owned(), value: loss, epoch });
            }
            self.observe(loss)?;
        }
        self.progress.kept_epoch = self.kept_epoch();
        self.progress.rows.extend(rows);
        self.progress.seconds += start.elapsed().as_secs_f64();
        Ok(())
    }

    fn train_epoch(
        &mut self,
        task: &dyn Task,
        feed: &Feed<'_>,
        epoch: u32,
        monitor: &dyn Monitor,
    ) -> Result<Vec<MetricRow>, TrainError> {
        let Training { stage, seed, batch, .. } = self.training;
        let words = [stage.name(), "shuffle", &seed.to_string(), &epoch.to_string()];
        let visits = task.images().visits(&words);
        let batches = visits.chunks(batch as usize);
        let (steps, rate) = (batches.len(), self.rate.of(epoch));
        monitor.begin("batch", steps as u64);
        let mut looks = Looks::new(self.model.device(), epoch);
        let mut ledger = Ledger::default();
        // Orders and draws are seeded, so a batch does not depend on when it is made.
        let draw = |visits: &[Visit]| task.draw(epoch, visits);
        feed.each(epoch, batches, task.target(), draw, |batch| {
            if monitor.stopped() {
                return Err(TrainError::Interrupted);
            }
            let (step, tape) = ops::record(|| task.step(self.model, &batch));
            let step = step?;
            let now = looks.due();
            if now {
                let loss = looks.read("loss", &step.loss)?;
                monitor.note(&format!("loss {loss:.4}"));
            }
            let mut gradients = tape.gradients(&step.loss)?;
            let mut measured = vec![(STEP_LOSS, step.loss)];
            if let Some(most) = self.training.gradient_clip {
                let norm = clip_gradients(&mut gradients, self.model.state(), most)?;
                if now {
                    looks.read("gradient's norm", &norm)?;
                }
                measured.push((NORM, norm));
            }
            self.optimizer.step(&gradients, rate)?;
            measured.extend(step.measured);
            ledger.note(batch.images.dim(0)?, measured);
            monitor.advance(1);
            Ok(())
        })?;
        let measured = ledger.read()?;
        monitor.end();
        check(&measured, epoch)?;
        let mut sums = Vec::new();
        for step in &measured {
            add(&mut sums, task.sums(step));
        }
        let row = |metric: &str, value| metric_row(epoch, Split::Train, metric, value);
        let mut rows: Vec<MetricRow> =
            sums.into_iter().map(|(metric, sum)| row(metric, sum / visits.len() as f64)).collect();
        rows.push(row("learning_rate", rate));
        if self.training.gradient_clip.is_some() {
            let norms: f64 = measured.iter().filter_map(|step| step.scalar(NORM)).sum();
            rows.push(row("gradient_norm", norms / steps as f64));
        }
        Ok(rows)
    }
}

/// Name of the loss that the optimiser lowers in a step.
const STEP_LOSS: &str = "step loss";
/// Name of the gradient's norm.
const NORM: &str = "gradient norm";

/// Decides when the host looks at a step: always if the network computes on the CPU, otherwise only at intervals,
/// because the host has to wait.
struct Looks {
    every: Duration,
    last: Instant,
    epoch: u32,
    batch: usize,
}

impl Looks {
    fn new(device: &Device, epoch: u32) -> Self {
        let every = if device.is_cpu() { Duration::ZERO } else { LOOK };
        Self { every, last: Instant::now(), epoch, batch: 0 }
    }

    /// Returns true if the host should look at the next batch.
    fn due(&mut self) -> bool {
        self.batch += 1;
        let due = self.last.elapsed() >= self.every;
        if due {
            self.last = Instant::now();
        }
        due
    }

    /// Reads a scalar, which must be finite.
    fn read(&self, what: &str, scalar: &Tensor) -> Result<f64, TrainError> {
        let value = scalar.to_dtype(candle_core::DType::F64)?.to_scalar()?;
        require_finite(what, value, self.batch, self.epoch)
    }
}

/// Fails if a step produced NaN or an infinity. Steps that nobody looked at are checked only now.
fn check(steps: &[Measured], epoch: u32) -> Result<(), TrainError> {
    for (i, step) in steps.iter().enumerate() {
        for (name, what) in [(STEP_LOSS, "loss"), (NORM, "gradient's norm")] {
            if let Some(value) = step.scalar(name) {
                require_finite(what, value, i + 1, epoch)?;
            }
        }
    }
    Ok(())
}

fn require_finite(what: &str, value: f64, batch: usize, epoch: u32) -> Result<f64, TrainError> {
    if value.is_finite() {
        return Ok(value);
    }
    Err(TrainError::Diverged { what: format!("{what} of batch {batch}"), value, epoch })
}
