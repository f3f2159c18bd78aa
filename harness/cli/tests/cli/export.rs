//! `export tensorboard`: what a reader of event files finds in them, and what is refused.

use crate::studio::{Said, Studio, contents, paths, runs};
use harness_record::{
    files::Lock,
    rows::MetricRow,
    run::{HostRecord, RunRecord},
    table,
    vocabulary::{Condition, Predictor},
};
use std::{collections::BTreeMap, fs, path::Path};

fn export(studio: &Studio, more: &[&str]) -> Said {
    studio.run(&[&["export", "tensorboard"][..], more, &["--out", "out"]].concat())
}

/// The first run of a kind: its folder relative to the studio, and its record.
fn run_of(studio: &Studio, kind: &str) -> (String, RunRecord) {
    let folder = studio.first_in(format!("runs/{kind}"));
    let record = RunRecord::read(&folder).unwrap();
    (format!("runs/{kind}/{}", record.key), record)
}

/// A point of a series: step, time and value.
type Point = (i64, f64, f32);

/// The series of an event file, by their tags. This reader is written from the descriptions of the formats alone. It is
/// strict: whatever it does not understand is an error.
fn series(file: &[u8]) -> BTreeMap<String, Vec<Point>> {
    let mut events = records(file).into_iter();
    let first = Message::of(events.next().unwrap());
    assert_eq!(first.bytes(3), [b"brain.Event:2"]);
    let mut series: BTreeMap<String, Vec<Point>> = BTreeMap::new();
    for event in events.map(Message::of) {
        let (time, step) = (f64::from_bits(event.number(1)), event.number(2) as i64);
        for summary in event.bytes(5) {
            for value in Message::of(summary).bytes(1).into_iter().map(Message::of) {
                let tag = String::from_utf8(value.bytes(1)[0].to_vec()).unwrap();
                series.entry(tag).or_default().push((step, time, f32::from_bits(value.number(2) as u32)));
            }
        }
    }
    series
}

/// The data of each record. Checks the checksums.
fn records(mut file: &[u8]) -> Vec<&[u8]> {
    let mut records = Vec::new();
    while !file.is_empty() {
        let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
        let sum = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
        assert_eq!(sum(8), masked(&file[..8]), "checksum of a length");
        assert_eq!(sum(12 + length), masked(&file[12..12 + length]), "checksum of a record");
        records.push(&file[12..12 + length]);
        file = &file[16 + length..];
    }
    records
}

/// CRC-32C bit by bit, masked.
fn masked(bytes: &[u8]) -> u32 {
    let crc = bytes.iter().fold(!0u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 })
    });
    (!crc).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Fields of a protocol-buffer message.
struct Message<'a>(Vec<(u64, Field<'a>)>);

enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Message<'a> {
    fn of(mut rest: &'a [u8]) -> Self {
        fn varint(rest: &mut &[u8]) -> u64 {
            let end = rest.iter().position(|byte| byte & 0x80 == 0).unwrap();
            let number = rest[..=end].iter().rev().fold(0, |number, byte| number << 7 | u64::from(byte & 0x7f));
            *rest = &rest[end + 1..];
            number
        }
        fn take<'a>(rest: &mut &'a [u8], n: usize) -> &'a [u8] {
            let (taken, left) = rest.split_at(n);
            *rest = left;
            taken
        }
        let mut fields = Vec::new();
        while !rest.is_empty() {
            let key = varint(&mut rest);
            let field = match key & 7 {
                0 => Field::Number(varint(&mut rest)),
                1 => Field::Number(u64::from_le_bytes(take(&mut rest, 8).try_into().unwrap())),
                2 => {
                    let length = varint(&mut rest) as usize;
                    Field::Bytes(take(&mut rest, length))
                }
                5 => Field::Number(u64::from(u32::from_le_bytes(take(&mut rest, 4).try_into().unwrap()))),
                other => panic!("wire type {other}"),
            };
            fields.push((key >> 3, field));
        }
        Self(fields)
    }

    fn number(&self, field: u64) -> u64 {
        let found = self.0.iter().find_map(|(f, value)| match value {
            Field::Number(number) if *f == field => Some(*number),
            _ => None,
        });
        found.unwrap_or_else(|| panic!("no field {field}"))
    }

    fn bytes(&self, field: u64) -> Vec<&'a [u8]> {
        let found = self.0.iter().filter_map(|(f, value)| match value {
            Field::Bytes(bytes) if *f == field => Some(*bytes),
            _ => None,
        });
        found.collect()
    }
}

/// The record of where a run was made.
fn host_of(studio: &Studio, record: &RunRecord) -> HostRecord {
    HostRecord::read(&studio.path(format!("runs/{}/{}", record.stage, record.key))).unwrap()
}

/// The one file in the folder of a run below `out/`.
fn only_file(studio: &Studio, record: &RunRecord) -> Vec<u8> {
    let folder = studio.path(format!("out/{}-{}", record.stage, &record.key.as_str()[..10]));
    let mut files = paths(&folder).into_iter();
    let (name, path) = files.next().unwrap();
    assert_eq!(name, format!("events.out.tfevents.{}.harness", host_of(studio, record).started.unwrap()));
    assert!(files.next().is_none());
    fs::read(path).unwrap()
}

#[test]
fn every_metric_of_every_run_is_a_series() {
    let studio = Studio::finished();
    let all = runs(&studio.path("runs"));
    export(&studio, &["--all"]).ended(0).answers(&format!("events of {} runs: out", all.len()));
    assert_eq!(contents(&studio.path("out")).len(), all.len());
    for record in &all {
        let series = series(&only_file(&studio, record));
        let folder = studio.path(format!("runs/{}/{}", record.stage, record.key));
        let rows: Vec<MetricRow> = table::read_rows(&folder.join("metrics.csv")).unwrap();
        assert_eq!(series.values().map(Vec::len).sum::<usize>(), rows.len());
        let host = host_of(&studio, record);
        let [started, ended] = [host.started, host.ended].map(|time| time.unwrap() as f64);
        let epochs = rows.iter().map(|row| row.epoch).max().unwrap();
        for row in &rows {
            let condition =
                if row.condition == Condition::Clean { String::new() } else { format!("{}/", row.condition) };
            let predictor =
                if row.predictor == Predictor::Model { String::new() } else { format!("{}/", row.predictor) };
            let tag = format!("{}/{condition}{predictor}{}", row.split, row.metric);
            let points: Vec<&Point> = series[&tag].iter().filter(|(step, ..)| *step == i64::from(row.epoch)).collect();
            let [(_, time, value)] = points[..] else { panic!("{} points of {tag}", points.len()) };
            assert_eq!(*value, row.value as f32, "{tag}");
            let share = f64::from(row.epoch) / f64::from(epochs);
            let expected = started + share * (ended - started);
            assert!((time - expected).abs() < 1e-3, "{tag}: {time}, not {expected}");
        }
    }
    let tags = |kind: &str| series(&only_file(&studio, &run_of(&studio, kind).1)).into_keys().collect::<Vec<_>>();
    let holds = |tags: Vec<String>, wanted: &[&str]| {
        assert!(wanted.iter().all(|tag| tags.iter().any(|found| found == tag)), "{wanted:?} in {tags:?}");
    };
    holds(tags("pretrain"), &["train/loss", "validation/loss"]);
    holds(tags("finetune"), &["train/loss", "validation/dice"]);
    holds(tags("evaluate"), &["test/blur-25/dice", "test/majority-class/dice"]);
}

#[test]
fn a_run_is_named_by_its_key_by_first_digits_or_by_its_folder() {
    let studio = Studio::finished();
    let (folder, record) = run_of(&studio, "finetune");
    let mut files = Vec::new();
    let key = record.key.as_str();
    for name in [key, &key[..6], &key[..20].to_uppercase(), &folder, &format!("{folder}/")] {
        export(&studio, &[name]).ended(0).answers("events of 1 run: out");
        files.push(only_file(&studio, &record));
        fs::remove_dir_all(studio.path("out")).unwrap();
    }
    assert!(files.windows(2).all(|pair| pair[0] == pair[1]), "the same run, the same bytes");
    // A run named twice is written once; written again, it stays the same.
    for _ in 0..2 {
        export(&studio, &[key, &folder]).ended(0).answers("events of 1 run");
        assert_eq!(only_file(&studio, &record), files[0]);
    }
    // The folder of a run can be exported without a store.
    studio.run(&["export", "tensorboard", &folder, "--store", "nowhere", "--out", "out"]).ended(0);
}

#[test]
fn what_cannot_be_exported_is_refused_and_nothing_is_written() {
    let studio = Studio::finished();
    let (folder, record) = run_of(&studio, "finetune");
    let (good, _) = run_of(&studio, "pretrain");
    let refused = |name: &str, code: i32| {
        let said = export(&studio, &[&good, name]).ended(code);
        assert!(!studio.path("out").exists(), "something was written");
        said
    };
    refused("0123456789abcdef", 2).tells("there is no run 0123456789abcdef").tells("--dry-run");
    let key = record.key.as_str();
    refused(&key[..5], 2).tells("at least 6");
    refused("studies", 2).tells("contains no host.json");
    studio.run(&["export", "tensorboard", "--out", "out"]).ended(2).tells("RUN");
    studio.run(&["export", "tensorboard", "--all"]).ended(2).tells("--out");

    let metrics = format!("{folder}/metrics.csv");
    let text = studio.read(&metrics);
    let header = text.lines().next().unwrap();
    for (damaged, reason) in [(format!("{header}\n"), "no row"), (text.replacen('.', "x", 1), "metrics.csv")] {
        fs::write(studio.path(&metrics), damaged).unwrap();
        refused(&folder, 4).tells(reason);
    }
    fs::remove_file(studio.path(&metrics)).unwrap();
    refused(&folder, 4).tells("metrics.csv").tells("missing");
    fs::write(studio.path(&metrics), &text).unwrap();

    // The key of another run begins in the same way.
    let other = format!("{}{}", &key[..63], if key.ends_with('0') { '1' } else { '0' });
    let other_folder = studio.path(format!("runs/finetune/{other}"));
    fs::create_dir(&other_folder).unwrap();
    for name in ["run.json", "host.json"] {
        fs::copy(studio.path(&folder).join(name), other_folder.join(name)).unwrap();
    }
    refused(&key[..12], 2).tells("the keys of 2 runs begin with").tells(&other);
    refused(&other, 4).tells("damaged, it is the record of another run");
    fs::write(other_folder.join("run.json"), "{\"key\": \"../../../../tmp/x\"}").unwrap();
    refused(&other, 4).tells("run.json");
    fs::remove_dir_all(other_folder).unwrap();

    fs::remove_file(studio.path(format!("{folder}/run.json"))).unwrap();
    refused(key, 4).tells("not finished");
    let lock = Lock::try_take(&studio.path(format!("{folder}.lock"))).unwrap();
    assert!(lock.is_some());
    refused(key, 75).tells("another process is working on");
    refused(&folder, 75);
    drop(lock);
    let left = runs(&studio.path("runs")).len();
    export(&studio, &["--all"]).ended(0).answers(&format!("{left} runs")).answers("1 unfinished run left out");
    assert!(!contents(&studio.path("out")).keys().any(|name| name.contains(&key[..10])));
}

#[test]
fn events_are_not_mixed_with_others() {
    let studio = Studio::finished();
    let (folder, record) = run_of(&studio, "evaluate");
    let other = format!("out/evaluate-{}/events.out.tfevents.1.elsewhere", &record.key.as_str()[..10]);
    fs::create_dir_all(studio.path(Path::new(&other).parent().unwrap())).unwrap();
    fs::write(studio.path(&other), "events").unwrap();
    export(&studio, &[&folder]).ended(2).tells("contains other events");
    assert_eq!(contents(&studio.path("out")).len(), 1);
    let empty = Studio::new();
    export(&empty, &["--all"]).ended(4).tells("no finished run");
}
