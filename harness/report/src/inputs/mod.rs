//! The files of `reports/<profile>/<study>/data/`: all that a report is rendered from.
//!
//! The runner writes them, this crate reads them. JSON for what is nested, CSV for what is long. See [`mod@file`] for the names.

pub(crate) mod baselines;
pub(crate) mod changes;
pub(crate) mod charts;
pub(crate) mod datasets;
pub mod file;
pub(crate) mod gallery;
pub(crate) mod images;
pub(crate) mod lines;
pub(crate) mod metrics;
pub(crate) mod pixels;
pub(crate) mod published;
pub(crate) mod runs;
pub(crate) mod spec;
pub(crate) mod species;
pub(crate) mod study;

pub use baselines::BASELINES;
pub use changes::{ChangedFigure, ChangesInput};
pub use charts::{ByArm, ByCondition, ChartSpec, Protocols, Reliability, TrainingCurves};
pub use datasets::{DatasetInput, GroupCount, RepeatedInput, SplitCount};
pub use gallery::{GalleryKind, GalleryRow};
pub use images::{ImagePrefix, per_image_csv};
pub use metrics::MetricInput;
pub use pixels::{CalibrationInput, ConfusionInput};
pub use published::{PublishedRow, PublishedVerdict, published_csv};
pub use runs::{ANY_PROTOCOL, RunInput, RunSummary};
pub use spec::{ClaimSpec, GallerySpec, PublishedRows, PublishedTable, ReportSpec};
pub use study::{ArmInput, ArmSettings, ConditionInput, Family, Setting, StageSettings, StudyInput};
