//! Reads and writes `published.csv`: printed figures, alone or with their reproduced figures and verdicts.

use crate::error::ReportError;
use harness_record::{RecordError, table};
use serde::{Deserialize, Deserializer, Serialize};
use std::path::Path;

/// A row of `published.csv`: a printed figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedRow {
    /// The name of the printed table.
    pub table: String,
    /// The study that the figure belongs to.
    pub study: String,
    /// The row of the printed table: an arm or a condition.
    pub variant: String,
    /// The model.
    pub model: String,
    /// `train`, `val` or `test`.
    pub split: String,
    /// `dice`, `iou`, `accuracy` or `loss`.
    pub metric: String,
    /// The figure as it was printed; its last digit shows how it was rounded.
    pub value: String,
}

/// A row of `published.csv` with the reproduced figure and the verdict, both under the published protocol.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublishedVerdict {
    /// See [`PublishedRow::table`].
    pub table: String,
    /// See [`PublishedRow::study`].
    pub study: String,
    /// See [`PublishedRow::variant`].
    pub variant: String,
    /// See [`PublishedRow::model`].
    pub model: String,
    /// See [`PublishedRow::split`].
    pub split: String,
    /// See [`PublishedRow::metric`].
    pub metric: String,
    /// See [`PublishedRow::value`].
    pub value: String,
    /// The reproduced figure; written as `not run` if there is none.
    #[serde(with = "not_run")]
    pub reproduced: Option<f64>,
    /// The lower end of the 95 % prediction interval of one more seed. Empty with fewer than three seeds.
    pub low: Option<f64>,
    /// The upper end of that interval.
    pub high: Option<f64>,
    /// `reproduced`, `differs`, `undecided`, `not tested`, `not comparable` or `not run`.
    pub verdict: String,
}

/// A row of `published.csv`, its line number, and the verdict that it records.
#[derive(Debug)]
pub(crate) struct PublishedLine {
    pub(crate) line: u64,
    pub(crate) row: PublishedRow,
    pub(crate) recorded: Recorded,
}

/// The reproduced figure, its interval and its verdict as a row of `published.csv` records them, as text. A field is
/// `None` if the file has no such column.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) reproduced: Option<String>,
    pub(crate) low: Option<String>,
    pub(crate) high: Option<String>,
    pub(crate) verdict: Option<String>,
}

/// The column names of a [`PublishedVerdict`].
const COLUMNS: [&str; 11] =
    ["table", "study", "variant", "model", "split", "metric", "value", "reproduced", "low", "high", "verdict"];

/// Returns the CSV text of `published.csv` with verdicts. `path` appears only in the error.
pub fn published_csv(path: &Path, rows: &[PublishedVerdict]) -> Result<Vec<u8>, RecordError> {
    let wrap = |source| RecordError::Csv { path: path.to_owned(), source };
    // The header is written even if there are no rows.
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(wrap)?;
    for row in rows {
        writer.serialize(row).map_err(wrap)?;
    }
    writer.into_inner().map_err(|e| wrap(e.into_error().into()))
}

/// Reads the rows of `published.csv`; returns no rows if the file is missing.
pub(crate) fn published_lines(path: &Path) -> Result<Vec<PublishedLine>, ReportError> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let lines = table::read::<Columns>(path)?.into_iter().map(|line| {
        let Columns { table, study, variant, model, split, metric, value, reproduced, low, high, verdict } = line.row;
        PublishedLine {
            line: line.line,
            row: PublishedRow { table, study, variant, model, split, metric, value },
            recorded: Recorded { reproduced, low, high, verdict },
        }
    });
    Ok(lines.collect())
}

/// A row of the file. An empty cell becomes an empty text; a missing column becomes `None`.
#[derive(Deserialize)]
struct Columns {
    table: String,
    study: String,
    variant: String,
    model: String,
    split: String,
    metric: String,
    value: String,
    #[serde(default, deserialize_with = "cell")]
    reproduced: Option<String>,
    #[serde(default, deserialize_with = "cell")]
    low: Option<String>,
    #[serde(default, deserialize_with = "cell")]
    high: Option<String>,
    #[serde(default, deserialize_with = "cell")]
    verdict: Option<String>,
}

fn cell<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

/// Reads and writes a figure as a cell that is never empty: `not run` stands for `None`.
mod not_run {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    const NOT_RUN: &str = "not run";

    #[expect(clippy::ref_option, reason = "the signature is serde's")]
    pub(super) fn serialize<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(number) => serializer.serialize_f64(*number),
            None => serializer.serialize_str(NOT_RUN),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == NOT_RUN {
            return Ok(None);
        }
        text.parse()
            .map(Some)
            .map_err(|_| D::Error::custom(format!("expected a number or `{NOT_RUN}`, found `{text}`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_survive_a_round_trip() {
        let row = |reproduced, low, verdict: &str| PublishedVerdict {
            table: "linknet".into(),
            study: "baselines".into(),
            variant: "linknet".into(),
            model: "linknet".into(),
            split: "val".into(),
            metric: "dice".into(),
            value: "0.770".into(),
            reproduced,
            low,
            high: low,
            verdict: verdict.into(),
        };
        let rows = [row(Some(0.1 + 0.2), Some(0.25), "differs"), row(None, None, "not run")];
        let text = published_csv(Path::new("x"), &rows).unwrap();
        let lines: Vec<_> = std::str::from_utf8(&text).unwrap().lines().collect();
        assert_eq!(lines[0], COLUMNS.join(","));
        assert!(lines[1].ends_with("0.770,0.30000000000000004,0.25,0.25,differs"), "{}", lines[1]);
        assert!(lines[2].ends_with("0.770,not run,,,not run"), "{}", lines[2]);
        let back: Vec<PublishedVerdict> =
            csv::Reader::from_reader(text.as_slice()).into_deserialize().collect::<Result<_, _>>().unwrap();
        assert_eq!(back, rows);
    }
}
