//! The usual proxy variables. A process reads them once, so each is tested in a process of its own.

use super::{archive, complete, harness, stand_in::StandIn, studio};
use crate::studio::{Running, Said};

/// A server that no name server knows: only a proxy can answer for it.
const ELSEWHERE: &str = "files.harness.invalid";

#[test]
fn a_proxy_is_asked() {
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        let proxy = StandIn::new(archive());
        let studio = studio(&format!("http://{ELSEWHERE}/tiny.tar"), "");
        let mut command = harness(&studio, &["data", "fetch", "tiny"]);
        command.env(variable, format!("http://{}", proxy.address));
        Said::of(command).ended(0);
        complete(&studio);
        let heads = proxy.heads();
        assert!(heads.len() == 1 && heads[0].starts_with(&format!("GET http://{ELSEWHERE}/tiny.tar ")), "{heads:?}");
    }
}

#[test]
fn a_proxy_is_asked_for_a_tunnel() {
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let proxy = StandIn::new(archive());
        let studio = studio(&format!("https://{ELSEWHERE}/tiny.tar"), "");
        let mut command = harness(&studio, &["data", "fetch", "tiny"]);
        command.env(variable, format!("http://{}", proxy.address));
        let mut running = Running::start(command);
        running.until("a request", || !proxy.heads().is_empty());
        running.kill(); // it would try again for a while
        let head = proxy.heads().remove(0);
        assert!(head.starts_with(&format!("CONNECT {ELSEWHERE}:443 ")), "{head}");
    }
}

#[test]
fn a_proxy_is_not_asked_for_what_is_excepted() {
    for variable in ["NO_PROXY", "no_proxy"] {
        let (proxy, server) = (StandIn::new(b"wrong".to_vec()), StandIn::new(archive()));
        let studio = studio(&server.url(), "");
        let mut command = harness(&studio, &["data", "fetch", "tiny"]);
        command.env("HTTP_PROXY", format!("http://{}", proxy.address)).env(variable, "example.org, 127.0.0.1");
        Said::of(command).ended(0);
        complete(&studio);
        assert_eq!((proxy.heads().len(), server.heads().len()), (0, 1));
    }
}

#[test]
fn the_hub_is_asked_for_by_the_proxy_and_its_endpoint_is_honoured() {
    let proxy = StandIn::new(b"no hub".to_vec());
    let studio = studio("https://example.org/tiny.tar", "");
    let mut command = harness(&studio, &["data", "fetch", "resnet34-imagenet"]);
    command.env("HTTP_PROXY", format!("http://{}", proxy.address)).env("HF_HOME", studio.path("hub"));
    command.env("HF_ENDPOINT", format!("http://{ELSEWHERE}")).env("HF_TOKEN", "hf_secret");
    let mut running = Running::start(command);
    running.until("a request", || !proxy.heads().is_empty());
    running.kill();
    let head = proxy.heads().remove(0);
    assert!(head.contains(&format!(" http://{ELSEWHERE}/timm/resnet34.tv_in1k/resolve/")), "{head}");
    assert!(head.to_lowercase().contains("authorization: bearer hf_secret"), "{head}");
}
