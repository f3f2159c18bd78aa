//! Tests splits: nothing is lost or used twice, shares are exact, fractions are nested, and the draws never change.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod properties;

use harness_drawn_pets::BREEDS;
use harness_images::{
    datasets::{self, DatasetSpec, Item, OxfordIiitPet, Part},
    split::{Amount, MergedSplit, OfficialSplit, Partition, Selection, SplitError, SplitSpec, split, unlabelled},
};
use harness_record::{digest, monitor::Silent, vocabulary::Purpose};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

const ALL: Selection = Selection { fraction: 1.0, cats: None, dogs: None };

fn official(validation: Amount, stratified: bool, seed: u64) -> SplitSpec {
    SplitSpec::Official(OfficialSplit { validation, stratified, seed })
}

fn merged(test: f64, validation: f64, seed: u64) -> SplitSpec {
    SplitSpec::Merged(MergedSplit { test, validation, seed })
}

fn items_of(group: &str, part: Part, n: usize) -> impl Iterator<Item = Item> {
    (0..n).map(move |i| Item { name: format!("{}/{group}_{i}.jpg", part.name()), group: group.to_owned(), part })
}

/// Number of images of each breed in trainval and test, roughly as in the official lists. The totals, 3,680 and 3,669,
/// are exact.
fn listed(breed: &str) -> (usize, usize) {
    match breed {
        "Abyssinian" => (100, 98),
        "Bombay" => (96, 88),
        "Egyptian_Mau" => (93, 97),
        "Siamese" => (99, 100),
        "boxer" | "keeshond" | "scottish_terrier" => (100, 99),
        "english_cocker_spaniel" | "newfoundland" => (96, 100),
        "staffordshire_bull_terrier" => (100, 89),
        _ => (100, 100),
    }
}

/// A list of the size and balance of Oxford-IIIT Pet.
fn oxford() -> Vec<Item> {
    let part = |part, n: fn((usize, usize)) -> usize| {
        BREEDS.iter().flat_map(move |breed| items_of(breed.name(), part, n(listed(breed.name()))))
    };
    part(Part::Trainval, |n| n.0).chain(part(Part::Test, |n| n.1)).collect()
}

fn sizes(split: &Partition) -> (usize, usize, usize) {
    (split.train.len(), split.validation.len(), split.test.len())
}

fn per_group<'a>(items: &'a [Item], places: &[u32]) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for &place in places {
        *counts.entry(items[place as usize].group.as_str()).or_default() += 1;
    }
    counts
}

/// SHA-256 of train, validation and test with their orders, each cut to 16 digits.
fn digests(split: &Partition) -> String {
    let list = |places: &Vec<u32>| {
        let places: Vec<String> = places.iter().map(u32::to_string).collect();
        digest::of_bytes(places.join(" ").as_bytes())[..16].to_owned()
    };
    [&split.train, &split.validation, &split.test].map(list).join(" ")
}

/// Asserts that every place of `all` is in exactly one list.
fn assert_partition(split: &Partition, all: impl Iterator<Item = u32>) {
    let mut places = [&split.train[..], &split.validation, &split.test].concat();
    places.sort_unstable();
    assert_eq!(places, all.collect::<Vec<_>>());
}

/// Asserts that `part` has its share of every group among the places `of`, to within one image.
fn assert_shares(items: &[Item], part: &[u32], of: &[u32]) {
    let shares = per_group(items, part);
    for (group, size) in per_group(items, of) {
        let (share, exact) =
            (shares.get(group).copied().unwrap_or(0), size as f64 * part.len() as f64 / of.len() as f64);
        assert!((share as f64 - exact).abs() < 1.0, "{share} of {size} {group}, exactly {exact}");
    }
}

#[test]
fn the_published_cut_has_its_sizes_and_fractions() {
    let items = oxford();
    assert_eq!(items.len(), 7349);
    let spec = official(Amount::Images(500), false, 0);
    let all = split(&items, &spec, &ALL, None).unwrap();
    assert_eq!(sizes(&all), (3180, 500, 3669));
    for (fraction, n) in [(0.5, 1590), (0.25, 795), (0.29, 922), (1e-9, 1)] {
        let part = split(&items, &spec, &Selection { fraction, ..ALL }, None).unwrap();
        assert_eq!(part.train, all.train[..n], "{fraction}");
        assert_eq!((&part.validation, &part.test), (&all.validation, &all.test));
    }
    let share = split(&items, &official(Amount::Share(0.2), false, 0), &ALL, None).unwrap();
    assert_eq!(sizes(&share), (2944, 736, 3669));
    // The order is the same, but the cut is at another place.
    assert_eq!(share.validation[..500], all.validation);
}

#[test]
fn merged_and_stratified_as_scikit_learn_does_it() {
    let items = oxford();
    let split = split(&items, &merged(0.2, 0.3, 42), &ALL, None).unwrap();
    assert_eq!(sizes(&split), (4115, 1764, 1470));
    assert_partition(&split, 0..7349);
    // Number of images of a breed, and of those that scikit-learn 1.9.1 puts into train, validation and test with any
    // seed (`reference/splits.py`).
    let expected = BTreeMap::from([
        (184, (103, 44, 37)),
        (189, (106, 45, 38)),
        (190, (107, 45, 38)),
        (196, (110, 47, 39)),
        (198, (111, 48, 39)),
        (199, (111, 48, 40)),
        (200, (112, 48, 40)),
    ]);
    let [train, validation, test] = [&split.train, &split.validation, &split.test].map(|list| per_group(&items, list));
    for breed in BREEDS.iter().map(harness_drawn_pets::Breed::name) {
        let (trainval, own_test) = listed(breed);
        assert_eq!((train[breed], validation[breed], test[breed]), expected[&(trainval + own_test)], "{breed}");
    }
    // Each part has images of both lists.
    for list in [&split.train, &split.validation, &split.test] {
        let parts: BTreeSet<Part> = list.iter().map(|&place| items[place as usize].part).collect();
        assert_eq!(parts.len(), 2);
    }
    assert!(split.test.is_sorted(), "the test is in the order of the data set");
}

#[test]
fn a_stratified_official_cut_as_scikit_learn_does_it() {
    let items = oxford();
    // Number of validation images in scikit-learn 1.9.1 (`reference/splits.py`), for breeds with 93, 96, 99 and 100 images.
    for (validation, total, expected) in [
        (Amount::Share(0.2), 736, BTreeMap::from([(93, 19..=19), (96, 19..=19), (99, 20..=20), (100, 20..=20)])),
        (Amount::Images(500), 500, BTreeMap::from([(93, 13..=13), (96, 13..=13), (99, 13..=13), (100, 13..=14)])),
    ] {
        let split = split(&items, &official(validation, true, 0), &ALL, None).unwrap();
        assert_eq!(sizes(&split), (3680 - total, total, 3669));
        for (breed, n) in per_group(&items, &split.validation) {
            assert!(expected[&listed(breed).0].contains(&n), "{n} of {breed}");
        }
    }
}

#[test]
fn the_imbalanced_arm_keeps_all_dogs_and_three_breeds_of_cats() {
    let items = oxford();
    let spec = official(Amount::Share(0.2), false, 0);
    let all = split(&items, &spec, &ALL, None).unwrap();
    let cats = Some(["Maine_Coon", "Birman", "Bombay"].map(str::to_owned).to_vec());
    let few = split(&items, &spec, &Selection { cats: cats.clone(), ..ALL }, None).unwrap();
    assert_eq!((&few.validation, &few.test), (&all.validation, &all.test));
    let (before, after) = (per_group(&items, &all.train), per_group(&items, &few.train));
    assert_eq!(after.len(), 25 + 3);
    assert!(after.iter().all(|(breed, n)| before[breed] == *n), "of a kept breed no image is lost");
    let half = split(&items, &spec, &Selection { cats, fraction: 0.5, dogs: None }, None).unwrap();
    assert_eq!(half.train, few.train[..few.train.len() / 2]);
    let none = Selection { cats: Some(Vec::new()), dogs: Some(vec!["pug".into()]), ..ALL };
    let pugs = split(&items, &spec, &none, None).unwrap();
    assert_eq!(per_group(&items, &pugs.train).into_keys().collect::<Vec<_>>(), ["pug"]);
}

#[test]
fn a_breed_that_is_not_there_is_named_with_those_that_are() {
    let items: Vec<Item> = ["Birman", "Bombay", "Maine_Coon", "pug", "beagle"]
        .iter()
        .flat_map(|breed| items_of(breed, Part::Trainval, 10))
        .chain(items_of("Sphynx", Part::Test, 10))
        .collect();
    let refused = |selection: Selection| {
        split(&items, &official(Amount::Images(5), true, 0), &selection, None).unwrap_err().to_string()
    };
    let named = |breed: &str| Some(vec![breed.to_owned()]);
    assert_eq!(
        refused(Selection { cats: named("Main-coon"), ..ALL }),
        "no image for training or validation shows a cat of breed `Main-coon`, did you mean `Maine_Coon`?; \
         the breeds of cats among them: Birman, Bombay, Maine_Coon"
    );
    // A breed that only test images show is not a breed of the training images.
    assert_eq!(
        refused(Selection { cats: named("Sphynx"), ..ALL }),
        "no image for training or validation shows a cat of breed `Sphynx`; the breeds of cats among them: Birman, Bombay, Maine_Coon"
    );
    assert!(refused(Selection { dogs: named("Birman"), ..ALL }).ends_with("dogs among them: beagle, pug"));
    let cats: Vec<Item> = items_of("Birman", Part::Trainval, 9).collect();
    let only_dogs = Selection { cats: Some(Vec::new()), ..ALL };
    assert_eq!(
        split(&cats, &official(Amount::Images(2), false, 0), &only_dogs, None),
        Err(SplitError::NoneSelected { there: 7 })
    );
    let named = Selection { dogs: named("pug"), ..ALL };
    let error = split(&cats, &official(Amount::Images(2), false, 0), &named, None).unwrap_err().to_string();
    assert!(error.ends_with("among them: none"), "{error}");
}

#[test]
fn a_cut_that_leaves_nothing_to_train_is_refused() {
    let items: Vec<Item> = items_of("pug", Part::Trainval, 10).chain(items_of("pug", Part::Test, 5)).collect();
    let refused = |items: &[Item], spec| split(items, &spec, &ALL, None).unwrap_err().to_string();
    assert_eq!(
        refused(&items, official(Amount::Images(10), false, 0)),
        "10 of 10 images are requested for validation, but at least one must remain for training"
    );
    refused(&items, official(Amount::Share(0.96), true, 0));
    refused(&items[10..], official(Amount::Images(0), false, 0));
    assert!(refused(&items, merged(0.99, 0.5, 0)).starts_with("15 of 15 images are requested for the test"));
    assert!(refused(&items, merged(0.9, 0.5, 0)).starts_with("1 of 1 images are requested for validation"));
    assert!(unlabelled(&items, 15, 1.0, None).is_err() && unlabelled(&[], 0, 1.0, None).is_err());
    assert_eq!(sizes(&unlabelled(&items, 14, 0.1, None).unwrap()), (1, 14, 0));
    assert_eq!(sizes(&split(&items, &official(Amount::Images(0), true, 0), &ALL, None).unwrap()), (10, 0, 5));
}

#[test]
fn no_draw_ever_changes() {
    let items = oxford();
    let pinned = |spec: SplitSpec| digests(&split(&items, &spec, &ALL, None).unwrap());
    // The first version of this program made the same cuts for these two.
    assert_eq!(pinned(official(Amount::Images(500), false, 0)), "500a15af6dce7f4a 048654ddc3c27cd5 b75d64843065a571");
    assert_eq!(pinned(official(Amount::Images(500), false, 7)), "4ca626c9b2a102df 11bd5a1b950b71b9 b75d64843065a571");
    assert_eq!(pinned(official(Amount::Share(0.2), true, 0)), "01ec9e788f1e5a91 8c9c5c1e1dd5377b b75d64843065a571");
    assert_eq!(pinned(merged(0.2, 0.3, 42)), "d44544e8857db2c8 301917a7c78900ad 9d180eed27945b60");
    let classes: Vec<Item> =
        items_of("Cat", Part::Unlabelled, 500).chain(items_of("Dog", Part::Unlabelled, 500)).collect();
    // The first version made this cut, too.
    assert_eq!(
        digests(&unlabelled(&classes, 100, 1.0, None).unwrap()),
        "a337df9e6315e3cc 214e32f23e78058e e3b0c44298fc1c14"
    );
    assert_eq!(
        digests(&unlabelled(&classes, 100, 0.5, None).unwrap()),
        "a9f39f795463783b 214e32f23e78058e e3b0c44298fc1c14"
    );
}

#[test]
fn other_seeds_give_other_cuts() {
    let items = oxford();
    let specs: [fn(u64) -> SplitSpec; 3] = [
        |seed| official(Amount::Images(500), false, seed),
        |seed| official(Amount::Images(500), true, seed),
        |seed| merged(0.2, 0.3, seed),
    ];
    for spec in specs {
        let [a, b] = [0, 1].map(|seed| split(&items, &spec(seed), &ALL, None).unwrap());
        let held_out = |split: &Partition| split.validation.iter().copied().collect::<BTreeSet<_>>();
        assert_ne!(held_out(&a), held_out(&b));
        assert_ne!(a.train, b.train);
    }
}

/// A run that draws its own cut tests the same images as all others.
#[test]
fn a_redrawn_cut_changes_train_and_validation_but_never_the_test() {
    let items = oxford();
    let half = Selection { fraction: 0.5, ..ALL };
    for spec in [official(Amount::Images(500), false, 0), official(Amount::Images(500), true, 0), merged(0.2, 0.3, 42)]
    {
        let shared = split(&items, &spec, &ALL, None).unwrap();
        let [a, b] = [0, 1].map(|seed| split(&items, &spec, &ALL, Some(seed)).unwrap());
        for (redrawn, other) in [(&a, &b), (&a, &shared), (&b, &shared)] {
            assert_eq!(redrawn.test, other.test);
            assert_eq!(sizes(redrawn), sizes(other));
            assert_partition(redrawn, 0..items.len() as u32);
            let held_out = |split: &Partition| split.validation.iter().copied().collect::<BTreeSet<_>>();
            assert_ne!(held_out(redrawn), held_out(other));
            assert_ne!(redrawn.train, other.train);
        }
        assert_eq!(split(&items, &spec, &ALL, Some(1)).unwrap(), b);
        // The labels of a fraction are redrawn with the cut, and say how many there were.
        let [few, others] = [0, 1].map(|seed| split(&items, &spec, &half, Some(seed)).unwrap());
        assert_ne!(few.train, others.train);
        assert_eq!((few.trainable as usize, few.train.len()), (a.train.len(), a.train.len() / 2));
    }
    let [a, b] = [0, 1].map(|seed| unlabelled(&items, 500, 0.5, Some(seed)).unwrap());
    assert_ne!(a.validation, b.validation);
    assert_eq!(a.trainable as usize, items.len() - 500);
}

/// A fraction of 0.5 of a folder of two classes has half of each class.
#[test]
fn a_fraction_of_unlabelled_images_is_balanced() {
    let items: Vec<Item> =
        items_of("Cat", Part::Unlabelled, 5000).chain(items_of("Dog", Part::Unlabelled, 4999)).collect();
    let all = unlabelled(&items, 500, 1.0, None).unwrap();
    assert_eq!(sizes(&all), (9499, 500, 0));
    for fraction in [0.5, 0.25, 0.1] {
        let part = unlabelled(&items, 500, fraction, None).unwrap();
        assert_eq!(part.train.len(), (9499.0 * fraction) as usize);
        assert_eq!(part.validation, all.validation);
        assert_shares(&items, &part.train, &all.train);
    }
}

/// The folder of real photographs, from the environment or beside the checkout.
fn photographs() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("HARNESS_DATA").map_or_else(beside, PathBuf::from);
    folder.join("pets-sample").is_dir().then_some(folder)
}

#[test]
fn the_sample_of_oxford_iiit_pet() {
    let Some(data) = photographs() else {
        eprintln!("skipped: there is no pets-sample in HARNESS_DATA, nor in shared/data beside the workspace");
        return;
    };
    let cache = tempfile::tempdir().unwrap();
    let spec = DatasetSpec::OxfordIiitPet(OxfordIiitPet { folder: "pets-sample".into() });
    let survey = datasets::survey(&spec, Purpose::Segmentation, &data, cache.path(), &Silent).unwrap();
    let pictures = datasets::load(&spec, Purpose::Segmentation, &survey, &data, cache.path(), 8, &Silent).unwrap();
    let items = &pictures.items;

    let cut = split(items, &official(Amount::Share(0.15), true, 0), &ALL, None).unwrap();
    assert_eq!(sizes(&cut), (255, 45, 298));
    assert_eq!(
        per_group(items, &cut.validation),
        BTreeMap::from([("Abyssinian", 15), ("Bengal", 15), ("american_bulldog", 15)])
    );
    assert_partition(&cut, 0..598);
    let rows = cut.files(&pictures);
    assert_eq!(rows.iter().filter(|row| row.reason.is_empty()).count(), 598);

    // 100, 100 and 100 of trainval, 98, 100 and 100 of test: 598.
    let cut = split(items, &merged(0.2, 0.3, 42), &ALL, None).unwrap();
    assert_eq!(sizes(&cut), (334, 144, 120));
    assert_eq!(
        per_group(items, &cut.test),
        BTreeMap::from([("Abyssinian", 40), ("Bengal", 40), ("american_bulldog", 40)])
    );

    let one = Selection { cats: Some(vec!["Bengal".into()]), ..ALL };
    let cut = split(items, &official(Amount::Images(45), true, 0), &one, None).unwrap();
    assert_eq!(per_group(items, &cut.train), BTreeMap::from([("Bengal", 85), ("american_bulldog", 85)]));
    let bombay = Selection { cats: Some(vec!["Bombay".into()]), ..ALL };
    let error = split(items, &official(Amount::Images(45), true, 0), &bombay, None).unwrap_err().to_string();
    assert!(error.ends_with("the breeds of cats among them: Abyssinian, Bengal"), "{error}");
}
