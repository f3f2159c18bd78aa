//! The table of a reliability diagram.

use crate::{
    charts::records::{MOST_ROWS, Records, records},
    figures::data::Data,
    inputs::lines::Rows,
    links::linked,
    markdown::{Align, Table, count, ends, escape, number},
};
use harness_record::vocabulary::Protocol;

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
