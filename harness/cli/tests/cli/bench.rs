//! `bench`: what it prints and what it refuses. Its speed is not tested, because machines differ.

use crate::studio::Studio;
use image::{Rgb, RgbImage};
use serde_json::Value;
use std::fs;

const SMALL: [&str; 6] = ["bench", "train-step", "--device", "cpu", "--batch", "2"];

fn train_step(more: &[&'static str]) -> Vec<&'static str> {
    [&SMALL[..], &["--steps", "2", "--warmup", "1"], more].concat()
}

fn number(json: &Value, field: &str) -> f64 {
    json[field].as_f64().unwrap_or_else(|| panic!("no number {field} in {json}"))
}

#[test]
fn a_train_step_has_the_fields_of_the_reference_script() {
    let studio = Studio::new();
    let networks: [&[&str]; 3] = [
        &[
            "--model", "vqvae", "--size", "16", "--width", "8", "--depth", "1", "--inner", "4", "--dim", "4",
            "--codes", "16",
        ],
        &["--model", "segnet", "--size", "17", "--width", "2"],
        &["--model", "linknet", "--size", "32", "--width", "4", "--threads", "1"],
    ];
    for network in networks {
        let said = studio.run(&[&train_step(&["--json"]), network].concat()).ended(0);
        assert_eq!(said.stdout.lines().count(), 1, "one line of JSON:\n{}", said.stdout);
        let json = said.json();
        let fields = [
            "engine",
            "model",
            "batch",
            "size",
            "device",
            "precision",
            "images_per_s",
            "step_ms",
            "step_ms_min",
            "peak_rss_mib",
            "parameters",
            "loss",
        ];
        let places: Vec<usize> = fields.iter().map(|f| said.stdout.find(&format!("\"{f}\":")).expect(f)).collect();
        assert!(places.is_sorted() && json.as_object().unwrap().len() == fields.len(), "{}", said.stdout);
        assert_eq!(
            (&json["model"], &json["device"], &json["precision"]),
            (&network[1].into(), &"cpu".into(), &"f32".into())
        );
        assert_eq!((number(&json, "batch"), json["size"].to_string().as_str()), (2.0, network[3]));
        assert!(json["engine"].as_str().unwrap().starts_with("harness "));
        let (median, least) = (number(&json, "step_ms"), number(&json, "step_ms_min"));
        assert!(0.0 < least && least <= median, "{json}");
        // Both are rounded, each on its own.
        let product = number(&json, "images_per_s") * median / 2000.0;
        assert!((0.9..1.1).contains(&product), "{json}");
        assert!(number(&json, "parameters") > 100.0 && (0.5..5.0).contains(&number(&json, "loss")), "{json}");
        let memory = &json["peak_rss_mib"];
        assert!(if cfg!(unix) { (2..100_000).contains(&memory.as_u64().unwrap()) } else { memory.is_null() }, "{json}");
    }
}

#[test]
fn a_table_holds_the_same_and_the_threads_change_no_bit() {
    let studio = Studio::new();
    let network = ["--size", "8", "--width", "8", "--depth", "1", "--inner", "4", "--dim", "4", "--codes", "16"];
    let loss = |threads: &'static str| {
        let said = studio.run(&[&train_step(&["--json", "--threads", threads]), &network[..]].concat()).ended(0);
        said.json()["loss"].clone()
    };
    let (one, three) = (loss("1"), loss("3"));
    assert_eq!(one, three);
    let said = studio.run(&[&train_step(&[]), &network[..]].concat()).ended(0);
    let rows: Vec<Vec<&str>> = said.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!((rows.len(), &rows[1][..]), (12, &["model", "vqvae"][..]), "{}", said.stdout);
    assert_eq!(rows[11], ["loss", &one.to_string()]);
}

#[test]
fn what_cannot_be_timed_is_refused_with_2() {
    let studio = Studio::new();
    let refused: [(&[&str], &str); 13] = [
        (
            &["--model", "linknet", "--size", "32", "--depth", "2"],
            "--model linknet: unknown field `depth`, expected `width`",
        ),
        (&["--model", "segnet", "--codes", "8"], "--model segnet: unknown field `codes`, expected `width`"),
        (&["--model", "segnet", "--width", "0"], "--width: expected a whole number in 1..=1024"),
        (&["--width", "7"], "--width: expected an even number"),
        (&["--size", "30"], "--size 30: expected a multiple of 4"),
        (&["--model", "linknet"], "--size 120: expected a multiple of 32"),
        (&["--model", "unet"], "vqvae, segnet, linknet"),
        (&["--precision", "bf16"], "the CPU computes in f32 only, not in bf16"),
        (&["--precision", "tf32"], "the CPU computes in f32 only, not in tf32"),
        (&["--precision", "f16"], "write f32, tf32 or bf16"),
        (&["--threads", "0"], "--threads"),
        (&["--steps", "0"], "--steps"),
        (&["--batch", "0"], "--batch"),
    ];
    for (options, expected) in refused {
        let arguments = [&["bench", "train-step", "--device", "cpu"], options].concat();
        let said = studio.run(&arguments).ended(2).tells(expected);
        assert!(said.stdout.is_empty(), "{}", said.stdout);
    }
    studio.run(&["bench"]).ended(2);
}

#[test]
fn pictures_are_timed_and_damaged_ones_named() {
    let studio = Studio::new();
    fs::create_dir_all(studio.path("pictures/more")).unwrap();
    for i in 0..5 {
        let picture = RgbImage::from_fn(40 + i, 30, |x, y| Rgb([x as u8, y as u8, i as u8]));
        picture.save(studio.path(format!("pictures/more/{i}.png"))).unwrap();
    }
    fs::copy(studio.path("pictures/more/0.png"), studio.path("pictures/cat.JPG")).unwrap();
    let whole = fs::read(studio.path("pictures/cat.JPG")).unwrap();
    fs::write(studio.path("pictures/damaged.png"), &whole[..whole.len() / 2]).unwrap();
    fs::write(studio.path("pictures/empty.jpg"), "").unwrap();
    fs::write(studio.path("pictures/notes.txt"), "no picture").unwrap();

    let arguments = ["bench", "data", "pictures", "--size", "24", "--repeat", "2", "--threads", "2", "--json"];
    let said =
        studio.run(&arguments).ended(0).tells("skipped damaged.png: PNG").tells("skipped empty.jpg: the file is empty");
    assert_eq!(said.stderr.matches("skipped ").count(), 2, "{}", said.stderr);
    let json = said.json();
    let fields = ["engine", "cold_images_per_s", "cached_images_per_s", "images", "skipped", "size", "threads"];
    assert!(
        fields.iter().all(|field| !json[field].is_null()) && json.as_object().unwrap().len() == fields.len(),
        "{json}"
    );
    assert_eq!(["images", "skipped", "size", "threads"].map(|field| number(&json, field)), [6.0, 2.0, 24.0, 2.0]);
    assert!(number(&json, "cold_images_per_s") > 0.0 && number(&json, "cached_images_per_s") > 0.0, "{json}");

    studio.run(&["bench", "data", "pictures"]).ended(0).answers("cold_images_per_s");
    studio.run(&["bench", "data", "nowhere"]).ended(4).tells("nowhere is not a folder");
    fs::create_dir(studio.path("none")).unwrap();
    studio.run(&["bench", "data", "none"]).ended(4).tells("there are no pictures in none");
    studio.run(&["bench", "data", "pictures", "--size", "0"]).ended(2);
    studio.run(&["bench", "data"]).ended(2);
}
