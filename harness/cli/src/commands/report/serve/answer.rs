//! Answers requests with files of the reports' folder, to this machine only.

use crate::reports::folder::ReportFolder;
use harness_record::files;
use serde_json::json;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Size limit for reading one file, in bytes.
const LIMIT: u64 = 1 << 30;
/// The path at which pages ask whether they must be reloaded. No file of a report has this name.
const STATE: &str = "/~state";
/// Asks for [`STATE`] twice a second. Reloads the page when something was rendered; if that failed, shows the problem
/// instead.
const SCRIPT: &str = include_str!("reload.js");

/// The state of the rendering, for the pages.
#[derive(Default)]
pub(super) struct Told {
    /// The number of renderings so far, including failed ones.
    version: u64,
    /// The problem of each report that could not be rendered.
    problems: BTreeMap<String, String>,
    /// The report that was viewed last.
    seen: Option<String>,
}

impl Told {
    /// Notes that a report was rendered, or why it could not be.
    pub(super) fn note(&mut self, place: &ReportFolder, problem: Option<String>) {
        self.version += 1;
        match problem {
            Some(problem) => self.problems.insert(name(place), problem),
            None => self.problems.remove(&name(place)),
        };
    }

    /// The report that was viewed last: `demo/blurring`.
    pub(super) fn seen(&self) -> Option<&str> {
        self.seen.as_deref()
    }

    /// The problems in words; empty if there are none.
    fn problem(&self) -> String {
        self.problems
            .iter()
            .map(|(name, problem)| format!("{name} could not be rendered.\n{problem}"))
            .collect::<Vec<_>>()
            .join("\n\n")
    }
}

/// A report's name in addresses: `demo/blurring`.
pub(super) fn name(place: &ReportFolder) -> String {
    format!("{}/{}", place.profile, place.name)
}

/// The answer to a request.
#[derive(Debug)]
pub(super) struct Answer {
    /// The status code and its name, such as `404 Not Found`.
    pub(super) status: &'static str,
    pub(super) kind: &'static str,
    /// One more line of the response head.
    pub(super) header: Option<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    fn ok(kind: &'static str, body: Vec<u8>) -> Self {
        Self { status: "200 OK", kind, header: None, body }
    }

    pub(super) fn text(status: &'static str, text: &str) -> Self {
        Self { status, kind: "text/plain; charset=utf-8", header: None, body: format!("{text}\n").into_bytes() }
    }
}

/// The folder of reports, as served.
pub(super) struct Pages {
    /// The path without links, so that a file can be checked to lie inside it.
    root: PathBuf,
    told: Arc<Mutex<Told>>,
}

impl Pages {
    pub(super) fn new(root: &Path, told: Arc<Mutex<Told>>) -> io::Result<Self> {
        Ok(Self { root: root.canonicalize()?, told })
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers `method` on `path`. The client asked for the host name `host`.
    pub(super) fn answer(&self, method: &str, path: &str, host: Option<&str>) -> Answer {
        // A page from elsewhere can make its own host name resolve to this machine, but the browser then still asks for
        // that name.
        if !host.is_some_and(is_own) {
            return Answer::text("403 Forbidden", "This server answers to localhost, 127.0.0.1 and [::1] only.");
        }
        if method != "GET" && method != "HEAD" {
            let header = Some(("allow", "GET, HEAD".to_owned()));
            return Answer {
                header,
                ..Answer::text("405 Method Not Allowed", "This server answers to GET and HEAD only.")
            };
        }
        if path == STATE {
            let told = self.told();
            let body = json!({"version": told.version, "problem": told.problem()}).to_string();
            return Answer::ok("application/json", body.into_bytes());
        }
        let Some(inside) = decoded(path).filter(|path| is_plain(path)) else {
            return Answer::text("400 Bad Request", "This address names no file.");
        };
        self.file(path, &inside)
    }

    fn file(&self, path: &str, inside: &str) -> Answer {
        let mut parts = inside.split('/').filter(|part| !part.is_empty());
        if let (Some(profile), Some(study), true) = (parts.next(), parts.next(), is_page(inside)) {
            self.told().seen = Some(format!("{profile}/{study}"));
        }
        let asked = self.root.join(inside.trim_matches('/'));
        let found = asked.canonicalize().ok().filter(|file| file.starts_with(&self.root));
        let Some(mut file) = found else { return self.missing(inside) };
        if file.is_dir() {
            if !path.ends_with('/') {
                // A location that starts with two slashes would be the address of another machine.
                let header = Some(("location", format!("/{}/", path.trim_matches('/'))));
                return Answer {
                    header,
                    ..Answer::text("308 Permanent Redirect", "The folder's address ends in a slash.")
                };
            }
            // The index may be a link, too.
            match file.join("index.html").canonicalize().ok().filter(|file| file.starts_with(&self.root)) {
                Some(index) => file = index,
                None => return self.missing(inside),
            }
        }
        if !file.is_file() {
            return self.missing(inside);
        }
        let kind = kind(&file);
        match files::read(&file, LIMIT) {
            Ok(body) if kind == HTML => Answer::ok(kind, self.alive(&body)),
            Ok(body) => Answer::ok(kind, body),
            Err(_) => Answer::text("500 Internal Server Error", "The file cannot be read."),
        }
    }

    /// The answer when a file is missing. A missing page reloads itself, because the next rendering may write it.
    fn missing(&self, inside: &str) -> Answer {
        if !is_page(inside) {
            return Answer::text("404 Not Found", "There is no such file.");
        }
        let page = b"<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Not there</title></head>\n<body>\n<p>There is no such page yet.</p>\n</body>\n</html>\n";
        Answer { status: "404 Not Found", ..Answer::ok(HTML, self.alive(page)) }
    }

    /// Adds the problem, if any, and the script that reloads the page before the end of the page. The problem is shown
    /// on top.
    fn alive(&self, page: &[u8]) -> Vec<u8> {
        let told = self.told();
        let (problem, version) = (told.problem(), told.version);
        drop(told);
        let hidden = if problem.is_empty() { " hidden" } else { "" };
        let live = format!(
            "<pre id=\"harness-problem\" role=\"alert\"{hidden} style=\"position:fixed;z-index:9;inset:0 0 auto;margin:0;max-width:none;\
             max-height:60vh;overflow:auto;padding:1rem;background:#7a1f00;color:#fff;white-space:pre-wrap\">{}</pre>\n\
             <script>\n{{\nconst version = {version};\n{SCRIPT}}}\n</script>\n",
            escaped(&problem)
        );
        let end = page.windows(7).rposition(|tag| tag.eq_ignore_ascii_case(b"</body>")).unwrap_or(page.len());
        [&page[..end], live.as_bytes(), &page[end..]].concat()
    }
}

/// Returns true if a host name, with or without a port, is this machine's. The port does not matter: that of a tunnel
/// differs, and a page that misleads a browser would send the right one anyway.
fn is_own(host: &str) -> bool {
    let port = |rest: &str| rest.is_empty() || rest.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    let host = host.to_ascii_lowercase();
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|name| host.strip_prefix(name).is_some_and(port))
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        // Writing to memory cannot fail.
        let _ = match c {
            '<' => out.write_str("&lt;"),
            '>' => out.write_str("&gt;"),
            '&' => out.write_str("&amp;"),
            '"' => out.write_str("&quot;"),
            c => out.write_char(c),
        };
        out
    })
}

/// A path with its `%` escapes decoded; `None` if they are not valid text.
fn decoded(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok().filter(|text| !text.starts_with('+'))?, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Returns true if every part of a path is a plain name that does not begin with a dot.
fn is_plain(path: &str) -> bool {
    let part =
        |part: &str| !part.starts_with('.') && !part.contains(['\\', ':']) && !part.chars().any(char::is_control);
    path.starts_with('/') && path.split('/').all(part)
}

/// Returns true if an address is that of a page.
fn is_page(inside: &str) -> bool {
    inside.ends_with('/') || Path::new(inside).extension().is_some_and(|x| x == "html")
}

const HTML: &str = "text/html; charset=utf-8";

fn kind(file: &Path) -> &'static str {
    match file.extension().and_then(|x| x.to_str()).unwrap_or_default() {
        "html" => HTML,
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "jpg" => "image/jpeg",
        "png" => "image/png",
        "json" => "application/json",
        "csv" => "text/csv; charset=utf-8",
        "md" | "txt" | "yaml" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(folder: &Path) -> Pages {
        Pages::new(folder, Arc::default()).unwrap()
    }

    #[test]
    fn only_plain_files_of_the_folder_are_sent() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("reports");
        std::fs::create_dir_all(folder.join("demo/a b")).unwrap();
        for file in ["reports/index.html", "reports/demo/a b/x.csv", "reports/.hidden", "secret.txt"] {
            std::fs::write(outer.path().join(file), "<p>x</p></BODY>").unwrap();
        }
        let pages = pages(&folder);
        let status = |path: &str| &pages.answer("GET", path, Some("localhost:8000")).status[..3];
        assert_eq!((status("/"), status("/index.html"), status("/demo/a%20b/x.csv")), ("200", "200", "200"));
        assert_eq!((status("/demo"), status("/demo/"), status("/demo/none.csv")), ("308", "404", "404"));
        for path in [
            "/../secret.txt",
            "/%2e%2e/secret.txt",
            "/demo/..%2f..%2fsecret.txt",
            "/.hidden",
            "/a\\b",
            "/%",
            "/%zz",
            "/%00",
            "x",
            "/%+1",
        ] {
            assert_eq!(status(path), "400", "{path}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(outer.path().join("secret.txt"), folder.join("link.txt")).unwrap();
            std::os::unix::fs::symlink(outer.path(), folder.join("outside")).unwrap();
            assert_eq!(
                (status("/link.txt"), status("/outside/secret.txt"), status("/outside/")),
                ("404", "404", "404")
            );
        }
        let page = String::from_utf8(pages.answer("GET", "/", Some("127.0.0.1:8000")).body).unwrap();
        assert!(page.starts_with("<p>x</p><pre") && page.ends_with("</script>\n</BODY>"), "{page}");
    }

    #[test]
    fn it_answers_to_its_own_names_and_reads_only() {
        let folder = tempfile::tempdir().unwrap();
        let pages = pages(folder.path());
        let status = |method: &str, host: Option<&str>| &pages.answer(method, STATE, host).status[..3];
        // Through a tunnel, the port differs from that of the server.
        for host in
            ["LOCALHOST:8000", "localhost:9000", "localhost", "127.0.0.1:8000", "127.0.0.1", "[::1]:9000", "[::1]"]
        {
            assert_eq!((status("GET", Some(host)), status("HEAD", Some(host))), ("200", "200"), "{host}");
        }
        for host in [
            "evil.example:8000",
            "evil.example",
            "127.0.0.1.evil.example:8000",
            "localhost.evil.example",
            "localhost:8000:8000",
            "localhost:",
            "localhost:x",
            "localhost:99999",
            "user@localhost",
            "::1",
            "0.0.0.0:8000",
            "",
        ] {
            assert_eq!(status("GET", Some(host)), "403", "{host}");
        }
        assert_eq!((status("GET", None), status("POST", Some("localhost:8000"))), ("403", "405"));
    }

    #[test]
    fn what_is_wrong_is_shown_as_text() {
        let folder = tempfile::tempdir().unwrap();
        let pages = pages(folder.path());
        let place = ReportFolder::new(folder.path(), "demo", "x");
        pages.told().note(&place, Some("a.j2:3: <b> & \"c\"".to_owned()));
        let page = String::from_utf8(pages.alive(b"<p>")).unwrap();
        assert!(
            page.contains("demo/x could not be rendered.\na.j2:3: &lt;b&gt; &amp; &quot;c&quot;")
                && !page.contains(" hidden")
        );
        pages.told().note(&place, None);
        assert!(String::from_utf8(pages.alive(&[])).unwrap().contains(" hidden") && pages.told().version == 2);
    }
}
