//! The table of the values of training.

use crate::{
    charts::records::{MOST_ROWS, Records, label, records},
    figures::data::Data,
    inputs::lines::Rows,
    links::linked,
    markdown::{Align, Table, escape, number},
};
use harness_record::vocabulary::{Protocol, Split, Stage};

/// The possible steps between the epochs that a page lists.
const STEPS: [u32; 10] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

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
