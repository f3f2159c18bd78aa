//! `data pack`, and studies that read packs.

use crate::{
    photographs::photographs,
    pictures::{picture, put, trimap},
    studio::{Said, Studio, TINY, assert_same, results, runs},
};
use std::{fmt::Write as _, fs};

/// Pets and cats with dogs, some of them damaged.
fn with_data(studio: &Studio) {
    let mut lists = [String::new(), String::new()];
    for n in 0..20 {
        let name = format!("Bengal_{n}");
        put(studio, &format!("pets-sample/images/{name}.jpg"), picture(40 + n % 3, 36, 12 * n as u8));
        put(studio, &format!("pets-sample/annotations/trimaps/{name}.png"), trimap(40 + n % 3, 36));
        writeln!(lists[usize::from(n > 15)], "{name} 1 1 1").unwrap();
    }
    put(studio, "pets-sample/images/Bengal_3.jpg", b"damaged");
    put(studio, "pets-sample/annotations/trainval.txt", &lists[0]);
    put(studio, "pets-sample/annotations/test.txt", &lists[1]);
    for n in 0..9 {
        put(studio, &format!("cats/Cat/{n}.jpg"), picture(30, 30 + n, 20 * n as u8));
        put(studio, &format!("cats/Dog/{n}.jpg"), picture(30 + n, 30, 255 - 20 * n as u8));
    }
    put(studio, "cats/Dog/3.jpg", b"damaged");
}

fn pack(studio: &Studio, what: &str, size: &str, out: &str) -> Said {
    studio.run(&["data", "pack", what, "--size", size, "--out", out])
}

const CATS: &str = "{cats-and-dogs: {folder: cats}}";

#[test]
fn what_packs_hold_is_listed_and_damage_is_told_once() {
    let studio = Studio::new();
    with_data(&studio);
    fs::create_dir_all(studio.path("packs")).unwrap();
    pack(&studio, "pets-sample", "16", "packs/small.pack").ended(0);
    pack(&studio, "pets-sample", "24", "packs/large.pack").ended(0);
    let list = |more: &[&str]| studio.run(&[&["data", "list", "--data-dir", "packs"][..], more].concat()).ended(0);
    let state = |name: &str| {
        let rows = list(&["--json"]).json();
        let row = rows.as_array().unwrap().iter().find(|row| row["name"] == name).cloned();
        row.map_or_else(String::new, |row| row["state"].as_str().unwrap().to_owned())
    };
    assert_eq!((state("pets-sample"), state("pets-corpus")), ("packed, 16 px and 24 px".into(), "missing".into()));
    fs::write(studio.path("packs/large.pack"), b"damaged").unwrap();
    assert_eq!((state("pets-sample"), state("packs")), ("missing".into(), "damaged".into()));
    assert_eq!(list(&[]).stdout.matches("large.pack").count(), 1);
    let told = studio.run(&["doctor", "--data-dir", "packs"]);
    assert_eq!(told.stdout.matches("large.pack").count(), 1, "{}", told.stdout);
}

/// Every part of the composed corpus is packed.
#[test]
fn a_composed_set_is_ready_when_its_parts_are_packed() {
    let studio = Studio::new();
    for n in 1..=5 {
        let record = |label: u8| [vec![label], vec![20 * n + label; 3072]].concat();
        put(&studio, &format!("cifar-10/cifar-10-batches-bin/data_batch_{n}.bin"), [record(3), record(5)].concat());
    }
    put(&studio, "cats-and-dogs-filtered/cats_and_dogs_filtered/train/cats/cat.0.jpg", picture(20, 20, 50));
    put(&studio, "cats-and-dogs/PetImages/Cat/0.jpg", picture(20, 20, 60));
    for n in 1..=2 {
        put(&studio, &format!("stanford-dogs/Images/n02085620-Chihuahua/n02085620_{n}.jpg"), picture(20, 20, 70 + n));
    }
    fs::create_dir_all(studio.path("packs")).unwrap();
    let corpus = "{pets-corpus: {counts: as-found}}";
    // The archive with five cats and five dogs is packed as it is; the pictures are two cats and two dogs of the other
    // parts.
    pack(&studio, corpus, "16", "packs/corpus.pack").ended(0).answers("4 pictures at 16 px");
    let rows = studio.run(&["data", "list", "--data-dir", "packs", "--json"]).ended(0).json();
    let row = rows.as_array().unwrap().iter().find(|row| row["name"] == "pets-corpus").unwrap().clone();
    assert_eq!(row["state"], "ready");
    let show = |data: &str| {
        studio.run(&["data", "show", corpus, "--size", "16", "--json", "--data-dir", data]).ended(0).json()
    };
    assert_eq!(show("packs")["total"], show("data")["total"]);
}

/// A studio with the tiny study on the stored data.
fn on_stored_data() -> Studio {
    let mut settings = TINY;
    settings[2] = "data.pretraining={dataset: {cats-and-dogs: {folder: cats}}, validation: 4}";
    settings[3] = "data.segmentation={dataset: {oxford-iiit-pet: {folder: pets-sample}}, split: {official: {validation: {images: 4}}}}";
    Studio::with(&settings)
}

#[test]
fn a_study_on_packs_is_the_study_on_the_files() {
    let (files, packs) = (on_stored_data(), on_stored_data());
    with_data(&files);
    pack(&files, "pets-sample", "16", "pets.pack")
        .ended(0)
        .answers("19 pictures and 19 trimaps at 16 px")
        .answers("1 file cannot be used");
    let packed = pack(&files, CATS, "16", "cats.pack").ended(0).answers("16 pictures at 16 px");
    assert!(packed.stdout.contains("--data-dir cats.pack"), "{}", packed.stdout);
    files.study(&[]).ended(0);
    fs::create_dir_all(packs.path("data")).unwrap();
    for name in ["pets.pack", "cats.pack"] {
        fs::rename(files.path(name), packs.path("data").join(name)).unwrap();
    }
    packs.run(&["data", "list"]).ended(0).answers("packed, 16 px");
    packs.study(&[]).ended(0);
    assert_same(&results(&files.path("runs")), &results(&packs.path("runs")));
    assert_same(&results(&files.path("reports")), &results(&packs.path("reports")));
    // There is no pack of another size, and one pack alone does not hold all the data.
    let before = runs(&packs.path("runs")).len();
    let said = packs.study(&["--set", "data.size=20"]).ended(4);
    said.tells("at 20 px is not packed").tells(".pack has pictures of 16 px");
    assert_eq!(runs(&packs.path("runs")).len(), before, "a stage began that could not end");
    let said = packs.study(&["--data-dir", "data/pets.pack", "--set", "seeds=[5]"]).ended(4);
    said.tells("cats is not in it; it contains pets-sample");
    packs
        .run(&["data", "show", "pets-sample", "--data-dir", "data/pets.pack", "--size", "16"])
        .ended(0)
        .answers("Bengal        15     4     19");
}

#[test]
fn what_cannot_be_packed_is_refused_and_leaves_nothing() {
    let studio = Studio::new();
    with_data(&studio);
    pack(&studio, "pets-sampel", "16", "out.pack").ended(2).tells("did you mean `pets-sample`?");
    pack(&studio, "cifar-10", "16", "out.pack").ended(4).tells("cifar-10");
    pack(&studio, "synthetic-pets", "16", "out.pack").ended(4).tells("needs no pack");
    pack(&studio, "resnet34-imagenet", "16", "out.pack").ended(2).tells("weights");
    pack(&studio, "pets-sample", "0", "out.pack").ended(2);
    pack(&studio, "pets-sample", "16", "data").ended(5).tells("data");
    assert!(!studio.path("out.pack").exists());
    // A pack that was cut short on its way is named, and no stage begins.
    pack(&studio, "pets-sample", "16", "pets.pack").ended(0);
    let mut bytes = fs::read(studio.path("pets.pack")).unwrap();
    let middle = bytes.len() / 2;
    bytes.truncate(middle);
    fs::write(studio.path("pets.pack"), bytes).unwrap();
    let said = studio.run(&["study", "blurring", "--profile", "sample", "--data-dir", "pets.pack"]).ended(4);
    assert!(said.tells("pets.pack").stdout.is_empty() && !studio.path("runs/finetune").exists());
}

#[test]
fn the_sample_at_the_published_size_is_small() {
    let Some(data) = photographs() else { return };
    let studio = Studio::new();
    let data = data.to_str().unwrap();
    let arguments =
        ["data", "pack", "pets-sample", "--size", "120", "--out", "pets.pack", "--data-dir", data, "--json"];
    let told = studio.run(&arguments).ended(0).json();
    assert_eq!((&told["pictures"], &told["trimaps"]), (&598.into(), &598.into()));
    assert!(told["bytes"].as_u64().unwrap() < 15_000_000, "{told}");
    assert_eq!(fs::metadata(studio.path("pets.pack")).unwrap().len(), told["bytes"].as_u64().unwrap());
}
