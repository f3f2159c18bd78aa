//! The printed tables in their printed form, each figure beside the one that this report measured.

use crate::{
    figures::{data::Data, figure::Figure, metrics::Metric, published::Agreement},
    inputs::{published::PublishedLine, spec::PublishedRows},
    links::{to_metrics, to_published},
    markdown::{Align, Table, code, ends, escape, number},
};
use harness_record::vocabulary::Protocol;

/// Returns all printed tables of the study, in the order of the file.
pub(crate) fn tables(data: &Data) -> String {
    let mut names: Vec<&str> = Vec::new();
    for row in data.printed_rows() {
        if !names.contains(&row.table.as_str()) {
            names.push(&row.table);
        }
    }
    names.into_iter().map(|name| PrintedTable::new(data, name).to_markdown()).collect::<Vec<_>>().join("\n")
}

/// One printed table: one row for each variant, and for each split and metric the printed figure, ours and a verdict.
struct PrintedTable<'a> {
    data: &'a Data,
    name: &'a str,
    variants: Vec<&'a str>,
    /// Pairs of split and metric.
    columns: Vec<(&'a str, &'a str)>,
}

impl<'a> PrintedTable<'a> {
    fn new(data: &'a Data, name: &'a str) -> Self {
        let mut table = Self { data, name, variants: Vec::new(), columns: Vec::new() };
        for row in data.printed_rows().filter(|row| row.table == name) {
            if !table.variants.contains(&row.variant.as_str()) {
                table.variants.push(&row.variant);
            }
            let column = (row.split.as_str(), row.metric.as_str());
            if !table.columns.contains(&column) {
                table.columns.push(column);
            }
        }
        table
    }

    fn to_markdown(&self) -> String {
        let mut columns = vec![(self.row_head().to_owned(), Align::Left)];
        for &(split, metric) in &self.columns {
            let head = column_head(split, metric);
            columns.push((format!("{head}, printed"), Align::Right));
            columns.push((format!("{head}, here"), Align::Right));
            columns.push(("Verdict".to_owned(), Align::Left));
        }
        let mut table = Table::new(columns);
        for variant in &self.variants {
            let mut cells = vec![escape(&self.label(variant))];
            cells.extend(self.columns.iter().flat_map(|&column| self.cells(variant, column)));
            table.rows.push(cells);
        }
        table.captioned(&format!(
            "printed table {} of data/published.csv, under the published protocol; margin of equivalence {}",
            code(self.name),
            number(self.data.margin(self.name))
        ))
    }

    fn row_head(&self) -> &'static str {
        match self.selected() {
            Some(PublishedRows::Condition) => "Condition",
            _ => "Arm",
        }
    }

    /// Returns the meaning of this table's rows in the study, or `None` if the study does not use the table.
    fn selected(&self) -> Option<PublishedRows> {
        self.data.study.report.published.iter().find(|t| t.table == self.name).map(|t| t.rows)
    }

    fn label(&self, variant: &str) -> String {
        match self.selected() {
            Some(PublishedRows::Condition) => {
                variant.parse().map_or_else(|_| variant.to_owned(), |condition| self.data.condition_label(condition))
            }
            _ => self.data.arm_label(variant).to_owned(),
        }
    }

    fn cells(&self, variant: &str, (split, metric): (&str, &str)) -> [String; 3] {
        let is_here = |line: &&PublishedLine| {
            let row = &line.row;
            row.table == self.name && row.variant == variant && row.split == split && row.metric == metric
        };
        let Some(line) = self.data.published.iter().find(is_here) else {
            return ["–", "–", "–"].map(str::to_owned);
        };
        let row = &line.row;
        let figure = self.data.reproduced(row);
        let verdict = self.data.agreement(row, figure.as_ref(), Protocol::Published).in_words();
        [to_published(line), figure.as_ref().map_or("–".to_owned(), here), verdict]
    }
}

/// Formats our figure, with the prediction interval of one more seed if there is one: `0.845 (0.812 to 0.878)`.
fn here(figure: &Figure<'_>) -> String {
    let interval = figure.of_new_seed().map(|interval| format!(" ({})", ends(interval)));
    to_metrics(&(number(figure.mean) + &interval.unwrap_or_default()), &figure.rows)
}

/// Returns a column's head: `Test Dice`.
fn column_head(split: &str, metric: &str) -> String {
    let label = Metric::find(metric).map_or(metric, |m| m.label);
    let label = if label == "Loss" { "loss" } else { label };
    let split = match split {
        "train" => "Training",
        "val" => "Validation",
        "test" => "Test",
        other => other,
    };
    escape(&format!("{split} {label}"))
}

/// Lists printed figures for which there are no data, with the verdict for that.
pub(crate) fn without_run(data: &Data) -> String {
    let left = ["Printed table", "Row", "Split", "Metric"].map(|head| (head, Align::Left));
    let mut table = Table::new(left.into_iter().chain([("Published", Align::Right), ("Verdict", Align::Left)]));
    for line in data.published.iter().filter(|line| data.reproduced(&line.row).is_none()) {
        let row = &line.row;
        let mut cells: Vec<_> = [&row.table, &row.variant, &row.split, &row.metric].map(|t| escape(t)).into();
        cells.extend([to_published(line), Agreement::NotRun.to_string()]);
        table.rows.push(cells);
    }
    if table.rows.is_empty() {
        String::new()
    } else {
        table.captioned("printed figures for which this report has no data")
    }
}
