//! `report --serve`: what a browser gets, that nothing else is sent, and that a page follows changes.

use crate::studio::{Studio, contents};
use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const REPORT: &str = "reports/demo/blurring";
const PATIENCE: Duration = Duration::from_mins(2);

/// A server that ends with the test.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(studio: &Studio) -> Self {
        let mut command = studio.harness(&["report", "blurring", "--serve", "--port", "0"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line
            .split_whitespace()
            .find_map(|word| word.strip_prefix("http://127.0.0.1:"))
            .unwrap_or_else(|| panic!("{line}"));
        Self { port: address.trim_end_matches('/').parse().unwrap(), child }
    }

    /// Sends a request as it stands and returns the answer.
    fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn get(&self, path: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n", self.port))
    }

    #[track_caller]
    fn until(&self, path: &str, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let answer = self.get(path);
            if holds(&answer) {
                return answer;
            }
            assert!(start.elapsed() < PATIENCE, "not seen: {what}; {answer}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_page_follows_its_template() {
    let studio = Studio::finished();
    let mut server = Server::start(&studio);
    let rendered = |answer: &str| !answer.contains("\"version\":0");
    server.until("/~state", "the first rendering", rendered);
    let before = contents(&studio.path("reports"));
    let page = server.get("/demo/blurring/");
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.contains("content-type: text/html"), "{page}");
    assert!(page.contains("Blurring at test time") && page.contains("location.reload()"), "{page}");
    assert!(!studio.read(Path::new(REPORT).join("index.html")).contains("location.reload"), "the script is on disk");
    assert!(server.get("/").contains("<title>Reports</title>"));
    for (file, kind) in
        [("charts/training.svg", "image/svg+xml"), ("data/places.csv", "text/csv"), ("report.md", "text/plain")]
    {
        let answer = server.get(&format!("/demo/blurring/{file}"));
        assert!(answer.contains(&format!("content-type: {kind}")) && !answer.contains("location.reload"), "{file}");
    }
    // A template is broken: the open page says where and why, and the files on disk stay.
    let template = "templates/blurring.md.j2";
    let text = studio.read(template);
    fs::write(studio.path(template), format!("{text}\n{{{{ no_such.field }}}}\n")).unwrap();
    let state = server.until("/~state", "the error", |answer| answer.contains("blurring.md.j2"));
    let line = text.lines().count() + 2;
    assert!(state.contains(&format!("blurring.md.j2:{line}: ")) && state.contains("no_such"), "{state}");
    let page = server.get("/demo/blurring/index.html");
    assert!(
        page.contains("Blurring at test time") && page.contains("role=\"alert\" style") && page.contains("no_such"),
        "{page}"
    );
    assert_eq!(contents(&studio.path("reports")), before);
    // The template is mended: the error goes, and the text comes.
    fs::write(studio.path(template), format!("{text}\nWritten just now.\n")).unwrap();
    server.until("/~state", "the mended page", |answer| answer.contains("\"problem\":\"\""));
    let page = server.get("/demo/blurring/index.html");
    assert!(page.contains("Written just now.") && page.contains("role=\"alert\" hidden"), "{page}");
    assert!(studio.read(Path::new(REPORT).join("report.md")).contains("Written just now."));
    // A change of the data is noticed, too.
    fs::write(studio.path(REPORT).join("data/study.json"), "{").unwrap();
    server.until("/~state", "the damage", |answer| answer.contains("study.json"));
    #[cfg(unix)]
    {
        let id = server.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        assert_eq!(server.child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn only_reports_are_sent_and_only_to_this_machine() {
    let studio = Studio::finished();
    fs::write(studio.path("secret.txt"), "secret").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(studio.path("secret.txt"), studio.path("reports/link.txt")).unwrap();
    let server = Server::start(&studio);
    let port = server.port;
    let status = |request: String| server.ask(&request).split(' ').nth(1).unwrap_or_default().to_owned();
    let get =
        |path: &str| status(format!("GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"));
    for path in [
        "/../secret.txt",
        "/demo/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/demo/%2e%2e/%2e%2e/secret.txt",
    ] {
        assert_eq!(get(path), "400", "{path}");
    }
    assert_eq!((get("/link.txt").as_str(), get("/none.csv").as_str(), get("/").as_str()), ("404", "404", "200"));
    let of =
        |method: &str, host: &str| status(format!("{method} / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
    // The port may be that of a tunnel, or missing.
    for host in
        [format!("127.0.0.1:{port}"), "localhost:9000".to_owned(), "localhost".to_owned(), "[::1]:9000".to_owned()]
    {
        assert_eq!(of("GET", &host), "200", "{host}");
    }
    for host in [format!("evil.example:{port}"), "evil.example".to_owned()] {
        assert_eq!(of("GET", &host), "403", "{host}");
    }
    assert_eq!(
        (of("POST", &format!("localhost:{port}")), of("DELETE", &format!("localhost:{port}"))),
        ("405".to_owned(), "405".to_owned())
    );
    assert_eq!(status("GET / HTTP/1.0\r\n\r\n".to_owned()), "403");
    assert_eq!(
        status(format!("GET http://evil.example/ HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n")),
        "403"
    );
    assert_eq!(status("GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n".to_owned()), "403");
    assert_eq!(status("nonsense\r\n\r\n".to_owned()), "400");
    assert_eq!(status(format!("GET /{} HTTP/1.1\r\n", "x".repeat(100_000))), "400");
    // The body of a request is not read, and the answer arrives all the same.
    let posted = format!("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000\r\n\r\n{}", "x".repeat(50_000));
    let refused = server.ask(&posted);
    assert!(refused.starts_with("HTTP/1.1 405 ") && refused.contains("\r\nallow: GET, HEAD\r\n"), "{refused}");
    let folder = server.get("/demo/blurring");
    assert!(folder.starts_with("HTTP/1.1 308 ") && folder.contains("\r\nlocation: /demo/blurring/\r\n"), "{folder}");
    // A query does not change the file that is meant.
    assert_eq!(get("/demo/blurring/report.md?v=2"), "200");
    // An answer to HEAD has no body.
    let head = server.ask(&format!("HEAD / HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"));
    assert!(head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"), "{head}");
    // The port is taken.
    let said = studio.run(&["report", "blurring", "--serve", "--port", &port.to_string()]).ended(2);
    said.tells("cannot listen on port").tells("--port");
    studio.run(&["report", "blurring", "--port", "1"]).ended(2).tells("--serve");
}
