//! Tests of the messages for specs with every kind of mistake we could think of.

use super::{
    decode::{check_profiles, decode},
    diagnosis::Problems,
    layers::Spec,
    merged::Merged,
};
use insta::assert_snapshot;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Study {
    title: String,
    finetuning: Training,
    #[serde(default)]
    model: Model,
    #[serde(default)]
    arms: Vec<Arm>,
    #[serde(default)]
    notes: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Training {
    epochs: u32,
    batch: u32,
    #[serde(default)]
    rate: f64,
    #[serde(default)]
    freeze: bool,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Model {
    Vqvae(Net),
    Unet(Net),
    #[default]
    Linear,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Net {
    width: usize,
    #[serde(default)]
    codes: Option<usize>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Arm {
    label: String,
    #[serde(default)]
    epochs: Option<u32>,
}

const GOOD: &str = "title: T\nfinetuning:\n  epochs: 4\n  batch: 2\n";

/// Creates a root with `studies/s.yaml`, and with `studies/_base/b.yaml` if given.
fn root(text: impl AsRef<[u8]>, base: Option<&str>) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("studies/_base")).unwrap();
    std::fs::write(root.path().join("studies/s.yaml"), text).unwrap();
    if let Some(base) = base {
        std::fs::write(root.path().join("studies/_base/b.yaml"), base).unwrap();
    }
    root
}

fn merged(text: impl AsRef<[u8]>, base: Option<&str>, profile: &str, set: &[&str]) -> Result<Merged, Problems> {
    let root = root(text, base);
    let set: Vec<String> = set.iter().map(|&setting| setting.to_owned()).collect();
    Spec::named(root.path(), "s")?.merge(profile, &set)
}

fn study(text: impl AsRef<[u8]>, base: Option<&str>, profile: &str, set: &[&str]) -> Result<Study, Problems> {
    decode(&merged(text, base, profile, set)?)
}

/// The message for a spec on its own.
fn said(text: impl AsRef<[u8]>) -> String {
    study(text, None, "full", &[]).unwrap_err().to_string()
}

/// The message for `--set` settings on a good spec.
fn said_of(set: &[&str]) -> String {
    let text = format!("{GOOD}model: {{vqvae: {{width: 8}}}}\narms: [{{label: a}}, {{label: b}}]\n");
    study(text, None, "full", set).unwrap_err().to_string()
}

/// Asserts that some line of the message contains each of `parts`.
fn says(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.lines().any(|line| line.trim_start().contains(part)), "`{part}` is not said in\n{said}");
    }
}

#[test]
fn a_misspelt_field_is_shown_with_the_name_that_was_meant() {
    assert_snapshot!(said("title: T\nfinetuning:\n  epoch: 4\n  batch: 2\n"), @r"
    error: unknown field `epoch`
      --> studies/s.yaml:3:3
       |
     3 |   epoch: 4
       |   ^^^^^
       = field: finetuning.epoch
       = expected one of: `epochs`, `batch`, `rate`, `freeze`
       = did you mean `epochs`?
    ");
}

#[test]
fn several_problems_are_named_at_once_in_the_order_of_the_lines() {
    let text = "title: 3\nfinetuning: {epochs: 1.0, batch: -2, rate: \"0.1\", freeze: yes}\n\
                modle: {vqvea: {widht: x}}\narms: [{label: a}, {lable: b, epochs: many}]\n";
    let problems = study(text, None, "full", &[]).unwrap_err();
    let told: Vec<_> = problems.all().iter().map(|p| (p.span.unwrap().line, p.message.as_str())).collect();
    assert_eq!(
        told,
        [
            (1, "wrong type: found `3`"),
            (2, "wrong type: found `1.0`"),
            (2, "out of range: found `-2`"),
            (2, "wrong type: found text \"0.1\""),
            (2, "wrong type: found text \"yes\""),
            (3, "unknown field `modle`"),
            (3, "unknown choice `vqvea`"),
            (3, "unknown field `widht`"),
            (3, "wrong type: found text \"x\""),
            (4, "unknown field `lable`"),
            (4, "wrong type: found text \"many\""),
        ]
    );
    says(&problems.to_string(), &["help: write `1`", "help: leave out the quotes", "help: write `true`"]);
}

#[test]
fn values_that_do_not_fit() {
    let with = |model: &str| said(format!("{GOOD}model: {model}\n"));
    let field = |fields: &str| said(format!("title: T\nfinetuning: {{epochs: 1, batch: 1, {fields}}}\n"));
    let cases = [
        (said(format!("{GOOD}titel: x\n")), ["unknown field `titel`", "s.yaml:5:1", "did you mean `title`?"]),
        (
            said("title: T\nfinetuning:\n  epochs: 4\n"),
            ["missing field `batch`", "s.yaml:2:1", "field: finetuning.batch"],
        ),
        (said("# c\nfinetuning: {epochs: 4, batch: 1}\n"), ["missing field `title`", "s.yaml:2:1", "field: title"]),
        (said("title: T\nfinetuning: []\n"), ["found a list of 0", "s.yaml:2:1", "expected a mapping: lines of"]),
        (field("rate: fast"), ["found text \"fast\"", "s.yaml:2:41", "expected a number"]),
        (field("rate: .nan"), ["this number is not finite", "s.yaml:2:41", "field: finetuning.rate"]),
        (field("rate: -.inf"), ["this number is not finite", "s.yaml:2:41", "field: finetuning.rate"]),
        (with("linaer"), ["unknown choice `linaer`", "s.yaml:5:8", "did you mean `linear`?"]),
        (with("3"), ["found `3`", "s.yaml:5:8", "expected a name, or a mapping"]),
        (with("{vqvae: {width: 3}, unet: {width: 3}}"), ["found a mapping", "s.yaml:5:1", "exactly one key"]),
        (with("vqvae"), ["found text \"vqvae\"", "s.yaml:5:8", "this name with its settings below"]),
        (with("{linear: {a: 3}}"), ["found a mapping", "s.yaml:5:9", "nothing below this name"]),
        (with("!vqvae {width: 3}"), ["a spec has no tags", "s.yaml:5:", "write `name: …` as a key"]),
    ];
    for (said, parts) in &cases {
        says(said, parts);
    }
}

#[test]
fn texts_that_are_no_spec() {
    let deep: Vec<_> = (0..300).map(|level| format!("{}a:", " ".repeat(level))).collect();
    let cases = [
        (said(""), ["the spec is empty", "s.yaml", "expected a mapping"]),
        (said("# only a comment\n"), ["the spec is empty", "s.yaml", "expected a mapping"]),
        (said("- a\n- b\n"), ["the spec is not a mapping", "s.yaml:1:1", "expected a mapping"]),
        (
            said("title: T\nfinetuning: [1, 2\nx: 3\n"),
            ["did not find expected ',' or ']'", "s.yaml:3:2", "line 2 column 13"],
        ),
        (said("title: a: b\n"), ["mapping values are not allowed", "s.yaml:1:9", "quote a text that contains"]),
        (said(format!("{GOOD}title: U\n")), ["`title` is given twice", "s.yaml:5:1", "^^^^^"]),
        (said("title: T\nfinetuning:\n\tepochs: 3\n"), ["a tab indents this line", "s.yaml:3:1", "→epochs: 3"]),
        (said("title: T\n---\nx: 1\n"), ["a second document starts here", "s.yaml:2:1", "^^^"]),
        (said(b"title: T\r\nnotes: caf\xe9\n"), ["the text is not UTF-8", "s.yaml:2:11", "save the file as UTF-8"]),
        (said("x".repeat(1 << 21)), ["larger than 1 MiB", "s.yaml", "is this the right file?"]),
        (said("[".repeat(1 << 19)), ["recursion limit exceeded", "s.yaml", "^"]),
        (said(deep.join("\n")), ["more than 64 levels", "s.yaml:65:65", "^"]),
        (said("? [a]\n: 3\n"), ["a key must be plain text", "s.yaml:1:3", "^"]),
        (said("~: 3\n"), ["a key here is not a name", "s.yaml:1:1", "put quotes around it"]),
    ];
    for (said, parts) in &cases {
        says(said, parts);
    }
}

#[test]
fn nothing_in_a_spec_reaches_the_terminal_raw() {
    says(&said("title: \u{1b}[31mT\n"), &["a control character", "s.yaml:1:8", "title: \u{fffd}[31mT"]);
    let quoted = said(format!("{GOOD}\"a\\e]0;x\\a\": 1\nb\u{202e}c: 2\n"));
    says(&quoted, &["unknown field `a\\u{1b}]0;x\\u{7}`", "unknown field `b\\u{202e}c`"]);
    assert!(quoted.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'));
    let long = said(format!("title: T\nfinetuning: {{batch: {}x, rate: {}1}}\n", "3".repeat(90), "0".repeat(90)));
    assert!(long.lines().all(|line| line.chars().count() < 120), "{long}");
}

#[test]
fn aliases_and_merge_keys() {
    let text = "title: &t T\nfinetuning: &f\n  epochs: 4\n  batch: 2\narms:\n- &a {label: *t, epochs: 1}\n- <<: *a\n  label: U\n";
    let study = study(text, None, "full", &[]).unwrap();
    assert_eq!(study.arms[1], Arm { label: "U".to_owned(), epochs: Some(1) });
    let merged = said(format!(
        "{GOOD}model: {{unet: &a {{width: 3}}}}\narms:\n- &b {{<<: *a, label: x}}\n- {{<<: [*b], epochs: 1}}\n"
    ));
    says(&merged, &["unknown field `width`", "s.yaml:5:19", "field: arms[0].width", "field: arms[1].width"]);
    says(&said("a: &a [*a]\n"), &["this alias contains itself", "s.yaml:1:8"]);
    says(&said("a: *nope\n"), &["unknown anchor", "s.yaml:1:4"]);
    says(&said("<<: 3\n"), &["`<<` merges a mapping", "s.yaml:1:5"]);
    let level = |n: usize| format!("a{n}: &a{n} [{}]", vec![format!("*a{}", n - 1); 10].join(", "));
    let bomb: Vec<_> = std::iter::once("a0: &a0 [x]".to_owned()).chain((1..20).map(level)).collect();
    says(&said(bomb.join("\n")), &["more than 100000 values, aliases unfolded"]);
}

#[test]
fn layers_lie_in_order_and_each_field_remembers_its_own() {
    let base = "finetuning: {epochs: 1, batch: 1, rate: 0.1}\nmodel: {unet: {width: 8, codes: 2}}\n\
                profiles:\n  demo: {finetuning: {epochs: 2, batch: 2}}\n";
    let text = "extends: b\ntitle: T\nmodel: {unet: {width: 16}}\narms: [{label: a}, {label: b}]\n\
                profiles:\n  demo:\n    finetuning: {epochs: 3}\n    model: {vqvae: {width: 4}}\n  sample:\n";
    let full = study(text, Some(base), "full", &[]).unwrap();
    assert_eq!((full.finetuning.epochs, full.model), (1, Model::Unet(Net { width: 16, codes: Some(2) })));
    let demo = study(text, Some(base), "demo", &["finetuning.rate=2", "arms[1].epochs=9", "notes.x=y"]).unwrap();
    assert_eq!(demo.finetuning, Training { epochs: 3, batch: 2, rate: 2.0, freeze: false });
    assert_eq!(demo.model, Model::Vqvae(Net { width: 4, codes: None }));
    assert_eq!((demo.arms[1].epochs, demo.arms.len(), demo.notes["x"].as_str()), (Some(9), 2, "y"));

    let merged = merged(text, Some(base), "demo", &["arms[1].epochs=9"]).unwrap();
    let at = |path: &str| {
        let found = merged.at(path, "m").help("h");
        (found.file, found.span.unwrap().line, found.field.unwrap())
    };
    let place = |file: &str, line, field: &str| (file.to_owned(), line, field.to_owned());
    assert_eq!(at("finetuning.rate"), place("studies/_base/b.yaml", 1, "finetuning.rate"));
    assert_eq!(at("finetuning.batch"), place("studies/_base/b.yaml", 4, "profiles.demo.finetuning.batch"));
    assert_eq!(at("finetuning.epochs"), place("studies/s.yaml", 7, "profiles.demo.finetuning.epochs"));
    assert_eq!(at("model.vqvae"), place("studies/s.yaml", 8, "profiles.demo.model.vqvae"));
    assert_eq!(at("arms[1].epochs"), place("command line", 1, "arms[1].epochs"));
    assert_eq!(at("arms[1].nothing"), place("studies/s.yaml", 4, "arms[1].nothing"));
}

#[test]
fn bases_and_profiles_that_do_not_exist() {
    let of = |text: &str, base| study(text, base, "full", &[]).unwrap_err().to_string();
    says(&of("extends: x\n", None), &["there is no base `x`", "s.yaml:1:1", "expected a file `studies/_base/x.yaml`"]);
    for trick in ["../s", "/etc/passwd", "a/b", "..", "b.yaml", "\"\"", "[b]", ".b"] {
        says(&of(&format!("extends: {trick}\n"), Some(GOOD)), &["`extends` does not name a base", "field: extends"]);
    }
    says(&of("extends: b\n", Some("extends: c\n")), &["a base cannot extend another", "studies/_base/b.yaml:1:1"]);
    let profiles = of(&format!("{GOOD}profiles:\n  demoo: {{}}\n  full: 3\n  demo: {{extends: b}}\n"), None);
    says(
        &profiles,
        &["did you mean `demo`?", "profile `full` is not a mapping", "`extends` inside a profile", "s.yaml:8:10"],
    );
    let unknown = study(format!("{GOOD}profiles:\n  demo:\n"), None, "demoo", &[]).unwrap_err().to_string();
    says(&unknown, &["study `s` has no profile `demoo`", "expected one of: `full`, `demo`", "did you mean `demo`?"]);
    let root = root(GOOD, None);
    says(&Spec::named(root.path(), "../s").unwrap_err().to_string(), &["there is no study `../s`"]);
    says(&Spec::named(root.path(), "S").unwrap_err().to_string(), &["did you mean `s`?"]);
    assert_eq!(super::layers::names(root.path()).unwrap(), ["s"]);
}

#[test]
fn every_profile_is_checked() {
    let text = format!(
        "{GOOD}profiles:\n  demo: {{finetuning: {{epoch: 1}}}}\n  sample: {{title: 1, finetuning: {{epochs: 0}}}}\n"
    );
    let root = root(text, None);
    let spec = Spec::named(root.path(), "s").unwrap();
    let problems = check_profiles(&spec, |merged, study: &Study| {
        (study.title == "T").then(|| merged.at("title", "too short")).into_iter().collect()
    });
    let fields: Vec<_> = problems.iter().filter_map(|problem| problem.field.as_deref()).collect();
    assert_eq!(fields, ["title", "profiles.demo.finetuning.epoch", "profiles.sample.title"]);
}

#[test]
fn settings_that_do_not_fit() {
    assert_snapshot!(said_of(&["finetuning={epochs: 3, btch: 2}"]), @r"
    error: unknown field `btch`
      --> command line
       |
       | --set finetuning={epochs: 3, btch: 2}
       |                              ^^^^
       = field: finetuning.btch
       = expected one of: `epochs`, `batch`, `rate`, `freeze`
       = did you mean `batch`?
    ");
    let cases = [
        ("finetuning.epoch=3", "did you mean `epochs`?"),
        ("finetuning.epochs=abc", "wrong type: found text \"abc\""),
        ("model.unet.codes=8", "missing field `width`"),
        ("arms[7].label=x", "`arms` goes from [0] to [1]"),
        ("arms[1].lable=x", "did you mean `label`?"),
        ("arms.label=x", "`arms` is a list: name its element, `arms[0]`"),
        ("finetuning[0]=x", "`finetuning` is a mapping, not a list"),
        ("finetuning.epochs.x=1", "`finetuning.epochs` is a single value"),
        ("finetuning.epochs", "a setting lacks its value"),
        ("=3", "the path is empty"),
        ("a..b=3", "`` is not a field name"),
        ("a[x]=3", "`[x]` is not a position"),
        ("a[1=3", "lacks its closing `]`"),
        ("title=[1, 2", "did not find expected ',' or ']'"),
        ("title=.nan", "this number is not finite"),
        ("title={a: 1, a: 2}", "`a` is given twice"),
        ("profiles.demo.title=1", "cannot be set from the command line"),
    ];
    for (setting, part) in cases {
        says(&said_of(&[setting]), &[part, &format!("| --set {setting}"), "^"]);
    }
}

#[test]
fn a_variant_is_laid_over_the_root_and_keeps_its_place() {
    let text = "title: T\nfinetuning: {epochs: 4, batch: 2}\nmodel: {vqvae: {width: 8}}\n\
                variants:\n  u:\n    title: U\n    model: {unet: {width: 4}}\n    finetuning:\n      epochs: many\n\
                profiles: {demo: {variants: {u: {finetuning: {batch: few}}}}}\n";
    let merged = merged(text, None, "demo", &["variants.u.finetuning.rate=fast"]).unwrap();
    let place = super::path::Path::parse("variants.u").unwrap();
    let mut own = merged.over_itself(&place, &["finetuning", "model"]);
    assert_eq!(own.value["model"], serde_json::json!({"unet": {"width": 4}}));
    assert_eq!(own.value["title"], "T", "a variant changes no other field");
    own.value.as_object_mut().unwrap().remove("variants");
    let problems = decode::<Study>(&own).unwrap_err();
    let told: Vec<_> = problems.all().iter().map(|p| (p.file.as_str(), p.field.as_deref().unwrap())).collect();
    assert_eq!(
        told,
        [
            ("command line", "variants.u.finetuning.rate"),
            ("studies/s.yaml", "variants.u.finetuning.epochs"),
            ("studies/s.yaml", "profiles.demo.variants.u.finetuning.batch"),
        ]
    );
    assert_eq!(problems.all()[1].span.unwrap().line, 9);
    // The document itself is unchanged.
    assert_eq!(merged.value["model"], serde_json::json!({"vqvae": {"width": 8}}));
}
