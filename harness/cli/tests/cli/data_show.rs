//! `data show`: what it counts in a data set, and the page and the pictures that it writes.

use crate::{
    photographs::photographs,
    pictures::{picture, put, trimap},
    studio::{Said, Studio, assert_same, contents},
};
use harness_images::pixels;
use serde_json::{Value, json};

const DRAWN: &str = "{synthetic-pets: {trainval: 10, test: 5, unlabelled: 6}}";

/// The side of a picture of 32 pixels on the sheet.
const SIDE: u32 = 96;

fn show(studio: &Studio, what: &str, more: &[&str]) -> Said {
    studio.run(&[&["data", "show", what, "--size", "32"][..], more].concat())
}

/// `pets-sample` with three good pictures, one without a trimap, one that is damaged, and two that are listed but
/// missing.
fn with_pets(studio: &Studio) {
    // The content of a file decides its format, not its name: these are PNG.
    for (name, width) in [("Bengal_1", 40), ("Bengal_2", 48), ("pug_1", 64), ("pug_2", 40)] {
        put(studio, &format!("pets-sample/images/{name}.jpg"), picture(width, 36, 90));
    }
    put(studio, "pets-sample/images/pug_3.jpg", &picture(40, 40, 9)[..60]);
    for (name, width) in [("Bengal_1", 40), ("Bengal_2", 48), ("pug_1", 64), ("pug_3", 40)] {
        put(studio, &format!("pets-sample/annotations/trimaps/{name}.png"), trimap(width, 36));
    }
    let listed = "Bengal_1 1 1 1\npug_1 2 2 1\npug_2 2 2 1\npug_3 2 2 1\n";
    put(studio, "pets-sample/annotations/trainval.txt", listed);
    put(studio, "pets-sample/annotations/test.txt", "Bengal_2 1 1 1\nBengal_10 1 1 1\npug_9 2 2 1\n");
}

#[test]
fn pictures_are_counted_by_class_and_part() {
    let studio = Studio::new();
    with_pets(&studio);
    let said = show(&studio, "pets-sample", &[]).ended(0).answers("Oxford-IIIT Pet, a part\n");
    let said =
        said.answers("class   trainval  test  total\nBengal         1     1      2\npug            1     0      1\n");
    let said = said.answers("\ntotal          2     1      3\n").answers("left out: 4 files\n");
    let said =
        said.answers("2 skipped: listed in line 2 of annotations/test.txt, but there is no such file, and the like");
    let said = said.answers("1 unused: no trimap: there is no file annotations/trimaps/pug_2.png\n");
    let said = said.answers("pixels of trimaps: pet 50.0 %, background 25.0 %, border 25.0 %");
    said.answers("widths and heights: 36 to 64 px, median 36 px").answers("licence: CC BY-SA 4.0").answers("Parkhi");
    assert!(!studio.path("sheet.jpg").exists() && !studio.path("index.html").exists());

    let told = show(&studio, "{oxford-iiit-pet: {folder: pets-sample}}", &["--json"]).ended(0).json();
    assert_eq!(told["classes"][1], json!({"class": "pug", "images": {"trainval": 1, "test": 0}, "total": 1}));
    assert_eq!(told["total"]["images"], json!({"trainval": 2, "test": 1}));
    assert_eq!(told["sides"], json!({"smallest": 36, "median": 36, "largest": 64}));
    assert_eq!(told["pixels"][0], json!({"class": "pet", "pixels": 3 * 32 * 16, "percent": 50.0}));
    assert_eq!(told["homepage"], "https://www.robots.ox.ac.uk/~vgg/data/pets/");
}

#[test]
fn a_page_a_sheet_and_tables() {
    let studio = Studio::new();
    with_pets(&studio);
    let said = show(&studio, "pets-sample", &["--out", "out/pets"]).ended(0);
    said.answers("page and contact sheet: out/pets/index.html");
    let names: Vec<String> = contents(&studio.path("out/pets")).into_keys().collect();
    assert_eq!(names, ["counts.csv", "index.html", "left_out.csv", "sheet.jpg"]);
    let counts = "class,part,images\nBengal,trainval,1\nBengal,test,1\npug,trainval,1\npug,test,0\n";
    assert_eq!(studio.read("out/pets/counts.csv"), counts);
    let left_out = studio.read("out/pets/left_out.csv");
    assert!(left_out.starts_with("split,file,group,reason\n") && left_out.lines().count() == 5, "{left_out}");
    assert!(left_out.contains("skipped,images/pug_3.jpg,pug,"), "{left_out}");
    let page = studio.read("out/pets/index.html");
    for part in [
        "alt=\"pug, trainval; on the right with its mask\"",
        "object-position: -0px -",
        "scope=\"row\"",
        "name=\"viewport\"",
    ] {
        assert!(page.contains(part), "no {part}");
    }
    assert!(!page.contains("<script") && !page.contains("src=\"http") && page.len() < 30_000, "{}", page.len());
    // One column of three rows, each with an enlarged picture and its copy with the mask.
    let sheet = pixels::decode(&std::fs::read(studio.path("out/pets/sheet.jpg")).unwrap()).unwrap();
    assert_eq!((sheet.width, sheet.height), (2 * SIDE, 3 * SIDE));
    let blue = |x: u32| sheet.data[3 * (SIDE / 2 * sheet.width + x) as usize + 2];
    assert!(blue(10).abs_diff(20) < 4, "{}", blue(10));
    assert!(blue(SIDE + 10) > blue(10) + 40, "no mask over the copy");

    show(&studio, "pets-sample", &["--out", "one", "--images", "1"]).ended(0);
    let sheet = pixels::decode(&std::fs::read(studio.path("one/sheet.jpg")).unwrap()).unwrap();
    assert_eq!((sheet.width, sheet.height), (2 * SIDE, SIDE));
}

#[test]
fn drawn_pictures_and_threads() {
    let studio = Studio::new();
    let told = show(&studio, DRAWN, &["--json"]).ended(0).json();
    assert_eq!(
        told["total"],
        json!({"class": "total", "images": {"trainval": 10, "test": 5, "unlabelled": 6}, "total": 21})
    );
    assert_eq!((&told["parts"], &told["sides"]), (&json!(["trainval", "test", "unlabelled"]), &Value::Null));
    assert_eq!(told["title"], "Synthetic pets");
    let told = show(&studio, "synthetic-pets", &["--json"]).ended(0).json();
    // The numbers are those of the demo.
    assert_eq!(told["total"]["images"], json!({"trainval": 200, "test": 80, "unlabelled": 400}));
    let base = studio.read("studies/_base/vqvae-pets.yaml");
    assert!(base.contains("{trainval: 200, test: 80, unlabelled: 0}") && base.contains("unlabelled: 400}"), "{base}");

    for threads in ["1", "2"] {
        let store = format!("store-{threads}");
        let mut command = studio.harness(&["data", "show", DRAWN, "--out", threads, "--store", &store]);
        command.env("RAYON_NUM_THREADS", threads);
        Said::of(command).ended(0);
    }
    assert_same(&contents(&studio.path("1")), &contents(&studio.path("2")));
}

#[test]
fn names_stay_text() {
    let studio = Studio::new();
    let class = "<img src=x onerror=alert(1)>\u{202e}";
    put(&studio, &format!("odd/{class}/a.png"), picture(20, 30, 3));
    let said = show(&studio, "{cats-and-dogs: {folder: odd}}", &["--out", "out"]).ended(0);
    let said = said.answers("<img src=x onerror=alert(1)>\\u{202e}").answers("licence: not known");
    assert!(!said.stdout.contains('\u{202e}'), "{}", said.stdout);
    let page = studio.read("out/index.html");
    assert!(page.contains("&lt;img src&#x3d;x onerror") || page.contains("&lt;img src=x onerror"), "{page}");
    assert!(!page.contains("<img src=x"), "{page}");
}

#[test]
fn what_cannot_be_shown() {
    let studio = Studio::new();
    show(&studio, "pets-sampel", &[]).ended(2).tells("did you mean `pets-sample`?");
    show(&studio, "resnet34-imagenet", &[]).ended(2).tells("these are weights, which contain no pictures");
    show(&studio, "{synthetic-pets: {trainval: 1, tset: 5}}", &[]).ended(2).tells("tset");
    show(&studio, "{cats-and-dogs: {folder: ../x}}", &[]).ended(2).tells("a relative path below the data folder");
    show(&studio, "{synthetic-pets: {trainval: 0, test: 0, unlabelled: 0}}", &[]).ended(2).tells("no pictures");
    show(&studio, "synthetic-pets", &["--images", "3"]).ended(2).tells("--out");

    // The messages are the same as from a study or a fetch.
    let missing = show(&studio, "oxford-iiit-pet", &["--out", "out"]).ended(4);
    let missing = missing.tells("are not in the data folder and cannot be shown").tells("and put it at");
    missing.tells("harness data fetch oxford-iiit-pet").tells("MD5 5c4f3ee8e5d25df40f4fd59a7f44e54c");
    show(&studio, "{oxford-iiit-pet: {folder: nowhere}}", &[]).ended(4).tells("--data-dir or HARNESS_DATA");
    put(&studio, "odd/Cat/a.png", "no picture");
    show(&studio, "{cats-and-dogs: {folder: odd}}", &["--out", "out"]).ended(4);
    assert!(!studio.path("out").exists());
}

#[test]
fn photographs_of_the_sample() {
    let Some(data) = photographs() else {
        println!("skipped: no pets-sample/ and cats-and-dogs-10k/ in HARNESS_DATA or ../shared/data");
        return;
    };
    let studio = Studio::new();
    let told = show(&studio, "pets-sample", &["--data-dir", data.to_str().unwrap(), "--json", "--out", "out"]);
    let told = told.ended(0).json();
    assert_eq!(told["total"]["images"], json!({"trainval": 300, "test": 298}));
    assert_eq!(told["classes"].as_array().unwrap().len(), 3);
    let two = json!([{"files": 2, "how": "unused", "reason": "in no list file", "alike": false}]);
    assert_eq!(told["left_out"], two);
    let shares: Vec<f64> = told["pixels"].as_array().unwrap().iter().map(|s| s["percent"].as_f64().unwrap()).collect();
    assert!(shares.len() == 3 && (99.8..100.2).contains(&shares.iter().sum()), "{shares:?}");
    assert!(told["sides"]["median"].as_u64().unwrap() >= 200, "{}", told["sides"]);
    // The page must not reveal where the photographs lie.
    assert!(!studio.read("out/index.html").contains(data.to_str().unwrap()));
}
