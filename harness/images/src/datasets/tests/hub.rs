//! Tests of CIFAR-10 in Parquet, with few pictures.

use super::{
    corpus::{classes, corrected, home as corpus_home, published},
    packs::{SIZE, from_pack},
    sources::{batch, cifar, put_cifar},
    *,
};
use parquet::{
    basic::{Compression, Encoding},
    data_type::{ByteArray, ByteArrayType, Int64Type},
    file::{
        properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion},
        writer::SerializedFileWriter,
    },
    schema::parser::parse_message_type,
};
use std::sync::Arc;

const TRAIN: &str = "cifar-10/plain_text/train-00000-of-00001.parquet";
const COLUMNS: &str = "message schema { optional group img { optional binary bytes; optional binary path (STRING); } optional int64 label; }";

/// A picture's file and its label. Either may be absent.
type Row = (Option<Vec<u8>>, Option<i64>);

fn row(label: i64, shade: u8) -> Row {
    let colours = [shade, shade.wrapping_add(1), shade.wrapping_add(2)];
    (Some(crate::pixels::encode_rgb(&colours.repeat(1024), (32, 32)).unwrap()), Some(label))
}

/// The pictures of [`put_cifar`] in the same order.
fn rows() -> Vec<Row> {
    (1..=5).flat_map(|n| [row(3, n * 10), row(5, n * 10 + 5), row(6, 200)]).collect()
}

/// A Parquet file with groups of four rows.
fn table(rows: &[Row], columns: &str, properties: WriterPropertiesBuilder) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(columns).unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties.build())).unwrap();
    for rows in rows.chunks(4) {
        let mut group = writer.next_row_group().unwrap();
        let pictures: Vec<ByteArray> = rows.iter().filter_map(|row| row.0.clone()).map(ByteArray::from).collect();
        let paths = vec![ByteArray::from("a.png"); pictures.len()];
        let levels: Vec<i16> = rows.iter().map(|row| if row.0.is_some() { 2 } else { 1 }).collect();
        for values in [pictures, paths] {
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None).unwrap();
            column.close().unwrap();
        }
        let labels: Vec<i64> = rows.iter().filter_map(|row| row.1).collect();
        let levels: Vec<i16> = rows.iter().map(|row| i16::from(row.1.is_some())).collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&labels, Some(&levels), None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

fn snappy() -> WriterPropertiesBuilder {
    WriterProperties::builder().set_compression(Compression::SNAPPY)
}

/// Every way of writing that is tested: plain, compressed, and compressed without dictionaries.
fn ways() -> [WriterPropertiesBuilder; 3] {
    [WriterProperties::builder(), snappy(), snappy().set_dictionary_enabled(false)]
}

/// The same rows as [`rows`], as the hub's own tools write them: pyarrow 26.0.1 with its defaults
/// (`reference/cifar_10.py`).
const PYARROW: &[u8] = include_bytes!("pyarrow.parquet");

/// The reason that a file is refused.
fn refused(bytes: impl AsRef<[u8]>) -> String {
    let home = Home::new();
    home.put(TRAIN, bytes);
    let text = home.survey(&cifar(&[]), Purpose::Pretraining).unwrap_err().to_string();
    assert!(text.contains("train-00000-of-00001.parquet"), "{text}");
    text
}

fn records(home: &Home) -> Vec<cifar_10::Found> {
    let folder = Folder::open(&home.data(), "cifar-10", "cifar-10").unwrap().unwrap();
    cifar_10::read(&folder, None, &Silent).unwrap()
}

#[test]
fn both_layouts_have_the_same_pictures() {
    let archive = Home::new();
    put_cifar(&archive);
    let expected = archive.load(&cifar(&[]), Purpose::Pretraining).unwrap();
    let files = ways().map(|way| table(&rows(), COLUMNS, way)).into_iter().chain([PYARROW.to_vec()]);
    for file in files {
        let home = Home::new();
        home.put(TRAIN, file);
        home.put("cifar-10/plain_text/test-00000-of-00001.parquet", "is not read");
        let found = home.load(&cifar(&[]), Purpose::Pretraining).unwrap();
        let number = |name: &str| name.strip_prefix("plain_text/train-00000-of-00001.parquet#").unwrap().parse();
        for (i, item) in found.items.iter().enumerate() {
            let number: usize = number(&item.name).unwrap();
            assert_eq!((&item.group, item.part), (&expected.items[number].group, Part::Unlabelled));
            let bytes = |pictures: &Pictures, at: usize| pictures.rgb[at * 768..(at + 1) * 768].to_vec();
            assert_eq!(bytes(&found, i), bytes(&expected, number), "{}", item.name);
        }
        assert_eq!(found.items.len(), 15);
        assert_ne!(found.digest, expected.digest, "names of files differ");
        assert_eq!(
            left_out(&found),
            ["unused plain_text/test-00000-of-00001.parquet: test images, which pretraining must not see"]
        );
        let digests = |home: &Home| -> Vec<(String, String)> {
            records(home).into_iter().map(|found| (found.pixels, found.record.hash.sha256)).collect()
        };
        assert_eq!(digests(&home), digests(&archive));
        // The second start reads them from the cache.
        assert_eq!(home.load(&cifar(&[]), Purpose::Pretraining).unwrap(), found);
        assert_eq!(home.load(&cifar(&["dog"]), Purpose::Pretraining).unwrap().items.len(), 5);
    }
    // If both are there, the archive is read, as long as it is complete.
    archive.put(TRAIN, table(&rows()[..4], COLUMNS, snappy()));
    assert_eq!(archive.load(&cifar(&[]), Purpose::Pretraining).unwrap(), expected);
    fs::remove_file(archive.data().join(batch(3))).unwrap();
    assert_eq!(archive.load(&cifar(&[]), Purpose::Pretraining).unwrap().items.len(), 4);
}

#[test]
fn the_corpus_takes_its_cats_and_dogs_from_either_layout() {
    let archive = corpus_home();
    let home = corpus_home();
    fs::remove_dir_all(home.data().join("cifar-10")).unwrap();
    home.put(TRAIN, table(&rows(), COLUMNS, snappy()));
    for spec in [published(), corrected()] {
        let found = home.load(&spec, Purpose::Pretraining).unwrap();
        assert_eq!(classes(&found.items), classes(&archive.load(&spec, Purpose::Pretraining).unwrap().items));
        let first = "cifar-10/plain_text/train-00000-of-00001.parquet#";
        let from_hub = found.items.iter().filter(|item| item.name.starts_with(first) && item.group == "cat");
        assert_eq!(from_hub.count(), 5);
    }
}

#[test]
fn a_pack_holds_the_hubs_files() {
    let home = Home::new();
    home.put(TRAIN, table(&rows(), COLUMNS, snappy()));
    let spec = cifar(&["cat", "dog"]);
    let pack = home.pack_as(&spec, SIZE, "data.pack");
    let (found, pictures) = from_pack(&pack, &spec, Purpose::Pretraining, SIZE).unwrap();
    assert_eq!(found, home.survey(&spec, Purpose::Pretraining).unwrap());
    assert_eq!(pictures, home.load(&spec, Purpose::Pretraining).unwrap());
}

#[test]
fn a_row_that_changes_after_the_survey_is_noticed() {
    let home = Home::new();
    home.put(TRAIN, table(&rows(), COLUMNS, snappy()));
    let survey = home.survey(&cifar(&[]), Purpose::Pretraining).unwrap();
    let mut changed = rows();
    changed[7] = row(5, 26);
    for changed in [&changed[..], &changed[..7]] {
        home.put(TRAIN, table(changed, COLUMNS, snappy()));
        let loaded = load(&cifar(&[]), Purpose::Pretraining, &survey, &home.data(), &home.cache(), 16, &Silent);
        assert!(matches!(loaded, Err(DataError::Changed { path }) if path.ends_with(TRAIN)));
    }
}

#[test]
fn rows_that_cannot_be_right_are_named() {
    let with = |bad: Row| {
        let mut rows = rows();
        rows[6] = bad;
        refused(table(&rows, COLUMNS, snappy()))
    };
    let png = |width: usize, height: usize| {
        crate::pixels::encode_rgb(&vec![7; width * height * 3], (width as u32, height as u32))
    };
    let good = row(3, 1).0.unwrap();
    let longest = [good.clone(), vec![0; 65_536]].concat();
    let cases = [
        ((Some(good.clone()), Some(10)), "row 6: it has the label 10; expected 0 to 9"),
        ((Some(good.clone()), Some(-1)), "row 6: it has the label -1"),
        ((Some(good.clone()), Some(1 << 40)), "row 6: it has the label 1099511627776"),
        ((Some(good.clone()), None), "row 6: it has no label"),
        ((None, Some(3)), "row 6: it has no img.bytes"),
        ((Some(png(32, 31).unwrap()), Some(3)), "row 6: its picture has 32 × 31 pixels; expected 32 × 32"),
        ((Some(jpeg(1)), Some(3)), "row 6: its picture is not a PNG file"),
        ((Some(Vec::new()), Some(3)), "row 6: its picture is not a PNG file"),
        ((Some(good[..60].to_vec()), Some(3)), "row 6: its picture: "),
        ((Some(longest), Some(3)), "row 6: its picture has 65"),
    ];
    for (bad, reason) in cases {
        let text = with(bad);
        assert!(text.contains(reason), "{text}");
    }
}

#[test]
fn files_of_another_form_are_refused() {
    let all = rows();
    let of = |columns: &str| refused(table(&all, columns, snappy()));
    let cases = [
        (of(&COLUMNS.replace("img", "image")), "no column img.bytes"),
        (of(&COLUMNS.replace("label", "fine_label")), "no column label of INT64"),
        (refused(table(&[], COLUMNS, snappy())), "it has no rows"),
        (refused(table(&all, COLUMNS, snappy().set_writer_version(WriterVersion::PARQUET_2_0))), "expected version 1"),
        (
            refused(table(
                &all,
                COLUMNS,
                snappy()
                    .set_dictionary_enabled(false)
                    .set_encoding(Encoding::DELTA_LENGTH_BYTE_ARRAY)
                    .set_column_encoding("label".into(), Encoding::PLAIN),
            )),
            "encoded as DELTA_LENGTH_BYTE_ARRAY",
        ),
        (refused(""), "not a Parquet file"),
        (refused("PAR1 and nothing else"), "not a Parquet file"),
        (refused([&b"PAR1"[..], &u32::MAX.to_le_bytes(), b"PAR1"].concat()), "its footer has 4294967295 bytes"),
    ];
    for (text, reason) in cases {
        assert!(text.contains(reason), "{reason}: {text}");
    }
    let too_many = vec![(Some(Vec::new()), Some(3)); 50_001];
    let text = refused(table(&too_many, COLUMNS, snappy()));
    assert!(text.contains("more than 50000 rows"), "{text}");
}

/// A damaged file is read or refused with its name, whatever the damage.
#[test]
fn damaged_files_are_read_or_named() {
    let home = Home::new();
    home.put(TRAIN, "");
    let folder = Folder::open(&home.data(), "cifar-10", "cifar-10").unwrap().unwrap();
    for way in ways() {
        let whole = table(&rows()[..6], COLUMNS, way);
        let read = |bytes: &[u8]| {
            home.put(TRAIN, bytes);
            let read = cifar_10::read(&folder, None, &Silent).map(|found| found.len());
            if let Err(error) = &read {
                assert!(error.to_string().contains("train-00000-of-00001.parquet: "), "{error}");
            }
            read
        };
        assert_eq!(read(&whole).unwrap(), 6);
        for at in (0..whole.len()).step_by(3) {
            assert!(read(&whole[..at]).is_err(), "{at} bytes");
        }
        let mut refused = 0;
        for at in 0..whole.len() {
            // Changes a bit, and writes the largest and the smallest number that 5 bytes can claim.
            let mut changed = [whole.clone(), whole.clone(), whole.clone()];
            changed[0][at] ^= 1 << (at % 8);
            let end = whole.len().min(at + 5);
            changed[1][at..end].copy_from_slice(&[0xfe, 0xff, 0xff, 0xff, 0x0f][..end - at]);
            changed[2][at..end].copy_from_slice(&[0xff, 0xff, 0xff, 0xff, 0x0f][..end - at]);
            refused += changed.iter().filter(|bytes| read(bytes).is_err()).count();
        }
        assert!(refused > whole.len(), "only {refused} of {} were refused", 3 * whole.len());
    }
}
