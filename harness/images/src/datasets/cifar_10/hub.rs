//! CIFAR-10 in Parquet, as in `uoft-cs/cifar10` on the Hugging Face hub.
//!
//! Each file is a table with the columns `img` and `label`; `img.bytes` is a PNG file. The names of files and columns,
//! the order of the labels and the numbers of rows come from its page (`README.md` of that repository, as of its
//! conversion to Parquet). Two things are assumptions, because the files themselves were not available: that labels are
//! stored as int64, and that pages are Snappy-compressed in version 1, the default of its tools. A file that differs is
//! refused, and the error says how it differs.

use super::{
    foot::is_bounded,
    layout::{CLASSES, PLANE, RECORD, SIDE},
    pages::Pages,
};
use crate::{
    datasets::{DataError, Folder},
    pixels,
};
use bytes::Bytes;
use harness_record::monitor::Monitor;
use parquet::{
    basic::Type,
    column::reader::ColumnReaderImpl,
    data_type::{ByteArrayType, DataType, Int64Type},
    file::metadata::{ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData},
    schema::types::SchemaDescriptor,
};
use rayon::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub(super) const TRAIN: &str = "plain_text/train-00000-of-00001.parquet";
pub(super) const TEST: &str = "plain_text/test-00000-of-00001.parquet";

const PICTURE: &str = "img.bytes";
const LABEL: &str = "label";

/// Maximum size of a file, in bytes.
const LIMIT: u64 = 1 << 30;
/// Maximum size of its footer, in bytes. 500 row groups need about a quarter of a megabyte.
const FOOT: u32 = 4 << 20;
/// Maximum number of rows in a file.
const MOST: usize = 50_000;
/// Maximum size of a picture's file, in bytes.
const PNG: usize = 64 << 10;
/// The first bytes of a PNG file: its signature, and the length and name of the chunk that holds its size.
const HEAD: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

/// Number of rows that are read at once.
const SLICE: usize = 1024;

/// Converts the rows of a file to records of the binary archive.
///
/// The crate asserts some claims of the file. If it panics, the file is damaged, so the panic becomes an error.
pub(super) fn records(folder: &Folder, file: &str, monitor: &dyn Monitor) -> Result<Vec<u8>, DataError> {
    let bytes = Bytes::from(folder.read(file, LIMIT)?);
    let wrong = |reason| DataError::Records { path: folder.file(file), reason };
    match catch_unwind(AssertUnwindSafe(|| rows(&bytes, monitor))) {
        Ok(Ok(Some(records))) => Ok(records),
        Ok(Ok(None)) => Err(DataError::Interrupted),
        Ok(Err(reason)) => Err(wrong(reason)),
        Err(_) => Err(wrong("it contradicts itself: it is damaged, or not a Parquet file".to_owned())),
    }
}

/// All records. `None` if the user asked to stop.
fn rows(file: &Bytes, monitor: &dyn Monitor) -> Result<Option<Vec<u8>>, String> {
    let about = describe(file)?;
    let columns = Columns::of(about.file_metadata().schema_descr())?;
    let mut records = Vec::with_capacity(count(&about)? * RECORD);
    for group in about.row_groups() {
        let mut pictures = Column::<ByteArrayType>::open(file, group, columns.pictures)?;
        let mut labels = Column::<Int64Type>::open(file, group, columns.labels)?;
        let mut left = usize::try_from(group.num_rows()).unwrap_or_default();
        while left > 0 {
            if monitor.stopped() {
                return Ok(None);
            }
            let (first, rows) = (records.len() / RECORD, left.min(SLICE));
            let (pictures, labels) = (pictures.read(first, rows, PICTURE)?, labels.read(first, rows, LABEL)?);
            let made: Vec<Result<Vec<u8>, String>> =
                pictures.par_iter().zip(&labels).map(|(picture, &label)| record(picture.data(), label)).collect();
            for (i, made) in made.into_iter().enumerate() {
                records.extend(made.map_err(|why| format!("row {}: {why}", first + i))?);
            }
            left -= rows;
        }
    }
    Ok(Some(records))
}

/// Reads the footer of a file.
fn describe(file: &Bytes) -> Result<ParquetMetaData, String> {
    let expected = "it is truncated, or not a Parquet file";
    let Some((before, &[a, b, c, d, b'P', b'A', b'R', b'1'])) = file.split_last_chunk::<8>() else {
        return Err(format!("it does not end as a Parquet file does: {expected}"));
    };
    let length = u32::from_le_bytes([a, b, c, d]);
    if length > FOOT {
        return Err(format!("its footer has {length} bytes; at most {FOOT} are read: it is damaged"));
    }
    let foot = before.len().checked_sub(length as usize).map(|start| &before[start..]);
    if !foot.is_some_and(is_bounded) {
        return Err(format!("its footer does not describe a table of a few columns: {expected}"));
    }
    ParquetMetaDataReader::new().parse_and_finish(file).map_err(|error| format!("its footer: {error}: {expected}"))
}

/// Number of rows in the file.
fn count(about: &ParquetMetaData) -> Result<usize, String> {
    let mut rows = 0;
    for group in about.row_groups() {
        let more = usize::try_from(group.num_rows()).ok().filter(|&more| more <= MOST - rows);
        let more = more.ok_or_else(|| format!("its groups of rows claim more than {MOST} rows, or fewer than none"))?;
        rows += more;
    }
    if rows == 0 { Err("it has no rows".to_owned()) } else { Ok(rows) }
}

/// Positions of the columns that are read.
struct Columns {
    pictures: usize,
    labels: usize,
}

impl Columns {
    fn of(schema: &SchemaDescriptor) -> Result<Self, String> {
        let place = |name: &str, kind: Type| {
            let found = schema.columns().iter().position(|column| column.path().string() == name);
            let fits = |&place: &usize| {
                let column = schema.column(place);
                column.physical_type() == kind && column.max_rep_level() == 0
            };
            let expected =
                || format!("it has no column {name} of {kind}, one value per row; expected those of uoft-cs/cifar10");
            found.filter(fits).ok_or_else(expected)
        };
        Ok(Self { pictures: place(PICTURE, Type::BYTE_ARRAY)?, labels: place(LABEL, Type::INT64)? })
    }
}

/// A column in one row group.
struct Column<T: DataType> {
    values: ColumnReaderImpl<T>,
    /// Definition level of a value that is present together with everything that contains it.
    present: i16,
}

impl<T: DataType> Column<T> {
    fn open(file: &Bytes, group: &RowGroupMetaData, column: usize) -> Result<Self, String> {
        let description = group.schema_descr().column(column);
        let present = description.max_def_level();
        let pages = Pages::new(file, group, column, MOST).map_err(|error| error.to_string())?;
        Ok(Self { values: ColumnReaderImpl::new(description, Box::new(pages)), present })
    }

    /// Reads the next `rows` values. The first belongs to row `first`.
    fn read(&mut self, first: usize, rows: usize, name: &str) -> Result<Vec<T::T>, String> {
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        let read = self.values.read_records(rows, Some(&mut levels), None, &mut values);
        let (found, ..) = read.map_err(|error| format!("{name} from row {first} on: {error}"))?;
        if let Some(absent) = levels.iter().position(|&level| level < self.present) {
            return Err(format!("row {}: it has no {name}", first + absent));
        }
        if found != rows || values.len() != rows {
            return Err(format!(
                "row {}: the column {name} ends before this row: the file is damaged",
                first + found.min(values.len())
            ));
        }
        Ok(values)
    }
}

/// Converts a row to a record of the binary archive: its label, then all red, all green, all blue.
fn record(png: &[u8], label: i64) -> Result<Vec<u8>, String> {
    let known = u8::try_from(label).ok().filter(|&label| usize::from(label) < CLASSES.len());
    let label = known.ok_or_else(|| format!("it has the label {label}; expected 0 to 9"))?;
    if png.len() > PNG {
        return Err(format!("its picture has {} bytes; at most {PNG} are read", png.len()));
    }
    // The size is checked before anything is decoded.
    let Some(&[a, b, c, d, e, f, g, h]) = png.strip_prefix(HEAD).and_then(<[u8]>::first_chunk) else {
        return Err("its picture is not a PNG file".to_owned());
    };
    let (width, height) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
    if (width, height) != (SIDE, SIDE) {
        return Err(format!("its picture has {width} × {height} pixels; expected {SIDE} × {SIDE}"));
    }
    let picture = pixels::decode(png).map_err(|error| format!("its picture: {error}"))?;
    let (pixels, _) = picture.data.as_chunks::<3>();
    let planes = (0..3).flat_map(|colour| pixels.iter().map(move |pixel| pixel[colour]));
    let record: Vec<u8> = std::iter::once(label).chain(planes).collect();
    debug_assert_eq!(record.len(), 1 + 3 * PLANE);
    Ok(record)
}
