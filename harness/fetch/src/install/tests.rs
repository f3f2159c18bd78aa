//! Tests the way from archives to a folder, including a killed process, a wrong archive and a user's own folders.

use super::*;
use crate::{
    fetch::Policy,
    holdings::verify,
    import::{self, import},
    manifest::{Catalogue, Expected, Layout, Source, UNVERIFIED},
};
use harness_record::monitor::Silent;
use std::path::PathBuf;
use std::{fs, io::Write as _};
use tempfile::TempDir;

/// A tar archive with these files.
fn tar(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap()
}

fn images() -> Vec<u8> {
    tar(&[("images/a.jpg", "a cat"), ("images/b.jpg", "a dog"), ("images/notes.txt", "n")])
}

fn lists() -> Vec<u8> {
    tar(&[("lists/all.txt", "a b")])
}

fn remote(name: &str, bytes: &[u8], url: &str) -> RemoteFile {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    fs::write(&path, bytes).unwrap();
    let seen = digests::of_file(&path).unwrap();
    RemoteFile {
        file: name.to_owned(),
        from: vec![Source::Url(url.to_owned())],
        size: Some(seen.bytes),
        sha256: Some(seen.sha256),
        md5: None,
        unpack: Some(crate::archive::Format::Tar),
    }
}

fn pets() -> Manifest {
    Manifest {
        name: "pets".to_owned(),
        title: "Pets".to_owned(),
        licence: "none".to_owned(),
        citation: "none".to_owned(),
        homepage: String::new(),
        folder: None,
        origin: Origin::Download(vec![
            remote("images.tar", &images(), "https://example.org/images.tar"),
            remote("lists.tar", &lists(), "https://example.org/lists.tar"),
        ]),
        layout: Layout::ClassFolders("images".to_owned()),
        classes: vec![],
        splits: vec![],
        expect: vec![
            Expected::Files { below: "images".to_owned(), ending: "jpg".to_owned(), least: 2 },
            Expected::File { path: "lists/all.txt".to_owned(), bytes: Some(3) },
        ],
        accept: vec![],
    }
}

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Installs without a network.
    fn install(&self, manifest: &Manifest) -> Result<Vec<Holding>, InstallError> {
        let options = Options { data: self.0.path(), network: Err("nothing may be fetched (--offline)"), keep: false };
        install(&[manifest], &options, &Silent)
    }

    fn import(&self, from: &Path, name: Option<&str>, copy: bool) -> Result<Holding, InstallError> {
        let catalogue = Catalogue::new(vec![pets()]);
        import(&catalogue, from, &import::Options { data: self.0.path(), name, copy }, &Silent)
    }

    fn state(&self) -> State {
        holdings::state(&pets(), self.0.path()).unwrap()
    }

    fn is_there(&self, name: &str) -> bool {
        self.0.path().join(name).exists()
    }
}

#[test]
fn archives_that_lie_ready_are_checked_and_unpacked_without_a_network() {
    let place = Place::new();
    place.put("downloads/pets/images.tar", &images());
    place.put("downloads/pets/lists.tar", &lists());
    // Leftovers of a killed process do no harm and are removed.
    place.put(".harness/pets.unpacking/0/images/half.jpg", b"half");
    let holdings = place.install(&pets()).unwrap();
    let names: Vec<&str> = holdings[0].files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(names, ["images/a.jpg", "images/b.jpg", "images/notes.txt", "lists/all.txt"]);
    assert_eq!(fs::read(place.0.path().join("pets/images/a.jpg")).unwrap(), b"a cat");
    assert!(!place.is_there("downloads") && !place.is_there(".harness/pets.unpacking"));
    assert_eq!(place.state(), State::Ready);
    assert_eq!(place.install(&pets()).unwrap(), []);
    let verified = verify(&pets(), place.0.path(), &Silent).unwrap();
    assert_eq!((verified.files, verified.wrong.len(), verified.held_against), (4, 0, true));
    // The file has the same size but other bytes, so only hashing shows it.
    place.put("pets/images/a.jpg", b"A cat");
    assert_eq!(place.state(), State::Ready);
    let wrong = verify(&pets(), place.0.path(), &Silent).unwrap().wrong;
    assert!(wrong.len() == 1 && wrong[0].contains("images/a.jpg has the SHA-256"), "{wrong:?}");
    fs::remove_file(place.0.path().join("pets/images/a.jpg")).unwrap();
    assert_eq!(place.state(), State::Changed(vec!["images/a.jpg is missing".to_owned()]));
    assert!(matches!(place.install(&pets()), Err(InstallError::InTheWay { .. })), "nothing is overwritten");
    // Data that were removed on purpose are fetched again.
    fs::remove_dir_all(place.0.path().join("pets")).unwrap();
    assert_eq!(place.state(), State::Missing);
}

#[test]
fn without_a_network_it_is_said_what_to_put_where() {
    let place = Place::new();
    let InstallError::Missing(text) = place.install(&pets()).unwrap_err() else { panic!() };
    let archive = place.0.path().join("downloads/pets/images.tar").display().to_string();
    let sha256 = pets().files()[0].sha256.clone().unwrap();
    for part in
        ["--offline", "fetch https://example.org/images.tar\n", &archive, &sha256, "images/ with at least 2 files .jpg"]
    {
        assert!(text.contains(part), "no {part} in:\n{text}");
    }
    assert_eq!(fs::read_dir(place.0.path()).unwrap().count(), 0, "nothing was made");
    // One of the two archives is not enough. It is kept.
    place.put("downloads/pets/images.tar", &images());
    assert!(matches!(place.install(&pets()), Err(InstallError::Missing(_))));
    assert!(matches!(place.state(), State::Begun(_)) && place.is_there("downloads/pets/images.tar"));
}

#[test]
fn what_is_not_what_it_should_be_gets_no_place() {
    let place = Place::new();
    place.put("downloads/pets/lists.tar", &lists());
    place.put("downloads/pets/images.tar", &tar(&[("images/a.jpg", "another")]));
    let error = place.install(&pets()).unwrap_err();
    assert!(matches!(error, InstallError::Wrong { .. }) && error.to_string().contains("images.tar"), "{error}");
    // If no digest is known, the count decides.
    let Origin::Download(files) = pets().origin else { panic!() };
    let unverified = |file: RemoteFile| RemoteFile { size: None, sha256: Some(UNVERIFIED.to_owned()), ..file };
    let manifest = Manifest { origin: Origin::Download(files.into_iter().map(unverified).collect()), ..pets() };
    let error = place.install(&manifest).unwrap_err();
    assert!(matches!(error, InstallError::NotIt { .. }), "{error}");
    assert!(error.to_string().contains("images/ has 1 of at least 2 files .jpg"), "{error}");
    // An archive that would leave its folder is refused as a whole.
    let mut evil = images();
    evil[..12].copy_from_slice(b"../../a.jpg\0");
    fs::write(place.0.path().join("downloads/pets/images.tar"), evil).unwrap();
    assert!(matches!(place.install(&manifest).unwrap_err(), InstallError::Archive(_)));
    assert!(
        !place.is_there("pets") && !place.is_there(".harness/pets.unpacking") && !place.is_there(".harness/pets.json")
    );
}

#[test]
fn a_users_folder_is_linked_or_copied_and_never_changed() {
    for copy in [false, true] {
        let (place, user) = (Place::new(), Place::new());
        user.put("images/a.jpg", b"a cat");
        user.put("images/b.jpg", b"a dog");
        assert!(matches!(place.import(user.0.path(), None, copy), Err(InstallError::Import(_))));
        let error = place.import(user.0.path(), Some("pets"), copy).unwrap_err();
        assert!(error.to_string().contains("lists/all.txt is missing"), "{error}");
        user.put("lists/all.txt", b"a b");
        let holding = place.import(user.0.path(), None, copy).unwrap();
        let linked = cfg!(unix) && !copy;
        assert_eq!(holding.how, if linked { How::Linked } else { How::Copied });
        assert_eq!(place.0.path().join("pets").is_symlink(), linked);
        assert_eq!(fs::read(place.0.path().join("pets/images/b.jpg")).unwrap(), b"a dog");
        assert_eq!(place.state(), State::Ready);
        assert!(user.0.path().join("images/a.jpg").is_file());
        assert!(matches!(place.import(user.0.path(), None, copy), Err(InstallError::InTheWay { .. })));
    }
}

#[test]
fn another_layout_that_is_read_is_complete_too() {
    let place = Place::new();
    let tables = ["tables/a", "tables/b"].map(|path| Expected::File { path: path.to_owned(), bytes: Some(2) });
    let manifest = Manifest { accept: tables.to_vec(), ..pets() };
    let state = || holdings::state(&manifest, place.0.path()).unwrap();
    place.put("pets/tables/a", b"12");
    let State::Incomplete(lacking) = state() else { panic!("{:?}", state()) };
    assert!(lacking[0].starts_with("images/ has 0"), "what a fetch brings is named: {lacking:?}");
    place.put("pets/tables/b", b"12");
    assert_eq!(state(), State::ByHand);
    assert!(verify(&manifest, place.0.path(), &Silent).unwrap().wrong.is_empty());
    assert_eq!(place.install(&manifest).unwrap(), []);
    assert!(matches!(place.state(), State::Incomplete(_)), "not where it is not read");
}

#[test]
fn a_users_archives_are_found_by_name_and_digest() {
    let (place, user) = (Place::new(), Place::new());
    let archive = user.put("images.tar", &images());
    let error = place.import(&archive, None, false).unwrap_err().to_string();
    assert!(error.contains("lists.tar is not in the same folder"), "{error}");
    user.put("lists.tar", &lists());
    assert_eq!(place.import(&archive, None, false).unwrap().how, How::Copied);
    assert_eq!(place.state(), State::Ready);
    assert!(archive.is_file());
}

#[test]
fn of_alternatives_the_next_is_taken_where_the_first_cannot_be_had() {
    let place = Place::new();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let there = format!("http://{}/w.pth", server.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = server.accept().unwrap();
        let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nweights");
    });
    let file = |name: &str, url: &str| RemoteFile { unpack: None, ..remote(name, b"weights", url) };
    let files = vec![file("w.safetensors", &format!("http://{closed}/w")), file("w.pth", &there)];
    let manifest = Manifest {
        folder: Some("weights".to_owned()),
        origin: Origin::OneOf(files),
        layout: Layout::Weights,
        expect: vec![],
        ..pets()
    };
    let policy = Policy { tries: 1, proxies: false, ..Policy::default() };
    let network = Arc::new(Network::new(policy).unwrap());
    let options = Options { data: place.0.path(), network: Ok(&network), keep: false };
    let holdings = install(&[&manifest], &options, &Silent).unwrap();
    assert_eq!(holdings[0].came[0].from, there);
    assert_eq!(fs::read(place.0.path().join("weights/w.pth")).unwrap(), b"weights");
    assert_eq!(holdings::state(&manifest, place.0.path()).unwrap(), State::Ready);
}
