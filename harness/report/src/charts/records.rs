//! The figures of a chart as a table, as many as a page can hold. Each figure links to the rows that it is made of;
//! these hold the figures that the table leaves out.

use crate::{
    figures::{data::Data, figure::Figure, metrics::Metric, statistics::summary::CONFIDENCE},
    inputs::{lines::Rows, published::PublishedLine, runs::Measured},
    links::{linked, to_metrics, to_published, with_definitions},
    markdown::{Align, NONE, Table, count, ends, escape, number},
};
use harness_record::vocabulary::{Condition, Protocol, Split, Stage};

/// The maximum number of rows of the table in a page.
const MOST_ROWS: usize = 120;
/// The possible steps between the epochs that a page lists.
const STEPS: [u32; 10] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

/// The figures of a chart.
#[derive(Debug, Clone)]
pub(crate) struct Records {
    /// The table of the page, with the definitions of its references.
    pub(crate) markdown: String,
    /// The number of rows that the page leaves out.
    pub(crate) left_out: usize,
}

/// A figure on the test images.
#[derive(Debug, Clone)]
pub(super) struct Tested<'a> {
    metric: &'static str,
    arm: &'a str,
    /// The protocol; `None` for a printed figure if the published protocol is not shown.
    protocol: Option<Protocol>,
    condition: Condition,
    value: Option<f64>,
    /// The ends of the interval.
    interval: Option<(f64, f64)>,
    /// The printed figure.
    printed: Option<&'a PublishedLine>,
    /// The rows in `metrics.csv`, one for each seed.
    rows: Vec<Measured<'a>>,
}

impl<'a> Tested<'a> {
    /// Returns the figure of an arm under a condition and protocol, with its printed figure if that is shown. Returns
    /// `None` if there is neither.
    pub(super) fn new(
        data: &'a Data,
        metric: &'static Metric,
        (arm, protocol, condition): (&'a str, Option<Protocol>, Condition),
        (figure, with_printed): (Option<&Figure<'a>>, bool),
    ) -> Option<Self> {
        let printed = data.printed_line(arm, condition, metric.name).filter(|_| with_printed);
        if figure.is_none() && printed.is_none() {
            return None;
        }
        Some(Self {
            metric: metric.name,
            arm,
            protocol,
            condition,
            value: figure.map(|figure| figure.mean),
            interval: figure.and_then(|figure| figure.interval),
            printed,
            rows: figure.map_or(Vec::new(), |figure| figure.rows.clone()),
        })
    }
}

/// A value of training.
#[derive(Debug, Clone)]
pub(super) struct Trained<'a> {
    pub(super) stage: Stage,
    pub(super) metric: &'static str,
    pub(super) arm: &'a str,
    /// The protocol; `None` for a stage that is the same under both protocols.
    pub(super) protocol: Option<Protocol>,
    pub(super) split: Split,
    pub(super) seed: u64,
    pub(super) epoch: u32,
    pub(super) value: f64,
    /// True if the weights of this epoch were kept.
    pub(super) kept: bool,
    /// True if it is the first or the last value of its run.
    pub(super) is_end: bool,
    /// The row in `metrics.csv`.
    pub(super) row: Rows,
}

/// Builds the table of figures on the test images.
pub(super) fn of_tested(data: &Data, title: &str, rows: &[Tested<'_>]) -> Records {
    let interval = format!("{CONFIDENCE} interval");
    let mut columns = vec![("Metric", Align::Left), ("Arm", Align::Left), ("Protocol", Align::Left)];
    if data.has_conditions() {
        columns.push(("Condition", Align::Left));
    }
    columns.extend([("Mean", Align::Right), (interval.as_str(), Align::Right), ("Printed", Align::Right)]);
    let mut table = Table::new(columns);
    for row in rows.iter().take(MOST_ROWS) {
        let or_none = |text: Option<String>| text.unwrap_or_else(|| NONE.to_owned());
        let protocol = row.protocol.map_or(String::new(), |protocol| protocol.to_string());
        let mut cells = vec![label(row.metric), escape(data.arm_label(row.arm)), protocol];
        if data.has_conditions() {
            cells.push(escape(&data.condition_label(row.condition)));
        }
        let images = row.protocol.map(|protocol| data.scores.rows(row.arm, row.condition, protocol));
        let interval = row.interval.map(|found| linked(&ends(found), &images.unwrap_or_default()));
        let value = row.value.map(|value| to_metrics(&number(value), &row.rows));
        cells.extend([value, interval, row.printed.map(to_published)].map(or_none));
        table.rows.push(cells);
    }
    records(title, rows.len(), &table)
}

/// Builds the table of training values. If a page cannot hold all of them, the table lists epochs at regular steps, the
/// epochs whose weights were kept, and the ends of runs.
pub(super) fn of_trained(data: &Data, title: &str, rows: &[Trained<'_>]) -> Records {
    let mut columns = vec![("Stage", Align::Left), ("Metric", Align::Left), ("Arm", Align::Left)];
    columns.extend([("Protocol", Align::Left), ("Images", Align::Left)]);
    if data.has_seeds() {
        columns.push(("Seed", Align::Right));
    }
    columns.extend([("Epoch", Align::Right), ("Value", Align::Right)]);
    let mut table = Table::new(columns);
    for row in shown(rows) {
        let mut cells = vec![row.stage.to_string(), label(row.metric), escape(data.arm_label(row.arm))];
        cells.extend([row.protocol.map_or("any", Protocol::name).to_owned(), row.split.to_string()]);
        if data.has_seeds() {
            cells.push(row.seed.to_string());
        }
        let kept = if row.kept { " (kept)" } else { "" };
        let value = linked(&number(row.value), std::slice::from_ref(&row.row));
        cells.extend([format!("{}{kept}", row.epoch), value]);
        table.rows.push(cells);
    }
    records(title, rows.len(), &table)
}

/// The pixels in one confidence bin of a network.
#[derive(Debug, Clone)]
pub(super) struct Binned<'a> {
    pub(super) arm: &'a str,
    pub(super) protocol: Protocol,
    /// The ends of the bin.
    pub(super) ends: (f64, f64),
    pub(super) pixels: u64,
    pub(super) confidence: f64,
    pub(super) accuracy: f64,
    /// The rows in `calibration.csv`, one for each seed.
    pub(super) rows: Vec<Rows>,
}

/// Builds the table of a reliability diagram.
pub(super) fn of_bins(data: &Data, title: &str, rows: &[Binned<'_>]) -> Records {
    let words = ["Arm", "Protocol", "Bin"].map(|head| (head, Align::Left));
    let numbers = ["Confidence", "Accuracy", "Pixels"].map(|head| (head, Align::Right));
    let mut table = Table::new(words.into_iter().chain(numbers));
    for row in rows.iter().take(MOST_ROWS) {
        let mut cells = vec![escape(data.arm_label(row.arm)), row.protocol.to_string(), ends(row.ends)];
        let numbers = [number(row.confidence), number(row.accuracy), count(row.pixels)];
        cells.extend(numbers.map(|text| linked(&text, &row.rows)));
        table.rows.push(cells);
    }
    records(title, rows.len(), &table)
}

/// Captions the table of a chart that has `all` figures.
fn records(title: &str, all: usize, table: &Table) -> Records {
    let shown = table.rows.len();
    let caption = if all == shown {
        format!("data of the chart {}", escape(title))
    } else {
        format!("{} of the {} figures of the chart {}", count(shown as u64), count(all as u64), escape(title))
    };
    Records { markdown: with_definitions(table.captioned(&caption)), left_out: all - shown }
}

fn label(metric: &str) -> String {
    Metric::find(metric).map_or(metric, |metric| metric.label).to_owned()
}

/// Selects as many rows as a page can hold.
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
            stage: Stage::Finetune,
            metric: "dice",
            arm: "a",
            protocol: Some(Protocol::Corrected),
            split: Split::Validation,
            seed,
            epoch,
            value: 0.1 + 0.2,
            kept: epoch == 37,
            is_end: epoch == 1 || epoch == epochs,
            row: Rows { table: crate::inputs::lines::Table::Metrics, run: String::new(), lines: 2..=2 },
        };
        (0..lines).flat_map(|seed| (1..=epochs).map(move |epoch| row(seed, epoch))).collect()
    }

    #[test]
    fn a_page_lists_ends_and_kept_epochs_whatever_their_number() {
        let epochs = |rows: &[Trained<'_>]| shown(rows).iter().map(|row| row.epoch).collect::<Vec<_>>();
        assert_eq!(epochs(&rows(3, 1)), [1, 2, 3]);
        assert_eq!(epochs(&rows(1100, 1))[..4], [1, 10, 20, 30]);
        assert_eq!(epochs(&rows(90, 30)), [1, 37, 50, 90].repeat(30));
        assert_eq!(epochs(&rows(90, 400)), [37; MOST_ROWS]);
    }
}
