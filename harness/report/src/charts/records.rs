//! The figures of a chart as a table, as many as a page can hold. Each figure links to the rows that it is made of;
//! these hold the figures that the table leaves out.

use crate::{
    figures::{data::Data, figure::Figure, metrics::Metric, statistics::summary::CONFIDENCE},
    inputs::{published::PublishedLine, runs::Measured},
    links::{linked, to_metrics, to_published, with_definitions},
    markdown::{Align, NONE, Table, count, ends, escape, number},
};
use harness_record::vocabulary::{Condition, Protocol};

/// The maximum number of rows of the table in a page.
pub(super) const MOST_ROWS: usize = 120;

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

/// Captions the table of a chart that has `all` figures.
pub(super) fn records(title: &str, all: usize, table: &Table) -> Records {
    let shown = table.rows.len();
    let caption = if all == shown {
        format!("data of the chart {}", escape(title))
    } else {
        format!("{} of the {} figures of the chart {}", count(shown as u64), count(all as u64), escape(title))
    };
    Records { markdown: with_definitions(table.captioned(&caption)), left_out: all - shown }
}

pub(super) fn label(metric: &str) -> String {
    Metric::find(metric).map_or(metric, |metric| metric.label).to_owned()
}
