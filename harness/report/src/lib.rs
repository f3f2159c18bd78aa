//! Records to reports: from `data/` alone to tables, charts, a gallery, Markdown and HTML.
//!
//! * [`input`]: the files of the data folder, which the runner writes
//! * [`spec`]: the `report:` section of a study; [`charts`], [`claim`] and [`metric`] are its parts
//! * [`render`], [`check`] and [`write()`]: the report
//! * [`compare`]: two results side by side
//! * [`contact`]: a data set at a glance
//!
//! The same data give the same bytes on every host and with every number of threads: no clock, no host name, no hash
//! order, a generator of its own for every bootstrap, and a bundled font.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::float_cmp))]

mod changes;
pub mod charts;
mod checklist;
pub mod claim;
pub mod compare;
pub mod contact;
mod data;
mod data_page;
mod definitions;
mod drawing;
mod error;
mod figure;
mod gallery;
mod images;
pub mod input;
mod markdown;
pub mod metric;
mod output;
mod page;
mod pixels;
mod printed_tables;
pub mod prose;
mod provenance;
mod published;
mod results;
mod run;
mod run_page;
mod scores;
mod sections;
mod site;
pub mod spec;
mod species;
mod statistics;
mod tables;
mod template;
mod tested;
mod trace;

pub use error::ReportError;
pub use output::{Change, Difference, RenderedFile, check, differences, write, write_file};
pub use published::{Judged, verdicts, verdicts_on};
pub use site::site;
pub use spec::{ReportSpec, SpecProblem};

use input::Setting;
use rayon::prelude::*;
use std::path::Path;

/// Renders all files of a report from the data folder `data_dir` with the templates of the folder `templates`. `setting` is
/// what follows from the study's spec, whatever the folder says: a sample whose files were edited stays a sample.
///
/// The files are sorted by path: `charts/*.csv`, `charts/*.svg`, `data.html`, `gallery/*.png`, `index.html`, `provenance.json`,
/// `report.md`, `runs/*.html`, `tables/*.tex`.
///
/// # Errors
/// A file of the data that is missing, damaged, or names what the study does not have; a recorded verdict on a printed
/// figure that does not follow from the data; a template that is missing or
/// asks for what is not there. Every error carries the path.
pub fn render(data_dir: &Path, templates: &Path, setting: Setting) -> Result<Vec<RenderedFile>, ReportError> {
    let data = data::Data::read(data_dir, setting)?;
    data.summarise_tested();
    published::check_recorded(&data)?;
    let charts: Vec<_> = data.study.report.charts.par_iter().map(|spec| spec.draw(&data)).collect::<Result<_, _>>()?;
    let sheets = gallery::sheets(&data)?;
    let claims = tested::test_claims(&data);
    let facts = template::Facts { data, claims, charts, sheets };
    let (report, facts) = template::render(facts, templates)?;
    let page = page::render(&facts.data, &facts.charts, &report, templates)?;

    let mut files = tables::files(&report);
    files.extend(run_page::pages(&facts.data, templates)?);
    files.extend(data_page::files(&facts.data, templates)?);
    files.extend([
        RenderedFile::new("index.html", page.into_bytes()),
        RenderedFile::new("provenance.json", provenance::json(&facts.data)),
        RenderedFile::new("report.md", report.into_bytes()),
    ]);
    for chart in facts.charts {
        let svg = chart.svg.file(&chart.name).into_bytes();
        files.push(RenderedFile::new(format!("charts/{}.svg", chart.name), svg));
        files.push(RenderedFile::new(format!("charts/{}.csv", chart.name), chart.records.csv));
    }
    files.extend(facts.sheets.into_iter().map(|s| RenderedFile::new(s.file, s.png)));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}
