//! An archive, unpacked as each of the formats: nothing is written outside its folder, no link, no more than the bounds allow.
#![no_main]

use harness_fetch::archive::{ArchiveError, Format, Limits, unpack};
use libfuzzer_sys::fuzz_target;
use std::{fs, ops::ControlFlow, sync::LazyLock};
use tempfile::TempDir;
use walkdir::WalkDir;

const LIMITS: Limits = Limits { entries: 64, member_bytes: 1 << 14, total_bytes: 1 << 16, ratio: 20, name_bytes: 128 };

static ROOT: LazyLock<TempDir> = LazyLock::new(harness_fuzz::folder);

fuzz_target!(|bytes: &[u8]| {
    let root = ROOT.path();
    let archive = root.join("archive");
    fs::write(&archive, bytes).expect("a file");
    for format in [Format::Tar, Format::TarGz, Format::Zip] {
        let into = root.join("into");
        let result = unpack(&archive, format, &into, &LIMITS, &mut |_| ControlFlow::Continue(()));
        let (mut files, mut written) = (0, 0);
        for entry in WalkDir::new(root).min_depth(1) {
            let entry = entry.expect("what was written can be listed");
            let inside = entry.path().starts_with(&into);
            assert!(inside || entry.path() == archive, "{}", entry.path().display());
            assert!(entry.file_type().is_file() || entry.file_type().is_dir(), "{}", entry.path().display());
            if inside && entry.file_type().is_file() {
                files += 1;
                written += entry.metadata().expect("a size").len();
            }
        }
        assert!(files <= LIMITS.entries && written <= LIMITS.total_bytes, "{files} files, {written} bytes");
        match result {
            Ok(unpacked) => assert_eq!((unpacked.files, unpacked.bytes), (files, written)),
            Err(error) => assert!(!matches!(error, ArchiveError::NotEmpty { .. }), "{error}"),
        }
        if into.exists() {
            fs::remove_dir_all(&into).expect("what was written can be removed");
        }
    }
});
