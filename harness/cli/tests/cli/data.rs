//! `data`: fetching from a local server into the data folder, and what is said without a network.

use crate::studio::{Said, Studio};
use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    thread,
};

/// An archive of two pictures.
fn archive() -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for name in ["images/a.jpg", "images/b.jpg"] {
        let mut header = tar::Header::new_gnu();
        header.set_size(5);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, &b"a cat"[..]).unwrap();
    }
    archive.into_inner().unwrap()
}

/// Serves [`archive`] until the test's process ends.
fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let body = archive();
            // The client may have gone away.
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(&body);
        }
    });
    format!("http://{address}/tiny.tar")
}

/// A studio with a manifest `tiny` of the archive at `url`.
fn studio(url: &str) -> Studio {
    let studio = Studio::new();
    let manifest = format!(
        "title: Tiny # a comment\nlicence: none\ncitation: none\nhomepage: \"\"\norigin:\n  download:\n    - file: tiny.tar\n      \
         from: [{{url: \"{url}\"}}]\n      sha256: unverified # not known\n      unpack: tar\n\
         layout: {{class-folders: images}}\nexpect:\n  - files: {{below: images, ending: jpg, least: 2}}\n"
    );
    fs::write(studio.path("data-manifests/tiny.yaml"), manifest).unwrap();
    studio
}

fn run(studio: &Studio, arguments: &[&str]) -> Said {
    let mut command = studio.harness(arguments);
    command.env("NO_PROXY", "127.0.0.1").env_remove("HF_HUB_OFFLINE");
    Said::of(command)
}

pub(crate) fn state(studio: &Studio, name: &str) -> String {
    let rows = run(studio, &["data", "list", "--json"]).ended(0).json();
    let row = rows.as_array().unwrap().iter().find(|row| row["name"] == name).unwrap().clone();
    row["state"].as_str().unwrap().to_owned()
}

#[test]
fn fetched_listed_verified_recorded() {
    let studio = studio(&server());
    assert_eq!(state(&studio, "tiny"), "missing");
    let said = run(&studio, &["data", "fetch", "tiny"]).ended(0).answers("tiny: fetched, 2 files, 10 B");
    said.answers("tiny.tar: unverified, SHA-256 ").answers("harness data verify tiny --record");
    assert_eq!(fs::read(studio.path("data/tiny/images/a.jpg")).unwrap(), b"a cat");
    assert!(!studio.path("data/downloads").exists());
    assert_eq!(state(&studio, "tiny"), "ready");
    run(&studio, &["data", "fetch", "tiny"]).ended(0).answers("tiny: ready in ");
    run(&studio, &["data", "list"]).ended(0).answers("oxford-iiit-pet").answers("CC BY-SA 4.0").answers("10 B");
    run(&studio, &["data", "verify"]).ended(0).answers("tiny: 2 files, 10 B: all unchanged");

    let before = studio.read("data-manifests/tiny.yaml");
    run(&studio, &["data", "verify", "tiny", "--record"]).ended(0).answers("tiny.tar: recorded SHA-256 ");
    let sha256 = harness_record::digest::of_bytes(&archive());
    assert_eq!(studio.read("data-manifests/tiny.yaml"), before.replace("unverified", &sha256));

    // From now on another archive is refused.
    studio.edit("data-manifests/tiny.yaml", &sha256, &"0".repeat(64));
    fs::remove_dir_all(studio.path("data")).unwrap();
    let said = run(&studio, &["data", "fetch", "tiny"]).ended(4).tells("it has the SHA-256");
    said.tells("and put it at").tells("tiny.tar");
    assert!(!studio.path("data/tiny").exists() && !studio.path("data/downloads/tiny/tiny.tar").exists());
}

#[test]
fn damage_is_found() {
    let studio = studio(&server());
    run(&studio, &["data", "fetch", "tiny"]).ended(0);
    fs::write(studio.path("data/tiny/images/b.jpg"), b"A cat").unwrap();
    run(&studio, &["data", "verify", "tiny"])
        .ended(4)
        .tells("images/b.jpg has the SHA-256")
        .answers("tiny: 1 of 2 files wrong");
    fs::remove_file(studio.path("data/tiny/images/b.jpg")).unwrap();
    assert_eq!(state(&studio, "tiny"), "changed");
    run(&studio, &["data", "fetch", "tiny"]).ended(4).tells("images/b.jpg is missing").tells("Nothing is overwritten");
}

#[test]
fn offline_it_is_said_what_to_put_where() {
    let studio = Studio::new();
    let said = run(&studio, &["data", "fetch", "oxford-iiit-pet", "--offline"]).ended(4);
    let archive = studio.path("data/downloads/oxford-iiit-pet/images.tar.gz").display().to_string();
    let said = said.tells("nothing may be fetched (--offline)").tells(&archive);
    let said = said.tells("fetch https://thor.robots.ox.ac.uk/datasets/pets/images.tar.gz");
    let said = said.tells("the same is at https://www.robots.ox.ac.uk/~vgg/data/pets/data/images.tar.gz");
    said.tells("791918971 bytes").tells("MD5 5c4f3ee8e5d25df40f4fd59a7f44e54c").tells("data import DIR");
    run(&studio, &["data", "fetch", "pets-sample"]).ended(4).tells("cannot be fetched").tells("data/pets-sample");
    assert!(!studio.path("data").exists());
    let mut command = studio.harness(&["data", "fetch", "stanford-dogs"]);
    command.env("HF_HUB_OFFLINE", "1");
    Said::of(command).ended(4).tells("HF_HUB_OFFLINE");
}

#[test]
fn a_study_asks_before_it_fetches_much() {
    let studio = Studio::new();
    for more in [&[][..], &["--dry-run"]] {
        let arguments = [&["study", "blurring"], more].concat();
        let said = run(&studio, &arguments).ended(4).tells("oxford-iiit-pet (811 MB)").tells("to fetch");
        said.tells("harness data fetch ").tells("--yes");
    }
    let said = run(&studio, &["study", "blurring", "--offline"]).ended(4).tells("and put it at").tells("images.tar.gz");
    // Every part of the corpus is named.
    let parts = ["cifar-10-binary.tar.gz", "cats_and_dogs_filtered.zip", "kagglecatsanddogs_5340.zip", "stanford-dogs"];
    parts.iter().fold(said, |said, part| said.tells(part));
    let elsewhere = "data.pretraining.dataset.pets-corpus.folders.stanford-dogs=mine/dogs";
    let said = run(&studio, &["study", "blurring", "--dry-run", "--set", elsewhere]).ended(4);
    let said = said.tells("data fetch oxford-iiit-pet cifar-10 cats-and-dogs-filtered microsoft-cats-and-dogs\n");
    assert!(!said.stderr.contains("stanford-dogs"), "{}", said.stderr);
    for folder in ["data", "runs", "reports"] {
        assert!(!studio.path(folder).exists(), "{folder}/ was made");
    }
}

#[test]
fn a_users_own_are_adopted() {
    let studio = studio("http://127.0.0.1:1/tiny.tar");
    fs::create_dir_all(studio.path("mine/images")).unwrap();
    for name in ["a.jpg", "b.jpg"] {
        fs::write(studio.path("mine/images").join(name), b"a cat").unwrap();
    }
    run(&studio, &["data", "import", "mine", "--name", "tinny"]).ended(2).tells("did you mean `tiny`?");
    run(&studio, &["data", "import", "mine", "--name", "cifar-10"]).ended(4).tells("data_batch_1.bin is missing");
    run(&studio, &["data", "import", "mine"]).ended(0).answers("tiny: linked to mine, 2 files");
    assert_eq!(state(&studio, "tiny"), "ready");
    run(&studio, &["data", "import", "mine"]).ended(4).tells("it is complete already");

    let other = self::studio("http://127.0.0.1:1/tiny.tar");
    fs::create_dir(other.path("downloaded")).unwrap();
    fs::write(other.path("downloaded/tiny.tar"), archive()).unwrap();
    run(&other, &["data", "import", "downloaded/tiny.tar"]).ended(0).answers("tiny: copied from");
    assert_eq!(state(&other, "tiny"), "ready");
    assert!(other.path("downloaded/tiny.tar").is_file());
}

#[test]
fn manifests_are_checked_as_specs_are() {
    let studio = studio("http://example.org/tiny.tar");
    for arguments in [&["validate"][..], &["validate", "data-manifests/tiny.yaml"], &["data", "fetch", "tiny"]] {
        run(&studio, arguments).ended(3).tells("data-manifests/tiny.yaml:8:").tells("begins with https://");
    }
    run(&studio, &["data", "fetch"]).ended(2);
    let schema = run(&studio, &["schema", "--manifest"]).ended(0).json();
    assert!(schema["properties"]["licence"].is_object());
}
