//! Records to reports: from `data/` alone to tables, charts, a gallery, Markdown and HTML.
//!
//! A room takes from those above it in this list, never from those below:
//!
//! * [`inputs`]: the files of the data folder, which the runner writes, and the `report:` section of a study
//! * `figures/`: what is computed from them: means, intervals, tests, verdicts
//! * `sections/`, `charts/`, `pictures/`: what a report shows of the figures
//! * `template/`: the text of a report, which asks for all of these
//! * `pages/`: the report as HTML, LaTeX and JSON; [`contact`] is a data set at a glance
//! * [`compare`]: two results side by side
//! * `render.rs`: [`render()`] and [`check`] put it all together; [`write()`] is in `output.rs`
//!
//! The same data give the same bytes on every host and with every number of threads: no clock, no host name, no hash
//! order, a generator of its own for every bootstrap, and a bundled font.
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
