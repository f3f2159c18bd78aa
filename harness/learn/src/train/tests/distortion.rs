use super::*;
use crate::train::assembled;
use harness_images::{
    augment::*,
    pixels::{self, Picture},
};

fn spec(json: &str) -> DistortionSpec {
    let spec: DistortionSpec = serde_json::from_str(json).unwrap();
    spec.check().unwrap();
    spec
}

fn apply(spec: &DistortionSpec, images: &[Vec<u8>], places: &[u32], epoch: u32) -> Tensor {
    apply_to(spec, images, SIDE, places, epoch)
}

/// Draws images for other places than their own and applies the draws to them.
fn apply_to(spec: &DistortionSpec, images: &[Vec<u8>], side: usize, places: &[u32], epoch: u32) -> Tensor {
    let pictures = Pictures { size: side as u32, rgb: images.concat().into(), ..pictures(0) };
    let mut drawn = spec.draw(side, places, 7, epoch);
    drawn.iter_mut().zip(0..).for_each(|(image, place)| image.place = place);
    assembled(&pictures, &drawn, Target::Images, epoch).unwrap().images
}

fn places(count: u32) -> Vec<u32> {
    (0..count).map(|i| i * 3 % 1000).collect()
}

/// Every kind of distortion; each changes something in every epoch.
const KINDS: [&str; 5] = [
    r#"{"mask": {}}"#,
    r#"{"rotate": {}}"#,
    r#"{"jitter": {}}"#,
    r#"{"greyscale": {"probability": 0.5}}"#,
    r#"{"mix": {"of": [{"mask": {}}, {"rotate": {}}, {"jitter": {}}, {"greyscale": {}}], "draw": "per-image"}}"#,
];

#[test]
fn a_mask_is_one_rectangle_of_the_right_size_and_fill() {
    let white = vec![vec![255; SIDE * SIDE * 3]; 50];
    let masked = apply(&spec(r#"{"mask": {"most": 0.5}}"#), &white, &places(50), 1);
    let mut sides = Vec::new();
    for image in values(&masked) {
        let planes: Vec<&[f32]> = image.chunks(SIDE * SIDE).collect();
        assert!(planes[0] == planes[1] && planes[1] == planes[2]);
        let filled: Vec<(usize, usize)> =
            (0..SIDE * SIDE).filter(|&p| planes[0][p] == 0.5).map(|p| (p / SIDE, p % SIDE)).collect();
        assert_eq!(planes[0].iter().filter(|&&v| v == 1.0).count(), SIDE * SIDE - filled.len());
        let height = filled[filled.len() - 1].0 - filled[0].0 + 1;
        let width = filled[filled.len() - 1].1 - filled[0].1 + 1;
        assert_eq!((filled.len(), height), (height * width, width), "not a square");
        sides.push(height);
    }
    assert!(sides.iter().all(|side| (1..=10).contains(side)) && sides.iter().max() > sides.iter().min());
}

#[test]
fn masks_are_those_of_earlier_versions() {
    // Left, top and side of the masks of images 0 to 4 in epoch 3 with seed 7, at 120 pixels.
    let expected = [(95, 73, 21), (84, 21, 29), (73, 11, 19), (3, 46, 20), (3, 70, 17)];
    let white = vec![255; 120 * 120 * 3];
    let mask = DistortionSpec::Mask(MaskSpec::default());
    let masked = apply_to(&mask, &vec![white; 5], 120, &[0, 1, 2, 3, 4], 3);
    for (image, (left, top, side)) in values(&masked).iter().zip(expected) {
        let inside = |n: usize, from: usize| (from..from + side).contains(&n);
        for (at, &value) in image[..120 * 120].iter().enumerate() {
            let filled = inside(at % 120, left) && inside(at / 120, top);
            assert_eq!(value, if filled { 0.5 } else { 1.0 }, "pixel {at}");
        }
    }
}

#[test]
fn rotations_are_quarter_turns_in_equal_shares() {
    let pictures = noise(400);
    let turned = bytes(&apply(&spec(r#"{"rotate": {}}"#), &pictures, &places(400), 1));
    let mut counts = [0; 4];
    for (before, after) in pictures.into_iter().zip(turned) {
        let picture = Picture { width: SIDE as u32, height: SIDE as u32, data: before };
        let quarters = (0..4).find(|&quarters| pixels::rotate(&picture, quarters).data == after).unwrap();
        counts[quarters as usize] += 1;
    }
    assert!(counts.iter().all(|count| (70..130).contains(count)), "{counts:?}");
}

#[test]
fn a_jitter_without_reach_and_no_distortion_change_nothing() {
    let pictures = noise(20);
    for json in [r#"{"jitter": {"brightness": 0, "contrast": 0, "saturation": 0, "hue": 0}}"#, r#""none""#] {
        assert_eq!(bytes(&apply(&spec(json), &pictures, &places(20), 1)), pictures);
    }
}

#[test]
fn jitter_draws_evenly_within_its_reach() {
    let grey = vec![vec![100; SIDE * SIDE * 3]; 400];
    let bright = bytes(&apply(
        &spec(r#"{"jitter": {"brightness": 0.5, "contrast": 0, "saturation": 0, "hue": 0}}"#),
        &grey,
        &places(400),
        1,
    ));
    let levels: Vec<u8> = bright.iter().map(|image| image[0]).collect();
    assert!(levels.iter().all(|level| (50..150).contains(level)), "{levels:?}");
    for from in [50, 75, 100, 125] {
        let count = levels.iter().filter(|level| (from..from + 25).contains(*level)).count();
        assert!((70..130).contains(&count), "{count} of 400 levels in {from}..{}", from + 25);
    }
    let red = vec![[255, 0, 0].repeat(SIDE * SIDE); 400];
    let hues = bytes(&apply(
        &spec(r#"{"jitter": {"brightness": 0, "contrast": 0, "saturation": 0, "hue": 0.1}}"#),
        &red,
        &places(400),
        1,
    ));
    let within: Vec<Vec<u8>> = (-25..=25).map(|steps| pixels::adjust_hue(&red[0], f64::from(steps) / 255.0)).collect();
    assert!(hues.iter().all(|image| within.contains(image)));
    let violet = hues.iter().filter(|image| image[2] > image[1]).count();
    assert!((150..250).contains(&violet), "{violet} of 400 turned towards violet");
}

#[test]
fn greyscale_is_drawn_with_its_probability() {
    let pictures = noise(500);
    let greyed = bytes(&apply(&spec(r#"{"greyscale": {}}"#), &pictures, &places(500), 1));
    let mut count = 0;
    for (before, after) in pictures.iter().zip(&greyed) {
        let grey = *after == pixels::greyscale(before);
        assert!(grey || after == before);
        count += i32::from(grey);
    }
    assert!((75..125).contains(&count), "{count} of 500");
}

#[test]
fn every_epoch_draws_anew_and_the_same_epoch_the_same() {
    let (pictures, places) = (noise(40), places(40));
    for kind in KINDS {
        let spec = spec(kind);
        let first = values(&apply(&spec, &pictures, &places, 1));
        assert_eq!(first, values(&apply(&spec, &pictures, &places, 1)), "{kind}");
        assert_ne!(first, values(&apply(&spec, &pictures, &places, 2)), "{kind}");
    }
}

#[test]
fn a_draw_does_not_depend_on_the_batch() {
    let (pictures, places) = (noise(12), places(12));
    for kind in KINDS {
        let spec = spec(kind);
        let whole = values(&apply(&spec, &pictures, &places, 1));
        let parts = [0..5, 5..12].map(|part| values(&apply(&spec, &pictures[part.clone()], &places[part], 1)));
        assert_eq!(whole, parts.concat(), "{kind}");
    }
}

/// For each image, the index of the distortion of a mix that was applied. The three cannot be confused.
fn kinds_of(draw: &str, batch: usize, epoch: u32) -> Vec<usize> {
    let parts = [r#"{"mask": {}}"#, r#""none""#, r#"{"greyscale": {"probability": 1}}"#];
    let mix = spec(&format!(r#"{{"mix": {{"of": [{}], "draw": "{draw}"}}}}"#, parts.join(",")));
    let (pictures, places) = (noise(300), places(300));
    let alone = parts.map(|part| values(&apply(&spec(part), &pictures, &places, epoch)));
    let batches = pictures.chunks(batch).zip(places.chunks(batch));
    let mixed = batches.flat_map(|(pictures, places)| values(&apply(&mix, pictures, places, epoch)));
    let kind = |(i, image)| (0..3).find(|&part: &usize| alone[part][i] == image).expect("one of the three");
    mixed.enumerate().map(kind).collect()
}

fn assert_equal_shares(kinds: &[usize]) {
    for part in 0..3 {
        let count = kinds.iter().filter(|&&kind| kind == part).count() * 300 / kinds.len();
        assert!((65..135).contains(&count), "{part} makes up {count} of 300");
    }
}

#[test]
fn a_mix_for_each_image_has_equal_shares() {
    let kinds = kinds_of("per-image", 10, 1);
    assert_equal_shares(&kinds);
    assert_eq!(kinds, kinds_of("per-image", 300, 1));
    assert!(kinds.chunks(10).filter(|batch| batch.iter().any(|kind| *kind != batch[0])).count() > 25);
}

#[test]
fn a_mix_for_each_batch_is_of_one_kind() {
    let (first, second) = (kinds_of("per-batch", 2, 1), kinds_of("per-batch", 2, 2));
    assert!(first.chunks(2).all(|batch| batch[0] == batch[1]));
    assert_equal_shares(&first);
    assert_ne!(first, second);
}

#[test]
fn threads_do_not_matter() {
    let (pictures, places) = (noise(16), places(16));
    for kind in KINDS {
        assert_threads_do_not_matter(|| values(&apply(&spec(kind), &pictures, &places, 1)));
    }
}

#[test]
fn an_empty_batch_stays_empty() {
    let mix = spec(r#"{"mix": {"of": ["none", {"rotate": {}}]}}"#);
    assert_eq!(apply(&mix, &[], &[], 1).dims(), [0, 3, SIDE, SIDE]);
}

#[test]
fn impossible_distortions_are_refused_with_the_field() {
    for (json, field) in [
        (r#"{"mask": {"least": 0}}"#, "mask.least"),
        (r#"{"mask": {"least": 0.5}}"#, "mask.most"),
        (r#"{"mask": {"fill": 2}}"#, "mask.fill"),
        (r#"{"jitter": {"contrast": -0.1}}"#, "jitter.contrast"),
        (r#"{"jitter": {"hue": 0.6}}"#, "jitter.hue"),
        (r#"{"greyscale": {"probability": 1.1}}"#, "greyscale.probability"),
        (r#"{"mix": {"of": [{"mask": {}}]}}"#, "mix.of"),
        (r#"{"mix": {"of": ["none", {"jitter": {"hue": 1}}]}}"#, "mix.of[1].jitter.hue"),
        (r#"{"mix": {"of": ["none", {"mix": {"of": ["none", "none"]}}]}}"#, "mix.of[1]"),
    ] {
        let spec: DistortionSpec = serde_json::from_str(json).unwrap();
        assert_eq!(spec.check().unwrap_err().0, field);
    }
    for json in [r#"{"rotate": {"degrees": 90}}"#, r#"{"mix": {"draw": "per-image"}}"#, r#""mask""#] {
        assert!(serde_json::from_str::<DistortionSpec>(json).is_err(), "{json}");
    }
}

#[test]
fn distortions_are_described() {
    let mix = spec(
        r#"{"mix": {"of": ["none", {"mask": {"least": 0.07}}, {"rotate": {}}, {"jitter": {}}, {"greyscale": {}}]}}"#,
    );
    assert_eq!(
        mix.describe(),
        "one of these, drawn for each batch: the image itself, undistorted; one rectangle of 7 to 25 % of the side, \
         filled with 0.5; a rotation by 0, 90, 180 or 270 degrees; colour jitter of brightness ±0.5, contrast ±0.5, \
         saturation ±0.5, hue ±0.1; greyscale with probability 0.2"
    );
}
