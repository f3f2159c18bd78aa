//! The stage graph of a study: its stages, the stages that each builds on, and the key under which each is stored.

use crate::{
    study::{Arm, Resolved},
    surveys::{self, Located, Surveys},
};
use harness_images::{
    datasets::{DatasetSpec, Repeated},
    pixels,
    split::{Partition, Redraw, Selection, SplitSpec},
};
use harness_learn::{
    RECIPE,
    evaluate::{self, EvaluateSpec},
    models::{InitSpec, ModelSpec, Normalise},
    precision::Precision,
    train::{FinetuneSpec, PretrainSpec},
};
use harness_record::vocabulary::{Key, Protocol, Purpose, Stage};
use serde::Serialize;
use std::path::PathBuf;

/// The work of a stage and all settings that its numbers depend on. The SHA-256 of its canonical JSON is the stage's
/// key.
#[derive(Debug, Clone, Serialize)]
pub struct Settings {
    /// Version of the numbers.
    pub recipe: u32,
    /// Version of the code that turns a photograph's bytes into pixels.
    pub pixels: u32,
    /// `cpu` or `cuda`. The two round differently.
    pub device: &'static str,
    /// Precision of the arithmetic.
    pub precision: Precision,
    /// Seed of the study.
    pub seed: u64,
    /// Side of the images, in pixels.
    pub size: u32,
    /// The normalisation of values before the network sees them. `None` leaves them as they are.
    pub normalise: Option<Normalise>,
    /// Digest of the data.
    pub data: String,
    /// The network.
    pub model: ModelSpec,
    /// SHA-256 of the file of initial weights. `None` if the weights are drawn at random or come from an earlier stage.
    pub init: Option<String>,
    /// The work.
    pub work: Work,
}

/// The work of a stage.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Work {
    /// Restoring distorted images.
    Pretrain {
        /// The protocol, if the network's output depends on it. `None` if both protocols share the stage.
        protocol: Option<Protocol>,
        /// Number of images held out.
        validation: u32,
        /// Share of the remaining images that is used for training.
        fraction: f64,
        /// The length of an epoch.
        epoch: Epoch,
        /// The schedule.
        spec: PretrainSpec,
    },
    /// Segmentation.
    Finetune {
        /// The protocol, which decides the loss and the mode that validation runs in.
        protocol: Protocol,
        /// Key of the pretraining that it starts from.
        pretrain: Option<Key>,
        /// The cut into train, validation and test.
        cut: Cut,
        /// The length of an epoch.
        epoch: Epoch,
        /// The schedule.
        spec: FinetuneSpec,
    },
    /// Test.
    Evaluate {
        /// Version of the files that an evaluation writes.
        version: u32,
        /// The protocol, which decides the mode that the network runs in.
        protocol: Protocol,
        /// Key of the fine-tuning whose weights are tested.
        finetune: Key,
        /// The cut. The majority class comes from its training part.
        cut: Cut,
        /// The loss that is reported for each image.
        losses: harness_learn::losses::LossesSpec,
        /// Levels and batch size.
        spec: EvaluateSpec,
    },
}

/// The cut of labelled images.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cut {
    /// The split into train, validation and test.
    pub split: SplitSpec,
    /// The images of the training part that are used for training.
    pub train: Selection,
    /// The seed that draws the run's own cut into training and validation.
    pub redraw: Redraw,
}

/// The number of images that an epoch visits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Epoch {
    /// As many as are used for training. An arm with half of the images takes half as many steps, as in the published
    /// work.
    Selected,
    /// As many as there are for training before some are selected. All arms take equally many steps: an arm with half of the
    /// images visits each twice.
    Whole,
}

impl Epoch {
    /// The length of an epoch under a protocol.
    fn under(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Published => Self::Selected,
            Protocol::Corrected => Self::Whole,
        }
    }

    /// The number of images, of a partition.
    pub fn images(self, of: &Partition) -> u32 {
        match self {
            Self::Selected => of.train.len() as u32,
            Self::Whole => of.trainable,
        }
    }
}

/// A stage: the unit that is run, cached, resumed and shared.
#[derive(Debug, Clone)]
pub struct PlannedStage {
    /// SHA-256 of the settings.
    pub key: Key,
    /// The settings.
    pub settings: Settings,
    /// The data set that it reads.
    pub dataset: DatasetSpec,
    /// The file of the initial weights, and the spec that names it.
    pub weights: Option<(PathBuf, InitSpec)>,
    /// Repeated pictures in its data set, if the data set was searched for them.
    pub repeated: Option<Repeated>,
    /// Names of the arms that use it, for people to read: `ssl, supervised`.
    pub arms: Vec<String>,
}

/// The chain of stages of one arm, under one protocol with one seed.
#[derive(Debug, Clone)]
pub struct Chain {
    /// Name of the arm.
    pub arm: String,
    /// The protocol.
    pub protocol: Protocol,
    /// The seed.
    pub seed: u64,
    /// Keys of its stages, from the first to the last.
    pub keys: Vec<Key>,
}

/// A study's stages. Each is listed once, after the stages that it builds on.
#[derive(Debug, Default)]
pub struct Plan {
    /// The stages.
    pub stages: Vec<PlannedStage>,
    /// The chain of each arm under each protocol and seed.
    pub chains: Vec<Chain>,
}

impl Settings {
    /// Number of pixels in the images of one step.
    pub fn pixels_a_step(&self) -> u64 {
        let batch = match &self.work {
            Work::Pretrain { spec, .. } => spec.batch,
            Work::Finetune { spec, .. } => spec.batch,
            Work::Evaluate { spec, .. } => spec.batch,
        };
        u64::from(batch) * u64::from(self.size).pow(2)
    }
}

impl Work {
    /// The stage that does this work.
    pub fn stage(&self) -> Stage {
        match self {
            Self::Pretrain { .. } => Stage::Pretrain,
            Self::Finetune { .. } => Stage::Finetune,
            Self::Evaluate { .. } => Stage::Evaluate,
        }
    }

    /// The protocol, if the work depends on it.
    pub fn protocol(&self) -> Option<Protocol> {
        match self {
            Self::Pretrain { protocol, .. } => *protocol,
            Self::Finetune { protocol, .. } | Self::Evaluate { protocol, .. } => Some(*protocol),
        }
    }

    /// Returns true if every seed of the study draws its own cut into training and validation.
    pub fn redraws(&self) -> bool {
        match self {
            Self::Pretrain { validation, .. } => *validation > 0,
            Self::Finetune { cut, .. } | Self::Evaluate { cut, .. } => cut.redraw.is_some(),
        }
    }

    /// The stage that it builds on, and its key.
    pub fn parent(&self) -> Option<(Stage, &Key)> {
        match self {
            Self::Pretrain { .. } => None,
            Self::Finetune { pretrain, .. } => pretrain.as_ref().map(|key| (Stage::Pretrain, key)),
            Self::Evaluate { finetune, .. } => Some((Stage::Finetune, finetune)),
        }
    }
}

impl PlannedStage {
    /// A short description: `finetune ssl/corrected seed 0`.
    pub fn describe(&self) -> String {
        let protocol = self.settings.work.protocol().map_or(String::new(), |p| format!("/{}", p.name()));
        format!("{} {}{protocol} seed {}", self.settings.work.stage(), self.arms.join("+"), self.settings.seed)
    }
}

/// The settings that are the same for all stages of a study.
#[derive(Clone, Copy)]
struct Circumstances<'a> {
    surveys: &'a Surveys,
    device: &'static str,
    precision: Precision,
}

impl Circumstances<'_> {
    /// Returns the settings of a stage that reads `dataset`, and the data set with the repeated pictures found in it.
    fn settings(
        &self,
        (arm, protocol): (&Arm, Protocol),
        (dataset, purpose): (&DatasetSpec, Purpose),
        seed: u64,
        init: Option<String>,
        work: Work,
    ) -> Result<(Settings, Held), PlanError> {
        let study = arm.under(protocol);
        let survey = self.surveys.of(dataset, purpose).ok_or_else(|| PlanError::NoSurvey(arm.spec.name.clone()))?;
        let settings = Settings {
            recipe: RECIPE,
            pixels: pixels::VERSION,
            device: self.device,
            precision: self.precision,
            seed,
            size: study.data.size,
            normalise: study.data.normalise,
            data: survey.digest.clone(),
            model: study.model.clone(),
            init,
            work,
        };
        Ok((settings, Held { dataset: dataset.clone(), repeated: survey.repeated }))
    }
}

/// A data set, and the repeated pictures found in it.
struct Held {
    dataset: DatasetSpec,
    repeated: Option<Repeated>,
}

/// The reason that a study has no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The settings cannot be written as JSON.
    #[error("cannot name a stage: {0}")]
    Key(#[from] serde_json::Error),
    /// A data set was not surveyed.
    #[error("the data of arm {0} were not read")]
    NoSurvey(String),
}

impl Plan {
    /// Plans the stages of `resolved` for one kind of device and one precision.
    pub fn new(
        resolved: &Resolved,
        surveys: &Surveys,
        device: &'static str,
        precision: Precision,
    ) -> Result<Self, PlanError> {
        let mut plan = Self::default();
        let circumstances = Circumstances { surveys, device, precision };
        for &seed in &resolved.study.seeds {
            for arm in &resolved.arms {
                for &protocol in &resolved.study.protocols {
                    plan.place(&circumstances, arm, protocol, seed)?;
                }
            }
        }
        // All pretraining first, so that the longest waits come first.
        plan.stages.sort_by_key(|stage| stage.settings.work.stage());
        Ok(plan)
    }

    fn place(&mut self, of: &Circumstances<'_>, arm: &Arm, protocol: Protocol, seed: u64) -> Result<(), PlanError> {
        let study = arm.under(protocol);
        let (unlabelled, labelled) = (&study.data.pretraining, &study.data.segmentation);
        let data = |purpose| surveys::dataset(study, purpose, protocol);
        let weights = of.surveys.weights(&study.init).map(|located| (located, &study.init));
        let mut keys = Vec::new();
        let mut pretrain = None;
        if arm.spec.pretrained {
            let differs = study.model.pretrains_by_protocol()
                || unlabelled.dataset.depends_on_protocol()
                || unlabelled.fraction < 1.0;
            let work = Work::Pretrain {
                protocol: differs.then_some(protocol),
                validation: unlabelled.validation,
                fraction: unlabelled.fraction,
                // If all images are used, the protocols do not differ.
                epoch: if differs { Epoch::under(protocol) } else { Epoch::Whole },
                spec: study.pretraining.clone(),
            };
            let read = data(Purpose::Pretraining);
            let settings = of.settings((arm, protocol), (&read, Purpose::Pretraining), seed, sha256(weights), work)?;
            let key = self.add(settings, weights, arm)?;
            keys.push(key.clone());
            pretrain = Some(key);
        }
        // The key of the pretraining covers its initial weights, and fine-tuning starts from its result.
        let weights = if pretrain.is_some() { None } else { weights };
        let redraw = (protocol == Protocol::Corrected).then_some(seed);
        let cut = Cut { split: labelled.split.clone(), train: labelled.train.clone(), redraw };
        let spec = study.finetuning.clone();
        let work = Work::Finetune { protocol, pretrain, cut: cut.clone(), epoch: Epoch::under(protocol), spec };
        let read = data(Purpose::Segmentation);
        let settings = of.settings((arm, protocol), (&read, Purpose::Segmentation), seed, sha256(weights), work)?;
        let finetune = self.add(settings, weights, arm)?;
        keys.push(finetune.clone());
        let losses = study.finetuning.losses.clone();
        let spec = study.evaluation.clone();
        let work = Work::Evaluate { version: evaluate::VERSION, protocol, finetune, cut, losses, spec };
        let settings = of.settings((arm, protocol), (&read, Purpose::Segmentation), seed, None, work)?;
        keys.push(self.add(settings, None, arm)?);
        self.chains.push(Chain { arm: arm.spec.name.clone(), protocol, seed, keys });
        Ok(())
    }

    /// Adds a stage. If an equal stage is already planned, adds the arm to that stage instead.
    fn add(
        &mut self,
        (settings, held): (Settings, Held),
        weights: Option<(&Located, &InitSpec)>,
        arm: &Arm,
    ) -> Result<Key, PlanError> {
        let name = &arm.spec.name;
        let key = Key::of(&settings)?;
        match self.stages.iter_mut().find(|stage| stage.key == key) {
            Some(stage) => {
                if !stage.arms.contains(name) {
                    stage.arms.push(name.clone());
                }
            }
            None => self.stages.push(PlannedStage {
                key: key.clone(),
                settings,
                dataset: held.dataset,
                weights: weights.map(|(located, init)| (located.path.clone(), init.clone())),
                repeated: held.repeated,
                arms: vec![name.clone()],
            }),
        }
        Ok(key)
    }

    /// The stage with that key, if the plan has one.
    pub fn stage(&self, key: &Key) -> Option<&PlannedStage> {
        self.stages.iter().find(|stage| stage.key == *key)
    }

    /// Number of stages that would run if arms and protocols shared none.
    pub fn unshared(&self) -> usize {
        self.chains.iter().map(|place| place.keys.len()).sum()
    }
}

fn sha256(weights: Option<(&Located, &InitSpec)>) -> Option<String> {
    weights.map(|(located, _)| located.sha256.clone())
}
