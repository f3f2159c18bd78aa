//! Several stages run at once in one process.

use crate::studio::{Said, Studio, TINY, assert_same, results, runs, study, unfinished};
use std::fs;

/// Two arms that need no pretraining and train long enough that one can be seen to fail beside the other.
const TWO_LONG_ARMS: [&str; 4] = [
    "variants.supervised-rate={finetuning: {optimizer: {adam: {learning_rate: 3.0e-3}}}}",
    "protocols=[corrected]",
    "finetuning.epochs=400",
    "arms=[{name: ssl, label: One, description: One., pretrained: false}, \
     {name: supervised, label: Two, description: Two., pretrained: false, variants: [supervised-rate]}]",
];

/// The beginnings (true) and ends (false) of stages, in the order of the messages.
fn events(said: &Said) -> Vec<bool> {
    let begins = |line: &str| line.contains(": sitting 1 on cpu");
    let ends = |line: &str| line.contains(": done in ");
    said.stderr.lines().filter(|line| begins(line) || ends(line)).map(begins).collect()
}

/// The largest number of stages that ran at once.
fn most_at_once(events: &[bool]) -> i32 {
    let running = events.iter().scan(0, |running, begins| {
        *running += if *begins { 1 } else { -1 };
        Some(*running)
    });
    running.max().unwrap()
}

#[test]
fn as_many_stages_as_asked_for_run_at_once_and_no_bit_changes() {
    let calm = Studio::finished();
    for (arguments, most) in [
        (&["--jobs", "1", "--threads", "3"][..], 1),
        (&["--jobs", "2", "--threads", "3"], 2),
        (&["--jobs", "4", "--threads", "2"], 2),
        // With small steps, there is a stage for every thread.
        (&["--threads", "4"], 4),
        (&["--threads", "1"], 1),
    ] {
        let studio = Studio::tiny();
        let said = studio.study(arguments).ended(0);
        let events = events(&said);
        assert_eq!(events.len(), 18, "{arguments:?}: {}", said.stderr);
        // On a busy machine, the last of many stages may begin only after the first has ended.
        let at_once = most_at_once(&events);
        assert!((most.min(2)..=most).contains(&at_once), "{arguments:?}: {at_once} at once: {}", said.stderr);
        assert_same(&results(&calm.path("runs")), &results(&studio.path("runs")));
        assert_same(&results(&calm.path("reports")), &results(&studio.path("reports")));
    }
}

#[test]
fn large_steps_have_the_threads_for_themselves() {
    // A step of 4 × 260² pixels is worth three threads.
    let settings =
        [&TINY[2..], &["data.size=260", "model.vqvae={width: 2, depth: 1, inner: 1, dim: 1, codes: 2}"]].concat();
    let settings = [&settings[..], &["pretraining.epochs=1", "finetuning.epochs=1", "evaluation={batch: 4, blur: [0]}", "arms=[\
        {name: ssl, label: One, description: One., pretrained: false}, {name: supervised, label: Two, description: Two., pretrained: false}]", "report.claims=[]", "report.charts=[]"]].concat();
    let said = Studio::with(&settings).study(&["--threads", "2"]).ended(0);
    assert_eq!(most_at_once(&events(&said)), 1, "{}", said.stderr);
}

#[test]
fn when_one_fails_the_others_stop_and_can_go_on() {
    let studio = Studio::with(&[&TINY[..5], &TINY[6..], &TWO_LONG_ARMS].concat());
    let plan = studio.study(&["--dry-run", "--json"]).ended(0).json();
    let stages = plan[0]["stages"].as_array().unwrap();
    let key =
        stages.iter().find(|stage| stage["arms"][0] == "supervised" && stage["stage"] == "finetune").unwrap()["key"]
            .as_str()
            .unwrap();
    // The rows of this stage cannot be written.
    let in_the_way = studio.path("runs/finetune").join(key).join("metrics.csv");
    fs::create_dir_all(&in_the_way).unwrap();
    let arguments = study(&["--threads", "2"]);
    let said = studio.run(&arguments).ended(5).tells("finetune supervised/corrected seed 0").tells("metrics.csv");
    assert!(said.stderr.contains("finetune ssl/corrected seed 0: stopped: interrupted"), "{}", said.stderr);
    assert_eq!((unfinished(&studio.path("runs")).len(), runs(&studio.path("runs")).len()), (2, 0));
    assert!(!studio.path("reports/demo/blurring/report.md").exists());
    // Once the cause is gone, both go on from where they were: the failed one from its first epoch, the other from
    // wherever it had come.
    fs::remove_dir(&in_the_way).unwrap();
    let again = studio.run(&arguments).ended(0);
    assert!(again.stderr.contains("resuming after epoch"), "{}", again.stderr);
    assert!(unfinished(&studio.path("runs")).is_empty());
}
