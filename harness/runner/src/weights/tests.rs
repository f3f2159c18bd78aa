use super::*;
use crate::{manifest::Alternative, progress::Loudness};
use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

const COMMIT: &str = "c983eba7f5e69bc3548a626d1b0b0b914e5de3a6";
const BODY: &[u8] = b"weights of a network";

fn source(sha256: Option<&str>) -> WeightsSource {
    WeightsSource {
        repository: "timm/resnet34".to_owned(),
        revision: COMMIT.to_owned(),
        file: "model.safetensors".to_owned(),
        sha256: sha256.map(str::to_owned),
        alternatives: vec![Alternative {
            url: "https://example.org/resnet34-b627a593.pth".to_owned(),
            sha256: Some(digest::of_bytes(BODY)[..8].to_owned()),
        }],
    }
}

/// A hub that answers for one file: its tag is `tag`, its content [`BODY`]. Serves until the test's process ends.
fn stand_in(tag: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let request = lines.next().unwrap().unwrap();
            while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
            let known = request.contains(&format!("/timm/resnet34/resolve/{COMMIT}/model.safetensors "));
            let status = if known { "200 OK" } else { "404 Not Found" };
            write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nETag: \"{tag}\"\r\nX-Repo-Commit: {COMMIT}\r\nConnection: close\r\n\r\n",
                BODY.len()
            )
            .unwrap();
            if request.starts_with("GET") {
                stream.write_all(BODY).unwrap();
            }
        }
    });
    address
}

struct Place {
    data: tempfile::TempDir,
    cache: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { data: tempfile::tempdir().unwrap(), cache: tempfile::tempdir().unwrap() }
    }

    fn hub(&self, endpoint: &str) -> HFClientBuilder {
        // Without the token of whoever runs the tests.
        HFClient::builder().endpoint(endpoint).cache_dir(self.cache.path()).token("none")
    }

    fn find(&self, source: &WeightsSource, hub: impl Into<Option<HFClientBuilder>>) -> Outcome<Located> {
        let wanted = Published { name: "resnet34", source, data_dir: self.data.path() };
        published(&wanted, hub.into(), &Progress::new(Loudness::Quiet))
    }

    fn path(&self, file: &str) -> PathBuf {
        self.data.path().join("weights").join(file)
    }
}

#[test]
fn what_is_not_there_is_fetched_once_and_checked() {
    let (place, sha256) = (Place::new(), digest::of_bytes(BODY));
    let endpoint = stand_in(sha256.clone());
    let expected = Located { path: place.path("resnet34.safetensors"), sha256: sha256.clone() };
    assert_eq!(place.find(&source(None), place.hub(&endpoint)).unwrap(), expected);
    assert_eq!(std::fs::read(&expected.path).unwrap(), BODY);
    // The second time it is there, and no hub is asked.
    assert_eq!(place.find(&source(Some(&sha256[..8])), None).unwrap(), expected);
    // Gone from the data folder, it comes from the hub's cache.
    std::fs::remove_file(&expected.path).unwrap();
    assert_eq!(place.find(&source(None), place.hub("http://127.0.0.1:1")).unwrap(), expected);
}

#[test]
fn a_file_that_is_not_what_was_promised_gets_no_place() {
    let place = Place::new();
    let error = place.find(&source(None), place.hub(&stand_in("ab".repeat(32)))).unwrap_err();
    assert_eq!(error.code(), 4);
    assert!(error.to_string().contains("the hub says abab"), "{error}");
    assert!(!place.path("resnet34.safetensors").exists());
    // The damaged file is not kept in the cache either.
    let endpoint = stand_in(digest::of_bytes(BODY));
    let error = place.find(&source(Some("0123456789")), place.hub(&endpoint)).unwrap_err();
    assert!(error.to_string().contains("the manifest says 0123456789"), "{error}");
    assert!(!place.path("resnet34.safetensors").exists());
}

#[test]
fn without_network_it_is_said_what_to_fetch_and_where_to_put_it() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let place = Place::new();
    let started = Instant::now();
    for hub in [None, Some(place.hub(&format!("http://{closed}")))] {
        let error = place.find(&source(None), hub).unwrap_err();
        assert_eq!(error.code(), 4);
        let text = error.to_string();
        for part in [
            format!("fetch https://huggingface.co/timm/resnet34/resolve/{COMMIT}/model.safetensors\n"),
            format!("and put it at {}", place.path("resnet34.safetensors").display()),
            "or fetch https://example.org/resnet34-b627a593.pth\n".to_owned(),
            format!("and put it at {}", place.path("resnet34.pth").display()),
        ] {
            assert!(text.contains(&part), "{part}\nin\n{text}");
        }
    }
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_file_put_there_by_hand_is_taken_if_it_is_right() {
    let place = Place::new();
    std::fs::create_dir(place.data.path().join("weights")).unwrap();
    std::fs::write(place.path("resnet34.pth"), BODY).unwrap();
    let found = place.find(&source(None), None).unwrap();
    assert_eq!(found, Located { path: place.path("resnet34.pth"), sha256: digest::of_bytes(BODY) });
    std::fs::write(place.path("resnet34.pth"), "half a download").unwrap();
    let error = place.find(&source(None), None).unwrap_err();
    assert_eq!(error.code(), 4);
    assert!(error.to_string().contains("damaged"), "{error}");
}

#[test]
fn files_of_a_spec_are_held_against_their_digest() {
    let place = Place::new();
    let (data, progress) = (place.data.path(), Progress::new(Loudness::Quiet));
    let find = |json: serde_json::Value| {
        let init: InitSpec = serde_json::from_value(json).unwrap();
        locate(&init, data, Path::new("no manifests"), true, &progress)
    };
    assert_eq!(find(serde_json::json!("random")).unwrap(), None);
    let missing = find(serde_json::json!({"checkpoint": {"file": "net.pt"}})).unwrap_err();
    assert_eq!(missing.code(), 4);
    assert!(missing.to_string().contains("--data-dir"), "{missing}");
    std::fs::write(data.join("net.pt"), BODY).unwrap();
    let sha256 = digest::of_bytes(BODY);
    let found = Some(Located { path: data.join("net.pt"), sha256: sha256.clone() });
    assert_eq!(find(serde_json::json!({"checkpoint": {"file": "net.pt"}})).unwrap(), found);
    assert_eq!(
        find(serde_json::json!({"encoder": {"file": "net.pt", "sha256": sha256.to_uppercase()}})).unwrap(),
        found
    );
    let other = find(serde_json::json!({"checkpoint": {"file": "net.pt", "sha256": "0".repeat(64)}})).unwrap_err();
    assert!(other.to_string().contains("the spec says 000"), "{other}");
}

#[test]
fn the_manifest_of_the_encoder_is_read() {
    let manifests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data-manifests");
    let data = tempfile::tempdir().unwrap();
    let init: InitSpec =
        serde_json::from_value(serde_json::json!({"encoder": {"weights": "resnet34-imagenet"}})).unwrap();
    let error = locate(&init, data.path(), &manifests, true, &Progress::new(Loudness::Quiet)).unwrap_err();
    assert!(error.to_string().contains("https://download.pytorch.org/models/resnet34-b627a593.pth"), "{error}");
}
