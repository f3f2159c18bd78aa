//! The list files of Oxford-IIIT Pet: `trainval.txt`, and behind a line `====` `test.txt` and `list.txt`.
#![no_main]

use harness_images::datasets::{DatasetSpec, OxfordIiitPet, Purpose, survey};
use harness_record::monitor::Silent;
use libfuzzer_sys::fuzz_target;
use std::{fs, sync::LazyLock};
use tempfile::TempDir;

const CUT: &[u8] = b"\n====\n";
const FOLDER: &str = "pets";

static DATA: LazyLock<TempDir> = LazyLock::new(|| {
    let data = harness_fuzz::folder();
    for folder in ["images", "annotations/trimaps"] {
        fs::create_dir_all(data.path().join(FOLDER).join(folder)).expect("a folder");
    }
    fs::write(data.path().join(FOLDER).join("images/Birman_1.jpg"), "").expect("a file");
    fs::write(data.path().join(FOLDER).join("annotations/trimaps/Birman_1.png"), "").expect("a file");
    data
});

fuzz_target!(|bytes: &[u8]| {
    let data = DATA.path();
    let mut rest = bytes;
    for name in ["trainval.txt", "test.txt", "list.txt"] {
        let at = rest.windows(CUT.len()).position(|window| window == CUT);
        let (text, after) = at.map_or((rest, &b""[..]), |at| (&rest[..at], &rest[at + CUT.len()..]));
        fs::write(data.join(FOLDER).join("annotations").join(name), text).expect("a file");
        rest = after;
    }
    let spec = DatasetSpec::OxfordIiitPet(OxfordIiitPet { folder: FOLDER.to_owned() });
    match survey(&spec, Purpose::Segmentation, data, &data.join("cache"), &Silent) {
        Ok(found) => assert!(found.pictures() <= 1),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
