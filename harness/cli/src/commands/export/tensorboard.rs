//! Writes event files for TensorBoard.
//!
//! A file is a sequence of `TFRecord`s: the length of the data, a checksum of that length, the data, and a checksum of
//! the data. The data are `Event` messages in protocol-buffer encoding; only the fields that scalars need are written.
//! TensorFlow defines the formats in `tensorflow/core/util/event.proto`, `tensorflow/core/framework/summary.proto` and
//! `tensorflow/core/lib/io/record_writer.h`.

use harness_record::{
    rows::MetricRow,
    run::HostRecord,
    vocabulary::{Condition, Predictor},
};
use std::collections::BTreeMap;

/// The text of the first event of each file.
const VERSION: &str = "brain.Event:2";

/// The encoding of a field's value in protocol buffers: the lower three bits of the field's key.
#[derive(Clone, Copy)]
enum Wire {
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    Fixed32 = 5,
}

/// Name of a run's event file, the same for the same run: TensorBoard looks for `tfevents` and sorts by the time that follows.
pub(super) fn file_name(host: &HostRecord) -> String {
    format!("events.out.tfevents.{:010}.harness", host.started.unwrap_or_default())
}

/// A run's metrics as an event file: an event for each epoch, with a scalar for each row of that epoch.
///
/// `host.json` knows when the run started and ended, not when each epoch did: their times are spread evenly between the two.
/// Values are rounded to the single precision that the format has.
pub(super) fn events(host: &HostRecord, rows: &[MetricRow]) -> Vec<u8> {
    let started = host.started.unwrap_or_default() as f64;
    let mut file = Vec::new();
    put_record(&mut file, &event(started, |message| put_bytes(message, 3, VERSION.as_bytes())));
    let mut epochs: BTreeMap<u32, Vec<&MetricRow>> = BTreeMap::new();
    for row in rows {
        epochs.entry(row.epoch).or_default().push(row);
    }
    let last = epochs.last_key_value().map_or(1, |(&epoch, _)| epoch.max(1));
    let seconds = host.ended.map_or(host.seconds, |ended| ended.saturating_sub(host.started.unwrap_or(ended)) as f64);
    for (epoch, rows) in epochs {
        let time = started + seconds * f64::from(epoch) / f64::from(last);
        let message = event(time, |message| {
            put_key(message, 2, Wire::Varint);
            put_varint(message, u64::from(epoch));
            put_bytes(message, 5, &summary(&rows));
        });
        put_record(&mut file, &message);
    }
    file
}

/// Name of a row's series: `train/loss`, `test/blur-25/dice`, `test/majority-class/dice`.
fn tag(row: &MetricRow) -> String {
    let mut parts = vec![row.split.to_string()];
    if row.condition != Condition::Clean {
        parts.push(row.condition.to_string());
    }
    if row.predictor != Predictor::Model {
        parts.push(row.predictor.to_string());
    }
    parts.push(row.metric.clone());
    parts.join("/")
}

/// Encodes `Event { wall_time: 1, … }`.
fn event(wall_time: f64, fields: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut message = Vec::new();
    put_key(&mut message, 1, Wire::Fixed64);
    message.extend(wall_time.to_le_bytes());
    fields(&mut message);
    message
}

/// Encodes a `Summary { value: 1 }` of `Value { tag: 1, simple_value: 2 }`.
fn summary(rows: &[&MetricRow]) -> Vec<u8> {
    let mut summary = Vec::new();
    for row in rows {
        let mut value = Vec::new();
        put_bytes(&mut value, 1, tag(row).as_bytes());
        put_key(&mut value, 2, Wire::Fixed32);
        value.extend((row.value as f32).to_le_bytes());
        put_bytes(&mut summary, 1, &value);
    }
    summary
}

fn put_key(message: &mut Vec<u8>, field: u64, wire: Wire) {
    put_varint(message, (field << 3) | wire as u64);
}

fn put_bytes(message: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    put_key(message, field, Wire::Bytes);
    put_varint(message, bytes.len() as u64);
    message.extend_from_slice(bytes);
}

/// Writes seven bits per byte, the lowest first; all bytes but the last have their eighth bit set.
fn put_varint(message: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        message.push(number as u8 | 0x80);
        number >>= 7;
    }
    message.push(number as u8);
}

fn put_record(file: &mut Vec<u8>, data: &[u8]) {
    let length = (data.len() as u64).to_le_bytes();
    file.extend(length);
    file.extend(checksum(&length).to_le_bytes());
    file.extend_from_slice(data);
    file.extend(checksum(data).to_le_bytes());
}

/// The CRC-32C, masked as in a `TFRecord`: an unmasked checksum is of little use on data that hold checksums
/// themselves.
fn checksum(bytes: &[u8]) -> u32 {
    static CRC32C: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI);
    CRC32C.checksum(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_record_is_as_tensorflow_writes_it() {
        let mut file = Vec::new();
        put_record(&mut file, &event(0.0, |message| put_bytes(message, 3, VERSION.as_bytes())));
        // Length 24 and its checksum: the first twelve bytes of every event file.
        assert_eq!(file[..12], [0x18, 0, 0, 0, 0, 0, 0, 0, 0xa3, 0x7f, 0x4b, 0x22]);
        assert_eq!(file[12..36], *b"\x09\0\0\0\0\0\0\0\0\x1a\x0dbrain.Event:2");
    }

    #[test]
    fn numbers_of_several_bytes() {
        for (number, bytes) in [(0, &[0][..]), (127, &[127]), (128, &[0x80, 1]), (300, &[0xac, 2])] {
            let mut message = Vec::new();
            put_varint(&mut message, number);
            assert_eq!(message, bytes);
        }
    }
}
