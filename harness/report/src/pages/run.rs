//! A page a run: what it is, what it was made with, and what it measured.

use crate::{
    charts::{
        run_curves::{self, label_of},
        svg::style_sheet,
    },
    error::ReportError,
    figures::{
        data::Data,
        metrics::Metric,
        pixels::reliability_of,
        runs::{Placed, lists, runs_of},
    },
    inputs::runs::{Measured, Run},
    links::page_of,
    markdown::{NONE, count, number, percent},
    output::RenderedFile,
    sections::{pixels::in_numbers, runs::trained_for},
    template::engine,
};
use harness_record::{
    metrics::CLASSES,
    rows::ConfusionRow,
    vocabulary::{Condition, Predictor, Split, Stage},
};
use minijinja::{Value, context, value::Serde};
use rayon::prelude::*;
use serde::Serialize;
use std::{collections::BTreeSet, path::Path};

const TEMPLATE: &str = "run.html.j2";

/// A link to another run.
#[derive(Serialize)]
struct Link {
    /// File name beside the page.
    page: String,
    key: String,
    name: String,
}

/// A row of `metrics.csv`.
#[derive(Serialize)]
struct MetricRow<'a> {
    /// Its line in `metrics.csv`.
    line: u64,
    epoch: u32,
    split: Split,
    predictor: &'a str,
    condition: String,
    metric: String,
    value: String,
}

/// A table as text.
#[derive(Serialize, Default)]
struct Cells {
    heads: Vec<String>,
    /// How many columns at the left are words.
    words: usize,
    rows: Vec<Vec<String>>,
}

/// The pages of all runs of the report, `runs/<start of the key>.html`.
pub(crate) fn pages(data: &Data, templates: &Path) -> Result<Vec<RenderedFile>, ReportError> {
    let wrap = |e: minijinja::Error| engine::template_error(templates, TEMPLATE, &e, &[]);
    let environment = engine::environment(templates).map_err(wrap)?;
    let page = environment.get_template(TEMPLATE).map_err(wrap)?;
    let runs = runs_of(data);
    let render = |placed: &Placed<'_>| {
        let text = page.render(context(data, &runs, placed)?).map_err(wrap)?;
        Ok(RenderedFile::new(page_of(placed.run.key().short()), text.into_bytes()))
    };
    runs.par_iter().map(render).collect()
}

/// `Fine-tuning: Pretrained, corrected protocol, seed 0`
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

fn link(data: &Data, placed: &Placed<'_>) -> Link {
    let key = placed.run.key().short().to_owned();
    Link { page: format!("{key}.html"), key, name: name(data, placed) }
}

fn context(data: &Data, runs: &[Placed<'_>], placed: &Placed<'_>) -> Result<Value, ReportError> {
    let run = placed.run;
    let record = &run.record;
    let linked = |wanted: &dyn Fn(&Placed<'_>) -> bool| -> Vec<Link> {
        runs.iter().filter(|other| wanted(other)).map(|other| link(data, other)).collect()
    };
    // A value that was read from JSON can be written as such.
    let settings = serde_json::to_string_pretty(&record.settings).unwrap_or_default();
    Ok(context! {
        study => &data.study.study, title => &data.study.title, profile => &data.study.profile,
        name => name(data, placed), key => record.key.as_str(), short => record.key.short(), stage => record.stage.name(),
        device => &record.device, deterministic => record.deterministic,
        parameters => count(record.parameters), epochs => trained_for(record), digest => &record.data,
        versions => &record.versions,
        parents => Value::from(Serde(linked(&|other| record.parents.contains(other.run.key())))),
        children => Value::from(Serde(linked(&|other| other.run.record.parents.contains(&record.key)))),
        curves => run_curves::draw(run)?.map(|svg| svg.inline("curves")), charts => style_sheet(),
        metrics => Value::from(Serde(metric_rows(data, run))), images => Value::from(Serde(image_cells(data, placed))),
        confusion => Value::from(Serde(confusion_cells(data, run))),
        calibration => Value::from(Serde(calibration_cells(data, run))),
        settings,
    })
}

/// The rows that a page lists.
fn metric_rows<'a>(data: &'a Data, run: &'a Run) -> Vec<MetricRow<'a>> {
    let row = |row: Measured<'a>| MetricRow {
        line: *row.rows().lines.start(),
        epoch: row.epoch,
        split: row.split,
        predictor: match row.predictor {
            Predictor::Model => "network",
            Predictor::Baseline(baseline) => baseline.label(),
        },
        condition: data.condition_label(row.condition),
        metric: label_of(&row.metric),
        value: row.value.to_string(),
    };
    run.all().filter(|row| lists(*row)).map(row).collect()
}

/// Scores of every test image: the report's metrics under a single condition, or the first of them under each.
fn image_cells(data: &Data, placed: &Placed<'_>) -> Cells {
    let place = placed.first();
    let (Stage::Evaluate, Some(protocol)) = (place.stage, place.protocol) else { return Cells::default() };
    let metrics: Vec<&Metric> = data.study.report.metrics.iter().filter_map(|name| Metric::find(name)).collect();
    let conditions = &data.study.conditions;
    let columns: Vec<(String, &Metric, Condition)> = match (conditions.as_slice(), metrics.first()) {
        ([only], _) => metrics.iter().map(|metric| (metric.label.to_owned(), *metric, only.name)).collect(),
        (several, Some(metric)) => {
            several.iter().map(|c| (format!("{}, {}", metric.label, c.label), *metric, c.name)).collect()
        }
        _ => Vec::new(),
    };
    let scores: Vec<_> = columns
        .iter()
        .map(|(_, metric, condition)| data.scores.under_seed((&place.arm, *condition, protocol), metric, place.seed))
        .collect();
    let mut cells = Cells { heads: vec!["Image".to_owned(), "Breed".to_owned()], words: 2, rows: Vec::new() };
    cells.heads.extend(columns.into_iter().map(|(head, ..)| head));
    for (image, (name, breed)) in data.scores.images().iter().zip(data.scores.breeds()).enumerate() {
        let values = scores.iter().map(|column| column.as_ref().map(|c| c[image]).filter(|v| v.is_finite()));
        let values: Vec<Option<f64>> = values.collect();
        if values.iter().any(Option::is_some) {
            let values = values.into_iter().map(|value| value.map_or(NONE.to_owned(), number));
            cells.rows.push([name.clone(), breed.clone()].into_iter().chain(values).collect());
        }
    }
    cells
}

/// Conditions of the run's rows, in the order of the study.
fn conditions(data: &Data, run: &Run) -> Vec<Condition> {
    let counted: BTreeSet<Condition> = run.calibration.iter().map(|row| row.condition).collect();
    data.study.conditions.iter().map(|c| c.name).filter(|name| counted.contains(name)).collect()
}

fn confusion_cells(data: &Data, run: &Run) -> Cells {
    let heads = ["Condition", "True class"].map(str::to_owned).into_iter();
    let classes = data.study.classes.iter().map(|class| format!("Taken for {class}"));
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
    let heads = ["Condition", "Mean confidence", "Accuracy", "Too sure by", "Expected calibration error", "Pixels"];
    let mut cells = Cells { heads: heads.map(str::to_owned).to_vec(), words: 1, rows: Vec::new() };
    for condition in conditions(data, run) {
        let found = reliability_of([run], condition);
        let Some(numbers) = found.and_then(|found| in_numbers(&found.counts)) else { continue };
        cells.rows.push([data.condition_label(condition)].into_iter().chain(numbers).collect());
    }
    cells
}
