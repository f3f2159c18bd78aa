//! The files that a report is rendered from: the files in `reports/<profile>/<study>/data/`, and the runs of the
//! profile.
//!
//! The `harness` program writes them, and this crate reads them. See [`mod@file`] for the names.

pub(crate) mod datasets;
pub mod file;
pub(crate) mod lines;
pub(crate) mod pictures;
pub(crate) mod provenance;
pub(crate) mod published;
pub(crate) mod registration;
pub(crate) mod runs;
pub(crate) mod spec;
pub(crate) mod study;

pub use datasets::{DatasetInput, GroupCount, RepeatedInput, SplitCount};
pub use provenance::{Opening, Tests};
pub use published::{PublishedRow, PublishedVerdict, published_csv};
pub use registration::{Edit, Locked, Occasion, Registration, TestImages};
pub use spec::{ClaimSpec, GallerySpec, PublishedRows, PublishedTable, ReportSpec};
pub use study::{ArmInput, ArmSettings, ConditionInput, Fidelity, PublishedNetwork, StageSettings, StudyInput};
