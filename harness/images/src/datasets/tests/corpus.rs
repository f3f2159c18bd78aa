//! Tests of the published pretraining corpus, with few pictures.

use super::{
    sources::{batch, put_cifar, record},
    *,
};
use crate::split;
use harness_record::vocabulary::Protocol;
use std::collections::BTreeMap;

const FILTERED: &str = "cats-and-dogs-filtered/cats_and_dogs_filtered/train/cats";
const MICROSOFT: &str = "cats-and-dogs/PetImages/Cat";
const STANFORD: &str = "stanford-dogs/Images/n02085620-Chihuahua";

/// Creates 5 + 2 + 3 cats and one that is damaged, and 5 + 11 dogs and one of a second breed.
pub(super) fn home() -> Home {
    let home = Home::new();
    put_cifar(&home);
    for n in 0..2 {
        home.put(&format!("{FILTERED}/cat.{n}.jpg"), jpeg(100 + n));
    }
    for n in 0..4 {
        home.put(&format!("{MICROSOFT}/{n}.jpg"), if n == 2 { Vec::new() } else { jpeg(110 + n) });
    }
    home.put("cats-and-dogs/PetImages/Dog/0.jpg", jpeg(99)); // no part of the corpus
    for n in 0..11 {
        home.put(&format!("{STANFORD}/n02085620_{n}.jpg"), jpeg(120 + n));
    }
    home.put("stanford-dogs/Images/n02086240-Shih-Tzu/n02086240_0.jpg", jpeg(140));
    home
}

fn corpus(counts: Counts) -> DatasetSpec {
    DatasetSpec::PetsCorpus(PetsCorpus { counts, ..PetsCorpus::default() })
}

pub(super) fn published() -> DatasetSpec {
    corpus(Counts::AsFound).under(Protocol::Published)
}

pub(super) fn corrected() -> DatasetSpec {
    corpus(Counts::AsFound).under(Protocol::Corrected)
}

/// Number of pictures of each class.
pub(super) fn classes<'a>(items: impl IntoIterator<Item = &'a Item>) -> BTreeMap<&'a str, usize> {
    items.into_iter().fold(BTreeMap::new(), |mut counts, item| {
        *counts.entry(item.group.as_str()).or_default() += 1;
        counts
    })
}

fn names(pictures: &Pictures) -> Vec<&str> {
    pictures.items.iter().map(|item| item.name.as_str()).collect()
}

#[test]
fn dogs_are_cut_at_random_to_the_number_of_cats() {
    let home = home();
    let pictures = home.load(&published(), Purpose::Pretraining).unwrap();
    assert_eq!(classes(&pictures.items), [("cat", 10), ("dog", 10)].into());
    assert!(pictures.items.iter().all(|item| item.part == Part::Unlabelled));
    let survey = home.survey(&published(), Purpose::Pretraining).unwrap();
    assert_eq!(survey.not_drawn, 7);
    assert_eq!(survey.repeated, Some(Repeated { pictures: 0, removed: false }));
    assert_eq!(left_out(&pictures), ["skipped cats-and-dogs/Cat/2.jpg: the file is empty"]);
    // The dogs that are drawn must never change.
    let dogs: Vec<&str> = pictures
        .items
        .iter()
        .filter(|item| item.group == "dog")
        .map(|item| item.name.rsplit('/').next().unwrap())
        .collect();
    assert_eq!(
        dogs.join(" "),
        "data_batch_1.bin#1 data_batch_2.bin#1 data_batch_4.bin#1 n02085620_3.jpg n02085620_4.jpg n02085620_5.jpg \
         n02085620_6.jpg n02085620_7.jpg n02085620_9.jpg n02086240_0.jpg"
    );
    let error = home.survey(&published(), Purpose::Segmentation).unwrap_err();
    assert!(matches!(error, DataError::NoTrimaps { dataset: "pets-corpus" }), "{error}");
}

#[test]
fn a_picture_is_where_its_part_has_it() {
    let home = home();
    let pictures = home.load(&published(), Purpose::Pretraining).unwrap();
    let all = 16 * 16 * 3;
    let place = |name: &str| pictures.items.iter().position(|item| item.name == name).unwrap() * all;
    let cifar = place("cifar-10/cifar-10-batches-bin/data_batch_2.bin#0");
    assert_eq!(pictures.rgb[cifar..cifar + 3], [20, 21, 22]);
    let microsoft = place("cats-and-dogs/Cat/0.jpg");
    let alone = home.load(&cats_in("cats-and-dogs/PetImages"), Purpose::Pretraining).unwrap();
    let there = alone.items.iter().position(|item| item.group == "Cat").unwrap();
    assert_eq!(alone.items[there].name, "Cat/0.jpg", "the one that is drawn");
    assert_eq!(pictures.rgb[microsoft..microsoft + all], alone.rgb[there * all..(there + 1) * all]);
}

fn cats_in(folder: &str) -> DatasetSpec {
    DatasetSpec::CatsAndDogs(CatsAndDogs { folder: folder.into(), per_class: Some(1) })
}

#[test]
fn parts_that_are_not_complete_are_named_unless_the_spec_takes_them() {
    let home = home();
    let error = home.survey(&corpus(Counts::Published), Purpose::Pretraining).unwrap_err();
    let text = error.to_string();
    for part in ["5 usable pictures of cats", "has 5000 from cifar-10", "counts: as-found", "data/cifar-10"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // Once CIFAR-10 is complete, the error names the next part.
    let plenty = |label, shade: u8| record(label, shade).repeat(1_000);
    for n in 1..=5 {
        home.put(&batch(n), [plenty(3, n), plenty(5, n + 50)].concat());
    }
    let text = home.survey(&corpus(Counts::Published), Purpose::Pretraining).unwrap_err().to_string();
    assert!(
        text.contains("2 usable pictures of cats (0 damaged") && text.contains("1000 from cats-and-dogs-filtered"),
        "{text}"
    );
}

#[test]
fn all_that_is_missing_is_named_at_once() {
    let home = home();
    fs::remove_file(home.data().join(batch(3))).unwrap();
    fs::remove_dir_all(home.data().join("cats-and-dogs-filtered")).unwrap();
    fs::remove_dir_all(home.data().join(MICROSOFT)).unwrap();
    let text = home.survey(&published(), Purpose::Pretraining).unwrap_err().to_string();
    for part in [
        "cifar-10/cifar-10-batches-bin/data_batch_3.bin, cats-and-dogs-filtered/, cats-and-dogs/PetImages/Cat not found",
        "harness data fetch pets-corpus",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn other_folders_hold_the_same() {
    let home = home();
    let before = home.load(&published(), Purpose::Pretraining).unwrap();
    fs::create_dir(home.data().join("mine")).unwrap();
    fs::rename(home.data().join("stanford-dogs"), home.data().join("mine/dogs")).unwrap();
    let folders = CorpusFolders { stanford_dogs: "mine/dogs".into(), ..CorpusFolders::default() };
    let spec = DatasetSpec::PetsCorpus(PetsCorpus { folders, counts: Counts::AsFound, duplicates: None });
    assert_eq!(spec.folders(), ["cifar-10", "cats-and-dogs-filtered", "cats-and-dogs/PetImages", "mine/dogs"]);
    assert_eq!(home.load(&spec, Purpose::Pretraining).unwrap(), before);
}

/// Adds Microsoft's copy of a filtered cat in another format, a dog of CIFAR-10 twice, and a dog that equals a cat.
fn with_duplicates() -> Home {
    let home = home();
    home.put(&format!("{FILTERED}/cat.0.jpg"), file(picture(7), ImageFormat::Png));
    home.put(&format!("{MICROSOFT}/1.jpg"), file(picture(7), ImageFormat::Bmp));
    home.put(&batch(5), [record(3, 50), record(5, 15), record(6, 200)].concat());
    home.put(&format!("{STANFORD}/n02085620_4.jpg"), jpeg(110));
    home
}

#[test]
fn duplicates_stay_in_the_published_corpus_and_leave_the_corrected_one() {
    let home = with_duplicates();
    let kept = home.load(&published(), Purpose::Pretraining).unwrap();
    let removed = home.load(&corrected(), Purpose::Pretraining).unwrap();
    assert_eq!(classes(&kept.items), [("cat", 10), ("dog", 10)].into());
    assert_eq!(classes(&removed.items), [("cat", 9), ("dog", 9)].into());
    assert_ne!(kept.digest, removed.digest);
    let repeated = |spec: &DatasetSpec| home.survey(spec, Purpose::Pretraining).unwrap().repeated.unwrap();
    assert_eq!(repeated(&published()), Repeated { pictures: 3, removed: false });
    assert_eq!(repeated(&corrected()), Repeated { pictures: 3, removed: true });
    assert_eq!(left_out(&kept).len(), 1);
    let filtered = "cats-and-dogs-filtered/cats_and_dogs_filtered/train/cats/cat.0.jpg";
    let batches = "cifar-10/cifar-10-batches-bin/data_batch";
    let dog = "stanford-dogs/Images/n02085620-Chihuahua/n02085620_4.jpg";
    assert_eq!(
        left_out(&removed),
        [
            "skipped cats-and-dogs/Cat/2.jpg: the file is empty".to_owned(),
            format!("unused cats-and-dogs/Cat/1.jpg: is identical to {filtered}, pixel for pixel"),
            format!("unused {batches}_5.bin#1: is identical to {batches}_1.bin#1, pixel for pixel"),
            format!("unused {dog}: is identical to cats-and-dogs/Cat/0.jpg, pixel for pixel"),
        ]
    );
    // The second start remembers the digests of the pixels, and so does a survey that asks for less.
    assert_eq!(home.load(&corrected(), Purpose::Pretraining).unwrap(), removed);
    // Apart from the removed pictures, the smaller corpus is part of the larger one, except for the dogs that replace
    // them.
    let new: Vec<&str> = names(&removed).into_iter().filter(|name| !names(&kept).contains(name)).collect();
    assert!(new.len() <= 1, "{new:?}");
}

#[test]
fn the_protocol_decides_unless_the_spec_does() {
    let spec = corpus(Counts::Published);
    assert!(spec.depends_on_protocol());
    assert_ne!(spec.under(Protocol::Published), spec.under(Protocol::Corrected));
    assert_eq!(published().under(Protocol::Corrected), published(), "what is written out stays");
    let removing =
        DatasetSpec::PetsCorpus(PetsCorpus { duplicates: Some(Duplicates::Remove), ..PetsCorpus::default() });
    assert!(!removing.depends_on_protocol());
    assert!(!pets().depends_on_protocol() && pets().under(Protocol::Published) == pets());
}

#[test]
fn a_fraction_of_the_corpus_has_as_many_cats_as_dogs() {
    let home = home();
    let items = home.load(&published(), Purpose::Pretraining).unwrap().items;
    let train = |fraction| split::unlabelled(&items, 0, fraction, None).unwrap().train;
    let of = |places: &[u32]| classes(places.iter().map(|&place| &items[place as usize]));
    assert_eq!(of(&train(0.5)), [("cat", 5), ("dog", 5)].into());
    assert_eq!(of(&train(0.2)), [("cat", 2), ("dog", 2)].into());
    assert_eq!(train(0.5), train(0.5));
    assert!(train(0.2).iter().all(|place| train(0.5).contains(place)), "a smaller part lies in a larger one");
    // Held-out pictures are the same for every fraction.
    let held = |fraction| split::unlabelled(&items, 4, fraction, None).unwrap().validation;
    assert_eq!(held(0.5), held(1.0));
}

#[test]
fn the_number_of_threads_changes_no_corpus() {
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| with_duplicates().load(&corrected(), Purpose::Pretraining).unwrap())
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn a_corpus_without_dogs_is_no_corpus() {
    let home = home();
    for n in 1..=5 {
        home.put(&batch(n), record(3, n));
    }
    for n in 0..11 {
        home.put(&format!("{STANFORD}/n02085620_{n}.jpg"), "damaged");
    }
    home.put("stanford-dogs/Images/n02086240-Shih-Tzu/n02086240_0.jpg", "damaged");
    let error = home.load(&published(), Purpose::Pretraining).unwrap_err();
    assert!(matches!(error, DataError::NothingUsable { left_out: 13, .. }), "{error}");
}

#[test]
fn photographs_make_a_corpus() {
    let Some(data) = photographs::photographs("cats-and-dogs-10k") else { return };
    let home = Home::new();
    put_cifar(&home);
    let some = |class: &str, count: usize| {
        let folder = data.join("cats-and-dogs-10k/PetImages").join(class);
        let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files.into_iter().take(count).map(|path| fs::read(path).unwrap()).enumerate().collect::<Vec<_>>()
    };
    for (n, photograph) in some("Cat", 12) {
        home.put(&format!("{MICROSOFT}/{n}.jpg"), &photograph);
        if n < 5 {
            home.put(&format!("{FILTERED}/cat.{}.jpg", 90 - n), photograph);
        }
    }
    for (n, photograph) in some("Dog", 20) {
        home.put(&format!("{STANFORD}/n02085620_{n}.jpg"), photograph);
    }
    let kept = home.load(&published(), Purpose::Pretraining).unwrap();
    assert_eq!(classes(&kept.items), [("cat", 22), ("dog", 22)].into());
    let removed = home.load(&corrected(), Purpose::Pretraining).unwrap();
    assert_eq!(classes(&removed.items), [("cat", 17), ("dog", 17)].into());
    assert_eq!(removed.left_out.len(), 5);
    assert!(removed.left_out.iter().all(|row| row.file.starts_with("cats-and-dogs/Cat/")), "{:?}", removed.left_out);
}
