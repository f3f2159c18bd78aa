//! `runs.html`: every run of a report with its settings, its curves, and the rows that the report's figures lead to.
//!
//! A value of `metrics.csv` has the id `<start of the run's key>-<line>`. All other rows are in the tables of the run.

use super::index::Listed;
use crate::{
    charts::run_curves::{self, label_of},
    error::ReportError,
    figures::{
        data::Data,
        pixels::reliability_of,
        runs::{Placed, runs_of},
    },
    inputs::runs::Run,
    links::RUNS_PAGE,
    markdown::{NONE, count, percent},
    output::RenderedFile,
    sections::{pixels::in_numbers, runs::trained_for},
    template::engine,
};
use harness_record::{
    metrics::CLASSES,
    rows::ConfusionRow,
    table::Line,
    vocabulary::{Condition, Predictor, Stage},
};
use minijinja::{Value, context, value::Serde};
use serde::Serialize;
use std::{collections::BTreeSet, path::Path};

const TEMPLATE: &str = "runs.html.j2";

/// A run on the page.
#[derive(Serialize)]
struct Entry<'a> {
    name: String,
    key: &'a str,
    short: &'a str,
    stage: Stage,
    parents: Vec<Link<'a>>,
    children: Vec<Link<'a>>,
    parameters: String,
    epochs: String,
    digest: &'a str,
    curves: Vec<String>,
    figures: Figures,
    confusion: Cells,
    calibration: Cells,
    /// The settings as JSON.
    settings: String,
}

/// A link to another run of the page.
#[derive(Serialize)]
struct Link<'a> {
    short: &'a str,
    name: String,
}

/// The rows of `metrics.csv` that figures lead to: one row for each place where the run was measured, one column for
/// each metric.
#[derive(Serialize, Default)]
struct Figures {
    /// The heads of the columns that describe the place.
    places: Vec<&'static str>,
    metrics: Vec<String>,
    rows: Vec<FigureRow>,
}

#[derive(Serialize)]
struct FigureRow {
    place: Vec<String>,
    /// One cell for each metric, in their order.
    cells: Vec<Option<FigureCell>>,
}

#[derive(Serialize, Clone)]
struct FigureCell {
    /// The line in `metrics.csv`.
    line: u64,
    value: String,
}

/// A table as text.
#[derive(Serialize, Default)]
struct Cells {
    heads: Vec<String>,
    /// The number of columns on the left that hold words.
    words: usize,
    rows: Vec<Vec<String>>,
}

/// Renders the page of all runs. `listed` holds the rows that the report's figures lead to.
pub(crate) fn page(data: &Data, listed: &Listed, templates: &Path) -> Result<RenderedFile, ReportError> {
    let all = runs_of(data);
    let entries: Vec<Entry<'_>> = all.iter().map(|placed| entry(data, &all, placed, listed)).collect();
    let context = context! {
        study => &data.study.study, title => &data.study.title, profile => &data.study.profile,
        runs => Value::from(Serde(entries)),
    };
    let page = engine::page(templates, TEMPLATE, context)?;
    Ok(RenderedFile::new(RUNS_PAGE, page.into_bytes()))
}

/// Returns the name of a run: `Fine-tuning: Pretrained, corrected protocol, seed 0`.
fn name(data: &Data, placed: &Placed<'_>) -> String {
    let stage = match placed.run.record.stage {
        Stage::Pretrain => "Pretraining",
        Stage::Finetune => "Fine-tuning",
        Stage::Evaluate => "Test",
    };
    let protocols = placed.protocols();
    let protocols = if protocols.is_empty() { protocols } else { format!(", {protocols} protocol") };
    format!("{stage}: {}{protocols}, seed {}", placed.arms(data), placed.seeds())
}

fn entry<'a>(data: &Data, all: &[Placed<'a>], placed: &Placed<'a>, listed: &Listed) -> Entry<'a> {
    let run = placed.run;
    let record = &run.record;
    let linked = |wanted: &dyn Fn(&Run) -> bool| -> Vec<Link<'a>> {
        let wanted = all.iter().filter(|other| wanted(other.run));
        wanted.map(|other| Link { short: other.run.key().short(), name: name(data, other) }).collect()
    };
    Entry {
        name: name(data, placed),
        key: record.key.as_str(),
        short: record.key.short(),
        stage: record.stage,
        parents: linked(&|other| record.parents.contains(other.key())),
        children: linked(&|other| other.record.parents.contains(&record.key)),
        parameters: count(record.parameters),
        epochs: trained_for(record),
        digest: &record.data,
        curves: run_curves::draw(data, placed),
        figures: figures(data, run, listed.get(record.key.short())),
        confusion: confusion_cells(data, run),
        calibration: calibration_cells(data, run),
        // A value that was read from JSON can always be written as JSON.
        settings: serde_json::to_string_pretty(&record.settings).unwrap_or_default(),
    }
}

/// Returns the rows on the lines `wanted`.
fn figures(data: &Data, run: &Run, wanted: Option<&BTreeSet<u64>>) -> Figures {
    let Some(wanted) = wanted else { return Figures::default() };
    let tested = run.record.stage == Stage::Evaluate;
    let places = if tested { ["Predictor", "Condition"] } else { ["Split", "Epoch"] };
    // If there is only one condition, it need not be named.
    let named = if tested && !data.has_conditions() { 1 } else { 2 };
    let mut found = Figures { places: places[..named].to_vec(), ..Figures::default() };
    let mut columns: Vec<&str> = Vec::new();
    for Line { line, row } in run.metrics.iter().filter(|row| wanted.contains(&row.line)) {
        let predictor = match row.predictor {
            Predictor::Model => "Network",
            Predictor::Baseline(baseline) => baseline.label(),
        };
        let place = if tested {
            [predictor.to_owned(), data.condition_label(row.condition)]
        } else {
            [row.split.to_string(), row.epoch.to_string()]
        };
        let column = columns.iter().position(|name| *name == row.metric).unwrap_or_else(|| {
            columns.push(&row.metric);
            columns.len() - 1
        });
        let at = found.rows.iter().position(|known| known.place == place[..named]).unwrap_or_else(|| {
            found.rows.push(FigureRow { place: place[..named].to_vec(), cells: Vec::new() });
            found.rows.len() - 1
        });
        let cells = &mut found.rows[at].cells;
        cells.resize(cells.len().max(column + 1), None);
        cells[column] = Some(FigureCell { line: *line, value: row.value.to_string() });
    }
    found.rows.iter_mut().for_each(|row| row.cells.resize(columns.len(), None));
    found.metrics = columns.into_iter().map(label_of).collect();
    found
}

/// Returns the conditions of the run's rows, in the order of the study.
fn conditions(data: &Data, run: &Run) -> Vec<Condition> {
    let counted: BTreeSet<Condition> = run.calibration.iter().map(|row| row.condition).collect();
    data.study.conditions.iter().map(|c| c.name).filter(|name| counted.contains(name)).collect()
}

fn confusion_cells(data: &Data, run: &Run) -> Cells {
    let heads = ["Condition", "True class"].map(str::to_owned).into_iter();
    let classes = data.study.classes.iter().map(|class| format!("Predicted as {class}"));
    let heads = heads.chain(classes).chain(["Pixels".to_owned()]).collect();
    let mut cells = Cells { heads, words: 2, rows: Vec::new() };
    for condition in conditions(data, run) {
        let wanted = |row: &ConfusionRow| row.predictor == Predictor::Model && row.condition == condition;
        let Some(found) = data.confusion_of([run], wanted) else { continue };
        for (truth, class) in data.study.classes.iter().enumerate().take(CLASSES) {
            let all = found.counts.truth(truth);
            let share = |n: &u64| if all == 0 { NONE.to_owned() } else { percent(*n as f64 / all as f64) };
            let mut row = vec![data.condition_label(condition), class.clone()];
            row.extend(found.counts.counts()[truth].iter().map(share));
            row.push(count(all));
            cells.rows.push(row);
        }
    }
    cells
}

fn calibration_cells(data: &Data, run: &Run) -> Cells {
    let heads = ["Condition", "Mean confidence", "Accuracy", "Overconfidence", "Expected calibration error", "Pixels"];
    let mut cells = Cells { heads: heads.map(str::to_owned).to_vec(), words: 1, rows: Vec::new() };
    for condition in conditions(data, run) {
        let found = reliability_of([run], condition);
        let Some(numbers) = found.and_then(|found| in_numbers(&found.counts)) else { continue };
        cells.rows.push([data.condition_label(condition)].into_iter().chain(numbers).collect());
    }
    cells
}
