//! A tiny study on a tiny corpus in the layouts of its four sources.

use crate::studio::{Studio, TINY, runs};
use harness_images::pixels;
use harness_record::{rows::FileRow, table, vocabulary::FileUse};
use std::{collections::BTreeMap, fs};

fn put(studio: &Studio, name: &str, bytes: &[u8]) {
    let path = studio.path("data").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// A picture of 20 × 20 pixels, different for each shade.
fn picture(shade: u8) -> Vec<u8> {
    let pixels: Vec<u8> = (0..1200_u32).map(|i| shade.wrapping_add((i / 60) as u8)).collect();
    pixels::encode_rgb(&pixels, (20, 20)).unwrap()
}

/// 5 + 3 + 4 cats, of which two are the same, and 5 + 13 dogs.
fn put_corpus(studio: &Studio) {
    let record = |label: u8, shade: u8| [vec![label], vec![shade; 3072]].concat();
    for n in 1..=5 {
        let bytes = [record(3, n), record(5, n + 10), record(0, n + 20)].concat();
        put(studio, &format!("cifar-10/cifar-10-batches-bin/data_batch_{n}.bin"), &bytes);
    }
    for n in 0..3 {
        let name = format!("cats-and-dogs-filtered/cats_and_dogs_filtered/train/cats/cat.{n}.jpg");
        put(studio, &name, &picture(n + 50));
    }
    for n in 0..4 {
        put(studio, &format!("cats-and-dogs/PetImages/Cat/{n}.jpg"), &picture(n + 52));
    }
    for n in 0..13 {
        put(studio, &format!("stanford-dogs/Images/n02085620-Chihuahua/n02085620_{n}.jpg"), &picture(n + 100));
    }
}

#[test]
fn a_study_on_a_corpus_of_what_there_is() {
    let mut settings = TINY;
    settings[2] = "data.pretraining={dataset: {pets-corpus: {counts: as-found}}, validation: 0, fraction: 0.5}";
    settings[4] = "pretraining.epochs=1";
    settings[5] = "finetuning.epochs=1";
    let studio = Studio::with(&settings);
    put_corpus(&studio);
    studio.study(&[]).ended(0).answers("study blurring (demo): done");

    // The network's pretraining is the same under both protocols, but its pictures are not.
    let pretrained = runs(&studio.path("runs/pretrain"));
    assert_eq!(pretrained.len(), 2);
    let mut left_out = BTreeMap::new();
    for run in &pretrained {
        let files: Vec<FileRow> =
            table::read_rows(&studio.path("runs/pretrain").join(run.key.as_str()).join("files.csv")).unwrap();
        let train = |class: &str| files.iter().filter(|row| row.used == FileUse::Train && row.group == class).count();
        assert!(train("cat").abs_diff(train("dog")) <= 1, "{files:?}");
        let used = files.iter().filter(|row| row.reason.is_empty()).count();
        left_out.insert(used, files.into_iter().filter(|row| !row.reason.is_empty()).collect::<Vec<_>>());
    }
    let counts: Vec<(usize, usize)> = left_out.iter().map(|(used, rows)| (*used, rows.len())).collect();
    // Half of the 12 or 11 cats, and as many dogs.
    assert_eq!(counts, [(11, 1), (12, 0)]);
    let removed = &left_out[&11][0];
    assert_eq!(removed.file, "cats-and-dogs/Cat/0.jpg");
    assert!(removed.reason.ends_with("train/cats/cat.2.jpg, pixel for pixel"), "{}", removed.reason);

    let report = studio.read("reports/demo/blurring/report.md");
    for part in [
        "under the protocol published) that are identical to another one, pixel for pixel: 1; they were used",
        "under the protocol corrected) that are identical to another one, pixel for pixel: 1; they were left out",
        "the same number of each, using what there is",
    ] {
        assert!(report.contains(part), "{part}:\n{report}");
    }
    studio.run(&["report", "--all", "--check"]).ended(0);
    studio.study(&[]).ended(0).answers("up to date");

    // The published counts need more pictures than there are.
    settings[2] = "data.pretraining={dataset: {pets-corpus: {}}, validation: 0}";
    studio.set(&settings);
    let said = studio.study(&["--dry-run"]).ended(4);
    said.tells("5 usable pictures of cats").tells("the published corpus has 5000 from cifar-10");
    fs::remove_file(studio.path("data/cifar-10/cifar-10-batches-bin/data_batch_2.bin")).unwrap();
    fs::remove_dir_all(studio.path("data/stanford-dogs/Images")).unwrap();
    put(&studio, "stanford-dogs/images.tar", b"not unpacked");
    let said = studio.study(&["--dry-run"]).ended(4);
    said.tells("cifar-10/cifar-10-batches-bin/data_batch_2.bin, stanford-dogs/Images not found")
        .tells("harness data fetch pets-corpus");
}

#[test]
fn nothing_is_segmented_without_trimaps() {
    let studio = Studio::new();
    for dataset in ["cifar-10", "stanford-dogs", "cats-and-dogs-filtered", "cats-and-dogs", "pets-corpus"] {
        let setting = format!("data.segmentation.dataset={{{dataset}: {{}}}}");
        let said = studio.study(&["--set", &setting, "--dry-run"]).ended(3);
        said.tells("a data set with trimaps");
    }
}
