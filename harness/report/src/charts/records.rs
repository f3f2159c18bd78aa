//! The figures of a chart as a table: all of them as CSV, and as many as a page can hold in Markdown.

use crate::{
    error::ReportError,
    figures::{data::Data, figure::Figure, metrics::Metric, statistics::summary::CONFIDENCE},
    inputs::{lines::Lines, metrics::MetricLine, published::PublishedLine},
    links::{Source, linked, to_metrics, to_published, with_definitions},
    markdown::{Align, NONE, Table, count, ends, escape, number},
    output,
};
use serde::Serialize;

/// Most rows of the table in a page.
const MOST_ROWS: usize = 120;
/// Every how many epochs a page may list one.
const STEPS: [u32; 10] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

/// The figures of a chart.
#[derive(Debug, Clone)]
pub(crate) struct Records {
    pub(crate) csv: Vec<u8>,
    /// The table of the page, with what its references stand for.
    pub(crate) markdown: String,
    /// How many rows the page leaves out.
    pub(crate) left_out: usize,
}

/// A figure on the test images.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Tested<'a> {
    metric: &'static str,
    /// The column of `per_image.csv` or `metrics.csv` that holds it.
    column: &'static str,
    arm: &'a str,
    protocol: &'a str,
    condition: &'a str,
    value: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    printed: Option<&'a str>,
    /// The row of `printed`.
    #[serde(skip)]
    printed_line: Option<&'a PublishedLine>,
    /// Its rows in `metrics.csv`, one a seed.
    #[serde(skip)]
    rows: Vec<&'a MetricLine>,
}

impl<'a> Tested<'a> {
    /// The figure of an arm under a condition and protocol, and what was printed of it if that is shown; `None` if there is
    /// neither.
    pub(super) fn new(
        data: &'a Data,
        metric: &'static Metric,
        [arm, protocol, condition]: [&'a str; 3],
        (figure, with_printed): (Option<&Figure<'a>>, bool),
    ) -> Option<Self> {
        let printed_line = data.printed_line(arm, condition, metric.name).filter(|_| with_printed);
        if figure.is_none() && printed_line.is_none() {
            return None;
        }
        let interval = figure.and_then(|figure| figure.interval);
        Some(Self {
            metric: metric.name,
            column: data.column(arm, metric, protocol),
            arm,
            protocol,
            condition,
            value: figure.map(|figure| figure.mean),
            low: interval.map(|(low, _)| low),
            high: interval.map(|(_, high)| high),
            printed: printed_line.map(|line| line.row.value.trim()),
            printed_line,
            rows: figure.map_or(Vec::new(), |figure| figure.rows.clone()),
        })
    }
}

/// A value of training.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Trained<'a> {
    pub(super) stage: &'static str,
    pub(super) metric: &'static str,
    pub(super) column: &'static str,
    pub(super) arm: &'a str,
    pub(super) protocol: &'a str,
    pub(super) split: &'static str,
    pub(super) seed: u64,
    pub(super) epoch: u32,
    pub(super) value: f64,
    /// Whether the weights of this epoch were kept.
    pub(super) kept: bool,
    /// Whether it is the first or the last of its run.
    #[serde(skip)]
    pub(super) is_end: bool,
    /// Its row in `metrics.csv`.
    #[serde(skip)]
    pub(super) line: u64,
}

/// The table of figures on the test images.
pub(super) fn of_tested(data: &Data, title: &str, rows: &[Tested<'_>]) -> Result<Records, ReportError> {
    let head = ["metric", "column", "arm", "protocol", "condition", "value", "low", "high", "printed"];
    let interval = format!("{CONFIDENCE} interval");
    let mut columns = vec![("Metric", Align::Left), ("Arm", Align::Left), ("Protocol", Align::Left)];
    if data.has_conditions() {
        columns.push(("Condition", Align::Left));
    }
    columns.extend([("Mean", Align::Right), (interval.as_str(), Align::Right), ("Printed", Align::Right)]);
    let mut table = Table::new(columns);
    for row in rows.iter().take(MOST_ROWS) {
        let or_none = |text: Option<String>| text.unwrap_or_else(|| NONE.to_owned());
        let mut cells = vec![label(row.metric), escape(data.arm_label(row.arm)), escape(row.protocol)];
        if data.has_conditions() {
            cells.push(escape(data.condition_label(row.condition)));
        }
        let images = data.scores.lines(row.arm, row.condition, row.protocol);
        let interval = row.low.zip(row.high).map(|found| linked(&ends(found), Source::Images, &images));
        let value = row.value.map(|value| to_metrics(&number(value), &row.rows));
        cells.extend([value, interval, row.printed_line.map(to_published)].map(or_none));
        table.rows.push(cells);
    }
    records(title, &head, rows, &table)
}

/// The table of values of training. Where they are too many for a page, it lists every so many epochs, those whose weights
/// were kept, and the ends of runs.
pub(super) fn of_trained(data: &Data, title: &str, rows: &[Trained<'_>]) -> Result<Records, ReportError> {
    let head = ["stage", "metric", "column", "arm", "protocol", "split", "seed", "epoch", "value", "kept"];
    let mut columns = vec![("Stage", Align::Left), ("Metric", Align::Left), ("Arm", Align::Left)];
    columns.extend([("Protocol", Align::Left), ("Images", Align::Left)]);
    if data.has_seeds() {
        columns.push(("Seed", Align::Right));
    }
    columns.extend([("Epoch", Align::Right), ("Value", Align::Right)]);
    let mut table = Table::new(columns);
    for row in shown(rows) {
        let mut cells = vec![row.stage.to_owned(), label(row.metric), escape(data.arm_label(row.arm))];
        cells.extend([escape(row.protocol), row.split.to_owned()]);
        if data.has_seeds() {
            cells.push(row.seed.to_string());
        }
        let kept = if row.kept { " (kept)" } else { "" };
        let value = linked(&number(row.value), Source::Metrics, &[row.line..=row.line]);
        cells.extend([format!("{}{kept}", row.epoch), value]);
        table.rows.push(cells);
    }
    records(title, &head, rows, &table)
}

/// Pixels of which a network was so sure.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Binned<'a> {
    pub(super) arm: &'a str,
    pub(super) protocol: &'a str,
    /// Ends of the bin.
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) pixels: u64,
    pub(super) confidence: f64,
    pub(super) accuracy: f64,
    /// Its rows in `calibration.csv`, one a seed.
    #[serde(skip)]
    pub(super) lines: Vec<Lines>,
}

/// The table of a reliability diagram.
pub(super) fn of_bins(data: &Data, title: &str, rows: &[Binned<'_>]) -> Result<Records, ReportError> {
    let head = ["arm", "protocol", "low", "high", "pixels", "confidence", "accuracy"];
    let words = ["Arm", "Protocol", "Bin"].map(|head| (head, Align::Left));
    let numbers = ["Confidence", "Accuracy", "Pixels"].map(|head| (head, Align::Right));
    let mut table = Table::new(words.into_iter().chain(numbers));
    for row in rows.iter().take(MOST_ROWS) {
        let bin = ends((row.low, row.high));
        let mut cells = vec![escape(data.arm_label(row.arm)), escape(row.protocol), bin];
        let numbers = [number(row.confidence), number(row.accuracy), count(row.pixels)];
        cells.extend(numbers.map(|text| linked(&text, Source::Calibration, &row.lines)));
        table.rows.push(cells);
    }
    records(title, &head, rows, &table)
}

fn records<T: Serialize, const N: usize>(
    title: &str,
    head: &[&str; N],
    rows: &[T],
    table: &Table,
) -> Result<Records, ReportError> {
    let shown = table.rows.len();
    let caption = match rows.len() {
        all if all == shown => format!("data of the chart {}", escape(title)),
        all => format!("{} of the {} figures of the chart {}", count(shown as u64), count(all as u64), escape(title)),
    };
    let csv = output::csv("charts", *head, rows)?;
    Ok(Records { csv, markdown: with_definitions(table.captioned(&caption)), left_out: rows.len() - shown })
}

fn label(metric: &str) -> String {
    Metric::find(metric).map_or(metric, |metric| metric.label).to_owned()
}

/// As many rows as a page can hold.
fn shown<'a, 'b>(rows: &'b [Trained<'a>]) -> Vec<&'b Trained<'a>> {
    let every = |step: u32| -> Vec<_> {
        rows.iter().filter(|row| row.kept || row.is_end || row.epoch.is_multiple_of(step)).collect()
    };
    let few = STEPS.into_iter().map(every).find(|found| found.len() <= MOST_ROWS);
    few.unwrap_or_else(|| rows.iter().filter(|row| row.kept).take(MOST_ROWS).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(epochs: u32, lines: u64) -> Vec<Trained<'static>> {
        let row = |seed: u64, epoch: u32| Trained {
            stage: "finetune",
            metric: "dice",
            column: "dice",
            arm: "=cmd, \"x\"",
            protocol: "corrected",
            split: "validation",
            seed,
            epoch,
            value: 0.1 + 0.2,
            kept: epoch == 37,
            is_end: epoch == 1 || epoch == epochs,
            line: 2,
        };
        (0..lines).flat_map(|seed| (1..=epochs).map(move |epoch| row(seed, epoch))).collect()
    }

    #[test]
    fn a_page_lists_ends_and_kept_epochs_whatever_their_number() {
        let epochs = |rows: &[Trained<'_>]| shown(rows).iter().map(|row| row.epoch).collect::<Vec<_>>();
        assert_eq!(epochs(&rows(3, 1)), [1, 2, 3]);
        assert_eq!(epochs(&rows(1100, 1))[..4], [1, 5, 10, 15]);
        assert_eq!(epochs(&rows(90, 40)), [1, 37, 50, 90].repeat(40));
        assert_eq!(epochs(&rows(90, 400)), [37; MOST_ROWS]);
    }

    #[test]
    fn text_that_looks_like_a_formula_is_a_quoted_cell_and_numbers_read_back() {
        let head = ["stage", "metric", "column", "arm", "protocol", "split", "seed", "epoch", "value", "kept"];
        let text = String::from_utf8(output::csv("x", head, &rows(1, 1)).unwrap()).unwrap();
        let expected = "finetune,dice,dice,\"=cmd, \"\"x\"\"\",corrected,validation,0,1,0.30000000000000004,false\n";
        assert_eq!(text, format!("{}\n{expected}", head.join(",")));
    }
}
