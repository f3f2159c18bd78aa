//! `evaluate`: metrics of masks from any source.

use crate::studio::{Said, Studio, contents};
use image::{GrayImage, Rgb, RgbImage};
use std::{fs, path::Path};

const COLOURS: [[u8; 3]; 3] = [[255, 0, 0], [0, 255, 0], [0, 0, 255]];

/// Two images of four pixels: the true and the predicted mask of each, as class indices.
const IMAGES: [(&str, [u8; 4], [u8; 4]); 2] =
    [("Bengal_1", [0, 0, 1, 1], [0, 1, 1, 1]), ("pug_2", [0, 1, 2, 2], [0, 1, 1, 2])];

/// Means over [`IMAGES`], computed by hand. The first image has no border, so it has two classes: its Dice is the mean
/// of 2/3 and 4/5, its `IoU` the mean of 1/2 and 2/3. The second image has Dice 1, 2/3, 2/3 and `IoU` 1, 1/2, 1/2.
const MEANS: [(&str, f64); 11] = [
    ("accuracy", 3.0 / 4.0),
    ("dice_macro", 34.0 / 45.0),
    ("iou_macro", 5.0 / 8.0),
    ("dice_pet", 5.0 / 6.0),
    ("dice_background", 11.0 / 15.0),
    ("dice_border", 2.0 / 3.0),
    ("iou_pet", 3.0 / 4.0),
    ("iou_background", 7.0 / 12.0),
    ("iou_border", 1.0 / 2.0),
    ("dice_micro", 3.0 / 4.0),
    ("iou_micro", 3.0 / 5.0),
];

/// Writes a mask of one row as grey numbers.
fn grey(path: &Path, values: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    GrayImage::from_raw(values.len() as u32, 1, values.to_vec()).unwrap().save(path).unwrap();
}

/// Writes a mask of one row in colours.
fn coloured(path: &Path, colours: &[[u8; 3]]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    RgbImage::from_fn(colours.len() as u32, 1, |x, _| Rgb(colours[x as usize])).save(path).unwrap();
}

/// Writes class indices in one of the three encodings.
fn encoded(path: &Path, classes: &[u8], encoding: &str) {
    match encoding {
        "classes" => grey(path, classes),
        "trimap" => grey(path, &classes.iter().map(|class| class + 1).collect::<Vec<_>>()),
        _ => coloured(path, &classes.iter().map(|&class| COLOURS[usize::from(class)]).collect::<Vec<_>>()),
    }
}

/// A studio with the images in the folders `pred` and `truth`, in these encodings.
fn studio(pred: &str, truth: &str) -> Studio {
    let studio = Studio::new();
    for (name, true_classes, predicted) in &IMAGES {
        encoded(&studio.path(format!("truth/{name}.png")), true_classes, truth);
        encoded(&studio.path(format!("pred/{name}.png")), predicted, pred);
    }
    studio
}

fn evaluate(studio: &Studio, more: &[&str]) -> Said {
    studio.run(&[&["evaluate", "--pred", "pred", "--truth", "truth"], more].concat())
}

/// The command must fail with these words and write nothing.
#[track_caller]
fn refused(studio: &Studio, more: &[&str], words: &[&str]) {
    let said = evaluate(studio, more).ended(4);
    assert!(said.stdout.is_empty() && !said.stderr.contains("panicked"), "{}{}", said.stdout, said.stderr);
    words.iter().fold(said, |said, words| said.tells(words));
    assert!(!studio.path("evaluation.csv").exists());
}

#[test]
fn values_are_those_by_hand_in_every_encoding() {
    let mut tables = Vec::new();
    for (pred, truth) in [("classes", "trimap"), ("trimap", "colours"), ("colours", "classes")] {
        let studio = studio(pred, truth);
        let said = evaluate(&studio, &["--json"]).ended(0).json();
        for (name, mean) in MEANS {
            let value = said[name].as_f64().unwrap();
            assert!((value - mean).abs() < 1e-12, "{name} is {value}, not {mean}");
        }
        assert_eq!((&said["images"], &said["images_defined"]["dice_border"]), (&2.into(), &1.into()));
        assert_eq!((&said["pred_encoding"], &said["truth_encoding"]), (&pred.into(), &truth.into()));
        // The result is the same when the encodings are given.
        let given = ["--json", "--pred-encoding", pred, "--truth-encoding", truth];
        assert_eq!(evaluate(&studio, &given).ended(0).json(), said);
        tables.push(studio.read("evaluation.csv"));
    }
    assert!(tables.iter().all(|table| *table == tables[0]), "{tables:?}");
    let mut lines = tables[0].lines();
    let (header, first) = (lines.next().unwrap(), lines.next().unwrap());
    assert_eq!(
        header,
        "image,prediction,truth,accuracy,dice_macro,iou_macro,dice_pet,dice_background,dice_border,iou_pet,iou_background,\
         iou_border,dice_micro,iou_micro"
    );
    let cells: Vec<&str> = first.split(',').collect();
    assert_eq!(cells[..4], ["Bengal_1", "Bengal_1.png", "Bengal_1.png", "0.75"]);
    // An undefined value is an empty cell.
    assert_eq!((cells[8], cells[11], cells[13]), ("", "", "0.6"));
    assert_eq!((lines.next().unwrap().split(',').next(), lines.next()), (Some("pug_2"), None));
}

#[test]
fn the_table_goes_to_stdout_and_the_rows_where_one_says() {
    let studio = studio("classes", "trimap");
    let said = evaluate(&studio, &["--out", "numbers/all.csv"]).ended(0);
    let line = |name: &str| said.stdout.lines().find(|line| line.starts_with(name)).unwrap().split_whitespace();
    assert_eq!(line("accuracy").collect::<Vec<_>>(), ["accuracy", "0.7500", "2"]);
    assert_eq!(line("dice_border").collect::<Vec<_>>(), ["dice_border", "0.6667", "1"]);
    let said = said.answers("2 images: class indices compared with trimaps; one row per image: numbers/all.csv");
    assert!(said.stderr.is_empty(), "{}", said.stderr);
    assert!(studio.path("numbers/all.csv").exists() && !studio.path("evaluation.csv").exists());
    // A metric that no image has is null.
    let studio = Studio::new();
    grey(&studio.path("pred/a.png"), &[0, 1]);
    grey(&studio.path("truth/a.png"), &[0, 0]);
    let said = evaluate(&studio, &["--json"]).ended(0).json();
    assert!(said["dice_border"].is_null() && said["dice_background"] == 0.0 && said["accuracy"] == 0.5, "{said}");
    evaluate(&studio, &[]).ended(0).answers("dice_border      –");
}

#[test]
fn order_and_numbers_do_not_depend_on_threads() {
    let studio = Studio::new();
    for i in 0..40_u32 {
        let classes = |of: u32| (0..97).map(|x| ((x * (i + of) + x / 7) % 3) as u8).collect::<Vec<_>>();
        grey(&studio.path(format!("truth/{i}.png")), &classes(1));
        grey(&studio.path(format!("pred/{i}.bmp")), &classes(2));
    }
    let mut tables = Vec::new();
    for threads in ["1", "5"] {
        let mut command = studio.harness(&["evaluate", "--pred", "pred", "--truth", "truth", "--json"]);
        command.env("RAYON_NUM_THREADS", threads);
        tables.push((Said::of(command).ended(0).stdout, studio.read("evaluation.csv")));
    }
    assert_eq!(tables[0], tables[1]);
    let names: Vec<&str> = tables[0].1.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert!(names.len() == 40 && names.is_sorted());
}

#[test]
fn names_are_matched_with_and_without_mask() {
    let studio = studio("classes", "trimap");
    let expected = evaluate(&studio, &["--json"]).ended(0).json();
    // With the names that `predict` writes, its overlays are skipped, and so is everything that is not a mask.
    for (name, ..) in IMAGES {
        fs::rename(studio.path(format!("pred/{name}.png")), studio.path(format!("pred/{name}-mask.png"))).unwrap();
        fs::write(studio.path(format!("pred/{name}-overlay.png")), "no mask").unwrap();
    }
    for other in ["pred/notes.txt", "pred/pug_2.jpg", "truth/._pug_2.png", "truth/Bengal_1.mat"] {
        fs::write(studio.path(other), "no mask").unwrap();
    }
    fs::create_dir(studio.path("truth/more.png")).unwrap();
    assert_eq!(evaluate(&studio, &["--json"]).ended(0).json(), expected);
    assert!(studio.read("evaluation.csv").contains("pug_2,pug_2-mask.png,pug_2.png,"));
    // A predicted mask with exactly the same name comes first; the other one is left over.
    encoded(&studio.path("pred/pug_2.png"), &IMAGES[1].2, "classes");
    fs::remove_file(studio.path("evaluation.csv")).unwrap();
    refused(&studio, &[], &["1 without a true mask in truth:", "pred/pug_2-mask.png"]);
    // The suffix may also be on the true mask.
    let studio = Studio::new();
    grey(&studio.path("pred/a.png"), &[0, 1]);
    grey(&studio.path("truth/a-mask.png"), &[0, 1]);
    evaluate(&studio, &[]).ended(0).answers("1 image:");
}

#[test]
fn a_palette_is_read_for_its_colours() {
    let studio = studio("classes", "colours");
    let expected = evaluate(&studio, &["--json"]).ended(0).json();
    for (name, ..) in IMAGES {
        // A GIF has a palette.
        let picture = image::open(studio.path(format!("truth/{name}.png"))).unwrap();
        picture.save(studio.path(format!("truth/{name}.gif"))).unwrap();
        fs::remove_file(studio.path(format!("truth/{name}.png"))).unwrap();
    }
    assert_eq!(evaluate(&studio, &["--json"]).ended(0).json(), expected);
    // Grey numbers in three channels are numbers.
    for (name, _, predicted) in &IMAGES {
        coloured(&studio.path(format!("pred/{name}.png")), &predicted.map(|class| [class; 3]));
    }
    assert_eq!(evaluate(&studio, &["--json"]).ended(0).json(), expected);
}

#[test]
fn a_folder_that_could_be_read_in_two_ways_is_not_guessed() {
    let studio = Studio::new();
    for name in ["a", "b"] {
        grey(&studio.path(format!("truth/{name}.png")), &[1, 2, 3]);
        grey(&studio.path(format!("pred/{name}.png")), &[1, 2, 2]);
    }
    let words =
        ["cannot tell how the masks in pred store", "1 (a.png), 2 (a.png)", "--pred-encoding trimap", "as well as"];
    refused(&studio, &[], &words);
    let said = evaluate(&studio, &["--json", "--pred-encoding", "trimap"]).ended(0).json();
    assert!((said["accuracy"].as_f64().unwrap() - 2.0 / 3.0).abs() < 1e-12);
    let said = evaluate(&studio, &["--json", "--pred-encoding", "classes"]).ended(0).json();
    assert!((said["accuracy"].as_f64().unwrap() - 1.0 / 3.0).abs() < 1e-12);
    // One mask of the folder is enough to tell.
    grey(&studio.path("pred/b.png"), &[1, 3, 2]);
    let said = evaluate(&studio, &["--json"]).ended(0).json();
    assert_eq!((&said["pred_encoding"], &said["truth_encoding"]), (&"trimap".into(), &"trimap".into()));
}

#[test]
fn a_folder_has_one_encoding() {
    let mixed = studio("classes", "trimap");
    encoded(&mixed.path("truth/pug_2.png"), &IMAGES[1].1, "classes");
    encoded(&mixed.path("truth/Bengal_1.png"), &[1, 2, 0, 0], "trimap");
    let words = ["cannot tell how the masks in truth store", "0 (pug_2.png)", "3 (Bengal_1.png)", "--truth-encoding"];
    refused(&mixed, &[], &words);
    let words = ["1 of 2 masks in truth are not trimaps (1 pet, 2 background, 3 border)", "truth/pug_2.png holds 0"];
    refused(&mixed, &["--truth-encoding", "trimap"], &words);
    refused(&mixed, &["--truth-encoding", "colours"], &["2 of 2", "truth/Bengal_1.png holds 1, 2, 3"]);
    encoded(&mixed.path("truth/Bengal_1.png"), &IMAGES[0].1, "colours");
    refused(&mixed, &[], &["no encoding has all of these", "red (Bengal_1.png)", "0 (pug_2.png)"]);
    evaluate(&mixed, &["--pred-encoding", "rgb"]).ended(2).tells("trimap, classes, colours");
}

#[test]
fn masks_without_partners_are_all_named() {
    let studio = studio("classes", "trimap");
    fs::rename(studio.path("pred/pug_2.png"), studio.path("pred/pug_3.png")).unwrap();
    let words =
        ["1 without a predicted mask in pred:", "truth/pug_2.png", "1 without a true mask in truth:", "pred/pug_3.png"];
    refused(&studio, &[], &words);
    for i in 0..30 {
        grey(&studio.path(format!("truth/cat_{i:02}.png")), &[1, 2, 3, 3]);
    }
    let said = evaluate(&studio, &[])
        .ended(4)
        .tells("31 without a predicted mask")
        .tells("truth/cat_19.png")
        .tells("and 11 more");
    assert!(!said.stderr.contains("cat_20"), "{}", said.stderr);
}

#[test]
fn masks_that_cannot_be_compared_are_all_named() {
    let studio = studio("classes", "trimap");
    grey(&studio.path("pred/Bengal_1.png"), &[0, 1, 2]);
    let whole = fs::read(studio.path("pred/pug_2.png")).unwrap();
    fs::write(studio.path("pred/pug_2.png"), &whole[..whole.len() / 2]).unwrap();
    let words =
        ["2 of 2 images cannot be evaluated:", "pred/Bengal_1.png has 3 × 1 pixels, truth/Bengal_1.png 4 × 1 pixels"];
    refused(&studio, &[], &[&words[..], &["pred/pug_2.png: "]].concat());
    grey(&studio.path("pred/Bengal_1.png"), &[0, 1, 255, 2]);
    coloured(&studio.path("pred/pug_2.png"), &[[255, 0, 0], [0, 128, 0], [0, 0, 0], [0; 3]]);
    let strange =
        ["pred/Bengal_1.png: 255 at column 2, row 0", "pred/pug_2.png: the colour (0, 128, 0) at column 1, row 0"];
    refused(&studio, &[], &[&strange[..], &["expected 0 to 3, or pure red, green or blue"]].concat());
    // The content decides, not the name.
    let jpeg = [0xff, 0xd8, 0xff, 0xe0, 0, 16, b'J', b'F', b'I', b'F', 0];
    fs::write(studio.path("pred/pug_2.png"), jpeg).unwrap();
    refused(&studio, &[], &["pred/pug_2.png: JPEG: a label map must be stored in a lossless format"]);
}

#[test]
fn folders_that_hold_no_masks_are_named() {
    let studio = studio("classes", "trimap");
    let missing = studio.run(&["evaluate", "--pred", "nowhere", "--truth", "truth"]);
    missing.ended(4).tells("cannot list nowhere");
    fs::create_dir(studio.path("empty")).unwrap();
    fs::write(studio.path("empty/cat.jpg"), "x").unwrap();
    let empty = studio.run(&["evaluate", "--pred", "pred", "--truth", "empty"]);
    empty.ended(4).tells("empty contains no masks: no PNG, BMP, GIF or WebP files");
    fs::copy(studio.path("pred/pug_2.png"), studio.path("pred/pug_2.PNG")).unwrap();
    refused(&studio, &[], &["same name up to the extension", "pred/pug_2.PNG, pred/pug_2.png"]);
    studio.run(&["evaluate", "--pred", "pred"]).ended(2).tells("--truth");
    let before = contents(&studio.path("truth"));
    assert_eq!(before.len(), 2, "nothing is written beside the masks");
}
