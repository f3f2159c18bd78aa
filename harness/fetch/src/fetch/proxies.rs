//! The proxies named by `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, in capital or small letters.

use super::FetchError;
use ureq::Proxy;
use url::Url;

/// The proxies of a process.
#[derive(Debug, Default)]
pub(super) struct Proxies {
    pub(super) http: Option<Proxy>,
    https: Option<Proxy>,
    /// Servers that are asked without a proxy, including those below them; `*` means all.
    excepted: Vec<String>,
}

impl Proxies {
    /// Reads the proxies from the environment.
    pub(super) fn of_environment() -> Result<Self, FetchError> {
        let excepted = variable("NO_PROXY").map_or(String::new(), |(_, value)| value);
        Ok(Self {
            http: proxy(&["HTTP_PROXY", "ALL_PROXY"])?,
            https: proxy(&["HTTPS_PROXY", "ALL_PROXY"])?,
            excepted: excepted.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect(),
        })
    }

    /// The proxy for `url`.
    pub(super) fn of(&self, url: &Url) -> Option<&Proxy> {
        let proxy = if url.scheme() == "https" { &self.https } else { &self.http };
        proxy.as_ref().filter(|_| !url.host_str().is_some_and(|host| self.excepts(host)))
    }

    fn excepts(&self, host: &str) -> bool {
        let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
        self.excepted.iter().any(|name| {
            let below = name.trim_start_matches('*').trim_start_matches('.').to_ascii_lowercase();
            name == "*" || host == below || host.strip_suffix(&below).is_some_and(|rest| rest.ends_with('.'))
        })
    }
}

fn variable(name: &str) -> Option<(String, String)> {
    [name.to_owned(), name.to_lowercase()].into_iter().find_map(|name| {
        let value = std::env::var(&name).ok().filter(|value| !value.is_empty())?;
        Some((name, value))
    })
}

/// The proxy named by the first of these variables that is set.
fn proxy(names: &[&str]) -> Result<Option<Proxy>, FetchError> {
    let Some((name, value)) = names.iter().find_map(|name| variable(name)) else { return Ok(None) };
    // Its value may hold a password.
    let wrong = |_| {
        FetchError::Client(format!(
            "{name} is not the address of a proxy; expected one such as http://proxy.example.org:3128"
        ))
    };
    Proxy::new(&value).map(Some).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scheme_has_its_proxy_but_for_what_is_excepted() {
        let named = |text: &str| Some(Proxy::new(text).unwrap());
        let excepted = ["example.org", ".below.net", "*.star.net", "10.0.0.1", "::1"].map(str::to_owned).to_vec();
        let proxies = Proxies { http: named("http://a:1"), https: named("http://b:2"), excepted };
        let port = |url: &str| proxies.of(&Url::parse(url).unwrap()).map(Proxy::port);
        assert_eq!((port("http://files.net/x"), port("https://files.net/x")), (Some(1), Some(2)));
        for url in [
            "http://example.org/x",
            "https://EXAMPLE.org/x",
            "https://www.example.org/",
            "http://a.below.net/",
            "http://a.star.net/",
            "http://10.0.0.1:8000/",
            "http://[::1]/",
        ] {
            assert_eq!(port(url), None, "{url}");
        }
        for url in ["http://badexample.org/", "http://10.0.0.11/", "http://org/"] {
            assert_eq!(port(url), Some(1), "{url}");
        }
        let all = Proxies { excepted: vec!["*".to_owned()], ..proxies };
        assert_eq!(all.of(&Url::parse("http://files.net/").unwrap()), None);
    }
}
