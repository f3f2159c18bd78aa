//! Small pictures, a small network, and tasks and monitors for tests.

use candle_core::Device;
use harness_images::{
    augment::{AugmentationSpec, Drawn, Target, Visit},
    datasets::{self, DatasetSpec, Pictures, SyntheticPets},
    split::{Amount, OfficialSplit, Partition, Selection, SplitSpec, split},
};
use harness_learn::{
    losses::{LossSpec, Term},
    models::{Model, ModelSpec, VqvaeSpec},
    train::{Batch, Feed, FinetuneSpec, Measured, Progress, Segmentation, Step, Task, TrainError, TrainingImages, fit},
};
use harness_record::{
    monitor::{Monitor, Silent},
    rows::MetricRow,
    vocabulary::{Protocol, Purpose},
};
use std::{
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

pub(crate) fn pictures(purpose: Purpose) -> Pictures {
    pictures_of(purpose, 16)
}

/// Pictures with this side.
pub(crate) fn pictures_of(purpose: Purpose, side: u32) -> Pictures {
    let spec = DatasetSpec::SyntheticPets(SyntheticPets { trainval: 16, test: 6, unlabelled: 12, seed: 0 });
    let cache = tempfile::tempdir().unwrap();
    let survey = datasets::survey(&spec, purpose, Path::new("."), cache.path(), &Silent).unwrap();
    datasets::load(&spec, purpose, &survey, Path::new("."), cache.path(), side, &Silent).unwrap()
}

pub(crate) fn model() -> Model {
    model_on(&Device::Cpu)
}

pub(crate) fn model_on(device: &Device) -> Model {
    let sizes = VqvaeSpec { width: 8, depth: 1, inner: 4, dim: 4, codes: 16, ..VqvaeSpec::default() };
    Model::new(&ModelSpec::Vqvae(sizes), 3, device).unwrap()
}

/// Settings with this many epochs in batches of 4, and `more` fields.
pub(crate) fn spec(epochs: u32, rate: f64, more: &str) -> FinetuneSpec {
    let text =
        format!(r#"{{"epochs": {epochs}, "batch": 4, "optimizer": {{"adam": {{"learning_rate": {rate}}}}}{more}}}"#);
    let spec: FinetuneSpec = serde_json::from_str(&text).unwrap();
    spec.check().unwrap();
    spec
}

/// Stops after this many checks.
pub(crate) struct StopAfter(pub(crate) AtomicU32);

impl Monitor for StopAfter {
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: u64) {}
    fn note(&self, _: &str) {}
    fn end(&self) {}
    fn log(&self, _: &str) {}
    fn stopped(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err()
    }
}

pub(crate) fn train(
    task: &dyn Task,
    folder: &Path,
    spec: &FinetuneSpec,
    monitor: &dyn Monitor,
) -> Result<(Model, Progress), TrainError> {
    train_on(&Device::Cpu, task, folder, spec, monitor)
}

pub(crate) fn train_on(
    device: &Device,
    task: &dyn Task,
    folder: &Path,
    spec: &FinetuneSpec,
    monitor: &dyn Monitor,
) -> Result<(Model, Progress), TrainError> {
    let model = model_on(device);
    let progress = fit(&model, task, spec.training(1, Protocol::Published), folder, &mut |_| Ok(()), monitor)?;
    Ok((model, progress))
}

pub(crate) fn weights(model: &Model) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().unwrap();
    model.save(file.path(), 16, None).unwrap();
    std::fs::read(file.path()).unwrap()
}

static NO_AUGMENTATION: AugmentationSpec = AugmentationSpec(Vec::new());

/// This many of the 16 labelled pictures are for validation, the others for training.
pub(crate) fn cut(pictures: &Pictures, validation: u32) -> Partition {
    let spec = OfficialSplit { validation: Amount::Images(validation), stratified: false, seed: 0 };
    split(&pictures.items, &SplitSpec::Official(spec), &Selection::default(), None).unwrap()
}

/// Each of the images once per epoch.
pub(crate) fn all(places: &[u32]) -> TrainingImages<'_> {
    TrainingImages { places, an_epoch: places.len() as u32 }
}

pub(crate) fn segmentation<'a>(
    pictures: &'a Pictures,
    split: &'a Partition,
    protocol: Protocol,
    loss: &'a LossSpec,
) -> Segmentation<'a> {
    Segmentation {
        pictures,
        train: all(&split.train),
        validation: &split.validation,
        normalise: None,
        augmentation: &NO_AUGMENTATION,
        batch: 4,
        protocol,
        loss,
        seed: 1,
    }
}

pub(crate) fn cross_entropy() -> LossSpec {
    LossSpec::new([(Term::CrossEntropy, 1.0)])
}

/// A task with prescribed validation losses.
pub(crate) struct Scripted<'a> {
    task: &'a dyn Task,
    losses: &'a [f64],
}

impl<'a> Scripted<'a> {
    pub(crate) fn new(task: &'a dyn Task, losses: &'a [f64]) -> Self {
        Self { task, losses }
    }
}

impl Task for Scripted<'_> {
    fn images(&self) -> TrainingImages<'_> {
        self.task.images()
    }

    fn validates(&self) -> bool {
        true
    }

    fn pictures(&self) -> &Pictures {
        self.task.pictures()
    }

    fn target(&self) -> Target {
        self.task.target()
    }

    fn draw(&self, epoch: u32, visits: &[Visit]) -> Vec<Drawn> {
        self.task.draw(epoch, visits)
    }

    fn step(&self, model: &Model, batch: &Batch) -> Result<Step, TrainError> {
        self.task.step(model, batch)
    }

    fn sums(&self, step: &Measured) -> Vec<(&'static str, f64)> {
        self.task.sums(step)
    }

    fn validate(
        &self,
        model: &Model,
        feed: &Feed<'_>,
        epoch: u32,
        monitor: &dyn Monitor,
    ) -> Result<Vec<MetricRow>, TrainError> {
        let mut rows = self.task.validate(model, feed, epoch, monitor)?;
        rows.iter_mut().filter(|row| row.metric == "loss").for_each(|row| row.value = self.losses[epoch as usize - 1]);
        Ok(rows)
    }

    fn summary(&self, model: &Model, rows: &[MetricRow]) -> String {
        self.task.summary(model, rows)
    }
}

pub(crate) fn values(progress: &Progress, split: &str, metric: &str) -> Vec<f64> {
    progress.rows.iter().filter(|r| r.split.name() == split && r.metric == metric).map(|r| r.value).collect()
}

/// Records the lines of the log.
#[derive(Default)]
pub(crate) struct Log(pub(crate) Mutex<Vec<String>>);

impl Monitor for Log {
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: u64) {}
    fn note(&self, _: &str) {}
    fn end(&self) {}
    fn log(&self, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }
    fn stopped(&self) -> bool {
        false
    }
}
