//! Makes a zip file whose bytes depend only on its contents.

use crate::failure::{Failure, Outcome};
use std::{
    collections::BTreeMap,
    io::{Cursor, Write as _},
};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

/// Files by their path in the archive's folder, with forward slashes.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// Deflate's strongest level: an archive is written once and sent often.
const LEVEL: i64 = 9;
/// Readable and writable by the owner, readable by all others.
const PERMISSIONS: u32 = 0o644;
const DAY: u64 = 24 * 60 * 60;

/// The time of all files in an archive: `SOURCE_DATE_EPOCH`, in seconds since 1970, which sets the time of reproducible
/// builds (reproducible-builds.org/specs/source-date-epoch), or else the earliest time that a zip file can hold.
/// Reports have no time of their own.
pub(super) fn when() -> Outcome<DateTime> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Err(_) => Ok(DateTime::DEFAULT),
        Ok(text) => text.parse().ok().and_then(at).ok_or_else(|| {
            Failure::Usage(format!(
                "SOURCE_DATE_EPOCH is `{text}`: expected the seconds since 1970 of a time in the years 1980 to 2107"
            ))
        }),
    }
}

/// The time `seconds` after the start of 1970 in UTC, if a zip file can hold it.
fn at(seconds: u64) -> Option<DateTime> {
    let (year, month, day) = civil(seconds / DAY);
    let of_day = seconds % DAY;
    let [hour, minute, second] = [of_day / 3600, of_day / 60 % 60, of_day % 60].map(|n| n as u8);
    DateTime::from_date_and_time(u16::try_from(year).ok()?, month, day, hour, minute, second).ok()
}

/// The date that lies `days` after 1970-01-01 (Howard Hinnant, chrono-compatible low-level date algorithms, `civil_from_days`).
fn civil(days: u64) -> (u64, u8, u8) {
    let days = days + 719_468; // since 0000-03-01
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153; // from March
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month as u8, day as u8)
}

/// Makes the archive, with `files` in the folder `top`.
pub(super) fn pack(top: &str, files: &Files, when: DateTime) -> Outcome<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(LEVEL))
        .last_modified_time(when)
        .unix_permissions(PERMISSIONS);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(format!("{top}/{name}"), options).map_err(Failure::run)?;
        writer.write_all(bytes).map_err(Failure::run)?;
    }
    Ok(writer.finish().map_err(Failure::run)?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (days, date) in
            [(0, (1970, 1, 1)), (3_652, (1980, 1, 1)), (11_016, (2000, 2, 29)), (20_786, (2026, 11, 29))]
        {
            assert_eq!(civil(days), date);
        }
        let time = at(951_868_799).unwrap();
        assert_eq!((time.year(), time.month(), time.day(), time.hour(), time.minute()), (2000, 2, 29, 23, 59));
        assert!(at(0).is_none() && at(u64::MAX).is_none() && at(4_354_819_200).is_none());
    }

    #[test]
    fn the_same_files_give_the_same_bytes() {
        let files: Files = [("b".to_owned(), vec![7; 5000]), ("a/c".to_owned(), b"text".to_vec())].into();
        let when = at(1_000_000_000).unwrap();
        let bytes = pack("top", &files, when).unwrap();
        assert_eq!(pack("top", &files, when).unwrap(), bytes);
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        assert_eq!(
            archive.file_names().map(|name| name.unwrap().into_owned()).collect::<Vec<_>>(),
            ["top/a/c", "top/b"]
        );
        let file = archive.by_index(1).unwrap();
        assert_eq!((file.unix_mode(), file.last_modified(), file.size()), (Some(0o100_644), Some(when), 5000));
    }
}
