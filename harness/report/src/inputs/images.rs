//! `per_image.csv`: the scores of each test image.

use super::{
    lines::{CSV_LIMIT, Line, headers_of},
    runs::RunInput,
};
use crate::error::ReportError;
use harness_record::{RecordError, files, rows::ImageRow};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The first columns of `per_image.csv`: the place in the study of the run that an [`ImageRow`] comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagePrefix {
    /// Name of the arm.
    pub arm: String,
    /// Name of the protocol.
    pub protocol: String,
    /// Seed.
    pub seed: u64,
    /// Full key of the run.
    pub run: String,
}

impl ImagePrefix {
    /// The place of `run`.
    pub fn new(run: &RunInput) -> Self {
        Self { arm: run.arm.clone(), protocol: run.protocol.clone(), seed: run.seed, run: run.record.key.clone() }
    }
}

/// The CSV text of `per_image.csv`.
pub fn per_image_csv<'a>(
    path: &Path,
    rows: impl IntoIterator<Item = &'a (ImagePrefix, ImageRow)>,
) -> Result<Vec<u8>, RecordError> {
    let wrap = |source| RecordError::Csv { path: path.to_owned(), source };
    // A header cannot be derived from nested structs, so it is written by hand.
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    let places = ["arm", "protocol", "seed", "run"];
    writer.write_record(places.iter().chain(&ImageRow::COLUMNS)).map_err(wrap)?;
    for row in rows {
        writer.serialize(row).map_err(wrap)?;
    }
    writer.into_inner().map_err(|e| wrap(e.into_error().into()))
}

/// A row of `per_image.csv`, and the line that it stands on.
pub(crate) type ScoreLine = Line<(ImagePrefix, ImageRow)>;

/// The rows of `per_image.csv`.
pub(crate) fn image_rows(path: &Path) -> Result<Vec<ScoreLine>, ReportError> {
    let wrap = |source| RecordError::Csv { path: path.to_owned(), source };
    let bytes = files::read(path, CSV_LIMIT)?;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let headers = headers_of(&mut reader, path)?;
    let columns = PLACE.map(|name| headers.iter().position(|head| head == name));
    let missing: Vec<&str> =
        PLACE.into_iter().zip(columns).filter_map(|(name, at)| at.is_none().then_some(name)).collect();
    if !missing.is_empty() {
        return Err(ReportError::Columns { path: path.to_owned(), missing: missing.join(", ") });
    }
    let mut record = csv::StringRecord::new();
    let mut rows = Vec::new();
    while reader.read_record(&mut record).map_err(wrap)? {
        // serde cannot flatten two structs of a CSV record without losing types. What it does not find it explains.
        let place = match place_of(&record, columns) {
            Some(place) => place,
            None => record.deserialize(Some(&headers)).map_err(wrap)?,
        };
        let row: (ImagePrefix, ImageRow) = (place, record.deserialize(Some(&headers)).map_err(wrap)?);
        rows.push(Line { line: record.position().map_or(0, csv::Position::line), row });
    }
    Ok(rows)
}

/// Columns of an [`ImagePrefix`].
const PLACE: [&str; 4] = ["arm", "protocol", "seed", "run"];

/// The place of a row, from the columns of [`PLACE`].
fn place_of(record: &csv::StringRecord, columns: [Option<usize>; 4]) -> Option<ImagePrefix> {
    let cell = |i: usize| record.get(columns[i]?);
    Some(ImagePrefix {
        arm: cell(0)?.to_owned(),
        protocol: cell(1)?.to_owned(),
        seed: cell(2)?.parse().ok()?,
        run: cell(3)?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn per_image_rows_have_one_header_of_all_columns() {
        let place = ImagePrefix { arm: "ssl".into(), protocol: "corrected".into(), seed: 0, run: "ab".into() };
        let row: ImageRow = serde_json::from_value(serde_json::json!({
            "image": "a.jpg", "group": "Bengal", "split": "test", "predictor": "model", "condition": "blur-0", "dice": 0.5
        }))
        .unwrap();
        let text = String::from_utf8(per_image_csv(Path::new("x"), [&(place, row)]).unwrap()).unwrap();
        let mut lines = text.lines();
        assert!(
            lines
                .next()
                .unwrap()
                .starts_with("arm,protocol,seed,run,image,group,split,predictor,condition,batch,loss,soft")
        );
        assert_eq!(lines.next().unwrap(), "ssl,corrected,0,ab,a.jpg,Bengal,test,model,blur-0,,,,,,0.5,,,,,,,,,,,");
    }
}
