//! Tests of CIFAR-10, Stanford Dogs and the filtered cats and dogs, with few pictures.

use super::*;

/// A record of CIFAR-10 whose colours are `shade`, `shade` + 1 and `shade` + 2 at each pixel.
pub(super) fn record(label: u8, shade: u8) -> Vec<u8> {
    let planes = (0..3).flat_map(|colour| [shade.wrapping_add(colour); 1024]);
    std::iter::once(label).chain(planes).collect()
}

pub(super) fn batch(number: u8) -> String {
    format!("cifar-10/cifar-10-batches-bin/data_batch_{number}.bin")
}

/// Writes a cat of shade 10 n, a dog of shade 10 n + 5, and a frog into batch n.
pub(super) fn put_cifar(home: &Home) {
    for n in 1..=5 {
        home.put(&batch(n), [record(3, n * 10), record(5, n * 10 + 5), record(6, 200)].concat());
    }
}

pub(super) fn cifar(classes: &[&str]) -> DatasetSpec {
    let classes = (!classes.is_empty()).then(|| classes.iter().map(|&class| class.to_owned()).collect());
    DatasetSpec::Cifar10(Cifar10 { folder: "cifar-10".into(), classes })
}

fn dogs() -> DatasetSpec {
    DatasetSpec::StanfordDogs(StanfordDogs::default())
}

fn filtered(splits: &[FilteredSplit]) -> DatasetSpec {
    DatasetSpec::CatsAndDogsFiltered(CatsAndDogsFiltered { splits: splits.to_vec(), ..Default::default() })
}

#[test]
fn records_are_read_as_planes_under_the_official_names() {
    let home = Home::new();
    put_cifar(&home);
    home.put("cifar-10/cifar-10-batches-bin/test_batch.bin", record(3, 0));
    let all = home.load(&cifar(&[]), Purpose::Pretraining).unwrap();
    let named: Vec<_> = all.items[..4].iter().map(|item| (item.name.as_str(), item.group.as_str())).collect();
    let first = "cifar-10-batches-bin/data_batch_1.bin";
    assert_eq!(
        named,
        [
            (format!("{first}#0").as_str(), "cat"),
            (&format!("{first}#1"), "dog"),
            (&format!("{first}#2"), "frog"),
            ("cifar-10-batches-bin/data_batch_2.bin#0", "cat"),
        ]
    );
    assert!(all.items.len() == 15 && all.items.iter().all(|item| item.part == Part::Unlabelled));
    assert_eq!(all.rgb[..6], [10, 11, 12, 10, 11, 12]);
    assert_eq!(
        left_out(&all),
        ["unused cifar-10-batches-bin/test_batch.bin: test images, which pretraining must not see"]
    );

    let some = home.load(&cifar(&["dog", "cat"]), Purpose::Pretraining).unwrap();
    assert_eq!(some.items.iter().map(|item| item.group.as_str()).collect::<Vec<_>>(), ["cat", "dog"].repeat(5));
    assert_ne!(some.digest, all.digest);
    let error = home.survey(&cifar(&[]), Purpose::Segmentation).unwrap_err();
    assert!(matches!(error, DataError::NoTrimaps { dataset: "cifar-10" }), "{error}");
}

#[test]
fn classes_are_called_as_the_archive_calls_them() {
    let home = Home::new();
    put_cifar(&home);
    let names = "a\nb\nc\nPussycat\nd\ne\nf\ng\nh\ni\n\n";
    let before = home.survey(&cifar(&[]), Purpose::Pretraining).unwrap().digest;
    home.put("cifar-10/cifar-10-batches-bin/batches.meta.txt", names);
    let pictures = home.load(&cifar(&["Pussycat"]), Purpose::Pretraining).unwrap();
    assert!(pictures.items.len() == 5 && pictures.items.iter().all(|item| item.group == "Pussycat"));
    assert_ne!(home.survey(&cifar(&[]), Purpose::Pretraining).unwrap().digest, before);
    let error = home.survey(&cifar(&["Pusycat"]), Purpose::Pretraining).unwrap_err().to_string();
    assert!(error.contains("did you mean `Pussycat`?") && error.contains("a, b, c"), "{error}");
    for bad in ["cat\ndog\n", &names.replace("b\n", "a\n")] {
        home.put("cifar-10/cifar-10-batches-bin/batches.meta.txt", bad);
        let error = home.survey(&cifar(&[]), Purpose::Pretraining).unwrap_err().to_string();
        assert!(error.contains("batches.meta.txt") && error.contains("10 different ones"), "{error}");
    }
}

#[test]
fn files_of_records_that_cannot_be_right_are_refused() {
    let whole = record(3, 1);
    let cases: [(Vec<u8>, &str); 5] = [
        (whole[..3072].to_vec(), "3072 bytes; expected 30730000"),
        ([whole.clone(), vec![0]].concat(), "3074 bytes"),
        (Vec::new(), "it has 0 bytes"),
        ([whole.clone(), record(10, 1)].concat(), "record 1 has the label 10; expected 0 to 9"),
        (whole.repeat(10_001), "30733073 bytes"),
    ];
    for (bytes, reason) in cases {
        let home = Home::new();
        put_cifar(&home);
        home.put(&batch(4), bytes);
        let error = home.survey(&cifar(&[]), Purpose::Pretraining).unwrap_err().to_string();
        assert!(error.contains("data_batch_4.bin") && error.contains(reason), "{error}");
    }
    let home = Home::new();
    let error = home.survey(&cifar(&[]), Purpose::Pretraining).unwrap_err().to_string();
    assert!(error.contains("does not exist") && error.contains("harness data fetch cifar-10"), "{error}");
    put_cifar(&home);
    fs::remove_file(home.data().join(batch(2))).unwrap();
    fs::remove_file(home.data().join(batch(5))).unwrap();
    let error = home.survey(&cifar(&[]), Purpose::Pretraining).unwrap_err().to_string();
    assert!(error.contains("data_batch_2.bin, cifar-10-batches-bin/data_batch_5.bin not found"), "{error}");
}

#[test]
fn a_record_that_changes_after_the_survey_is_noticed() {
    let home = Home::new();
    put_cifar(&home);
    let survey = home.survey(&cifar(&[]), Purpose::Pretraining).unwrap();
    home.put(&batch(1), [record(3, 10), record(5, 16), record(6, 200)].concat());
    let loaded = load(&cifar(&[]), Purpose::Pretraining, &survey, &home.data(), &home.cache(), 16, &Silent);
    assert!(matches!(loaded, Err(DataError::Changed { path }) if path.ends_with("data_batch_1.bin")));
}

#[test]
fn breeds_of_dogs_lie_in_folders_of_their_synsets() {
    let home = Home::new();
    for n in 0..3 {
        home.put(&format!("stanford-dogs/Images/n02085620-Chihuahua/n02085620_{n}.jpg"), jpeg(n));
    }
    home.put("stanford-dogs/Images/n02086240-Shih-Tzu/n02086240_1.jpg", jpeg(9));
    home.put("stanford-dogs/Images/n02086240-Shih-Tzu/n02086240_2.jpg", &jpeg(9)[..100]);
    home.put("stanford-dogs/Images/n02086240-Shih-Tzu/notes.txt", "x");
    home.put("stanford-dogs/Images/stray.jpg", jpeg(1));
    home.put("stanford-dogs/lists/train_list.mat", "x");
    let pictures = home.load(&dogs(), Purpose::Pretraining).unwrap();
    let groups: Vec<_> = pictures.items.iter().map(|item| item.group.as_str()).collect();
    assert_eq!(groups, ["Chihuahua", "Chihuahua", "Chihuahua", "Shih-Tzu"]);
    assert_eq!(pictures.items[3].name, "Images/n02086240-Shih-Tzu/n02086240_1.jpg");
    let rows = left_out(&pictures);
    assert!(rows.len() == 2 && rows[0].starts_with("skipped Images/n02086240-Shih-Tzu/n02086240_2.jpg: "), "{rows:?}");
    assert_eq!(rows[1], "unused Images/stray.jpg: not in the folder of a class");
    let error = home.survey(&dogs(), Purpose::Segmentation).unwrap_err();
    assert!(matches!(error, DataError::NoTrimaps { .. }), "{error}");

    let empty = Home::new();
    empty.put("stanford-dogs/images.tar", "x");
    let error = empty.survey(&dogs(), Purpose::Pretraining).unwrap_err().to_string();
    assert!(error.contains("Images not found") && error.contains("harness data fetch stanford-dogs"), "{error}");
    fs::create_dir_all(empty.data().join("stanford-dogs/Images/n02085620-Chihuahua")).unwrap();
    let error = empty.survey(&dogs(), Purpose::Pretraining).unwrap_err().to_string();
    assert!(error.contains("pictures in Images/n02085620-Chihuahua/ not found"), "{error}");
}

#[test]
fn the_filtered_set_has_two_parts() {
    use FilteredSplit::{Train, Validation};
    let home = Home::new();
    for (split, shade) in [("train", 1), ("validation", 50)] {
        for (class, file) in [("cats", "cat.0.jpg"), ("dogs", "dog.0.jpg")] {
            home.put(&format!("cats-and-dogs-filtered/cats_and_dogs_filtered/{split}/{class}/{file}"), jpeg(shade));
        }
    }
    home.put("cats-and-dogs-filtered/cats_and_dogs_filtered/vectorize.py", "x");
    home.put("cats-and-dogs-filtered/cats_and_dogs_filtered/train/cats/cat.1.jpg", "");
    let both = home.load(&filtered(&[Train, Validation]), Purpose::Pretraining).unwrap();
    assert_eq!(both.items.iter().map(|item| item.group.as_str()).collect::<Vec<_>>(), ["cats", "dogs", "cats", "dogs"]);
    assert_eq!(left_out(&both), ["skipped cats_and_dogs_filtered/train/cats/cat.1.jpg: the file is empty"]);
    assert_eq!(home.load(&filtered(&[Validation, Train]), Purpose::Pretraining).unwrap(), both);
    let train = home.load(&filtered(&[Train]), Purpose::Pretraining).unwrap();
    assert_eq!(train.items[..], both.items[..2]);
    assert!(home.survey(&filtered(&[Train]), Purpose::Segmentation).is_err());

    fs::remove_dir_all(home.data().join("cats-and-dogs-filtered/cats_and_dogs_filtered/validation")).unwrap();
    assert_eq!(home.load(&filtered(&[Train]), Purpose::Pretraining).unwrap(), train);
    let error = home.survey(&filtered(&[Train, Validation]), Purpose::Pretraining).unwrap_err().to_string();
    assert!(error.contains("cats_and_dogs_filtered/validation not found"), "{error}");
}

#[cfg(unix)]
#[test]
fn links_that_leave_are_not_followed() {
    use std::os::unix::fs::symlink;
    let home = Home::new();
    home.put("secret/n1/a.jpg", jpeg(1));
    home.put("stanford-dogs/Images/n02085620-Chihuahua/a.jpg", jpeg(1));
    let breed = home.data().join("stanford-dogs/Images/n02085620-Chihuahua");
    symlink(home.data().join("secret/n1/a.jpg"), breed.join("b.jpg")).unwrap();
    let pictures = home.load(&dogs(), Purpose::Pretraining).unwrap();
    assert!(left_out(&pictures)[0].contains("b.jpg: a symbolic link that leads out"), "{:?}", left_out(&pictures));
    symlink(home.data().join("secret"), home.data().join("stanford-dogs/Images/n02086240-Shih-Tzu")).unwrap();
    assert!(matches!(home.survey(&dogs(), Purpose::Pretraining), Err(DataError::Outside { .. })));

    put_cifar(&home);
    let first = home.data().join(batch(1));
    fs::rename(&first, home.data().join("secret/records")).unwrap();
    symlink(home.data().join("secret/records"), &first).unwrap();
    assert!(
        matches!(home.survey(&cifar(&[]), Purpose::Pretraining), Err(DataError::Outside { path }) if path == first)
    );
}

#[test]
fn specs_that_cannot_be_meant_are_refused_with_their_field() {
    let refused = |text: &str| serde_json::from_str::<DatasetSpec>(text).unwrap().check().unwrap_err().0;
    for (text, field) in [
        (r#"{"cifar-10": {"folder": "../x"}}"#, "cifar-10.folder"),
        (r#"{"cifar-10": {"classes": []}}"#, "cifar-10.classes"),
        (r#"{"cifar-10": {"classes": ["cat", "dog", "cat"]}}"#, "cifar-10.classes[2]"),
        (r#"{"stanford-dogs": {"folder": "/dogs"}}"#, "stanford-dogs.folder"),
        (r#"{"cats-and-dogs-filtered": {"splits": []}}"#, "cats-and-dogs-filtered.splits"),
        (r#"{"cats-and-dogs-filtered": {"splits": ["train", "train"]}}"#, "cats-and-dogs-filtered.splits[1]"),
        (r#"{"pets-corpus": {"folders": {"stanford-dogs": "a/../b"}}}"#, "pets-corpus.folders.stanford-dogs"),
    ] {
        assert_eq!(refused(text), field);
    }
    for text in [r#"{"cifar-10": {}}"#, r#"{"stanford-dogs": {}}"#, r#"{"pets-corpus": {}}"#] {
        let spec: DatasetSpec = serde_json::from_str(text).unwrap();
        assert_eq!(spec.check(), Ok(()));
        let name = text.split('"').nth(1).unwrap();
        assert_eq!(spec.name(), name);
    }
    assert!(serde_json::from_str::<DatasetSpec>(r#"{"pets-corpus": {"counts": "any"}}"#).is_err());
}
