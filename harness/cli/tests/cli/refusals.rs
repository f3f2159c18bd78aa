//! Refused commands: their exit codes and their messages.

use crate::studio::{Said, Studio, contents};
use std::{collections::BTreeMap, fmt::Write as _, fs};

const SPEC: &str = "studies/blurring.yaml";
const BASE: &str = "studies/_base/vqvae-pets.yaml";

/// A refused command must leave nothing behind: no runs, no reports, no data.
#[track_caller]
fn left_nothing(studio: &Studio) {
    for folder in ["runs", "reports", "data"] {
        assert!(!studio.path(folder).exists(), "{folder}/ was made");
    }
}

/// Breaks a spec and runs `validate` and `study`: both must show the place of `at` in the new text of `file`, its line,
/// and each of `words`.
#[track_caller]
fn broken(file: &str, (from, to): (&str, &str), at: &str, words: &[&str]) {
    let studio = Studio::new();
    let text = studio.edit(file, from, to);
    let before = &text[..text.find(at).unwrap_or_else(|| panic!("no {at:?}"))];
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let (line, column) = (before.matches('\n').count() + 1, before[start..].chars().count() + 1);
    let source = text[start..].lines().next().unwrap();
    // A base's variants are checked in the studies whose arms use them.
    let spec = if file == BASE { "studies/baselines.yaml" } else { SPEC };
    let name = spec.trim_start_matches("studies/").trim_end_matches(".yaml");
    for arguments in [&["validate"][..], &["validate", spec], &["study", name, "--profile", "demo"]] {
        let said = studio.run(arguments).ended(3).tells("error: ").tells(&format!("{file}:{line}:{column}\n"));
        let said = said.tells(&format!("{line} | {source}\n"));
        let said = words.iter().fold(said, |said, word| said.tells(word));
        assert!(said.stdout.is_empty() && !said.stderr.contains("panicked"), "{}{}", said.stdout, said.stderr);
    }
    let json = studio.run(&["validate", "--json"]).ended(3).json();
    let problem = &json[0];
    assert_eq!((&problem["span"]["line"], &problem["span"]["column"]), (&line.into(), &column.into()), "{json}");
    left_nothing(&studio);
}

#[test]
fn unknown_fields() {
    let words = ["unknown field `blurr`", "expected one of: `batch`, `baselines`, `blur`", "did you mean `blur`?"];
    broken(SPEC, ("  blur: [0,", "  blurr: [0,"), "blurr:", &words);
    broken(SPEC, ("arms:\n", "armz:\n"), "armz:", &["unknown field `armz`", "did you mean `arms`?"]);
    broken(
        BASE,
        ("{validation: {images: 500}}", "{validations: {images: 500}}"),
        "validations",
        &["unknown field `validations`", "did you mean `validation`?"],
    );
    let words = ["unknown profile `dmeo`", "did you mean `demo`?"];
    broken(SPEC, ("  demo: {}", "  dmeo: {}"), "dmeo", &words);
}

#[test]
fn missing_fields_and_wrong_types() {
    let words = ["missing field `label`", "field: arms[1]"];
    broken(SPEC, ("    label: Supervised only\n", ""), "name: supervised", &words);
    let words = ["wrong type: found text \"six\"", "expected a whole number"];
    broken(SPEC, ("{images: 6,", "{images: six,"), "six", &words);
    let words = ["wrong type: found text \"sharp\"", "expected a list"];
    broken(SPEC, ("blur: [0, 25, 50, 75, 100]", "blur: sharp"), "sharp", &words);
    let words = ["wrong type: found text \"64\"", "expected a whole number", "leave out the quotes"];
    broken(BASE, ("  batch: 64\n  blur", "  batch: \"64\"\n  blur"), "\"64\"", &words);
    let words = ["unknown choice `cats`", "one of: `oxford-iiit-pet`"];
    broken(
        BASE,
        ("{synthetic-pets: {trainval: 200, test: 80, unlabelled: 0}}", "{cats: {trainval: 200}}"),
        "cats: {trainval",
        &words,
    );
}

#[test]
fn impossible_values() {
    let words =
        ["out of range: found `-3`", "field: profiles.demo.finetuning.epochs", "expected a whole number from 0"];
    broken(SPEC, ("  demo: {}", "  demo: {finetuning: {epochs: -3}}"), "-3", &words);
    let words = ["`epochs` has an invalid value", "expected a whole number in 1..="];
    broken(SPEC, ("  demo: {}", "  demo: {pretraining: {epochs: 0}}"), "0}}", &words);
    let words = ["`size` has an invalid value", "field: profiles.demo.data.size", "expected a multiple of 4"];
    broken(SPEC, ("  demo: {}", "  demo: {data: {size: 50}}"), "50}}", &words);
    let words = ["out of range: found `-1`", "expected a whole number, 0 or more"];
    broken(BASE, ("seeds: [0, 1, 2]", "seeds: [-1, 1, 2]"), "-1, 1", &words);
}

#[test]
fn variants_are_checked_where_they_stand() {
    let words = ["`mse` has an invalid value", "field: variants.segnet.finetuning.losses.published.mse", "above 0"];
    broken(BASE, ("{published: {mse: 1}}", "{published: {mse: 0}}"), "0}}\n  linknet", &words);
    let words = ["`size` has an invalid value", "field: profiles.demo.variants.linknet.data.size", "multiple of 32"];
    broken(BASE, ("        data: {size: 64}", "        data: {size: 60}"), "60}\n        model: {linknet", &words);
    let words = ["unknown section `modle` in a variant", "did you mean `model`?"];
    broken(BASE, ("    model: {segnet: {width: 64}}", "    modle: {segnet: {width: 64}}"), "modle", &words);
    let words = ["unknown field `epoch`", "did you mean `epochs`?"];
    broken(BASE, ("    pretraining: {epochs: 20,", "    pretraining: {epoch: 20,"), "epoch: 20", &words);
}

#[test]
fn names_that_mean_nothing() {
    let words = ["unknown arm `supervized`", "did you mean `supervised`?", "field: report.claims[4].expect"];
    let claim = "expect: ssl@blur-100.dice > supervised@blur-100.dice";
    broken(
        SPEC,
        (claim, "expect: ssl@blur-100.dice > supervized@blur-100.dice"),
        "ssl@blur-100.dice > supervized",
        &words,
    );
    let words = ["unknown condition `blur-30`", "blur-25"];
    let first = "expect: ssl@blur-0.dice > ssl@blur-25.dice";
    broken(SPEC, (first, "expect: ssl@blur-0.dice > ssl@blur-30.dice"), "ssl@blur-0.dice > ssl@blur-30", &words);
    let words = ["unknown variant `half-label`", "did you mean `half-labels`?", "field: arms[0].variants[0]"];
    let label = "    label: Pretrained\n";
    broken(SPEC, (label, &format!("{label}    variants: [half-label]\n")), "half-label]", &words);
    let words = ["no base `vqvae-pet`", "studies/_base/vqvae-pet.yaml"];
    broken(SPEC, ("extends: vqvae-pets", "extends: vqvae-pet"), "extends:", &words);
    let words = ["each name once"];
    broken(SPEC, ("  - name: supervised", "  - name: ssl"), "ssl\n    label: Supervised", &words);
}

#[test]
fn several_problems_at_once_and_broken_yaml() {
    let studio = Studio::new();
    studio.edit(SPEC, "  blur: [0,", "  blurr: [0,");
    studio.edit(SPEC, "    pretrained: false", "    pretrained: never");
    studio.edit(SPEC, "{images: 6,", "{images: six,");
    let said = studio.run(&["validate"]).ended(3).tells("`blurr`").tells("\"never\"").tells("\"six\"");
    assert_eq!(said.stderr.matches("error: ").count(), 3, "{}", said.stderr);

    let studio = Studio::new();
    studio.edit(SPEC, "  blur: [0, 25, 50, 75, 100]", "  blur: [0, 25, 50, 75, 100");
    for arguments in [&["validate"][..], &["study", "blurring", "--profile", "demo"], &["study", "--all"]] {
        studio.run(arguments).ended(3).tells("studies/blurring.yaml:");
    }
    studio.edit(SPEC, "title: ", "title: twice\ntitle: ");
    studio.run(&["validate"]).ended(3).tells("studies/blurring.yaml:");
    fs::write(studio.path(SPEC), "").unwrap();
    studio.run(&["validate"]).ended(3).tells("the spec is empty");
    fs::write(studio.path(SPEC), b"title: \xff\xfe").unwrap();
    studio.run(&["validate"]).ended(3).tells("studies/blurring.yaml");
    // A broken study does not keep `list` from listing the others.
    studio.run(&["list"]).ended(0).answers("invalid: see `harness validate`");
    left_nothing(&studio);
}

#[test]
fn settings_of_the_command_line() {
    let studio = Studio::new();
    let set = |setting: &str| studio.run(&["study", "blurring", "--profile", "demo", "--set", setting]);
    let said = set("finetuning.epoch=3").ended(3).tells("unknown field `epoch`").tells("--> command line");
    said.tells("--set finetuning.epoch=3\n").tells("did you mean `epochs`?");
    set("data.size=50").ended(3).tells("expected a multiple of 4").tells("--set data.size=50");
    set("finetuning.epochs=-3").ended(3).tells("out of range").tells("expected a whole number");
    set("arms[7].label=x").ended(3).tells("`arms` goes from [0] to [1]");
    set("arms[0].lable=x").ended(3).tells("did you mean `label`?");
    set("finetuning.epochs=[3").ended(3).tells("command line");
    set("profiles.demo.data.size=16").ended(3).tells("cannot be set from the command line");
    set("finetuning.epochs").ended(2).tells("expected path=value");
    left_nothing(&studio);
}

#[test]
fn wrong_command_lines() {
    let studio = Studio::new();
    studio.run(&["study", "bluring"]).ended(3).tells("no study `bluring`").tells("did you mean `blurring`?");
    studio.run(&["study", "../blurring"]).ended(3).tells("no study `../blurring`");
    studio.run(&["report", "bluring"]).ended(3).tells("did you mean `blurring`?");
    studio.run(&["validate", "studies/none.yaml"]).ended(3).tells("studies/none.yaml");
    let demo = ["study", "blurring", "--profile", "demo"];
    for (arguments, word) in [
        (&["study"][..], "<NAME>"),
        (&["study", "blurring", "--profile", "mini"], "possible values: full, sample, demo"),
        (&["study", "blurring", "--seeds", "1,1"], "seed 1 is given twice"),
        (&["study", "blurring", "--threads", "0"], "--threads"),
        (&["study", "blurring", "--jobs", "0"], "--jobs"),
        (&["study", "blurring", "--device", "tpu"], "--device"),
        (&["study", "blurring", "--precision", "half"], "write f32, tf32 or bf16"),
        (&["study", "blurring", "--device", "cpu", "--precision", "bf16"], "computes in f32 only, not in bf16"),
        (&["bench", "train-step", "--profile"], "only a GPU's operations are timed"),
        (&["bench", "train-step", "--profile", "--json"], "cannot be used with '--json'"),
        (&["studdy"], "study"),
        (&["report", "blurring"], "run `harness study blurring` first"),
        (&["report", "--all"], "there are no reports"),
        (&["report", "--check"], "there are no reports"),
        (&["list", "--root", "templates"], "does not contain studies/ and templates/"),
    ] {
        studio.run(arguments).ended(2).tells(word);
    }
    if !cfg!(feature = "cuda") {
        let said = studio.run(&[&demo[..], &["--device", "cuda"]].concat()).ended(2);
        said.tells("built without CUDA").tells("--device cpu");
    }
    let mut command = studio.harness(&demo);
    command.env("HARNESS_ISA", "avx99");
    Said::of(command).ended(2).tells("HARNESS_ISA=avx99: this machine has portable");
    left_nothing(&studio);
    let lost = tempfile::tempdir().unwrap();
    let mut command = studio.harness(&["list"]);
    command.current_dir(lost.path());
    Said::of(command).ended(2).tells("--root DIR");
}

#[test]
fn missing_data() {
    let studio = Studio::new();
    fs::create_dir(studio.path("empty")).unwrap();
    for folder in ["empty", "none"] {
        let said = studio.run(&["study", "blurring", "--profile", "sample", "--data-dir", folder]).ended(4);
        let said =
            said.tells("study blurring, profile sample").tells("the data pets-sample are not in the data folder");
        let said = said.tells("any part of Oxford-IIIT Pet: unpack images.tar.gz").tells("annotations/trimaps/");
        let said = said.tells("the data cats-and-dogs-10k are not").tells("1,000 readable images");
        said.tells("data import DIR --name pets-sample").tells("--data-dir or HARNESS_DATA");
    }
    let pets = studio.path("empty/pets-sample");
    fs::create_dir_all(pets.join("images")).unwrap();
    fs::create_dir_all(studio.path("empty/cats-and-dogs-10k/PetImages")).unwrap();
    let said = studio.run(&["study", "blurring", "--profile", "sample", "--data-dir", "empty"]).ended(4);
    let said = said.tells("pets-sample: annotations/trimaps,").tells("any part of Oxford-IIIT Pet: unpack");
    assert!(said.stderr.contains("annotations") && !said.stderr.contains("does not exist"), "{}", said.stderr);
    for folder in ["runs", "reports", "data", "none"] {
        let written = if studio.path(folder).exists() { contents(&studio.path(folder)) } else { BTreeMap::default() };
        assert!(written.is_empty(), "{folder}: {:?}", written.keys());
    }
}

#[test]
fn data_of_which_nothing_is_usable() {
    let studio = Studio::tiny();
    for folder in ["images", "annotations/trimaps"] {
        fs::create_dir_all(studio.path("data/pets").join(folder)).unwrap();
    }
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\x01\x86\xa0\0\x01\x86\xa0\x08\x02\0\0\0";
    let damaged: [(&str, &[u8]); 3] = [("Birman_1", b""), ("Birman_2", b"<html>"), ("Birman_3", png)];
    let mut lines = String::new();
    for (name, bytes) in damaged {
        fs::write(studio.path(format!("data/pets/images/{name}.jpg")), bytes).unwrap();
        fs::write(studio.path(format!("data/pets/annotations/trimaps/{name}.png")), bytes).unwrap();
        writeln!(lines, "{name} 1 1 1").unwrap();
    }
    fs::write(studio.path("data/pets/annotations/trainval.txt"), lines).unwrap();
    fs::write(studio.path("data/pets/annotations/test.txt"), "").unwrap();
    let said = studio.study(&["--set", "data.segmentation.dataset={oxford-iiit-pet: {folder: pets}}"]).ended(4);
    let said = said.tells("pets: no usable pictures; 3 files were left out").tells("Birman_1.jpg: the file is empty");
    assert!(!said.stderr.contains("panicked"), "{}", said.stderr);
    let cats = "data.pretraining.dataset={cats-and-dogs: {folder: pets, per_class: 1}}";
    fs::remove_dir_all(studio.path("data/pets/annotations")).unwrap();
    studio.study(&["--set", cats]).ended(4).tells("only 0 of 3 files there are usable");
}

#[test]
fn places_that_cannot_be_written() {
    let studio = Studio::tiny();
    fs::write(studio.path("file"), b"in the way").unwrap();
    studio.study(&["--store", "file/runs"]).ended(5).tells("file/runs");
    studio.study(&["--reports", "file/reports"]).ended(5).tells("file/reports");
}

#[test]
fn stdout_that_nobody_reads_ends_quietly() {
    let studio = Studio::new();
    let mut command = studio.harness(&["schema"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    command.stdout(writer);
    let output = command.output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}
