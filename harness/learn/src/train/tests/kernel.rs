//! Compares the kernel that makes batches on a GPU with the host: all bits must be equal.

use super::*;
use crate::{ops::on_host, train::assembled};
use harness_images::augment::*;

/// Pictures of `side` pixels a side: noise, greys, and a gradient of colours.
fn photographs(count: u32, side: usize) -> Pictures {
    let mut rng = random::generator(&["photographs"]);
    let mut rgb = Vec::new();
    for picture in 0..count {
        for at in 0..side * side {
            let [x, y] = [at % side, at / side].map(|n| (n * 255 / side) as u8);
            let noise = rng.next_u32().to_le_bytes();
            rgb.extend(match picture % 4 {
                0 => [noise[0]; 3],
                1 => [x, y, 255 - x / 2],
                _ => [noise[0], noise[1], noise[2]],
            });
        }
    }
    let classes: Vec<_> = (0..count as usize * side * side).map(|_| random::below(&mut rng, 3) as u8).collect();
    Pictures { size: side as u32, rgb: rgb.into(), classes: classes.into(), ..pictures(count) }
}

/// Makes the batch of the rows from `first` on with the kernel, and compares it.
fn check(what: &str, pictures: &Pictures, drawn: &[Drawn], first: usize, target: Target) {
    let table = Table::of(drawn.iter());
    let (side, batch) = (pictures.size as usize, drawn.len() - first);
    let labelled = target == Target::Classes;
    let mut input = pictures.rgb.to_vec();
    input.extend(pictures.classes.iter().filter(|_| labelled));
    input.extend(on_host::bytes(&table.words, u32::to_le_bytes));
    let numbers = [pictures.items.len(), side, usize::from(labelled), drawn.len(), table.width, first, batch];
    let Some(made) = on_host::run("assemble", &numbers, &input) else { return };
    let expected = assembled(pictures, &drawn[first..], target, 1).unwrap();
    let floats = |tensor: &Tensor| {
        let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        on_host::bytes(&values, f32::to_le_bytes)
    };
    let mut bytes = floats(&expected.images);
    bytes.extend(match target {
        Target::Images => floats(&expected.target),
        Target::Classes => expected.target.flatten_all().unwrap().to_vec1::<u8>().unwrap(),
    });
    assert_eq!(made.len(), bytes.len(), "{what}");
    let wrong = made.iter().zip(&bytes).filter(|(a, b)| a != b).count();
    assert_eq!(wrong, 0, "{what}: bytes that differ of {}", bytes.len());
}

#[test]
fn every_distortion_is_that_of_the_host() {
    let pictures = photographs(24, 23);
    let places: Vec<u32> = (0..24).rev().collect();
    for json in [
        r#""none""#,
        r#"{"mask": {}}"#,
        r#"{"mask": {"least": 1.0, "most": 1.0, "fill": 0.3}}"#,
        r#"{"rotate": {}}"#,
        r#"{"greyscale": {"probability": 0.5}}"#,
        r#"{"jitter": {}}"#,
        r#"{"jitter": {"brightness": 10, "contrast": 0, "saturation": 0, "hue": 0}}"#,
        r#"{"jitter": {"brightness": 0, "contrast": 10, "saturation": 0, "hue": 0}}"#,
        r#"{"jitter": {"brightness": 0, "contrast": 0, "saturation": 10, "hue": 0}}"#,
        r#"{"jitter": {"brightness": 0, "contrast": 0, "saturation": 0, "hue": 0.5}}"#,
        r#"{"mix": {"of": [{"mask": {}}, {"rotate": {}}, {"jitter": {}}, {"greyscale": {}}], "draw": "per-image"}}"#,
    ] {
        let spec: DistortionSpec = serde_json::from_str(json).unwrap();
        check(json, &pictures, &spec.draw(23, &places, 7, 1), 5, Target::Images);
    }
}

#[test]
fn every_augmentation_is_that_of_the_host() {
    for side in [20, 47] {
        let pictures = photographs(24, side);
        let places: Vec<u32> = (0..24).collect();
        for json in [
            "[]",
            r#"[{"flip": {}}]"#,
            r#"[{"crop": {"least": 0.05}}]"#,
            r#"[{"jitter": {}}]"#,
            r#"[{"flip": {}}, {"crop": {}}, {"jitter": {}}, {"crop": {"least": 0.8}}, {"flip": {}}, {"jitter": {}}]"#,
        ] {
            let spec: AugmentationSpec = serde_json::from_str(json).unwrap();
            check(json, &pictures, &spec.draw(side as u32, &places, 7, 1), 3, Target::Classes);
        }
    }
}

#[test]
fn crops_of_every_size_are_those_of_the_host() {
    let pictures = photographs(3, 61);
    let crop =
        |side| Drawn { place: side % 3, changes: vec![Change::Crop { side, left: (61 - side) / 2, top: 61 - side }] };
    let all: Vec<Drawn> = (1..61).map(crop).collect();
    check("crops", &pictures, &all, 0, Target::Classes);
}

#[test]
fn every_turn_of_the_hue_is_that_of_the_host() {
    let pictures = photographs(4, 40);
    let turn = |steps: i32| Drawn { place: 2, changes: vec![Change::Hue(f64::from(steps) / 255.0)] };
    let all: Vec<Drawn> = (-127..=127).map(turn).collect();
    check("hues", &pictures, &all, 0, Target::Images);
}

#[test]
fn a_kernel_that_is_given_other_words_makes_another_batch() {
    // Proves that the comparisons above can fail.
    let pictures = photographs(4, 20);
    let drawn = [Drawn { place: 2, changes: vec![Change::Turn(1)] }];
    let table = Table::of([Drawn { place: 2, changes: vec![Change::Turn(3)] }].iter());
    let input = [pictures.rgb.to_vec(), on_host::bytes(&table.words, u32::to_le_bytes)].concat();
    let Some(made) = on_host::run("assemble", &[4, 20, 0, 1, table.width, 0, 1], &input) else { return };
    let expected = assembled(&pictures, &drawn, Target::Images, 1).unwrap().images;
    let expected = expected.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert_ne!(made[..expected.len() * 4], on_host::bytes(&expected, f32::to_le_bytes));
}
