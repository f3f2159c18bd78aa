//! Tests the hub with a local stand-in.

use super::{Home, attempts, policy};
use crate::{
    fetch::{Hub, Network},
    manifest::{HubFile, HubKind, RemoteFile, Source},
};
use harness_record::digest;
use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    path::Path,
    sync::{Arc, Mutex},
    thread,
};

const COMMIT: &str = "c983eba7f5e69bc3548a626d1b0b0b914e5de3a6";
const PATH: &str = "/timm/resnet34/resolve/c983eba7f5e69bc3548a626d1b0b0b914e5de3a6/model.safetensors";
const BODY: &[u8] = b"weights of a network";
const TOKEN: &str = "hf_secretsecretsecret";

/// A hub that answers for one file of a model: its tag is `tag`, its content [`BODY`]. Its refusals repeat the authorisation
/// that it received. It may redirect to `elsewhere` for the content. Serves until the test's process ends.
fn stand_in(tag: String, elsewhere: Option<String>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&heads);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let head: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
            let head = head.join("\n");
            seen.lock().unwrap().push(head.clone());
            let known = head.contains(&format!(" {PATH} "));
            let refusal = format!("{{\"error\": \"you sent {}\"}}", head.replace('\n', " ").replace('"', ""));
            let body: &[u8] = if known { BODY } else { refusal.as_bytes() };
            let status = if known { "200 OK" } else { "403 Forbidden" };
            let (status, tag, body) = match &elsewhere {
                Some(elsewhere) => {
                    ("302 Found", format!("X-Linked-Etag: \"{tag}\"\r\nLocation: {elsewhere}{PATH}\r\n"), &b""[..])
                }
                None => (status, format!("ETag: \"{tag}\"\r\n"), body),
            };
            let length = body.len();
            // The client may have gone away.
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{tag}X-Repo-Commit: {COMMIT}\r\nConnection: close\r\n\r\n"
            );
            if head.starts_with("GET") {
                let _ = stream.write_all(body);
            }
        }
    });
    (address, heads)
}

fn file(sha256: &str) -> RemoteFile {
    let hub = HubFile {
        repository: "timm/resnet34".to_owned(),
        kind: HubKind::Model,
        revision: COMMIT.to_owned(),
        file: "model.safetensors".to_owned(),
    };
    RemoteFile {
        file: "images.tar".to_owned(),
        from: vec![Source::Hub(hub)],
        size: None,
        sha256: Some(sha256.to_owned()),
        md5: None,
        unpack: None,
    }
}

fn network(endpoint: &str, cache: &Path) -> Arc<Network> {
    // The token of the person who runs the tests is not used.
    let hub = Hub::new(endpoint, cache.to_owned(), Some(TOKEN.to_owned()));
    Arc::new(Network::with_hub(policy(), hub).unwrap())
}

#[test]
fn what_is_not_there_is_fetched_once_and_checked() {
    let (place, cache, sha256) = (Home::new(), tempfile::tempdir().unwrap(), digest::of_bytes(BODY));
    let (endpoint, heads) = stand_in(sha256.clone(), None);
    let network_now = network(&endpoint, cache.path());
    let had = place.fetch_by(&file("unverified"), &network_now, &harness_record::monitor::Silent).unwrap();
    assert_eq!(had.seen.sha256, sha256);
    assert!(had.from.ends_with("/timm/resnet34/resolve/c983eba7f5e69bc3548a626d1b0b0b914e5de3a6/model.safetensors"));
    assert_eq!(fs::read(place.target()).unwrap(), BODY);
    assert_eq!(place.names(), ["images.tar"]);
    assert!(heads.lock().unwrap().iter().any(|head| head.contains(TOKEN)), "the token was not used");
    // After it is removed from the data folder, it comes from the hub's cache.
    fs::remove_file(place.target()).unwrap();
    let nobody = network("http://127.0.0.1:1", cache.path());
    place.fetch_by(&file(&sha256), &nobody, &harness_record::monitor::Silent).unwrap();
    assert_eq!(fs::read(place.target()).unwrap(), BODY);
}

#[test]
fn a_file_that_is_not_what_was_promised_gets_no_place() {
    let (place, cache) = (Home::new(), tempfile::tempdir().unwrap());
    let (endpoint, _) = stand_in("ab".repeat(32), None);
    let told = attempts(place.fetch_by(
        &file("unverified"),
        &network(&endpoint, cache.path()),
        &harness_record::monitor::Silent,
    ));
    assert!(told[0].why[0].contains("the hub says abab"), "{told:?}");
    assert_eq!(place.names(), [""; 0]);
    // The cache does not keep the damaged file either.
    let (endpoint, _) = stand_in(digest::of_bytes(BODY), None);
    let told = attempts(place.fetch_by(
        &file("0123456789"),
        &network(&endpoint, cache.path()),
        &harness_record::monitor::Silent,
    ));
    assert!(told[0].why[0].contains("the manifest says 0123456789"), "{told:?}");
    assert_eq!(place.names(), [""; 0]);
}

#[test]
fn where_the_hub_sends_us_hears_no_token_and_vouches_for_nothing() {
    let (place, cache) = (Home::new(), tempfile::tempdir().unwrap());
    let (elsewhere, asked) = stand_in("x".to_owned(), None);
    let (endpoint, heads) = stand_in(digest::of_bytes(BODY), Some(elsewhere.clone()));
    let network_now = network(&endpoint, cache.path());
    place.fetch_by(&file("unverified"), &network_now, &harness_record::monitor::Silent).unwrap();
    assert_eq!(fs::read(place.target()).unwrap(), BODY);
    let (heads, asked) = (heads.lock().unwrap().join("\n"), asked.lock().unwrap().join("\n"));
    assert!(heads.contains(TOKEN) && asked.contains(PATH) && !asked.contains(TOKEN), "{heads}\n{asked}");
    // The file differs from the hub's digest.
    let (place, cache) = (Home::new(), tempfile::tempdir().unwrap());
    let (endpoint, _) = stand_in("ab".repeat(32), Some(elsewhere));
    let network = network(&endpoint, cache.path());
    let told = attempts(place.fetch_by(&file("unverified"), &network, &harness_record::monitor::Silent));
    assert!(told[0].why[0].contains("the hub says abab"), "{told:?}");
}

#[test]
fn a_file_that_is_damaged_in_the_cache_is_fetched_anew() {
    let (place, cache, sha256) = (Home::new(), tempfile::tempdir().unwrap(), digest::of_bytes(BODY));
    let cached = cache.path().join("models--timm--resnet34/snapshots").join(COMMIT).join("model.safetensors");
    fs::create_dir_all(cached.parent().unwrap()).unwrap();
    fs::write(&cached, "damaged").unwrap();
    let (endpoint, heads) = stand_in(sha256.clone(), None);
    place.fetch_by(&file(&sha256), &network(&endpoint, cache.path()), &harness_record::monitor::Silent).unwrap();
    assert_eq!((fs::read(place.target()).unwrap().as_slice(), fs::read(&cached).unwrap().as_slice()), (BODY, BODY));
    assert_eq!(heads.lock().unwrap().len(), 1);
}

#[test]
fn a_refusal_does_not_repeat_the_token_and_leaves_nothing() {
    let (place, cache) = (Home::new(), tempfile::tempdir().unwrap());
    let (endpoint, heads) = stand_in("x".to_owned(), None);
    let mut file = file("unverified");
    let Source::Hub(hub) = &mut file.from[0] else { unreachable!() };
    hub.kind = HubKind::Dataset;
    let told = attempts(place.fetch_by(&file, &network(&endpoint, cache.path()), &harness_record::monitor::Silent));
    assert!(heads.lock().unwrap().iter().any(|head| head.contains("/datasets/timm/resnet34/resolve/")));
    let told = format!("{told:?}");
    assert!(!told.contains(TOKEN) && !told.contains("secretsecret"), "{told}");
    assert_eq!(place.names(), [""; 0]);
}

#[test]
fn a_hub_that_is_not_there_is_given_up_soon() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (place, cache, start) = (Home::new(), tempfile::tempdir().unwrap(), std::time::Instant::now());
    let network = network(&format!("http://{closed}"), cache.path());
    attempts(place.fetch_by(&file("unverified"), &network, &harness_record::monitor::Silent));
    assert!(start.elapsed() < std::time::Duration::from_secs(10));
    assert_eq!(place.names(), [""; 0]);
}
