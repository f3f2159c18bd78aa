//! The loop over epochs.

use super::{
    Progress, Task, TrainError, Training, add, ahead::with_one_ahead, checkpoint::Checkpoint, clip::clip_gradients,
    metric_row, session::Session, spec::KeepSpec,
};
use crate::{models::Model, monitor::Monitor, random};
use harness_record::rows::MetricRow;
use std::{path::Path, time::Instant};

/// Trains `model` on `task`. After every epoch a checkpoint goes to `folder` and all rows so far to `keep`. Starts from the
/// checkpoint in `folder` if there is one, and then ends with the same bytes as if it had never been stopped.
///
/// Beside what the task gives, the rows of an epoch hold the `learning_rate` of its steps and, where gradients are clipped,
/// their mean norm before that as `gradient_norm`. Schedules, early stopping and the best weights look at the task's row
/// `loss` of the split `validation`.
pub fn fit(
    model: &Model,
    task: &dyn Task,
    training: Training<'_>,
    folder: &Path,
    keep: &mut dyn FnMut(&Progress) -> Result<(), TrainError>,
    monitor: &dyn Monitor,
) -> Result<Progress, TrainError> {
    if task.is_empty() {
        return Err(TrainError::NoImages("train on"));
    }
    if training.needs_validation() && !task.validates() {
        return Err(TrainError::NoImages("validate on"));
    }
    let mut session = Session::new(model, training)?;
    let checkpoint = Checkpoint::new(folder);
    if checkpoint.restore(&mut session)? {
        keep(&session.progress)?; // the process before may have died between its checkpoint and its rows
        monitor.log(&format!("going on after epoch {} of {}", session.progress.epoch, training.epochs));
    }
    monitor.begin("epoch", u64::from(training.epochs));
    monitor.advance(u64::from(session.progress.epoch));
    let mut stopped = session.stop_reason();
    while session.progress.epoch < training.epochs && stopped.is_none() {
        session.epoch(task, monitor)?;
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
    fn epoch(&mut self, task: &dyn Task, monitor: &dyn Monitor) -> Result<(), TrainError> {
        let start = Instant::now();
        let epoch = self.progress.epoch + 1;
        let mut rows = self.train_epoch(task, epoch, monitor)?;
        rows.extend(task.validate(self.model, epoch, monitor)?);
        monitor.note(&task.summary(self.model, &rows));
        self.progress.epoch = epoch;
        if self.training.needs_validation() {
            let row = rows.iter().find(|row| row.split == "validation" && row.metric == "loss");
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
        epoch: u32,
        monitor: &dyn Monitor,
    ) -> Result<Vec<MetricRow>, TrainError> {
        let Training { stage, seed, batch, .. } = self.training;
        let words = [stage, "shuffle", &seed.to_string(), &epoch.to_string()];
        let order = random::shuffled(task.len() as u32, &mut random::generator(&words));
        let batches = order.chunks(batch as usize);
        let (steps, rate) = (batches.len(), self.rate.of(epoch));
        monitor.begin("batch", steps as u64);
        let mut sums: Vec<(&'static str, f64)> = Vec::new();
        let (mut norms, mut i) = (0.0, 0);
        // Places are shuffled and draws seeded, so a batch is the same whenever it is made.
        let make = |places: &[u32]| task.batch(epoch, places);
        with_one_ahead(batches, make, |batch| {
            if monitor.stopped() {
                return Err(TrainError::Interrupted);
            }
            i += 1;
            let diverged =
                |what: &str, value| TrainError::Diverged { what: format!("{what} of batch {i}"), value, epoch };
            let step = task.step(self.model, &batch)?;
            let loss = step.loss.to_scalar::<f32>()?;
            if !loss.is_finite() {
                return Err(diverged("loss", f64::from(loss)));
            }
            let mut gradients = step.loss.backward()?;
            if let Some(most) = self.training.gradient_clip {
                let norm = clip_gradients(&mut gradients, self.model.state(), most)?;
                if !norm.is_finite() {
                    return Err(diverged("gradient's norm", norm));
                }
                norms += norm;
            }
            self.optimizer.step(&gradients, rate)?;
            add(&mut sums, step.sums);
            monitor.note(&format!("loss {loss:.4}"));
            monitor.advance(1);
            Ok(())
        })?;
        monitor.end();
        let row = |metric: &str, value| metric_row(epoch, "train", metric, value);
        let mut rows: Vec<MetricRow> =
            sums.into_iter().map(|(metric, sum)| row(metric, sum / task.len() as f64)).collect();
        rows.push(row("learning_rate", rate));
        if self.training.gradient_clip.is_some() {
            rows.push(row("gradient_norm", norms / steps as f64));
        }
        Ok(rows)
    }
}
