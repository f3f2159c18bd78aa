//! An HTTP server in a thread. Its first answers are faults.

use std::{
    collections::VecDeque,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// A server's fault in one request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// The connection breaks after this many bytes of the body.
    DropAfter(usize),
    /// Nothing comes after this many bytes.
    StallAfter(usize),
    /// Nothing comes at all.
    Mute,
    /// The whole file, whatever was requested.
    IgnoreRange,
    /// Another part than the requested one.
    WrongRange,
    /// 416.
    Unsatisfiable,
    /// An older version of the file, interrupted.
    OtherVersion { drop_after: usize },
    /// The requested part, but of another version.
    IgnoreIfRange,
    /// Only this many bytes, as if they were all.
    Truncated(usize),
    /// The same, without stating the length.
    TruncatedWithoutLength(usize),
    /// A status with further header lines.
    Status(u16, &'static str),
    /// A redirect.
    Redirect(String),
    /// An endless body.
    Endless,
}

pub(crate) struct Server {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Serves `body`; the first requests get `answers`, later ones a proper answer.
    pub(crate) fn new(body: Vec<u8>, answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, body) = (Arc::clone(&requests), Arc::new(body));
        let answers = Arc::new(Mutex::new(VecDeque::from(answers)));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (seen, body, answers) = (Arc::clone(&seen), Arc::clone(&body), Arc::clone(&answers));
                // The client may have gone away.
                thread::spawn(move || drop(answer(stream.unwrap(), &body, &answers, &seen)));
            }
        });
        Self { address, requests }
    }

    pub(crate) fn url(&self) -> String {
        format!("{}/images.tar", self.address)
    }

    /// The headers of all requests.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// The start of the range in each request.
    pub(crate) fn ranges(&self) -> Vec<Option<usize>> {
        self.requests().iter().map(|request| range(request)).collect()
    }
}

fn range(request: &str) -> Option<usize> {
    let line = request.lines().find(|line| line.to_lowercase().starts_with("range: bytes="))?;
    line["range: bytes=".len()..].trim_end_matches('-').parse().ok()
}

fn answer(
    stream: TcpStream,
    body: &[u8],
    answers: &Mutex<VecDeque<Answer>>,
    seen: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut request = String::new();
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    while let Some(line) = lines.next().transpose()?.filter(|line| !line.is_empty()) {
        request.push_str(&line);
        request.push('\n');
    }
    seen.lock().unwrap().push(request.clone());
    let fault = answers.lock().unwrap().pop_front();
    let from = range(&request).unwrap_or(0);
    let if_range = |tag: &str| request.to_lowercase().lines().all(|l| !l.starts_with("if-range:") || l.contains(tag));
    let mut out = stream;
    let head = |out: &mut TcpStream, status: &str, more: &str| {
        write!(out, "HTTP/1.1 {status}\r\nConnection: close\r\n{more}\r\n")
    };
    // A good answer: the requested part of this version.
    let good = |out: &mut TcpStream, tag: &str, from: usize, most: usize| -> std::io::Result<()> {
        let rest = &body[from..];
        let length = format!("Content-Length: {}\r\nETag: \"{tag}\"\r\n", rest.len());
        if from > 0 {
            let range = format!("{length}Content-Range: bytes {from}-{}/{}\r\n", body.len() - 1, body.len());
            write!(out, "HTTP/1.1 206 Partial Content\r\nConnection: close\r\n{range}\r\n")?;
        } else {
            write!(out, "HTTP/1.1 200 OK\r\nConnection: close\r\n{length}\r\n")?;
        }
        out.write_all(&rest[..most.min(rest.len())])
    };
    match fault {
        None if if_range("\"v1\"") => good(&mut out, "v1", from, usize::MAX),
        Some(Answer::DropAfter(bytes)) => good(&mut out, "v1", from, bytes),
        Some(Answer::StallAfter(bytes)) => {
            good(&mut out, "v1", from, bytes)?;
            out.flush()?;
            thread::sleep(Duration::from_secs(30));
            Ok(())
        }
        Some(Answer::Mute) => {
            thread::sleep(Duration::from_secs(30));
            Ok(())
        }
        // A request to resume another version gets the whole file.
        None | Some(Answer::IgnoreRange) => good(&mut out, "v1", 0, usize::MAX),
        Some(Answer::IgnoreIfRange) => good(&mut out, "v1", from, usize::MAX),
        Some(Answer::WrongRange) => good(&mut out, "v1", from + 1000, usize::MAX),
        Some(Answer::Unsatisfiable) => {
            head(&mut out, "416 Range Not Satisfiable", "Content-Range: bytes */77\r\nContent-Length: 0\r\n")
        }
        Some(Answer::OtherVersion { drop_after }) => {
            let old: Vec<u8> = body.iter().map(|byte| byte ^ 0xff).collect();
            let length = format!("Content-Length: {}\r\nETag: \"v0\"\r\n", old.len());
            head(&mut out, "200 OK", &length)?;
            out.write_all(&old[..drop_after])
        }
        Some(Answer::Truncated(bytes)) => {
            head(&mut out, "200 OK", &format!("Content-Length: {bytes}\r\n"))?;
            out.write_all(&body[..bytes])
        }
        Some(Answer::TruncatedWithoutLength(bytes)) => {
            head(&mut out, "200 OK", "")?;
            out.write_all(&body[..bytes])
        }
        Some(Answer::Status(code, more)) => {
            let name = if code == 404 { "Not Found" } else { "Wait" };
            head(&mut out, &format!("{code} {name}"), &format!("{more}Content-Length: 0\r\n"))
        }
        Some(Answer::Redirect(to)) => head(&mut out, "302 Found", &format!("Location: {to}\r\nContent-Length: 0\r\n")),
        Some(Answer::Endless) => {
            head(&mut out, "200 OK", "")?;
            loop {
                out.write_all(&[7; 4096])?;
            }
        }
    }
}
