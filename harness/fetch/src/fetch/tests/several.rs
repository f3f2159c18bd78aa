//! Tests stopping, several files at once, and a full disk.

use super::*;

/// Asks to stop after this many checks.
struct Impatient(AtomicUsize);

impl Monitor for Impatient {
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: u64) {}
    fn note(&self, _: &str) {}
    fn end(&self) {}
    fn log(&self, _: &str) {}
    fn stopped(&self) -> bool {
        self.0.fetch_add(1, Ordering::SeqCst) >= 2
    }
}

#[test]
fn stopped_it_leaves_only_a_part_that_is_gone_on_with() {
    let server = Server::new(body(), vec![Answer::StallAfter(100_000)]);
    let (place, file) = (Home::new(), remote(&[server.url()]));
    // The wait is long enough for the stop to interrupt it.
    let patient = Arc::new(Network::new(Policy { stall: Duration::from_secs(20), ..policy() }).unwrap());
    let start = Instant::now();
    let error = place.fetch_by(&file, &patient, &Impatient(AtomicUsize::new(0))).unwrap_err();
    assert!(matches!(error, FetchError::Stopped) && start.elapsed() < Duration::from_secs(5), "{error}");
    assert_eq!(place.names(), ["images.tar.part", "images.tar.part.json"]);
    place.fetch(&file).unwrap();
    place.holds_the_file();
    assert_eq!(server.ranges(), [None, Some(100_000)]);
}

#[test]
fn several_files_come_side_by_side_and_one_that_fails_keeps_no_other() {
    let place = Home::new();
    let servers: Vec<Server> = (0..5).map(|_| Server::new(body(), vec![])).collect();
    let bad = Server::new(body(), vec![Answer::Status(404, ""); 9]);
    let urls: Vec<String> = servers.iter().map(Server::url).chain([bad.url()]).collect();
    let job = |(i, url): (usize, &String)| {
        let file = RemoteFile { file: format!("{i}.tar"), ..remote(std::slice::from_ref(url)) };
        Job::new(&file, place.0.path().join(format!("{i}.tar")))
    };
    let results = all(urls.iter().enumerate().map(job).collect(), "all", &network(), &Silent).unwrap();
    let good: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(good, [true, true, true, true, true, false]);
    for (i, result) in results.into_iter().take(5).enumerate() {
        let had = result.unwrap();
        assert!(had.path.ends_with(format!("{i}.tar")) && fs::read(had.path).unwrap() == body());
    }
}

#[test]
fn a_full_disk_is_seen_before() {
    let place = Home::new();
    room(&place.0.path().join("not/there/yet"), 1).unwrap();
    let error = room(place.0.path(), u64::MAX).unwrap_err().to_string();
    assert!(error.contains("has too little space") && error.contains("--data-dir"), "{error}");
}
