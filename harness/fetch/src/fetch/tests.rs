//! Tests fetching from a local server that makes every mistake a server can make.

mod hub;
mod server;
mod several;

use super::*;
use crate::manifest::Source;
use harness_record::monitor::{Monitor, Silent};
use server::{Answer, Server};
use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The content of a file. Its length is not a multiple of any block size.
fn body() -> Vec<u8> {
    (0..300_007_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// Patience short enough for quick tests.
pub(super) fn policy() -> Policy {
    Policy {
        connect: Duration::from_secs(5),
        stall: Duration::from_millis(400),
        tries: 3,
        pause: Duration::from_millis(10),
        longest_pause: Duration::from_millis(1500),
        redirects: 5,
        largest: 1 << 20,
        at_once: 4,
        proxies: false,
    }
}

fn network() -> Arc<Network> {
    Arc::new(Network::new(policy()).unwrap())
}

/// A file as a manifest describes it.
fn remote(urls: &[String]) -> RemoteFile {
    let seen = seen(&body());
    RemoteFile {
        file: "images.tar".to_owned(),
        from: urls.iter().map(|url| Source::Url(url.clone())).collect(),
        size: Some(seen.bytes),
        sha256: Some(seen.sha256),
        md5: Some(seen.md5),
        unpack: None,
    }
}

fn seen(bytes: &[u8]) -> Seen {
    let mut sums = crate::digests::Sums::default();
    sums.update(bytes);
    sums.finish()
}

fn unverified(urls: &[String]) -> RemoteFile {
    RemoteFile { size: None, sha256: Some("unverified".to_owned()), md5: None, ..remote(urls) }
}

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn target(&self) -> PathBuf {
        self.0.path().join("downloads/images.tar")
    }

    fn fetch(&self, file: &RemoteFile) -> Result<Had, FetchError> {
        self.fetch_by(file, &network(), &Silent)
    }

    fn fetch_by(&self, file: &RemoteFile, network: &Arc<Network>, monitor: &dyn Monitor) -> Result<Had, FetchError> {
        all(vec![Job::new(file, self.target())], "images", network, monitor)?.remove(0)
    }

    /// Asserts that the file is whole and right, with nothing left beside it.
    #[track_caller]
    fn holds_the_file(&self) {
        assert!(fs::read(self.target()).unwrap() == body());
        assert_eq!(self.names(), ["images.tar"]);
    }

    /// Asserts that nothing looks finished.
    #[track_caller]
    fn holds_no_file(&self) {
        let names = self.names();
        assert!(
            names.iter().all(|name| ["images.tar.part", "images.tar.part.json"].contains(&name.as_str())),
            "{names:?}"
        );
    }

    fn names(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.0.path().join("downloads")) else { return Vec::new() };
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[track_caller]
fn attempts(result: Result<Had, FetchError>) -> Vec<Attempt> {
    match result {
        Err(FetchError::NoSource { attempts, .. }) => attempts,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_comes_whole_is_the_file() {
    let (server, place) = (Server::new(body(), vec![]), Place::new());
    let had = place.fetch(&remote(&[server.url()])).unwrap();
    assert_eq!(had, Had { path: place.target(), from: server.url(), seen: seen(&body()) });
    place.holds_the_file();
    // Digests from another program: `printf abc
    // md5sum`.
    assert_eq!(seen(b"abc").md5, "900150983cd24fb0d6963f7d28e17f72");
    assert!(server.requests()[0].to_lowercase().contains("accept-encoding: identity"));
}

#[test]
fn a_dropped_connection_is_gone_on_with_where_it_broke() {
    let server = Server::new(body(), vec![Answer::DropAfter(100_000), Answer::DropAfter(100_000)]);
    let place = Place::new();
    place.fetch(&remote(&[server.url()])).unwrap();
    place.holds_the_file();
    let ranges = server.ranges();
    assert_eq!(ranges, [None, Some(100_000), Some(200_000)]);
    assert!(server.requests()[1].to_lowercase().contains("if-range: \"v1\""), "{}", server.requests()[1]);
}

#[test]
fn many_drops_are_forgiven_while_it_gets_on() {
    // There are seven faults in a row and only three attempts, but each attempt made progress.
    let server = Server::new(body(), vec![Answer::DropAfter(40_000); 7]);
    let place = Place::new();
    place.fetch(&remote(&[server.url()])).unwrap();
    place.holds_the_file();
    assert_eq!(server.ranges().len(), 8);
}

#[test]
fn a_server_that_drops_for_ever_is_given_up() {
    let server = Server::new(body(), vec![Answer::DropAfter(0); 50]);
    let place = Place::new();
    let attempts = attempts(place.fetch(&remote(&[server.url()])));
    assert_eq!(server.ranges().len(), 3);
    assert!(attempts[0].why.last().unwrap().contains("gave up after 3 attempts"), "{attempts:?}");
    place.holds_no_file();
}

#[test]
fn a_fetch_in_another_process_goes_on_where_the_first_was_killed() {
    let server = Server::new(body(), vec![Answer::DropAfter(150_000), Answer::Status(404, "")]);
    let (place, file) = (Place::new(), remote(&[server.url()]));
    attempts(place.fetch(&file));
    assert_eq!(place.names(), ["images.tar.part", "images.tar.part.json"]);
    assert_eq!(begun(&place.target()), 150_000);
    place.fetch(&file).unwrap();
    place.holds_the_file();
    assert_eq!(server.ranges(), [None, Some(150_000), Some(150_000)]);
}

#[test]
fn a_part_that_is_whole_is_not_asked_for_again() {
    let server = Server::new(body(), vec![Answer::DropAfter(150_000), Answer::Status(404, "")]);
    let (place, file) = (Place::new(), remote(&[server.url()]));
    attempts(place.fetch(&file));
    fs::write(place.target().with_file_name("images.tar.part"), body()).unwrap();
    place.fetch(&file).unwrap();
    place.holds_the_file();
    assert_eq!(server.ranges().len(), 2);
}

#[test]
fn a_server_that_ignores_ranges_sends_all_again() {
    let server = Server::new(body(), vec![Answer::DropAfter(100_000), Answer::IgnoreRange]);
    let place = Place::new();
    place.fetch(&remote(&[server.url()])).unwrap();
    place.holds_the_file();
    assert_eq!(server.ranges(), [None, Some(100_000)]);
}

#[test]
fn a_wrong_part_is_thrown_away() {
    for answer in [Answer::WrongRange, Answer::Unsatisfiable] {
        let server = Server::new(body(), vec![Answer::DropAfter(100_000), answer]);
        let place = Place::new();
        place.fetch(&remote(&[server.url()])).unwrap();
        place.holds_the_file();
        assert_eq!(server.ranges(), [None, Some(100_000), None]);
    }
}

#[test]
fn a_file_that_changed_between_two_requests_is_fetched_anew() {
    // The server honours `If-Range`: it sends the whole new file.
    let server = Server::new(body(), vec![Answer::OtherVersion { drop_after: 100_000 }]);
    let place = Place::new();
    place.fetch(&remote(&[server.url()])).unwrap();
    place.holds_the_file();
    // This server does not. The halves do not fit together, so the whole file is fetched once more.
    let server = Server::new(body(), vec![Answer::OtherVersion { drop_after: 100_000 }, Answer::IgnoreIfRange]);
    let place = Place::new();
    place.fetch(&remote(&[server.url()])).unwrap();
    place.holds_the_file();
    assert_eq!(server.ranges(), [None, Some(100_000), None]);
}

#[test]
fn a_truncated_file_is_not_the_file() {
    // The length is that of the cut body, or it is not given.
    for answer in [Answer::Truncated(200_000), Answer::TruncatedWithoutLength(200_000)] {
        let server = Server::new(body(), vec![answer; 50]);
        let place = Place::new();
        attempts(place.fetch(&remote(&[server.url()])));
        place.holds_no_file();
    }
}

#[test]
fn without_any_length_nothing_unverified_is_taken() {
    let server = Server::new(body(), vec![Answer::TruncatedWithoutLength(200_000); 5]);
    let place = Place::new();
    let attempts = attempts(place.fetch(&unverified(&[server.url()])));
    assert!(attempts[0].why[0].contains("so nothing would show whether it is complete"), "{attempts:?}");
    place.holds_no_file();
    // If the length is given, the file is accepted, and its digest is reported.
    let server = Server::new(body(), vec![]);
    assert_eq!(place.fetch(&unverified(&[server.url()])).unwrap().seen, seen(&body()));
}

#[test]
fn a_wrong_file_is_thrown_away_and_the_next_mirror_asked() {
    let mut other = body();
    other[17] ^= 1;
    let (bad, good, place) = (Server::new(other, vec![]), Server::new(body(), vec![]), Place::new());
    let both = attempts(place.fetch(&remote(&[bad.url(), bad.url()])));
    assert_eq!(both.len(), 2, "every source is named");
    assert!(both[0].why[0].contains("SHA-256") && both[0].why[0].contains("another file, or damaged"), "{both:?}");
    assert_eq!(place.names(), [""; 0]);
    let had = place.fetch(&remote(&[bad.url(), good.url()])).unwrap();
    assert_eq!(had.from, good.url());
    place.holds_the_file();
    // A wrong size is noticed before anything is fetched.
    let (page, place) = (Server::new(b"<html>please log in</html>".to_vec(), vec![]), Place::new());
    let told = attempts(place.fetch(&remote(&[page.url()])));
    assert!(told[0].why[0].contains("the server offers 26 bytes"), "{told:?}");
    assert_eq!(place.names(), [""; 0]);
}

#[test]
fn the_md5_alone_is_enough_to_refuse() {
    let mut other = body();
    other[17] ^= 1;
    let (server, place) = (Server::new(other, vec![]), Place::new());
    let told = attempts(place.fetch(&RemoteFile { sha256: None, ..remote(&[server.url()]) }));
    assert!(told[0].why[0].contains("it has the MD5"), "{told:?}");
    place.holds_no_file();
}

#[test]
fn silence_is_not_waited_for() {
    for answer in [Answer::StallAfter(100_000), Answer::Mute] {
        let server = Server::new(body(), vec![answer]);
        let (place, start) = (Place::new(), Instant::now());
        place.fetch(&remote(&[server.url()])).unwrap();
        place.holds_the_file();
        assert!(start.elapsed() < Duration::from_secs(10));
        assert_eq!(server.ranges().len(), 2);
    }
}

#[test]
fn what_is_not_there_is_not_asked_for_twice() {
    let (server, place) = (Server::new(body(), vec![Answer::Status(404, ""); 9]), Place::new());
    let attempts = attempts(place.fetch(&remote(&[server.url()])));
    assert_eq!(attempts[0].why, ["the server answers 404 Not Found"]);
    assert_eq!(server.ranges().len(), 1);
}

#[test]
fn a_server_may_ask_for_patience_within_bounds() {
    let server = Server::new(body(), vec![Answer::Status(503, "Retry-After: 1\r\n")]);
    let (place, start) = (Place::new(), Instant::now());
    place.fetch(&remote(&[server.url()])).unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1), "it did not wait");
    // An hour is too long to wait.
    let server = Server::new(body(), vec![Answer::Status(429, "Retry-After: 3600\r\n")]);
    let (place, start) = (Place::new(), Instant::now());
    place.fetch(&remote(&[server.url()])).unwrap();
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn pauses_double_up_to_a_bound() {
    let policy = Policy { pause: Duration::from_secs(1), longest_pause: Duration::from_secs(6), ..policy() };
    let waits: Vec<u64> = (1..6).map(|failed| policy.wait(failed, None).as_secs()).collect();
    assert_eq!(waits, [1, 2, 4, 6, 6]);
    assert_eq!(policy.wait(1, Some(Duration::from_secs(3))).as_secs(), 3);
    assert_eq!(policy.wait(u32::MAX, Some(Duration::MAX)).as_secs(), 6);
}

#[test]
fn redirects_are_followed_a_few_times_and_only_over_http() {
    let server = Server::new(body(), vec![Answer::Redirect("/again".to_owned())]);
    let place = Place::new();
    // The address is the manifest's, not the redirect's.
    assert_eq!(place.fetch(&remote(&[server.url()])).unwrap().from, server.url());
    let server = Server::new(body(), vec![Answer::Redirect("/again".to_owned()); 50]);
    let place = Place::new();
    let told = attempts(place.fetch(&remote(&[server.url()])));
    assert!(told[0].why[0].contains("more than 5 redirects"), "{told:?}");
    assert_eq!(server.ranges().len(), 6);
    let server = Server::new(body(), vec![Answer::Redirect("file:///etc/passwd".to_owned()); 9]);
    let told = attempts(place.fetch(&remote(&[server.url()])));
    assert!(!told[0].why[0].contains("passwd"), "{told:?}");
    place.holds_no_file();
}

#[test]
fn an_endless_body_is_cut_off() {
    let server = Server::new(body(), vec![Answer::Endless; 9]);
    let place = Place::new();
    let told = attempts(place.fetch(&remote(&[server.url()])));
    assert!(told[0].why[0].contains("more arrived than the expected 300007 bytes"), "{told:?}");
    // If no size is known, the policy limits it.
    let file = RemoteFile { size: None, ..remote(&[server.url()]) };
    let told = attempts(place.fetch(&file));
    assert!(told[0].why[0].contains("more arrived than the expected 1048576 bytes"), "{told:?}");
    assert_eq!(place.names(), [""; 0]);
}

#[test]
fn nobody_listens() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (place, good) = (Place::new(), Server::new(body(), vec![]));
    let had = place.fetch(&remote(&[format!("http://{closed}/x"), good.url()])).unwrap();
    assert_eq!(had.from, good.url());
}
