//! CIFAR-10: files of records, each a label and 32 × 32 pixels. They come from its binary archive, or in Parquet from
//! the Hugging Face hub.
//!
//! The files of a folder decide how it is read. If it has all files of both kinds, the binary archive is read. A
//! picture has the same record in both, so the digests of its record and pixels are the same. The digests of surveys
//! differ, because the names of files and records differ, and the hub's rows may have another order than the archive's.
//!
//! Krizhevsky: "Learning Multiple Layers of Features from Tiny Images", University of Toronto, 2009.

mod foot;
mod hub;
mod layout;
mod pages;

use super::{
    DataError, DataSet, Files, Folder, Item, Part, Source, Survey, digest_of, each_once,
    hashes::{Hashes, of_pixels},
    known::{FileHash, Kind},
    row,
    survey::Record,
};
use crate::pixels::Picture;
use harness_record::{
    digest,
    monitor::Monitor,
    rows::FileRow,
    suggest::closest,
    vocabulary::{FileUse, Purpose},
};
use layout::{CLASSES, PLANE, RECORD, SIDE};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{collections::BTreeMap, path::Path};

/// The default folder.
pub(super) const FOLDER: &str = "cifar-10";

const BATCHES: [&str; 5] = [
    "cifar-10-batches-bin/data_batch_1.bin",
    "cifar-10-batches-bin/data_batch_2.bin",
    "cifar-10-batches-bin/data_batch_3.bin",
    "cifar-10-batches-bin/data_batch_4.bin",
    "cifar-10-batches-bin/data_batch_5.bin",
];
const TEST: &str = "cifar-10-batches-bin/test_batch.bin";
const NAMES: &str = "cifar-10-batches-bin/batches.meta.txt";

/// Maximum number of records in a file.
const MOST: usize = 10_000;

const EXPECTED: &str = "cifar-10-batches-bin/data_batch_1.bin to data_batch_5.bin, each of up to 10,000 records of 3,073 bytes, or \
    plain_text/train-00000-of-00001.parquet, as the Hugging Face hub serves uoft-cs/cifar10";
const SOURCE: &str = "`harness data fetch cifar-10`, or unpack \
    https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz (md5 c32a1d4ab5d03f1284b67883e8d87530) there";

/// The location of CIFAR-10, and the classes to use.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Cifar10 {
    /// Folder below the data folder that holds `cifar-10-batches-bin/`, or `plain_text/` with the hub's Parquet files.
    pub folder: String,
    /// Names of the classes to use, such as `[cat, dog]`. All ten if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<String>>,
}

impl Default for Cifar10 {
    fn default() -> Self {
        Self { folder: FOLDER.into(), classes: None }
    }
}

impl DataSet for Cifar10 {
    fn folders(&self) -> Vec<&str> {
        vec![&self.folder]
    }

    fn check(&self) -> Result<(), (String, String)> {
        self.classes.as_deref().map_or(Ok(()), |classes| each_once("classes", classes, "class"))
    }

    fn describe(&self) -> String {
        let of = self.classes.as_ref().map(|classes| format!(" of: {}", classes.join(", ")));
        format!("CIFAR-10 in {}, its pictures for training{}", self.folder, of.unwrap_or_default())
    }

    fn of_layout(layout: &str, folder: &str) -> Option<Self> {
        (layout == "cifar-10").then(|| Self { folder: folder.to_owned(), classes: None })
    }

    fn open(&self, data_dir: &Path) -> Result<Vec<Folder>, DataError> {
        Ok(vec![folder(self, data_dir)?])
    }

    /// Takes all training pictures of the classes that the spec names. Pretraining never sees the test pictures.
    fn survey(&self, _: Purpose, data_dir: &Path, cache: &Path, monitor: &dyn Monitor) -> Result<Survey, DataError> {
        let folder = folder(self, data_dir)?;
        let wanted = self.classes.as_deref();
        let mut sources: Vec<Source> = read(&folder, wanted, monitor)?.into_iter().map(source).collect();
        sources.sort_by(|a, b| a.item.name.cmp(&b.item.name));
        let mut hashes = Hashes::open(cache, &folder);
        let named = folder.kind(NAMES)?.map(|_| NAMES.to_owned());
        let names = hashes.of(named.as_slice(), monitor)?;
        hashes.save()?;
        let digest = digest_of(&json!({ "cifar-10": { "classes": wanted } }), &sources, &names)?;
        Ok(Survey { left_out: test(&folder)?, ..Survey::of(digest, sources) })
    }
}

/// The layout of its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    Archive,
    Hub,
}

impl Layout {
    /// Finds the layout of a folder: the hub's, if its file is there and a file of the archive is missing.
    fn of(folder: &Folder) -> Result<Self, DataError> {
        for batch in BATCHES {
            if folder.kind(batch)?.is_none() && folder.kind(hub::TRAIN)?.is_some() {
                return Ok(Self::Hub);
            }
        }
        Ok(Self::Archive)
    }

    /// Files for training.
    fn train(self) -> &'static [&'static str] {
        match self {
            Self::Archive => &BATCHES,
            Self::Hub => &[hub::TRAIN],
        }
    }

    /// The file for testing.
    fn test(self) -> &'static str {
        match self {
            Self::Archive => TEST,
            Self::Hub => hub::TEST,
        }
    }

    /// The records of a file.
    fn records(self, folder: &Folder, file: &str, monitor: &dyn Monitor) -> Result<Vec<u8>, DataError> {
        match self {
            Self::Archive => whole(folder, file),
            Self::Hub => hub::records(folder, file, monitor),
        }
    }
}

/// A record of a wanted class.
pub(super) struct Found {
    pub record: Record,
    pub class: String,
    /// Digest of its pixels.
    pub pixels: String,
}

/// Opens its folder if all files for training are there. Otherwise lists the missing files.
pub(super) fn look(folder: &str, data_dir: &Path) -> Result<Result<Folder, Vec<String>>, DataError> {
    let Some(folder) = Folder::open(data_dir, folder, FOLDER)? else { return Ok(Err(vec!["the folder".into()])) };
    let required: Vec<_> = Layout::of(&folder)?.train().iter().map(|&file| (file, Kind::File)).collect();
    folder.with(&required)
}

/// Opens its folder.
fn folder(spec: &Cifar10, data_dir: &Path) -> Result<Folder, DataError> {
    look(&spec.folder, data_dir)?.map_err(|missing| DataError::Missing {
        folder: data_dir.join(&spec.folder),
        missing,
        expected: EXPECTED,
        source_of_data: SOURCE,
    })
}

fn source(Found { record, class, .. }: Found) -> Source {
    let item = Item { name: record.hash.name.clone(), group: class, part: Part::Unlabelled };
    Source { item, folder: 0, files: Files::Record(record) }
}

/// A row for the test pictures, if they are there.
fn test(folder: &Folder) -> Result<Vec<FileRow>, DataError> {
    let test = Layout::of(folder)?.test();
    let there = folder.kind(test)?.is_some();
    Ok(there
        .then(|| row(FileUse::Unused, test, "", "test images, which pretraining must not see"))
        .into_iter()
        .collect())
}

/// Records for training of the classes in `wanted`, or of all classes if it is `None`, in the order of the files.
pub(super) fn read(folder: &Folder, wanted: Option<&[String]>, monitor: &dyn Monitor) -> Result<Vec<Found>, DataError> {
    let names = names(folder)?;
    let wanted = labels(&names, wanted)?;
    let layout = Layout::of(folder)?;
    let mut found = Vec::new();
    monitor.begin("reading records", layout.train().len() as u64);
    for &batch in layout.train() {
        if monitor.stopped() {
            return Err(DataError::Interrupted);
        }
        let bytes = layout.records(folder, batch, monitor)?;
        let records = bytes.par_chunks_exact(RECORD).enumerate().filter_map(|(number, bytes)| {
            let label = usize::from(bytes[0]);
            let Some(class) = names.get(label) else {
                let reason = format!("record {number} has the label {label}; expected 0 to 9");
                return Some(Err(DataError::Records { path: folder.file(batch), reason }));
            };
            wanted[label].then(|| {
                let hash = FileHash { name: format!("{batch}#{number}"), sha256: digest::of_bytes(bytes) };
                let record = Record { hash, file: batch, number: number as u32 };
                Ok(Found { record, class: class.clone(), pixels: of_pixels(&raster(bytes)) })
            })
        });
        found.extend(records.collect::<Result<Vec<_>, _>>()?);
        monitor.advance(1);
    }
    monitor.end();
    Ok(found)
}

/// Records of files that can only be read from the start, by file.
#[derive(Default)]
pub(super) struct Unpacked(BTreeMap<&'static str, Vec<u8>>);

impl Unpacked {
    /// Reads the files that `sources` need. They take at most 154 MB, because CIFAR-10 has 50,000 pictures for
    /// training.
    pub(super) fn of(folders: &[Folder], sources: &[Source], monitor: &dyn Monitor) -> Result<Self, DataError> {
        let mut unpacked = Self::default();
        for source in sources {
            if let (Files::Record(Record { file: hub::TRAIN, .. }), Some(folder)) =
                (&source.files, folders.get(source.folder))
                && !unpacked.0.contains_key(hub::TRAIN)
            {
                unpacked.0.insert(hub::TRAIN, hub::records(folder, hub::TRAIN, monitor)?);
            }
        }
        Ok(unpacked)
    }
}

/// The picture of a record. Fails if it is not the one that the survey saw.
pub(super) fn picture(folder: &Folder, unpacked: &Unpacked, record: &Record) -> Result<Picture, DataError> {
    let offset = record.number as usize * RECORD;
    let bytes = match unpacked.0.get(record.file) {
        Some(records) => records.get(offset..offset + RECORD).unwrap_or_default().to_vec(),
        None => folder.read_range(record.file, offset as u64, RECORD)?,
    };
    if digest::of_bytes(&bytes) != record.hash.sha256 {
        return Err(DataError::Changed { path: folder.file(record.file) });
    }
    Ok(raster(&bytes))
}

/// Reads a file that consists of whole records.
fn whole(folder: &Folder, batch: &str) -> Result<Vec<u8>, DataError> {
    let most = MOST * RECORD;
    let bytes = folder.read(batch, most as u64)?;
    if bytes.is_empty() || !bytes.len().is_multiple_of(RECORD) {
        let reason = format!(
            "it has {} bytes; expected {most}, which are {MOST} records of {RECORD} bytes, or fewer whole records: it \
             is truncated, or not a file of CIFAR-10's binary archive",
            bytes.len()
        );
        return Err(DataError::Records { path: folder.file(batch), reason });
    }
    Ok(bytes)
}

/// Names of the classes, from the archive if it lists them, otherwise the official ones.
fn names(folder: &Folder) -> Result<Vec<String>, DataError> {
    match folder.kind(NAMES)? {
        None => return Ok(CLASSES.map(str::to_owned).to_vec()),
        Some(Kind::File) => {}
        Some(_) => return Err(DataError::Outside { path: folder.file(NAMES) }),
    }
    let bytes = folder.read(NAMES, 1 << 12)?;
    let text = String::from_utf8_lossy(&bytes);
    let names: Vec<String> = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    let twice = names.iter().enumerate().any(|(i, name)| names[..i].contains(name));
    if names.len() != CLASSES.len() || twice {
        let reason =
            format!("it names {} classes; expected {} different ones, one per line", names.len(), CLASSES.len());
        return Err(DataError::Records { path: folder.file(NAMES), reason });
    }
    Ok(names)
}

/// For each label, true if its records are wanted.
fn labels(names: &[String], wanted: Option<&[String]>) -> Result<Vec<bool>, DataError> {
    let Some(wanted) = wanted else { return Ok(vec![true; names.len()]) };
    if let Some(unknown) = wanted.iter().find(|class| !names.contains(class)) {
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        let meant = closest(unknown, names).map(|name| format!(", did you mean `{name}`?")).unwrap_or_default();
        let reason = format!("unknown class `{unknown}`{meant}; expected one of {}", known.join(", "));
        return Err(DataError::Field { field: "cifar-10.classes", reason });
    }
    Ok(names.iter().map(|name| wanted.contains(name)).collect())
}

/// Converts a record's bytes to a picture.
fn raster(record: &[u8]) -> Picture {
    let (red, rest) = record[1..].split_at(PLANE);
    let (green, blue) = rest.split_at(PLANE);
    let data = red.iter().zip(green).zip(blue).flat_map(|((&r, &g), &b)| [r, g, b]).collect();
    Picture { width: SIDE, height: SIDE, data }
}
