//! A server that stands in for all others, or for a proxy: it sends the same file whatever is asked for.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

#[derive(Clone)]
pub(super) struct StandIn {
    pub(super) address: String,
    body: Arc<Vec<u8>>,
    heads: Arc<Mutex<Vec<String>>>,
    /// The number of bytes of the body after which nothing more is sent until the server is let go.
    hold: Arc<AtomicUsize>,
}

impl StandIn {
    /// Serves `body` until the test's process ends.
    pub(super) fn new(body: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stand_in = Self {
            address: listener.local_addr().unwrap().to_string(),
            body: Arc::new(body),
            heads: Arc::default(),
            hold: Arc::new(AtomicUsize::new(usize::MAX)),
        };
        let own = stand_in.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let own = own.clone();
                // The client may have gone away.
                thread::spawn(move || drop(own.answer(stream.unwrap())));
            }
        });
        stand_in
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/tiny.tar", self.address)
    }

    /// From now on, sends only this many bytes of every body.
    pub(super) fn hold_after(&self, bytes: usize) {
        self.hold.store(bytes, Ordering::SeqCst);
    }

    /// Sends what is held back.
    pub(super) fn let_go(&self) {
        self.hold_after(usize::MAX);
    }

    /// The heads of all requests.
    pub(super) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// The offset at which each request asked the body to begin.
    pub(super) fn ranges(&self) -> Vec<usize> {
        self.heads().iter().map(|head| range(head)).collect()
    }

    fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        let mut head = String::new();
        while let Some(line) = lines.next().transpose()?.filter(|line| !line.is_empty()) {
            head.push_str(&line);
            head.push('\n');
        }
        self.heads.lock().unwrap().push(head.clone());
        if head.starts_with("CONNECT ") {
            return write!(stream, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        }
        let (from, all) = (range(&head), self.body.len());
        let rest = &self.body[from..];
        let status = if from == 0 { "200 OK" } else { "206 Partial Content" };
        let range =
            if from == 0 { String::new() } else { format!("Content-Range: bytes {from}-{}/{all}\r\n", all - 1) };
        write!(stream, "HTTP/1.1 {status}\r\nETag: \"v1\"\r\n{range}Content-Length: {}\r\n", rest.len())?;
        write!(stream, "Connection: close\r\n\r\n")?;
        let mut sent = 0;
        while sent < rest.len() {
            let upto = self.hold.load(Ordering::SeqCst).min(rest.len());
            if upto > sent {
                stream.write_all(&rest[sent..upto])?;
                stream.flush()?;
                sent = upto;
            } else {
                thread::sleep(Duration::from_millis(5));
            }
        }
        Ok(())
    }
}

fn range(head: &str) -> usize {
    let line = head.lines().find(|line| line.to_lowercase().starts_with("range: bytes="));
    line.map_or(0, |line| line["range: bytes=".len()..].trim_end_matches('-').parse().unwrap())
}
