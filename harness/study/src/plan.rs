//! The stage graph of a study: which stages there are, what each builds on, and the key under which each is kept.

use crate::{
    study::{Arm, Resolved},
    surveys::{self, Located, Surveys},
};
use harness_images::{
    datasets::{DatasetSpec, Purpose, Repeated},
    pixels,
    split::{Selection, SplitSpec},
};
use harness_learn::{
    RECIPE,
    evaluate::{self, EvaluateSpec},
    models::{InitSpec, ModelSpec, Normalise},
    precision::Precision,
    train::{FinetuneSpec, PretrainSpec},
};
use harness_record::{digest, vocabulary::Protocol};
use serde::Serialize;
use std::path::PathBuf;

/// What a stage does, with all settings that its numbers depend on. The SHA-256 of its canonical JSON is the stage's key.
#[derive(Debug, Clone, Serialize)]
pub struct Settings {
    /// Version of the numbers.
    pub recipe: u32,
    /// Version of what becomes of a photograph's bytes.
    pub pixels: u32,
    /// `cpu` or `cuda`: they round differently.
    pub device: &'static str,
    /// Precision of the arithmetic.
    pub precision: Precision,
    /// Seed of the study.
    pub seed: u64,
    /// Side of the images, in pixels.
    pub size: u32,
    /// What the network sees of a value.
    pub normalise: Option<Normalise>,
    /// Digest of the data.
    pub data: String,
    /// The network.
    pub model: ModelSpec,
    /// SHA-256 of the file that the first weights are read from; `None` where they are drawn, or come from an earlier stage.
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
        /// The protocol, where the network's output depends on it; `None` where both protocols share the stage.
        protocol: Option<Protocol>,
        /// Images held out.
        validation: u32,
        /// Share of the others that train.
        fraction: f64,
        /// The schedule.
        spec: PretrainSpec,
    },
    /// Segmentation.
    Finetune {
        /// Which loss, and in which mode validation runs.
        protocol: Protocol,
        /// Key of the pretraining that it starts from.
        pretrain: Option<String>,
        /// The cut into train, validation and test.
        cut: Cut,
        /// The schedule.
        spec: FinetuneSpec,
    },
    /// Test.
    Evaluate {
        /// Version of what a test leaves.
        version: u32,
        /// In which mode.
        protocol: Protocol,
        /// Key of the fine-tuning whose weights are tested.
        finetune: String,
        /// The cut, whose training part decides the majority class.
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
    /// Into train, validation and test.
    pub split: SplitSpec,
    /// Which of the training part train.
    pub train: Selection,
}

/// A stage: unit of running, caching, resuming and sharing.
#[derive(Debug, Clone)]
pub struct Stage {
    /// SHA-256 of the settings.
    pub key: String,
    /// The settings.
    pub settings: Settings,
    /// The data set that it reads.
    pub dataset: DatasetSpec,
    /// The file that its first weights are read from, and what of it they are.
    pub weights: Option<(PathBuf, InitSpec)>,
    /// Pictures of its data set that show the same as another one, where that was looked for.
    pub repeated: Option<Repeated>,
    /// Which arms it serves, for people: `ssl, supervised`.
    pub arms: Vec<String>,
}

/// The stages that make one arm under one protocol with one seed.
#[derive(Debug, Clone)]
pub struct Place {
    /// Name of the arm.
    pub arm: String,
    /// The protocol.
    pub protocol: Protocol,
    /// The seed.
    pub seed: u64,
    /// Keys, first to last.
    pub keys: Vec<String>,
}

/// A study's stages, each once, every one after those it builds on.
#[derive(Debug, Default)]
pub struct Plan {
    /// The stages.
    pub stages: Vec<Stage>,
    /// Where they are used.
    pub places: Vec<Place>,
}

impl Settings {
    /// Pixels of the images of one step.
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
    /// `pretrain`, `finetune` or `evaluate`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Pretrain { .. } => "pretrain",
            Self::Finetune { .. } => "finetune",
            Self::Evaluate { .. } => "evaluate",
        }
    }

    /// The protocol, where the work depends on it.
    pub fn protocol(&self) -> Option<Protocol> {
        match self {
            Self::Pretrain { protocol, .. } => *protocol,
            Self::Finetune { protocol, .. } | Self::Evaluate { protocol, .. } => Some(*protocol),
        }
    }

    /// Key of the stage that it builds on.
    pub fn parent(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::Pretrain { .. } => None,
            Self::Finetune { pretrain, .. } => pretrain.as_deref().map(|key| ("pretrain", key)),
            Self::Evaluate { finetune, .. } => Some(("finetune", finetune)),
        }
    }

    /// Stages of a lower rank run first: all pretraining, then all fine-tuning, then all tests.
    fn rank(&self) -> u8 {
        match self {
            Self::Pretrain { .. } => 0,
            Self::Finetune { .. } => 1,
            Self::Evaluate { .. } => 2,
        }
    }
}

impl Stage {
    /// In words: `finetune ssl/corrected seed 0`.
    pub fn describe(&self) -> String {
        let protocol = self.settings.work.protocol().map_or(String::new(), |p| format!("/{}", p.name()));
        format!("{} {}{protocol} seed {}", self.settings.work.kind(), self.arms.join("+"), self.settings.seed)
    }
}

/// What the keys of all stages of a study have in common.
#[derive(Clone, Copy)]
struct Circumstances<'a> {
    surveys: &'a Surveys,
    device: &'static str,
    precision: Precision,
}

impl Circumstances<'_> {
    /// Settings of a stage that reads `dataset`, and what that holds.
    fn settings(
        &self,
        arm: &Arm,
        (dataset, purpose): (&DatasetSpec, Purpose),
        seed: u64,
        init: Option<String>,
        work: Work,
    ) -> Result<(Settings, Held), PlanError> {
        let study = &arm.study;
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

/// A data set and what it holds.
struct Held {
    dataset: DatasetSpec,
    repeated: Option<Repeated>,
}

/// Why a study has no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The settings have no JSON.
    #[error("cannot name a stage: {0}")]
    Key(#[from] serde_json::Error),
    /// A data set was not looked at.
    #[error("the data of arm {0} were not looked at")]
    NoSurvey(String),
}

impl Plan {
    /// The stages of `resolved` on a device of that kind, in that precision.
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
        plan.stages.sort_by_key(|stage| stage.settings.work.rank());
        Ok(plan)
    }

    fn place(&mut self, of: &Circumstances<'_>, arm: &Arm, protocol: Protocol, seed: u64) -> Result<(), PlanError> {
        let study = &arm.study;
        let (unlabelled, labelled) = (&study.data.pretraining, &study.data.segmentation);
        let data = |purpose| surveys::dataset(study, purpose, protocol);
        let weights = of.surveys.weights(&study.init).map(|located| (located, &study.init));
        let mut keys = Vec::new();
        let mut pretrain = None;
        if arm.spec.pretrained {
            let differs = study.model.pretrains_by_protocol() || unlabelled.dataset.depends_on_protocol();
            let work = Work::Pretrain {
                protocol: differs.then_some(protocol),
                validation: unlabelled.validation,
                fraction: unlabelled.fraction,
                spec: study.pretraining.clone(),
            };
            let read = data(Purpose::Pretraining);
            let settings = of.settings(arm, (&read, Purpose::Pretraining), seed, sha256(weights), work)?;
            let key = self.add(settings, weights, arm)?;
            keys.push(key.clone());
            pretrain = Some(key);
        }
        // Whatever the pretraining started from is in its key, and fine-tuning starts from it.
        let weights = if pretrain.is_some() { None } else { weights };
        let cut = Cut { split: labelled.split.clone(), train: labelled.train.clone() };
        let spec = study.finetuning.clone();
        let work = Work::Finetune { protocol, pretrain, cut: cut.clone(), spec };
        let read = data(Purpose::Segmentation);
        let settings = of.settings(arm, (&read, Purpose::Segmentation), seed, sha256(weights), work)?;
        let finetune = self.add(settings, weights, arm)?;
        keys.push(finetune.clone());
        let losses = study.finetuning.losses.clone();
        let spec = study.evaluation.clone();
        let work = Work::Evaluate { version: evaluate::VERSION, protocol, finetune, cut, losses, spec };
        let settings = of.settings(arm, (&read, Purpose::Segmentation), seed, None, work)?;
        keys.push(self.add(settings, None, arm)?);
        self.places.push(Place { arm: arm.spec.name.clone(), protocol, seed, keys });
        Ok(())
    }

    /// Adds a stage, or the arm to the equal stage that is there.
    fn add(
        &mut self,
        (settings, held): (Settings, Held),
        weights: Option<(&Located, &InitSpec)>,
        arm: &Arm,
    ) -> Result<String, PlanError> {
        let name = &arm.spec.name;
        let key = digest::of_settings(&settings)?;
        match self.stages.iter_mut().find(|stage| stage.key == key) {
            Some(stage) => {
                if !stage.arms.contains(name) {
                    stage.arms.push(name.clone());
                }
            }
            None => self.stages.push(Stage {
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

    /// The stage with that key.
    pub fn stage(&self, key: &str) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.key == key)
    }

    /// How many stages would run if none were shared between arms and protocols.
    pub fn unshared(&self) -> usize {
        self.places.iter().map(|place| place.keys.len()).sum()
    }
}

fn sha256(weights: Option<(&Located, &InitSpec)>) -> Option<String> {
    weights.map(|(located, _)| located.sha256.clone())
}
