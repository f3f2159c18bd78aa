use super::{pin::pin, *};
use harness_fetch::manifest::{Layout, Origin};
use harness_images::datasets::CatsAndDogs;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(FOLDER)
}

/// A copy of the committed manifests with one of them changed.
fn changed(name: &str, from: &str, to: &str) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    let place = copy.path().join(FOLDER);
    std::fs::create_dir(&place).unwrap();
    for file in files(&folder()).unwrap() {
        std::fs::copy(&file, place.join(file.file_name().unwrap())).unwrap();
    }
    let path = file_of(&place, name);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from} is not in {name}");
    std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
    copy
}

#[test]
fn the_committed_manifests_are_sound() {
    let manifests = read(&folder()).unwrap();
    let names = manifests.catalogue().names();
    for name in [
        "cats-and-dogs-10k",
        "cats-and-dogs-filtered",
        "cifar-10",
        "microsoft-cats-and-dogs",
        "oxford-iiit-pet",
        "pets-corpus",
        "pets-sample",
        "resnet34-imagenet",
        "stanford-dogs",
        "synthetic-pets",
    ] {
        assert!(names.contains(&name), "{name}");
    }
    let corpus = manifests.named("pets-corpus").unwrap();
    let leaves: Vec<&str> = manifests.catalogue().leaves(corpus).iter().map(|leaf| leaf.name.as_str()).collect();
    assert_eq!(leaves, ["cifar-10", "cats-and-dogs-filtered", "microsoft-cats-and-dogs", "stanford-dogs"]);
    let Origin::Composed(parts) = &corpus.origin else { panic!() };
    let images = |class: &str| parts.iter().filter(|part| part.class == class).map(|part| part.images).sum::<u64>();
    assert_eq!((images("cat"), images("dog")), (18_499, 25_580));
    assert_eq!(manifests.named("resnet34-imagenet").unwrap().layout, Layout::Weights);
}

#[test]
fn problems_are_shown_with_their_line() {
    let shown = |name: &str, from: &str, to: &str| {
        let copy = changed(name, from, to);
        let manifests = read(&copy.path().join(FOLDER)).unwrap();
        let failure = manifests.none_invalid().unwrap_err();
        assert_eq!((failure.code(), manifests.invalid()[0].name.as_str()), (3, name));
        failure.to_string()
    };
    let text = shown("cifar-10", "licence:", "license:");
    for part in ["unknown field `license`", "data-manifests/cifar-10.yaml:3:1", "did you mean `licence`?"] {
        assert!(text.contains(part), "no {part} in:\n{text}");
    }
    let text = shown("cifar-10", "md5: c32a", "md5: C32A");
    for part in ["origin.download[0].md5", "32 hexadecimal digits in lower case", "cifar-10.yaml:15:12"] {
        assert!(text.contains(part), "no {part} in:\n{text}");
    }
    let text = shown("pets-corpus", "manifest: stanford-dogs", "manifest: stanford-dog");
    assert!(text.contains("origin.composed[4].manifest") && text.contains("`stanford-dogs`"), "{text}");
}

#[test]
fn what_is_wrong_with_one_stops_only_those_who_need_it() {
    let copy = changed("cifar-10", "licence:", "license:");
    let manifests = read(&copy.path().join(FOLDER)).unwrap();
    assert_eq!((manifests.invalid().len(), manifests.count()), (1, 10));
    assert!(manifests.named("stanford-dogs").is_ok());
    assert_eq!(manifests.named("cifar-10").unwrap_err().code(), 3);
    assert_eq!(manifests.named("cifar").unwrap_err().to_string().matches("cifar-10").count(), 2, "it is not unknown");
    // It is a part of this manifest, whose own text is sound.
    let corpus = manifests.named("pets-corpus").unwrap();
    assert_eq!(manifests.leaves(corpus).unwrap_err().code(), 3);
    let of = |folder: &str| {
        let dataset = CatsAndDogs { folder: folder.to_owned(), per_class: None };
        manifests.of(&DatasetSpec::CatsAndDogs(dataset)).map(|found| found.map(|manifest| manifest.name.clone()))
    };
    assert_eq!(of("cifar-10/cifar-10-batches-bin").unwrap_err().code(), 3);
    assert_eq!(of("cats-and-dogs-10k/PetImages").unwrap().as_deref(), Some("cats-and-dogs-10k"));
    assert_eq!(of("mine").unwrap(), None);
}

#[test]
fn a_digest_is_written_into_its_line_alone() {
    let copy = changed("cats-and-dogs-filtered", "title:", "title:");
    let place = copy.path().join(FOLDER);
    let before = std::fs::read_to_string(file_of(&place, "cats-and-dogs-filtered")).unwrap();
    let manifests = read(&place).unwrap();
    for (name, number, digest) in [
        ("cats-and-dogs-filtered", 0, "ab".repeat(32)),
        ("resnet34-imagenet", 1, "12".repeat(32)), // digits only, so in quotes
    ] {
        pin(&place, manifests.named(name).unwrap(), number, &digest).unwrap();
        let again = read(&place).unwrap();
        assert_eq!(again.named(name).unwrap().files()[number].sha256.as_deref(), Some(digest.as_str()));
    }
    let after = std::fs::read_to_string(file_of(&place, "cats-and-dogs-filtered")).unwrap();
    assert_eq!(after, before.replacen("sha256: unverified", &format!("sha256: {}", "ab".repeat(32)), 1));
}

#[test]
fn a_data_set_is_found_by_its_folder_and_the_corpus_by_its_parts() {
    let manifests = read(&folder()).unwrap();
    let spec = |json: &str| serde_json::from_str::<DatasetSpec>(json).unwrap();
    for (json, name) in [
        (r#"{"cifar-10": {}}"#, "cifar-10"),
        (r#"{"stanford-dogs": {}}"#, "stanford-dogs"),
        (r#"{"cats-and-dogs-filtered": {}}"#, "cats-and-dogs-filtered"),
        (r#"{"cats-and-dogs": {}}"#, "microsoft-cats-and-dogs"),
        (r#"{"oxford-iiit-pet": {}}"#, "oxford-iiit-pet"),
        (r#"{"pets-corpus": {}}"#, "pets-corpus"),
    ] {
        assert_eq!(manifests.of(&spec(json)).unwrap().map(|manifest| manifest.name.as_str()), Some(name), "{json}");
    }
    let names = |json: &str| -> Vec<String> {
        let spec = spec(json);
        manifests
            .parts(&spec)
            .unwrap()
            .into_iter()
            .map(|part| part.map_or("none".to_owned(), |part| part.name.clone()))
            .collect()
    };
    let all = ["cifar-10", "cats-and-dogs-filtered", "microsoft-cats-and-dogs", "stanford-dogs"];
    assert_eq!(names(r#"{"pets-corpus": {}}"#), all);
    // Nothing is known about folders other than its own.
    let elsewhere = r#"{"pets-corpus": {"folders": {"stanford-dogs": "mine/dogs"}}}"#;
    assert_eq!(names(elsewhere), [all[0], all[1], all[2], "none"]);
    let about = manifests.about(&spec(elsewhere)).unwrap();
    assert!(about.licence.starts_with("not known") && about.title.contains("mine/dogs"), "{}", about.title);
    assert_eq!(
        manifests.about(&spec(r#"{"pets-corpus": {}}"#)).unwrap().licence,
        manifests.named("pets-corpus").unwrap().licence
    );
}
