//! Checks what a report says about the difference of two arms.

use crate::{
    fixture::{Report, arms},
    render, templates, text,
};

#[test]
fn worse_pretraining_is_called_worse() {
    let study = |seeds: &[u64]| arms::study("ssl-vs-sl", seeds);
    let folder = |study: &serde_json::Value| {
        let folder = Report::new();
        arms::write(&folder.data(), study, 12);
        folder
    };
    let markdown = |folder: &Report| text(&render(&folder.data(), &templates()).unwrap(), "report.md").to_owned();
    let ours = markdown(&folder(&study(&[0, 1, 2])));
    assert!(ours.contains("self-supervised pretraining is **better** than"), "{ours}");
    // One seed says nothing about the way in which the arms are trained.
    let one = markdown(&folder(&study(&[0])));
    assert!(
        one.contains("**Whether the arms differ is not tested:** there is one network per arm, and other"),
        "{one}"
    );
    assert!(
        one.contains("(one network per arm, not tested)")
            && !one.contains("**better**")
            && !one.contains("| supported")
    );
    // The data are the same with the names swapped, so what was better is now worse.
    let mut study = study(&[0, 1, 2]);
    study["arms"][0]["name"] = "supervised".into();
    study["arms"][1]["name"] = "ssl".into();
    let folder = folder(&study);
    let path = folder.data().join("places.csv");
    let places = std::fs::read_to_string(&path).unwrap();
    let swapped = places.replace("ssl,", "\u{1}").replace("supervised,", "ssl,").replace('\u{1}', "supervised,");
    std::fs::write(&path, swapped).unwrap();
    let files = render(&folder.data(), &templates()).unwrap();
    assert!(text(&files, "report.md").contains("self-supervised pretraining is **worse** than"));
}

#[test]
fn a_paired_difference_is_one_phrase() {
    let folder = Report::new();
    arms::write(&folder.data(), &arms::study("ssl-vs-sl", &[0, 1, 2]), 12);
    let own = tempfile::tempdir().unwrap();
    std::fs::create_dir(own.path().join("partials")).unwrap();
    for name in ["page.html.j2", "runs.html.j2", "data.html.j2", "partials/tiles.html.j2"] {
        std::fs::copy(templates().join(name), own.path().join(name)).unwrap();
    }
    let says = |template: &str| {
        std::fs::write(own.path().join("ssl-vs-sl.md.j2"), template).unwrap();
        text(&render(&folder.data(), own.path()).unwrap(), "report.md").to_owned()
    };
    let sides = r#"("supervised.dice", "ssl.dice", "corrected")"#;
    let parts = says(&format!(
        "{{% set c = compare{sides} %}}{{{{ c.difference }}}}, **{{{{ c.sign }}}}** ({{{{ confidence }}}} interval of the paired difference {{{{ c.interval }}}})"
    ));
    assert!(parts.starts_with("\u{2212}0.0") && parts.contains(", **lower** ("), "{parts}");
    assert_eq!(says(&format!("{{{{ diff{sides} }}}}")), parts);
    assert_eq!(says(&format!("{{{{ compare{sides}.phrase }}}}")), parts);
    // No claim is about the IoU, so the same difference has no word, however clear it is.
    let unclaimed = says(
        r#"{{ compare("ssl.iou", "supervised.iou", "corrected").sign }}: {{ diff("ssl.iou", "supervised.iou", "corrected") }}"#,
    );
    assert!(
        unclaimed.starts_with("unclaimed: +0.0") && unclaimed.contains(" (95\u{a0}% interval of the"),
        "{unclaimed}"
    );
    assert!(!unclaimed.contains("higher"), "{unclaimed}");
    // Both names of a column are the same figure, and a claim is about all images of the test.
    let sign = |call: &str| says(&format!("{{{{ {call}.sign }}}}")).trim().to_owned();
    assert_eq!(sign(r#"compare("ssl.hard_dice", "supervised.dice", "corrected")"#), "higher");
    assert_eq!(sign(r#"compare("ssl.hard_dice", "supervised.dice", "published")"#), "unclaimed");
    assert_eq!(sign(r#"species_compare("ssl.dice", "supervised.dice", "cat", "corrected")"#), "unclaimed");
    let of_no_claim = says(r#"[{{ claim_verdict("no-such-claim", "corrected") }}]"#);
    assert_eq!(of_no_claim, "[]\n");
    assert_eq!(says(r#"{{ claim_verdict("first-beats-second", "corrected") }}"#), "supported\n");
    let none = says(r#"{{ diff("ssl.dice", "ssl.batch_dice", "corrected") }}"#);
    assert_eq!(none, "not comparable: a required run is missing\n");
}
