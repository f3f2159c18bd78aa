//! Connections, by hyper on a thread of its own.

use super::answer::{Answer, Pages};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Request, Response,
    body::Incoming,
    header::{self, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{convert::Infallible, future::ready, io, net::TcpListener, sync::Arc, time::Duration};

/// How long a client may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers from now on, until the process ends.
pub(super) fn start(listener: TcpListener, pages: Arc<Pages>) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("serve".to_owned()).spawn(move || runtime.block_on(accept(listener, pages)))?;
    Ok(())
}

async fn accept(listener: TcpListener, pages: Arc<Pages>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Too many files are open: the next one may find room.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let pages = Arc::clone(&pages);
        tokio::spawn(async move {
            let service = service_fn(|request| ready(Ok::<_, Infallible>(respond(&pages, &request))));
            let mut connection = http1::Builder::new();
            connection.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
            // A client that leaves in between is no failure of ours.
            let _ = connection.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn respond(pages: &Pages, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    // An address with a name in it, as proxies are sent, must not name another.
    let named = request.uri().authority().map(hyper::http::uri::Authority::as_str);
    response(pages.answer(request.method().as_str(), request.uri().path(), named.or(host)))
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() = hyper::StatusCode::from_u16(answer.status).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(answer.kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    if answer.status == 405 {
        headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    if let Some(location) = answer.location.and_then(|location| HeaderValue::try_from(location).ok()) {
        headers.insert(header::LOCATION, location);
    }
    response
}
