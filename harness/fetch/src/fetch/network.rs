//! Access to the network: one HTTP client, its patience, and the hub.

use super::{FetchError, by_proxy, hub::Hub, proxies::Proxies, trouble::Trouble};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use std::{fmt, time::Duration};
use ureq::{
    Agent, Body, Proxy, ProxyProtocol, Timeout,
    http::{
        Response,
        header::{AUTHORIZATION, HeaderName, LOCATION, PROXY_AUTHORIZATION},
    },
    tls::{RootCerts, TlsConfig},
};
use url::Url;

/// The patience of a fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Time limit for connecting.
    pub connect: Duration,
    /// Time limit for a period in which nothing arrives.
    pub stall: Duration,
    /// Number of attempts in a row at one source without progress.
    pub tries: u32,
    /// The wait before the second attempt; it doubles with each further one.
    pub pause: Duration,
    /// The longest wait between two attempts, even if a server asks for a longer one.
    pub longest_pause: Duration,
    /// The largest number of redirects.
    pub redirects: usize,
    /// The largest file whose size no manifest states, in bytes.
    pub largest: u64,
    /// Number of files fetched at once.
    pub at_once: usize,
    /// True if `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` are honoured.
    pub proxies: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            stall: Duration::from_secs(30),
            tries: 5,
            pause: Duration::from_secs(1),
            longest_pause: Duration::from_mins(2),
            redirects: 10,
            largest: 16 << 30,
            at_once: 4,
            proxies: true,
        }
    }
}

impl Policy {
    /// The wait before the next attempt, after `failed` ones. It is not randomised: one process fetches only a few files.
    pub(super) fn wait(&self, failed: u32, asked: Option<Duration>) -> Duration {
        let doubled = self.pause.saturating_mul(1 << failed.saturating_sub(1).min(16));
        doubled.max(asked.unwrap_or_default()).min(self.longest_pause)
    }
}

/// The hub's own name for a version of a file. The server that it redirects to does not know it.
pub(super) const LINKED_ETAG: HeaderName = HeaderName::from_static("x-linked-etag");

/// The network.
pub struct Network {
    pub(super) policy: Policy,
    pub(super) hub: Hub,
    proxies: Proxies,
    /// Asks servers, through a tunnel if there is a proxy.
    direct: Agent,
    /// Asks the proxy for addresses without TLS.
    plain: Option<Agent>,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl Network {
    /// A client with the usual proxies, and the hub configured by `HF_HOME`, `HF_ENDPOINT` and `HF_TOKEN`.
    pub fn new(policy: Policy) -> Result<Self, FetchError> {
        Self::with_hub(policy, Hub::of_environment())
    }

    /// Uses another hub.
    pub fn with_hub(policy: Policy, hub: Hub) -> Result<Self, FetchError> {
        let proxies = if policy.proxies { Proxies::of_environment()? } else { Proxies::default() };
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let config = Agent::config_builder()
            .user_agent(concat!("harness/", env!("CARGO_PKG_VERSION")))
            // Without compression, sizes and ranges are those of the file itself.
            .accept_encoding("identity")
            .http_status_as_error(false)
            // Each redirect is checked here.
            .max_redirects(0)
            .timeout_resolve(Some(policy.connect))
            .timeout_connect(Some(policy.connect))
            // These limits are per piece, because a whole body may take hours.
            .timeout_per_read(Some(policy.stall))
            .timeout_per_write(Some(policy.stall))
            .timeout_recv_response(Some(policy.stall))
            .tls_config(tls)
            .proxy(None)
            .build();
        let plain = proxies.http.as_ref().filter(|proxy| proxy.protocol() == ProxyProtocol::Http);
        let plain = plain.map(|proxy| by_proxy::agent(config.clone(), proxy));
        let direct = config.new_agent();
        Ok(Self { policy, hub, proxies, direct, plain })
    }

    /// Requests `address` and follows redirects. `token` is sent only to the server of this address.
    pub(super) fn get(
        &self,
        address: &str,
        headers: &[(HeaderName, String)],
        token: Option<&str>,
    ) -> Result<Response<Body>, Trouble> {
        let broken = |error: url::ParseError| Trouble::Useless(format!("its address cannot be read: {error}"));
        let (mut urls, mut linked) = (Vec::new(), None);
        urls.push(Url::parse(address).map_err(broken)?);
        loop {
            let url = &urls[urls.len() - 1];
            let (proxy, plain) = (self.proxies.of(url), self.plain.as_ref());
            let mut request = match (proxy, plain) {
                (Some(proxy), Some(plain)) if url.scheme() == "http" => {
                    let request = plain.get(url.as_str());
                    match authorization(proxy) {
                        Some(value) => request.header(PROXY_AUTHORIZATION, value),
                        None => request,
                    }
                }
                _ => self.direct.get(url.as_str()).config().proxy(proxy.cloned()).build(),
            };
            for (name, value) in headers {
                request = request.header(name, value);
            }
            if let Some(token) = token.filter(|_| url.origin() == urls[0].origin()) {
                request = request.header(AUTHORIZATION, format!("Bearer {token}"));
            }
            let mut response = request.call().map_err(|error| self.unreachable(&error))?;
            let tag = response.headers_mut().remove(&LINKED_ETAG);
            linked = linked.or(tag.filter(|_| url.origin() == urls[0].origin()));
            let Some(next) = location(&response) else {
                response.headers_mut().extend(linked.map(|tag| (LINKED_ETAG, tag)));
                return Ok(response);
            };
            let next = url.join(next).map_err(|_| Trouble::Useless("a redirect to an invalid address".to_owned()))?;
            may_follow(&urls, &next, self.policy.redirects).map_err(Trouble::Useless)?;
            urls.push(next);
        }
    }

    fn unreachable(&self, error: &ureq::Error) -> Trouble {
        match error {
            ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve) => {
                Trouble::again(format!("no connection for {:?}", self.policy.connect))
            }
            ureq::Error::Timeout(_) => Trouble::again(format!("no answer for {:?}", self.policy.stall)),
            // An address that a server redirected to may contain a secret.
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => Trouble::Useless("its address is invalid".to_owned()),
            error => Trouble::again(error.to_string()),
        }
    }
}

/// The target of a redirect.
fn location(response: &Response<Body>) -> Option<&str> {
    let moved = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    response.headers().get(LOCATION).filter(|_| moved)?.to_str().ok()
}

/// The credentials for a proxy that requires a name and a password.
fn authorization(proxy: &Proxy) -> Option<String> {
    let (user, password) = (proxy.username()?, proxy.password().unwrap_or_default());
    Some(format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}"))))
}

/// The reason not to follow a redirect: there were too many, or it leads from a secure connection to an insecure one.
fn may_follow(previous: &[Url], next: &Url, most: usize) -> Result<(), String> {
    if previous.len() > most {
        return Err(format!("more than {most} redirects"));
    }
    let was_safe = previous.iter().any(|url| url.scheme() == "https");
    match next.scheme() {
        "https" => Ok(()),
        "http" if !was_safe => Ok(()),
        other => Err(format!("a redirect to {other}://, which is not followed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_redirect_leaves_a_safe_connection() {
        let follows = |urls: &[&str]| {
            let urls: Vec<Url> = urls.iter().map(|url| Url::parse(url).unwrap()).collect();
            let (next, previous) = urls.split_last().unwrap();
            may_follow(previous, next, 3).map_err(|why| why.split(',').next().unwrap().to_owned())
        };
        for good in [
            &["https://a.org/x", "https://cdn.org/x"][..],
            &["http://a.org/x", "https://a.org/x"],
            &["http://a.org/x", "http://b.org/x"],
            &["http://a.org/1", "http://a.org/2", "http://a.org/3", "http://a.org/4"],
        ] {
            assert_eq!(follows(good), Ok(()), "{good:?}");
        }
        let unsafe_now = Err("a redirect to http://".to_owned());
        assert_eq!(follows(&["https://a.org/x", "http://a.org/x"]), unsafe_now);
        assert_eq!(follows(&["http://a.org/x", "https://a.org/x", "http://a.org/x"]), unsafe_now);
        assert_eq!(follows(&["https://a.org/x", "ftp://a.org/x"]), Err("a redirect to ftp://".to_owned()));
        assert_eq!(follows(&["http://a.org/x", "data:text/plain"]), Err("a redirect to data://".to_owned()));
        assert_eq!(follows(&["https://a.org/x"; 5]), Err("more than 3 redirects".to_owned()));
    }
}
