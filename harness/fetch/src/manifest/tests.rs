use super::*;

fn file() -> RemoteFile {
    RemoteFile {
        file: "a.tar".to_owned(),
        from: vec![Source::Url("https://example.org/a.tar".to_owned())],
        size: Some(3),
        sha256: Some(UNVERIFIED.to_owned()),
        md5: None,
        unpack: Some(Format::Tar),
    }
}

fn manifest(files: Vec<RemoteFile>) -> Manifest {
    Manifest {
        name: "pets".to_owned(),
        title: "Pets".to_owned(),
        licence: "none".to_owned(),
        citation: "none".to_owned(),
        homepage: String::new(),
        folder: None,
        origin: Origin::Download(files),
        layout: Layout::ClassFolders("images".to_owned()),
        classes: vec!["cat".to_owned()],
        splits: vec![Split { name: "train".to_owned(), images: 1, at: None }],
        expect: vec![Expected::Files { below: "images".to_owned(), ending: "jpg".to_owned(), least: 2 }],
        accept: vec![],
    }
}

fn hub(change: impl FnOnce(&mut HubFile)) -> RemoteFile {
    let mut hub = HubFile {
        repository: "owner/name".to_owned(),
        kind: HubKind::Model,
        revision: "c983eba7f5e69bc3548a626d1b0b0b914e5de3a6".to_owned(),
        file: "model.safetensors".to_owned(),
    };
    change(&mut hub);
    RemoteFile { from: vec![Source::Hub(hub)], ..file() }
}

#[test]
fn what_is_impossible_in_a_file_is_named_by_its_field() {
    assert_eq!(manifest(vec![file(), RemoteFile { file: "b.tar".to_owned(), ..hub(|_| {}) }]).check(), []);
    let url = |url: &str| RemoteFile { from: vec![Source::Url(url.to_owned())], ..file() };
    let full = Some("0".repeat(64));
    assert_eq!(manifest(vec![RemoteFile { sha256: full, ..url("http://example.org/a") }]).check(), []);
    assert_eq!(manifest(vec![url("http://127.0.0.1:80/a")]).check(), []);
    let wrong = [
        ("file", RemoteFile { file: "../a.tar".to_owned(), ..file() }),
        ("file", RemoteFile { file: "a/b.tar".to_owned(), ..file() }),
        ("file", RemoteFile { file: ".hidden".to_owned(), ..file() }),
        ("from", RemoteFile { from: vec![], ..file() }),
        ("size", RemoteFile { size: Some(0), ..file() }),
        ("sha256", RemoteFile { sha256: None, ..file() }),
        ("sha256", RemoteFile { sha256: Some("b627".to_owned()), ..file() }),
        ("sha256", RemoteFile { sha256: Some("B627A593".to_owned()), ..file() }),
        ("md5", RemoteFile { md5: Some("b627a593".to_owned()), ..file() }),
        ("from[0].url", url("http://example.org/a.tar")),
        ("from[0].url", url("https://me:secret@example.org/a.tar")),
        ("from[0].url", url("file:///etc/passwd")),
        ("from[0].hub.repository", hub(|hub| hub.repository = "name".to_owned())),
        ("from[0].hub.revision", hub(|hub| hub.revision = "main".to_owned())),
        ("from[0].hub.file", hub(|hub| hub.file = "../model".to_owned())),
    ];
    for (field, file) in wrong {
        let found = manifest(vec![file]).check();
        assert_eq!(found.len(), 1, "{field}: {found:?}");
        assert_eq!(found[0].0, format!("origin.download[0].{field}"));
    }
}

#[test]
fn what_is_impossible_in_a_manifest_is_named_by_its_field() {
    let good = manifest(vec![file()]);
    let part = |class: &str| Part {
        manifest: "other".to_owned(),
        class: class.to_owned(),
        classes: vec![],
        splits: vec![],
        images: 1,
    };
    let composed =
        |class| Manifest { origin: Origin::Composed(vec![part(class)]), layout: Layout::Parts, ..manifest(vec![]) };
    assert_eq!(composed("cat").check(), []);
    let wrong = [
        ("title", Manifest { title: " ".to_owned(), ..good.clone() }),
        ("homepage", Manifest { homepage: "example.org".to_owned(), ..good.clone() }),
        ("folder", Manifest { folder: Some("../pets".to_owned()), ..good.clone() }),
        ("folder", Manifest { folder: Some("/pets".to_owned()), ..good.clone() }),
        ("folder", Manifest { folder: Some("C:pets".to_owned()), ..good.clone() }),
        ("layout", Manifest { layout: Layout::Drawn, ..good.clone() }),
        ("layout.class-folders", Manifest { layout: Layout::ClassFolders("../images".to_owned()), ..good.clone() }),
        ("expect", Manifest { expect: vec![], ..good.clone() }),
        (
            "accept[0].file.path",
            Manifest { accept: vec![Expected::File { path: "../a".to_owned(), bytes: None }], ..good.clone() },
        ),
        ("classes", Manifest { classes: vec!["cat".to_owned(); 2], ..good.clone() }),
        ("origin.download", Manifest { origin: Origin::Download(vec![]), ..good.clone() }),
        ("origin.composed[0].class", composed("dog")),
    ];
    for (field, manifest) in wrong {
        let found = manifest.check();
        assert_eq!(found.len(), 1, "{field}: {found:?}");
        assert_eq!(found[0].0, field);
    }
}

#[test]
fn a_folder_belongs_to_the_manifest_that_holds_it() {
    let named = |name: &str, folder: Option<&str>| Manifest {
        name: name.to_owned(),
        folder: folder.map(str::to_owned),
        ..manifest(vec![file()])
    };
    let catalogue = Catalogue::new(vec![
        named("a", Some("cats-and-dogs")),
        named("cats-and-dogs-10k", None),
        named("c", Some("x/y")),
    ]);
    let of = |folder| catalogue.of_folder(folder).map(|manifest| manifest.name.as_str());
    assert_eq!(of("cats-and-dogs/PetImages"), Some("a"));
    assert_eq!(of("./cats-and-dogs-10k/PetImages"), Some("cats-and-dogs-10k"));
    assert_eq!((of("x/y"), of("x"), of("mine")), (Some("c"), None, None));
}

#[test]
fn a_file_is_held_against_every_digest_that_is_known() {
    let seen = Seen { bytes: 3, sha256: "ab".repeat(32), md5: "cd".repeat(16) };
    assert_eq!(file().refuses(&seen), None);
    let right = RemoteFile { sha256: Some("abababab".to_owned()), md5: Some("cd".repeat(16)), ..file() };
    assert_eq!(right.refuses(&seen), None);
    assert!(RemoteFile { size: Some(4), ..right.clone() }.refuses(&seen).unwrap().contains("3 bytes"));
    assert!(RemoteFile { md5: Some("ab".repeat(16)), ..right.clone() }.refuses(&seen).unwrap().contains("MD5"));
    assert!(RemoteFile { sha256: Some("abababac".to_owned()), ..right }.refuses(&seen).unwrap().contains("SHA-256"));
}

#[test]
fn expectations_count_what_is_data() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images/breed");
    std::fs::create_dir_all(&images).unwrap();
    for name in ["a.jpg", "b.JPG", "._c.jpg", "d.mat"] {
        std::fs::write(images.join(name), b"x").unwrap();
    }
    let files = |least| Expected::Files { below: "images".to_owned(), ending: "jpg".to_owned(), least };
    assert_eq!(files(2).lacks(folder.path()), None);
    assert_eq!(files(3).lacks(folder.path()).unwrap(), "images/ has 2 of at least 3 files .jpg");
    let file = |bytes| Expected::File { path: "images/breed/d.mat".to_owned(), bytes };
    assert_eq!(file(Some(1)).lacks(folder.path()), None);
    assert!(file(Some(2)).lacks(folder.path()).unwrap().contains("has 1 bytes, expected 2"));
}

#[test]
fn a_layout_has_the_name_that_manifests_give_it() {
    let names = [Layout::ClassFolders("images".to_owned()), Layout::Cifar10, Layout::Drawn].map(|layout| layout.name());
    assert_eq!(names, ["class-folders", "cifar-10", "drawn"]);
}
