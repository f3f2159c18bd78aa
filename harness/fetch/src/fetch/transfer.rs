//! One request for a file, from its beginning or from where an earlier one broke off.

use super::{
    Job,
    hub::Hub,
    meter::Meter,
    network::{LINKED_ETAG, Network},
    part::{Part, Whole},
    trouble::Trouble,
};
use crate::{
    digests::{Seen, Sums},
    human,
};
use std::{
    fs::File,
    io::{Read as _, Write as _},
    time::Duration,
};
use ureq::{
    Body,
    http::{
        Response, StatusCode,
        header::{
            CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName, IF_RANGE, LAST_MODIFIED, RANGE, RETRY_AFTER,
        },
    },
};

/// The state before a request: the bytes so far, with their digests.
struct Start {
    sums: Sums,
    whole: Whole,
}

/// Fetches the file of `job` from `url`, which belongs to the hub if one is given.
pub(super) fn transfer(
    job: &Job,
    url: &str,
    hub: Option<&Hub>,
    network: &Network,
    meter: &Meter,
) -> Result<Seen, Trouble> {
    let part = Part::of(&job.target);
    let start = resumable(job, url, &part, network, meter)?;
    let offset = start.sums.bytes();
    meter.have(job.number, offset);
    if offset > 0 && Some(offset) == start.whole.length.or(job.file.size) {
        return finish(job, &part, start.sums, None, true);
    }
    let mut headers = Vec::new();
    if offset > 0 {
        headers.push((RANGE, format!("bytes={offset}-")));
        headers.extend(start.whole.validator().map(|validator| (IF_RANGE, validator.to_owned())));
    }
    let response = network.get(url, &headers, hub.and_then(Hub::token))?;
    let status = response.status();
    if status == StatusCode::RANGE_NOT_SATISFIABLE && offset > 0 {
        if total_in_range(&response) == Some(offset) {
            return finish(job, &part, start.sums, None, true);
        }
        part.remove()?;
        return Err(Trouble::again("the server does not have the requested part; starting from the beginning"));
    }
    if !matches!(status, StatusCode::OK | StatusCode::PARTIAL_CONTENT) {
        return Err(refused(&response));
    }
    let resumed = status == StatusCode::PARTIAL_CONTENT;
    if resumed && (offset == 0 || range_start(&response) != Some(offset)) {
        part.remove()?;
        return Err(Trouble::again("the server did not send the requested part; starting from the beginning"));
    }
    let begun = if resumed { start.sums } else { Sums::default() };
    let total = total(job, &response, begun.bytes())?;
    let file = if resumed { part.go_on()? } else { part.begin(&whole(url, &response, total))? };
    if let Some(total) = total {
        meter.want(job.number, total);
    }
    let tag = text(&response, &LINKED_ETAG).or_else(|| text(&response, &ETAG)).filter(|_| hub.is_some());
    let sums = receive(job, response, file, begun, total, &part, network, meter)?;
    finish(job, &part, sums, tag.as_deref().and_then(sha256), resumed)
}

/// The existing part of the file, if it can be resumed.
fn resumable(job: &Job, url: &str, part: &Part, network: &Network, meter: &Meter) -> Result<Start, Trouble> {
    let length = part.length();
    let most = job.file.size.unwrap_or(network.policy.largest);
    let whole = part.whole().filter(|whole| {
        // If the version has no name, only the digest can show that both halves belong together.
        whole.url == url && (whole.validator().is_some() || job.file.is_verified()) && length <= most
    });
    match whole {
        Some(whole) if length > 0 => {
            let sums = Sums::of_file(&part.path, |_| !meter.stopped())?.ok_or(Trouble::Stopped)?;
            Ok(Start { sums, whole })
        }
        _ => Ok(Start { sums: Sums::default(), whole: Whole::default() }),
    }
}

fn refused(response: &Response<Body>) -> Trouble {
    let status = response.status();
    let why = format!("the server answers {status}");
    let passing = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
    if passing.contains(&status) || status.is_server_error() {
        let after = text(response, &RETRY_AFTER).and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
        return Trouble::Again { why, after };
    }
    Trouble::Useless(why)
}

/// The size of the whole file, checked against the manifest.
fn total(job: &Job, response: &Response<Body>, begun: u64) -> Result<Option<u64>, Trouble> {
    let said = total_in_range(response).or_else(|| length(response).map(|rest| begun + rest));
    match (said, job.file.size) {
        (Some(said), Some(size)) if said != size => {
            let kind = text(response, &CONTENT_TYPE).unwrap_or_else(|| "something".to_owned());
            let why =
                format!("the server offers {said} bytes ({kind}), but the manifest says {size}: it is another file");
            Err(Trouble::Useless(why))
        }
        (None, None) if !job.file.is_verified() => {
            let why = "neither the server nor the manifest says how long the file is, and no digest is known, so \
                       nothing would show whether it is complete";
            Err(Trouble::Useless(why.to_owned()))
        }
        (said, size) => Ok(said.or(size)),
    }
}

#[expect(clippy::too_many_arguments, reason = "the two ends of a stream, and what is known of it")]
fn receive(
    job: &Job,
    response: Response<Body>,
    mut file: File,
    mut sums: Sums,
    total: Option<u64>,
    part: &Part,
    network: &Network,
    meter: &Meter,
) -> Result<Sums, Trouble> {
    let most = total.unwrap_or(network.policy.largest);
    let (mut body, mut buffer) = (response.into_body().into_reader(), vec![0; 1 << 16]);
    loop {
        let n = match body.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) => {
                let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
                let how = if matches!(cause, Some(ureq::Error::Timeout(_))) {
                    format!("nothing arrived for {:?}", network.policy.stall)
                } else {
                    "the connection broke off".to_owned()
                };
                return Err(Trouble::again(format!("{how}, {}", after(sums.bytes(), total))));
            }
        };
        // Checked before writing: the caller may have abandoned this thread.
        if meter.stopped() {
            return Err(Trouble::Stopped);
        }
        if sums.bytes() + n as u64 > most {
            part.remove()?;
            return Err(Trouble::Useless(format!("more arrived than the expected {most} bytes")));
        }
        file.write_all(&buffer[..n]).map_err(|source| part.io("write", source))?;
        sums.update(&buffer[..n]);
        meter.received(n as u64);
        meter.have(job.number, sums.bytes());
    }
    match total {
        Some(total) if sums.bytes() < total => {
            Err(Trouble::again(format!("the connection ended early, {}", after(sums.bytes(), Some(total)))))
        }
        _ => Ok(sums),
    }
}

fn after(bytes: u64, total: Option<u64>) -> String {
    match total {
        Some(total) => format!("after {} of {}", human(bytes), human(total)),
        None => format!("after {}", human(bytes)),
    }
}

/// The SHA-256 in the hub's name for a version of a file, if the file is large.
pub(super) fn sha256(tag: &str) -> Option<&str> {
    let tag = tag.trim_matches('"');
    (tag.len() == 64 && tag.bytes().all(|b| b.is_ascii_hexdigit())).then_some(tag)
}

/// The reason why the received file is not the one that the hub promised.
pub(super) fn refuses(promised: Option<&str>, seen: &Seen) -> Option<String> {
    let promised = promised.filter(|promised| !promised.eq_ignore_ascii_case(&seen.sha256))?;
    Some(format!("it has the SHA-256 {}, but the hub says {promised}", seen.sha256))
}

/// Renames the part only if it is right.
fn finish(job: &Job, part: &Part, sums: Sums, promised: Option<&str>, resumed: bool) -> Result<Seen, Trouble> {
    let seen = sums.finish();
    if let Some(why) = refuses(promised, &seen).or_else(|| job.file.refuses(&seen)) {
        part.remove()?;
        return Err(Trouble::Wrong { why, resumed });
    }
    part.complete(&job.target)?;
    Ok(seen)
}

fn whole(url: &str, response: &Response<Body>, length: Option<u64>) -> Whole {
    let [etag, last_modified] = [ETAG, LAST_MODIFIED].map(|name| text(response, &name));
    Whole { url: url.to_owned(), etag, last_modified, length }
}

fn text(response: &Response<Body>, name: &HeaderName) -> Option<String> {
    response.headers().get(name)?.to_str().ok().map(str::to_owned)
}

fn length(response: &Response<Body>) -> Option<u64> {
    text(response, &CONTENT_LENGTH)?.trim().parse().ok()
}

/// The start, `100`, in `bytes 100-199/200`.
fn range_start(response: &Response<Body>) -> Option<u64> {
    text(response, &CONTENT_RANGE)?.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}

/// The total, `200`, in `bytes 100-199/200` and in `bytes */200`.
fn total_in_range(response: &Response<Body>) -> Option<u64> {
    text(response, &CONTENT_RANGE)?.rsplit('/').next()?.parse().ok()
}
