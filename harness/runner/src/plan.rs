//! The stage graph of a study: which stages there are, what each builds on, and the key under which each is kept.

use crate::study::{Resolved, Study};
use harness_learn::{
    RECIPE,
    datasets::{self, DataError, DatasetSpec, Purpose, Survey},
    evaluate::EvaluateSpec,
    models::ModelSpec,
    monitor::Monitor,
    pixels,
    protocol::Protocol,
    train::{FinetuneSpec, PretrainSpec},
};
use harness_record::digest;
use serde::Serialize;
use std::path::Path;

/// What a stage does, with all settings that its numbers depend on. The SHA-256 of its canonical JSON is the stage's key.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Settings {
    /// Version of the numbers.
    pub(crate) recipe: u32,
    /// Version of what becomes of a photograph's bytes.
    pub(crate) pixels: u32,
    /// `cpu` or `cuda`: they round differently.
    pub(crate) device: &'static str,
    /// Precision of the arithmetic.
    pub(crate) precision: &'static str,
    /// Seed of the study.
    pub(crate) seed: u64,
    /// Side of the images, in pixels.
    pub(crate) size: u32,
    /// Digest of the data.
    pub(crate) data: String,
    /// The network.
    pub(crate) model: ModelSpec,
    /// The work.
    pub(crate) work: Work,
}

/// The work of a stage.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Work {
    /// Masked reconstruction. It is the same under both protocols, so both share it.
    Pretrain {
        /// Images held out.
        validation: u32,
        /// The schedule.
        spec: PretrainSpec,
    },
    /// Segmentation.
    Finetune {
        /// Which loss, and in which mode validation runs.
        protocol: Protocol,
        /// Key of the pretraining that it starts from.
        pretrain: Option<String>,
        /// The cut into train and validation.
        cut: Cut,
        /// The schedule.
        spec: FinetuneSpec,
    },
    /// Test.
    Evaluate {
        /// In which mode.
        protocol: Protocol,
        /// Key of the fine-tuning whose weights are tested.
        finetune: String,
        /// Epochs of that fine-tuning.
        epochs: u32,
        /// The cut, whose training part decides the majority class.
        cut: Cut,
        /// Levels and batch size.
        spec: EvaluateSpec,
    },
}

/// The cut of labelled images into train and validation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Cut {
    /// How many train, or all that are left.
    pub(crate) train: Option<u32>,
    /// How many validate.
    pub(crate) validation: u32,
    /// Seed of the cut.
    pub(crate) seed: u64,
}

/// A stage: unit of running, caching, resuming and sharing.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    /// SHA-256 of the settings.
    pub(crate) key: String,
    /// The settings.
    pub(crate) settings: Settings,
    /// The data set that it reads.
    pub(crate) dataset: DatasetSpec,
    /// Which arms it serves, for people: `ssl, supervised`.
    pub(crate) arms: Vec<String>,
}

/// The stages that make one arm under one protocol with one seed.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// Name of the arm.
    pub(crate) arm: String,
    /// The protocol.
    pub(crate) protocol: Protocol,
    /// The seed.
    pub(crate) seed: u64,
    /// Keys, first to last.
    pub(crate) keys: Vec<String>,
}

/// A study's stages, each once, every one after those it builds on.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// The stages.
    pub(crate) stages: Vec<Stage>,
    /// Where they are used.
    pub(crate) places: Vec<Place>,
}

/// What the data sets hold, without having been decoded.
#[derive(Debug)]
pub(crate) struct Surveys {
    /// Of the images without labels; `None` if no arm is pretrained.
    pub(crate) pretraining: Option<Survey>,
    /// Of the images with trimaps.
    pub(crate) segmentation: Survey,
}

impl Surveys {
    /// Looks at the data of a study.
    pub(crate) fn of(study: &Study, data: &Path, cache: &Path, monitor: &dyn Monitor) -> Result<Self, DataError> {
        let look = |dataset, purpose| datasets::survey(dataset, purpose, data, cache, monitor);
        let pretrained = study.arms.iter().any(|arm| arm.pretrained);
        Ok(Self {
            segmentation: look(&study.data.segmentation.dataset, Purpose::Segmentation)?,
            pretraining: pretrained.then(|| look(&study.data.pretraining.dataset, Purpose::Pretraining)).transpose()?,
        })
    }
}

impl Work {
    /// `pretrain`, `finetune` or `evaluate`.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Pretrain { .. } => "pretrain",
            Self::Finetune { .. } => "finetune",
            Self::Evaluate { .. } => "evaluate",
        }
    }

    /// The protocol, where the work depends on it.
    pub(crate) fn protocol(&self) -> Option<Protocol> {
        match self {
            Self::Pretrain { .. } => None,
            Self::Finetune { protocol, .. } | Self::Evaluate { protocol, .. } => Some(*protocol),
        }
    }

    /// Key of the stage that it builds on.
    pub(crate) fn parent(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::Pretrain { .. } => None,
            Self::Finetune { pretrain, .. } => pretrain.as_deref().map(|key| ("pretrain", key)),
            Self::Evaluate { finetune, .. } => Some(("finetune", finetune)),
        }
    }
}

impl Stage {
    /// In words: `finetune ssl/corrected seed 0`.
    pub(crate) fn describe(&self) -> String {
        let protocol = self.settings.work.protocol().map_or(String::new(), |p| format!("/{}", p.name()));
        format!("{} {}{protocol} seed {}", self.settings.work.kind(), self.arms.join("+"), self.settings.seed)
    }
}

impl Plan {
    /// The stages of `resolved` on a device of that kind.
    pub(crate) fn new(resolved: &Resolved, surveys: &Surveys, device: &'static str) -> serde_json::Result<Self> {
        let mut plan = Self::default();
        for &seed in &resolved.study.seeds {
            for arm in &resolved.study.arms {
                for &protocol in &resolved.study.protocols {
                    plan.place(&resolved.study, surveys, device, arm, protocol, seed)?;
                }
            }
        }
        // Kinds in order: all pretraining first, so that the longest waits come first.
        plan.stages.sort_by_key(|stage| match stage.settings.work {
            Work::Pretrain { .. } => 0,
            Work::Finetune { .. } => 1,
            Work::Evaluate { .. } => 2,
        });
        Ok(plan)
    }

    fn place(
        &mut self,
        study: &Study,
        surveys: &Surveys,
        device: &'static str,
        arm: &crate::study::ArmSpec,
        protocol: Protocol,
        seed: u64,
    ) -> serde_json::Result<()> {
        let settings = |data: &Survey, work| Settings {
            recipe: RECIPE,
            pixels: pixels::VERSION,
            device,
            precision: "f32",
            seed,
            size: study.data.size,
            data: data.digest.clone(),
            model: study.model.clone(),
            work,
        };
        let labelled = &study.data.segmentation;
        let mut keys = Vec::new();
        let mut pretrain = None;
        if let (true, Some(survey)) = (arm.pretrained, &surveys.pretraining) {
            let work =
                Work::Pretrain { validation: study.data.pretraining.validation, spec: study.pretraining.clone() };
            let key = self.add(settings(survey, work), &study.data.pretraining.dataset, &arm.name)?;
            keys.push(key.clone());
            pretrain = Some(key);
        }
        let cut = Cut { train: labelled.train, validation: labelled.validation, seed: labelled.split_seed };
        let spec = study.finetuning_of(arm);
        let epochs = spec.epochs;
        let work = Work::Finetune { protocol, pretrain, cut: cut.clone(), spec };
        let finetune = self.add(settings(&surveys.segmentation, work), &labelled.dataset, &arm.name)?;
        keys.push(finetune.clone());
        let work = Work::Evaluate { protocol, finetune, epochs, cut, spec: study.evaluation.clone() };
        keys.push(self.add(settings(&surveys.segmentation, work), &labelled.dataset, &arm.name)?);
        self.places.push(Place { arm: arm.name.clone(), protocol, seed, keys });
        Ok(())
    }

    /// Adds a stage, or the arm to the equal stage that is there.
    fn add(&mut self, settings: Settings, dataset: &DatasetSpec, arm: &str) -> serde_json::Result<String> {
        let key = digest::of_settings(&settings)?;
        match self.stages.iter_mut().find(|stage| stage.key == key) {
            Some(stage) => {
                if !stage.arms.iter().any(|name| name == arm) {
                    stage.arms.push(arm.to_owned());
                }
            }
            None => self.stages.push(Stage {
                key: key.clone(),
                settings,
                dataset: dataset.clone(),
                arms: vec![arm.to_owned()],
            }),
        }
        Ok(key)
    }

    /// The stage with that key.
    pub(crate) fn stage(&self, key: &str) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.key == key)
    }

    /// How many stages would run if none were shared between arms and protocols.
    pub(crate) fn unshared(&self) -> usize {
        self.places.iter().map(|place| place.keys.len()).sum()
    }
}
