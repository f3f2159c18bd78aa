//! Legends: samples of the series, above the panels.

use super::{
    canvas::{Anchor, Canvas, Ink, Marker, TEXT, text_width},
    lettering::fitted,
};

/// A series in the legend.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) label: String,
    pub(crate) ink: Ink,
    /// True if it is drawn as a line; its marker is then on the line.
    pub(crate) line: bool,
    pub(crate) marker: Option<Marker>,
}

const SAMPLE: f64 = 30.0;
const ROW: f64 = 22.0;

/// Entries in columns of equal width, filled row by row.
#[derive(Debug)]
pub(crate) struct Legend {
    entries: Vec<Entry>,
    column: f64,
    columns: usize,
}

impl Legend {
    /// Lays out `entries` within `width`.
    pub(crate) fn new(entries: Vec<Entry>, width: f64) -> Result<Self, String> {
        let mut column: f64 = 1.0;
        let mut entries = entries;
        for entry in &mut entries {
            entry.label = fitted(&entry.label, width - SAMPLE - 40.0, (TEXT, false))?;
            column = column.max(SAMPLE + 7.0 + text_width(&entry.label, TEXT, false)? + 26.0);
        }
        let columns = columns(width, column, entries.len());
        Ok(Self { entries, column, columns })
    }

    pub(crate) fn height(&self) -> f64 {
        self.entries.len().div_ceil(self.columns) as f64 * ROW
    }

    /// Draws the legend with its top left corner at `at`.
    pub(crate) fn draw(&self, canvas: &Canvas<'_>, at: (f64, f64)) -> Result<(), String> {
        for (i, entry) in self.entries.iter().enumerate() {
            let x = at.0 + (i % self.columns) as f64 * self.column;
            let y = at.1 + (i / self.columns) as f64 * ROW + ROW / 2.0;
            if entry.line {
                canvas.line(&[(x, y), (x + SAMPLE, y)], entry.ink, 2.0)?;
            }
            if let Some(marker) = entry.marker {
                canvas.marker((x + SAMPLE / 2.0, y), marker, entry.ink)?;
            }
            canvas.text((x + SAMPLE + 7.0, y), &entry.label, TEXT, Ink::Text, Anchor::Start, false)?;
        }
        Ok(())
    }
}

/// Returns as many columns as fit (at least one), but no more than needed to fill the rows evenly.
fn columns(width: f64, column: f64, entries: usize) -> usize {
    let fit = ((width / column) as usize).max(1);
    let rows = entries.div_ceil(fit).max(1);
    entries.div_ceil(rows).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_filled_evenly() {
        assert_eq!(columns(900.0, 300.0, 4), 2); // two rows of two, not three and one
        assert_eq!(columns(900.0, 300.0, 5), 3);
        assert_eq!(columns(100.0, 300.0, 2), 1);
        assert_eq!(columns(900.0, 300.0, 0), 1);
    }
}
