//! Several processes work in one store at once.

use crate::studio::{Running, Studio, assert_same, hosts, results, study, study_called};
use std::{fs, path::Path};

/// The number of times that each stage of a studio's store was begun.
fn sittings(studio: &Studio) -> Vec<u32> {
    hosts(&studio.path("runs")).iter().map(|host| host.sittings).collect()
}

#[test]
fn the_same_study_twice_at_once_is_run_once() {
    let (calm, busy) = (Studio::finished(), Studio::tiny());
    // Three reports of one study: two in the same place, one beside it.
    let apart = study(&["--reports", "elsewhere"]);
    let started = [&study(&[]), &study(&[]), &apart].map(|arguments| Running::start(busy.harness(arguments)));
    let ended = started.map(|running| running.wait().ended(0));
    let waited = ended.iter().filter(|said| said.stderr.contains("waiting for another process")).count();
    assert!(waited <= 2, "everyone waited");
    assert_eq!(sittings(&busy), [1; 9]);
    assert_same(&results(&calm.path("runs")), &results(&busy.path("runs")));
    assert_same(&results(&calm.path("reports")), &results(&busy.path("reports")));
    assert_same(&results(&calm.path("reports")), &results(&busy.path("elsewhere")));
}

#[test]
fn studies_that_share_stages_share_the_work() {
    let (calm, busy) = (Studio::finished(), Studio::tiny());
    // Studies with different names do not wait for each other, only for the stages that they share.
    fs::copy(busy.path("studies/blurring.yaml"), busy.path("studies/twin.yaml")).unwrap();
    // Which of the two is tested first is not certain, so one is registered already.
    let registered = Path::new("runs/registrations/demo/blurring.json");
    fs::create_dir_all(busy.path(registered).parent().unwrap()).unwrap();
    fs::copy(calm.path(registered), busy.path(registered)).unwrap();
    let started = ["blurring", "twin"].map(|name| Running::start(busy.harness(&study_called(name, &[]))));
    let ended = started.map(|running| running.wait().ended(0));
    assert_eq!(sittings(&busy), [1; 9]);
    let sat = |text: &str| text.matches(": sitting 1 on cpu").count();
    assert_eq!(sat(&ended[0].stderr) + sat(&ended[1].stderr), 9);
    let mut runs = results(&busy.path("runs"));
    runs.retain(|name, _| !name.starts_with("registrations/demo/twin."));
    assert_same(&results(&calm.path("runs")), &runs);
    assert_same(&results(&calm.path("reports/demo/blurring")), &results(&busy.path("reports/demo/blurring")));
    busy.run(&study_called("twin", &[])).ended(0).answers("up to date");
}
