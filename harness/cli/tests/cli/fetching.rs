//! `data fetch` and the fetching of studies, disturbed in many ways.

mod proxies;
#[cfg(unix)]
mod question;
mod stand_in;

use crate::{
    data::state,
    studio::{Running, Said, Studio},
};
use harness_record::digest;
use stand_in::StandIn;
use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

/// An archive of two pictures, of about 400 kB: more than is sent or written at once.
fn archive() -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, seed) in [("images/a.jpg", 1_u32), ("images/b.jpg", 2)] {
        let bytes: Vec<u8> = (0..200_000_u32).map(|i| ((i ^ seed).wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    archive.into_inner().unwrap()
}

/// A studio with a manifest `tiny` of the archive at `url`; `size` is a line with its size, or nothing.
fn studio(url: &str, size: &str) -> Studio {
    let studio = Studio::tiny();
    let sha256 = digest::of_bytes(&archive());
    let manifest = format!(
        "title: Tiny\nlicence: none\ncitation: none\nhomepage: \"\"\norigin:\n  download:\n    - file: tiny.tar\n      \
         from: [{{url: \"{url}\"}}]\n      {size}\n      sha256: {sha256}\n      unpack: tar\n\
         layout: {{class-folders: images}}\nexpect:\n  - files: {{below: images, ending: jpg, least: 2}}\n"
    );
    fs::write(studio.path("data-manifests/tiny.yaml"), manifest).unwrap();
    studio
}

/// The binary, made to reach servers of this machine without any proxy.
fn harness(studio: &Studio, arguments: &[&str]) -> Command {
    let mut command = studio.harness(arguments);
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    command.env_remove("HF_HUB_OFFLINE").env_remove("REQUEST_METHOD");
    command
}

fn fetch(studio: &Studio) -> Said {
    Said::of(harness(studio, &["data", "fetch", "tiny"]))
}

fn part(studio: &Studio) -> PathBuf {
    studio.path("data/downloads/tiny/tiny.tar.part")
}

/// Checks that nothing looks finished, and that what is there is the beginning of the archive. Returns its length in
/// bytes.
#[track_caller]
fn begun(studio: &Studio) -> usize {
    assert!(!studio.path("data/tiny").exists() && !studio.path("data/.harness/tiny.json").exists());
    assert!(!studio.path("data/downloads/tiny/tiny.tar").exists());
    assert_eq!(state(studio, "tiny"), "partial");
    let bytes = fs::read(part(studio)).unwrap();
    assert!(!bytes.is_empty() && archive().starts_with(&bytes), "{} bytes", bytes.len());
    bytes.len()
}

/// Checks that all of the data are there, and nothing else.
#[track_caller]
fn complete(studio: &Studio) {
    assert_eq!(state(studio, "tiny"), "ready");
    assert_eq!(fs::metadata(studio.path("data/tiny/images/b.jpg")).unwrap().len(), 200_000);
    assert!(!studio.path("data/downloads").exists());
}

#[test]
fn two_that_fetch_the_same_fetch_it_once() {
    let server = StandIn::new(archive());
    let studio = studio(&server.url(), "");
    server.hold_after(1000);
    let mut first = Running::start(harness(&studio, &["data", "fetch", "tiny"]));
    first.until("a request", || server.heads().len() == 1);
    let said = studio.path("said");
    let mut second = harness(&studio, &["data", "fetch", "tiny"]);
    second.stdout(Stdio::null()).stderr(fs::File::create(&said).unwrap());
    let mut second = second.spawn().unwrap();
    first.until("the second waits", || {
        fs::read_to_string(&said).unwrap().contains("tiny: waiting for another process that fetches it")
    });
    server.let_go();
    first.wait().ended(0).answers("tiny: fetched, 2 files");
    assert!(second.wait().unwrap().success(), "{}", fs::read_to_string(&said).unwrap());
    assert_eq!(server.heads().len(), 1);
    complete(&studio);
}

#[cfg(unix)]
#[test]
fn stopped_it_leaves_a_part_and_goes_on_later() {
    let server = StandIn::new(archive());
    let studio = studio(&server.url(), "");
    for signal in ["INT", "TERM"] {
        let before = fs::metadata(part(&studio)).map_or(0, |about| about.len());
        server.hold_after(100_000);
        let mut running = Running::start(harness(&studio, &["data", "fetch", "tiny"]));
        running.until("a part", || fs::metadata(part(&studio)).is_ok_and(|about| about.len() >= before + 100_000));
        running.signal(signal);
        running
            .wait()
            .ended(130)
            .tells("are kept; the next fetch resumes them")
            .tells("interrupted; finished work is kept");
        assert_eq!(begun(&studio) as u64, before + 100_000);
    }
    server.let_go();
    fetch(&studio).ended(0).answers("tiny: fetched, 2 files");
    assert_eq!(server.ranges(), [0, 100_000, 200_000]);
    complete(&studio);
}

#[test]
fn archives_are_kept_where_that_is_asked() {
    let server = StandIn::new(archive());
    let studio = studio(&server.url(), "");
    Said::of(harness(&studio, &["data", "fetch", "tiny", "--keep"])).ended(0);
    let kept = studio.path("data/downloads/tiny/tiny.tar");
    assert!(fs::read(&kept).unwrap() == archive());
    assert_eq!(state(&studio, "tiny"), "ready");
    // The data are restored from it, without a network.
    fs::remove_dir_all(studio.path("data/tiny")).unwrap();
    Said::of(harness(&studio, &["data", "fetch", "tiny", "--keep", "--offline"])).ended(0).answers("tiny: fetched");
    assert!(kept.is_file());
    fs::remove_dir_all(studio.path("data/tiny")).unwrap();
    fetch(&studio).ended(0);
    assert_eq!(server.heads().len(), 1);
    complete(&studio);
}

/// A shell that runs `line`, in which `command` is `"$0" "$@"`.
#[cfg(unix)]
fn in_shell(line: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).arg(command.get_program()).args(command.get_args());
    shell.current_dir(command.get_current_dir().unwrap());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_grow_ends_the_fetch_and_is_gone_on_with() {
    let server = StandIn::new(archive());
    let studio = studio(&server.url(), "");
    // The limit is 100 blocks of 512 or 1,024 bytes, as the shell counts. Without the trap the signal would kill the
    // process.
    let limited =
        in_shell("trap '' XFSZ; ulimit -f 100; exec \"$0\" \"$@\"", &harness(&studio, &["data", "fetch", "tiny"]));
    Said::of(limited).ended(5).tells("cannot write").tells("tiny.tar.part");
    let there = begun(&studio);
    assert!(there <= 102_400, "{there}");
    fetch(&studio).ended(0);
    assert_eq!(server.ranges(), [0, there]);
    complete(&studio);
}

/// The test has a disk of its own, which a Linux kernel gives to any user who may use namespaces.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_fills_ends_the_fetch_and_is_gone_on_with() {
    let probe = Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "none", "/mnt"]).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        println!("skipped: this system does not let a test mount a file system");
        return;
    }
    let server = StandIn::new(archive());
    let studio = studio(&server.url(), "");
    fs::create_dir(studio.path("data")).unwrap();
    // The disk disappears with the shell, so everything is done in one.
    let line = "mount -t tmpfs -o size=200k none data || exit 99; \"$0\" \"$@\"; echo \"code $?\"; ls data data/downloads/tiny; \
                stat -c 'has %s' data/downloads/tiny/tiny.tar.part; \
                mount -o remount,size=4m data; \"$0\" \"$@\"; echo \"code $?\"; ls data/tiny/images";
    let inner = in_shell(line, &harness(&studio, &["data", "fetch", "tiny"]));
    let mut outer = in_shell("exec unshare -rm \"$0\" \"$@\"", &inner);
    outer.env("LC_ALL", "C");
    let said = Said::of(outer).ended(0).tells("No space left on device").tells("tiny.tar.part");
    let said = said.answers("code 5\n").answers("code 0\n").answers("tiny: fetched, 2 files").answers("a.jpg\nb.jpg\n");
    let there = said.stdout.split("has ").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
    assert!((1..=204_800).contains(&there), "{there}");
    assert_eq!(server.ranges(), [0, there]);
    let before = said.stdout.split("code 0").next().unwrap();
    assert!(!before.contains("tiny.tar\n"), "{before}");
}

#[test]
fn an_invalid_manifest_stops_only_who_needs_it() {
    let server = StandIn::new(archive());
    let studio = studio(&server.url(), "");
    studio.edit("data-manifests/cifar-10.yaml", "licence:", "license:");
    let listed = Said::of(harness(&studio, &["data", "list"])).ended(0);
    let listed =
        listed.answers("cifar-10: data-manifests/cifar-10.yaml:3: unknown field `license`").answers("stanford-dogs");
    assert!(
        listed.stdout.lines().any(|line| line.starts_with("cifar-10 ") && line.contains(" invalid ")),
        "{}",
        listed.stdout
    );
    for name in ["cifar-10", "pets-corpus"] {
        assert_eq!(state(&studio, name), "invalid");
        let said = Said::of(harness(&studio, &["data", "fetch", name])).ended(3);
        said.tells("data-manifests/cifar-10.yaml:3:1").tells("did you mean `licence`?");
    }
    Said::of(harness(&studio, &["data", "fetch", "--all"])).ended(3).tells("cifar-10.yaml");
    assert_eq!(server.heads(), [""; 0]);
    fetch(&studio).ended(0);
    Said::of(harness(&studio, &["data", "verify"])).ended(0).tells("cifar-10: ignored").answers("tiny: 2 files");
    Said::of(harness(&studio, &["data", "verify", "cifar-10"])).ended(3);
    Said::of(harness(&studio, &["doctor"])).ended(0).answers("cifar-10").answers("invalid");
    Said::of(harness(&studio, &["validate"])).ended(3).tells("cifar-10.yaml");
    Said::of(harness(&studio, &["validate", "data-manifests/tiny.yaml"])).ended(0);
    // A study on drawn pictures needs no manifest; one on a folder of the invalid manifest does.
    studio.study(&["--dry-run"]).ended(0);
    for (folder, code) in [("cifar-10/x", 3), ("nobodys", 4)] {
        let set = format!("data.pretraining.dataset={{cats-and-dogs: {{folder: {folder}}}}}");
        studio.study(&["--set", &set, "--dry-run"]).ended(code);
    }
}
