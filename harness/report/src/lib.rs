//! Turns records into reports: from `data/` alone to tables, charts, a gallery, Markdown and HTML.
//!
//! A module uses only modules above it in this list:
//!
//! * [`inputs`]: the files of the data folder, which the runner writes, and the `report:` section of a study
//! * `figures/`: the values computed from those files: means, intervals, tests, verdicts
//! * `sections/`, `charts/`, `pictures/`: the tables, prose, charts and pictures that show the figures
//! * `template/`: the text of a report, which uses all of these
//! * `pages/`: the report as HTML, LaTeX and JSON; [`contact`] is the overview page of a data set
//! * [`compare`]: two results side by side
//! * `render.rs`: [`render()`] and [`check`] put everything together; [`write()`] is in `output.rs`
//!
//! The same data give the same bytes on every host and with any number of threads. Output does not depend on the clock,
//! the host name or hash order. Every bootstrap has its own generator, and the font is bundled.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::float_cmp))]

mod charts;
pub mod compare;
mod error;
mod figures;
pub mod inputs;
mod links;
mod markdown;
mod output;
mod pages;
mod pictures;
mod render;
mod sections;
mod template;

pub use charts::ChartSpec;
pub use error::{ReportError, SpecProblem};
pub use figures::published::{Judged, verdicts, verdicts_on};
pub use inputs::ReportSpec;
pub use output::{Change, Difference, RenderedFile, differences, write, write_file};
pub use pages::{
    contact,
    site::{assets, site},
};
pub use render::{check, render};
