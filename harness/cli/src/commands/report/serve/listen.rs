//! Accepts connections: one request and its answer each, on a thread of its own.

use super::answer::{Answer, Pages};
use httparse::{EMPTY_HEADER, Request, Status};
use std::{
    io::{self, Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// The time that a client may take to send its request, and then to receive the answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest head of a request, in bytes.
const HEAD: usize = 1 << 14;
/// The most connections at once.
const MOST: usize = 64;

/// Starts to answer in the background, until the process ends.
pub(super) fn start(listener: TcpListener, pages: Arc<Pages>) -> io::Result<()> {
    thread::Builder::new().name("serve".to_owned()).spawn(move || accept(&listener, &pages))?;
    Ok(())
}

fn accept(listener: &TcpListener, pages: &Arc<Pages>) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            // The usual cause is too many open files: the next connection may find room.
            thread::sleep(Duration::from_millis(50));
            continue;
        };
        // Each connection holds a reference to the pages, so the references count the connections.
        if Arc::strong_count(pages) > MOST {
            continue;
        }
        let pages = Arc::clone(pages);
        // A client that leaves early is not an error. If no thread can be started, the connection is closed.
        let _ = thread::Builder::new().spawn(move || drop(serve(stream, &pages)));
    }
}

fn serve(mut stream: TcpStream, pages: &Pages) -> io::Result<()> {
    let until = Instant::now() + PATIENCE;
    let (mut head, mut piece) = (Vec::new(), [0; 4096]);
    let (answer, with_body) = loop {
        let mut headers = [EMPTY_HEADER; 100];
        let mut request = Request::new(&mut headers);
        match request.parse(&head) {
            Ok(Status::Complete(_)) => break (respond(pages, &request), request.method != Some("HEAD")),
            Ok(Status::Partial) if head.len() < HEAD => {}
            _ => break (Answer::text("400 Bad Request", "This request cannot be read."), true),
        }
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut piece)? {
            0 => return Ok(()),
            n => head.extend_from_slice(&piece[..n]),
        }
    };
    stream.set_write_timeout(Some(PATIENCE))?;
    send(&mut stream, &answer, with_body)?;
    // Closing with unread input would reset the connection, and the answer could get lost.
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    for _ in 0..16 {
        if stream.read(&mut piece)? == 0 {
            break;
        }
    }
    Ok(())
}

fn respond(pages: &Pages, request: &Request<'_, '_>) -> Answer {
    let mut hosts = request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("host"));
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => std::str::from_utf8(host.value).ok(),
        _ => None,
    };
    let target = request.path.unwrap_or_default();
    // An absolute address, as sent to proxies, holds a host name of its own, which must be this machine's.
    let (named, path) = match target.strip_prefix("http://") {
        Some(rest) => {
            let (name, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
            (Some(name), path)
        }
        None => (None, target),
    };
    let path = path.split('?').next().unwrap_or_default();
    pages.answer(request.method.unwrap_or_default(), path, named.or(host))
}

fn send(stream: &mut TcpStream, answer: &Answer, with_body: bool) -> io::Result<()> {
    let Answer { status, kind, header, body } = answer;
    write!(stream, "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n", body.len())?;
    if let Some((name, value)) = header {
        write!(stream, "{name}: {value}\r\n")?;
    }
    write!(
        stream,
        "connection: close\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n\
         cross-origin-resource-policy: same-origin\r\n\r\n"
    )?;
    if with_body {
        stream.write_all(body)?;
    }
    Ok(())
}
