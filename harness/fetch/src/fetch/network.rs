//! How the network is used: one HTTP client, how patient it is, and the way to the hub.

use super::FetchError;
use hf_hub::{HFClient, HFClientBuilder};
use reqwest::{
    Url,
    blocking::Client,
    redirect::{Action, Attempt, Policy as Redirects},
};
use std::{fmt, time::Duration};

/// How patient a fetch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How long a connection may take to be made.
    pub connect: Duration,
    /// How long nothing may come.
    pub stall: Duration,
    /// How often one source is tried in a row without getting further.
    pub tries: u32,
    /// The wait before the second try; each one after is twice as long.
    pub pause: Duration,
    /// The longest wait between two tries, also where a server asks for a longer one.
    pub longest_pause: Duration,
    /// Most redirects that are followed.
    pub redirects: usize,
    /// Most bytes of a file whose size no manifest says.
    pub largest: u64,
    /// Files that are fetched at once.
    pub at_once: usize,
    /// Whether `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` are honoured.
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
    /// The wait before the next try, after `failed` ones. There is no chance in it: one process fetches a few files.
    pub(super) fn wait(&self, failed: u32, asked: Option<Duration>) -> Duration {
        let doubled = self.pause.saturating_mul(1 << failed.saturating_sub(1).min(16));
        doubled.max(asked.unwrap_or_default()).min(self.longest_pause)
    }
}

/// The way to the hub: who builds its client.
type Hub = Box<dyn Fn() -> HFClientBuilder + Send + Sync>;

/// The network.
pub struct Network {
    pub(super) client: Client,
    pub(super) policy: Policy,
    pub(super) hub: Hub,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl Network {
    /// A client with the usual proxies, and the hub as `HF_HOME`, `HF_ENDPOINT` and `HF_TOKEN` say.
    pub fn new(policy: Policy) -> Result<Self, FetchError> {
        Self::with_hub(policy, HFClient::builder)
    }

    /// Another hub.
    pub fn with_hub(
        policy: Policy,
        hub: impl Fn() -> HFClientBuilder + Send + Sync + 'static,
    ) -> Result<Self, FetchError> {
        let most = policy.redirects;
        let builder = Client::builder()
            .user_agent(concat!("harness/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(policy.connect)
            // Of the answer's head, and then of each piece of its body.
            .timeout(policy.stall)
            .redirect(Redirects::custom(move |attempt| follow(attempt, most)))
            // Sizes and ranges are those of the file as it is.
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd();
        let builder = if policy.proxies { builder } else { builder.no_proxy() };
        let client = builder.build().map_err(|error| FetchError::Client(chain(&error)))?;
        Ok(Self { client, policy, hub: Box::new(hub) })
    }
}

fn follow(attempt: Attempt<'_>, most: usize) -> Action {
    match may_follow(attempt.previous(), attempt.url(), most) {
        Ok(()) => attempt.follow(),
        Err(why) => attempt.error(why),
    }
}

/// Why a redirect is not followed: there were too many, or it leads from a safe connection to one that is not.
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

/// An error and its causes in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
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
