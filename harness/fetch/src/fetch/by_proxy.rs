//! Plain HTTP through a proxy. ureq asks every proxy for a tunnel, but many proxies offer tunnels only for TLS. So the
//! connection goes to the proxy, and each request names its server. ureq's connector API is unstable: it may change in a minor
//! version.

use ureq::{
    Agent, Error, Proxy,
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport},
    },
};

/// An agent that asks `proxy` for addresses without TLS.
pub(super) fn agent(config: Config, proxy: &Proxy) -> Agent {
    Agent::with_parts(config, DefaultConnector::new().chain(NameServer), ToProxy(proxy.uri().clone()))
}

/// Resolves every server to the proxy.
#[derive(Debug)]
struct ToProxy(Uri);

impl Resolver for ToProxy {
    fn resolve(&self, _: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        DefaultResolver::default().resolve(&self.0, config, timeout)
    }
}

#[derive(Debug)]
struct NameServer;

impl<In: Transport> Connector<In> for NameServer {
    type Out = Named<In>;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        let server = details.uri.authority().map(|server| format!("http://{server}")).unwrap_or_default();
        Ok(chained.map(|inner| Named { inner, server }))
    }
}

/// A connection to the proxy for requests to one server.
#[derive(Debug)]
struct Named<T> {
    inner: T,
    server: String,
}

impl<T: Transport> Named<T> {
    /// Inserts the server before the path in the first line of a request. Returns the number of bytes to send now.
    fn name_server(&mut self, amount: usize) -> usize {
        let (output, method, server) = (self.inner.buffers().output(), b"GET ".len(), self.server.as_bytes());
        let longer = amount + server.len();
        if output.len() < longer || !output[..amount].starts_with(b"GET /") {
            return amount;
        }
        output.copy_within(method..amount, method + server.len());
        output[method..method + server.len()].copy_from_slice(server);
        longer
    }
}

impl<T: Transport> Transport for Named<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let amount = self.name_server(amount);
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}
