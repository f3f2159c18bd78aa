use super::*;
use crate::train::{self, Batch, assembled};
use candle_core::Device;
use harness_images::{
    augment::*,
    pixels::{self, Labels, Picture},
};

fn spec(json: &str) -> AugmentationSpec {
    let spec: AugmentationSpec = serde_json::from_str(json).unwrap();
    spec.check().unwrap();
    spec
}

fn apply(json: &str, pictures: &Pictures, epoch: u32) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let places: Vec<u32> = (0..pictures.items.len() as u32).collect();
    let batch = batch(&spec(json), pictures, &places, epoch);
    assert_eq!(batch.target.dims(), [places.len(), SIDE, SIDE]);
    let classes: Vec<u8> = batch.target.flatten_all().unwrap().to_vec1().unwrap();
    (bytes(&batch.images), classes.chunks(SIDE * SIDE).map(<[u8]>::to_vec).collect())
}

fn batch(spec: &AugmentationSpec, pictures: &Pictures, places: &[u32], epoch: u32) -> Batch {
    assembled(pictures, &spec.draw(pictures.size, places, 7, epoch), Target::Classes, epoch).unwrap()
}

fn unchanged(pictures: &Pictures) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let all = 0..pictures.items.len();
    all.map(|place| (pictures.rgb_of(place).to_vec(), pictures.classes_of(place).to_vec())).unzip()
}

#[test]
fn an_empty_list_changes_nothing() {
    let pictures = pictures(5);
    assert_eq!(apply("[]", &pictures, 1), unchanged(&pictures));
    let batch = batch(&AugmentationSpec::default(), &pictures, &[3, 1], 1);
    let expected = train::images(&pictures, &[3, 1], &Device::Cpu).unwrap();
    assert_eq!(values(&batch.images), values(&expected));
}

#[test]
fn changes_that_cannot_happen_change_nothing() {
    let pictures = pictures(20);
    let idle = r#"[{"flip": {"probability": 0}}, {"crop": {"least": 1}},
                   {"jitter": {"brightness": 0, "contrast": 0, "saturation": 0, "hue": 0}}]"#;
    assert_eq!(apply(idle, &pictures, 1), unchanged(&pictures));
}

#[test]
fn a_flip_mirrors_image_and_classes_alike() {
    let pictures = pictures(200);
    let (images, classes) = apply(r#"[{"flip": {}}]"#, &pictures, 1);
    let mut flips = 0;
    for (place, (image, classes)) in images.into_iter().zip(classes).enumerate() {
        let (width, height) = (SIDE as u32, SIDE as u32);
        let before = Picture { width, height, data: pictures.rgb_of(place).to_vec() };
        let labels = Labels { width, height, data: pictures.classes_of(place).to_vec() };
        let flipped = image == pixels::mirror(&before).data;
        assert!(flipped || image == before.data);
        assert_eq!(classes, if flipped { pixels::mirror(&labels) } else { labels }.data);
        flips += i32::from(flipped);
    }
    assert!((75..125).contains(&flips), "{flips} of 200");
}

#[test]
fn the_colour_still_says_the_class_after_flips_and_crops() {
    let pictures = pictures(100);
    let (images, classes) = apply(r#"[{"flip": {}}, {"crop": {"least": 0.3}}, {"flip": {}}]"#, &pictures, 1);
    assert_ne!((&images, &classes), (&unchanged(&pictures).0, &unchanged(&pictures).1));
    let mut pure = 0;
    for (image, classes) in images.iter().zip(&classes) {
        for (pixel, &class) in image.as_chunks::<3>().0.iter().zip(classes) {
            // Between two colours the picture is interpolated, but the classes are not.
            if let Some(colour) = COLOURS.iter().position(|colour| colour == pixel) {
                assert_eq!(colour, usize::from(class));
                pure += 1;
            }
        }
    }
    assert!(pure > 100 * SIDE * SIDE * 6 / 10, "only {pure} pixels have a pure colour");
}

#[test]
fn a_crop_is_a_square_of_the_picture_enlarged() {
    // Red numbers the columns and green the rows, so the first and last values give the crop's bounds.
    let mut pictures = pictures(300);
    let mut rgb = pictures.rgb.to_vec();
    for (at, pixel) in rgb.as_chunks_mut::<3>().0.iter_mut().enumerate() {
        *pixel = [(at % SIDE * 10) as u8, (at / SIDE % SIDE * 10) as u8, 0];
    }
    pictures.rgb = rgb.into();
    let (images, _) = apply(r#"[{"crop": {"least": 0.6}}]"#, &pictures, 1);
    let mut counts = [0; SIDE + 1];
    for image in images {
        let last = image.len() - 3;
        let side = |channel: usize| usize::from(image[last + channel] - image[channel]) / 10 + 1;
        assert!(image[0].is_multiple_of(10) && image[1].is_multiple_of(10), "not at a pixel's edge");
        assert_eq!(side(0), side(1), "not a square");
        counts[side(0)] += 1;
    }
    assert_eq!(counts[..12].iter().sum::<i32>(), 0);
    assert!(counts[12..].iter().all(|count| (15..55).contains(count)), "{counts:?}");
}

#[test]
fn jitter_leaves_the_classes_alone() {
    let pictures = pictures(20);
    let (images, classes) = apply(r#"[{"jitter": {}}]"#, &pictures, 1);
    let (before, truth) = unchanged(&pictures);
    assert_eq!(classes, truth);
    assert!(images.iter().zip(&before).all(|(image, before)| image != before));
}

#[test]
fn every_epoch_and_every_entry_draws_anew() {
    let pictures = pictures(30);
    let both = r#"[{"flip": {}}, {"crop": {}}, {"jitter": {}}]"#;
    assert_eq!(apply(both, &pictures, 1), apply(both, &pictures, 1));
    assert_ne!(apply(both, &pictures, 1), apply(both, &pictures, 2));
    // Two flips with the same draw would cancel each other.
    assert_ne!(apply(r#"[{"flip": {}}, {"flip": {}}]"#, &pictures, 1), unchanged(&pictures));
}

#[test]
fn a_draw_does_not_depend_on_the_batch_or_on_threads() {
    let pictures = pictures(12);
    let spec = spec(r#"[{"flip": {}}, {"crop": {}}, {"jitter": {}}]"#);
    let images = |places: &[u32]| values(&batch(&spec, &pictures, places, 1).images);
    assert_eq!(images(&[4, 9, 1]), [images(&[4, 9]), images(&[1])].concat());
    assert_threads_do_not_matter(|| apply(r#"[{"flip": {}}, {"crop": {}}, {"jitter": {}}]"#, &pictures, 1));
}

#[test]
fn impossible_augmentations_are_refused_with_the_field() {
    let nine = format!("[{}]", [r#"{"flip": {}}"#; 9].join(","));
    for (json, field) in [
        (r#"[{"flip": {}}, {"crop": {"least": 0}}]"#, "[1].crop.least"),
        (r#"[{"flip": {"probability": -1}}]"#, "[0].flip.probability"),
        (r#"[{"jitter": {"hue": 0.7}}]"#, "[0].jitter.hue"),
        (nine.as_str(), ""),
    ] {
        let spec: AugmentationSpec = serde_json::from_str(json).unwrap();
        assert_eq!(spec.check().unwrap_err().0, field);
    }
    assert!(serde_json::from_str::<AugmentationSpec>(r#"[{"flip": {"chance": 1}}]"#).is_err());
}

#[test]
fn augmentations_are_described() {
    assert_eq!(AugmentationSpec::default().describe(), "none");
    assert_eq!(
        spec(r#"[{"flip": {}}, {"crop": {"least": 0.55}}, {"jitter": {"brightness": 0.2}}]"#).describe(),
        "left-right flip with probability 0.5, then crop of a square of 55 to 100 % of the side, then colour jitter of \
         brightness ±0.2, contrast ±0.5, saturation ±0.5, hue ±0.1"
    );
}
