//! `predict`: masks and overlays for any images.

use crate::studio::{Said, Studio, contents};
use image::{GrayImage, Luma, Rgb, RgbImage};
use safetensors::{Dtype, SafeTensors};
use std::fs;

/// A finished studio with two pictures, `cat.png` and `dog.png`, and the path of a trained network's weights.
fn studio() -> (Studio, String) {
    let studio = Studio::finished();
    let spot = |x: u32, y: u32| (i64::from(x) - 20).pow(2) + (i64::from(y) - 15).pow(2) < 120;
    let cat = RgbImage::from_fn(41, 30, |x, y| if spot(x, y) { Rgb([220, 150, 60]) } else { Rgb([40, 90, 50]) });
    let dog = GrayImage::from_fn(25, 64, |x, y| Luma([(x * 9 + y) as u8]));
    cat.save(studio.path("cat.png")).unwrap();
    dog.save(studio.path("dog.png")).unwrap();
    let weights = studio.first_in("runs/finetune").join("weights.safetensors");
    let weights = weights.to_str().unwrap().to_owned();
    (studio, weights)
}

fn predict(studio: &Studio, weights: &str, more: &[&str]) -> Said {
    studio.run(&[&["predict", "--weights", weights][..], more].concat())
}

#[test]
fn masks_and_overlays_are_as_large_as_the_images() {
    let (studio, weights) = studio();
    let images = ["cat.png", "dog.png"];
    let said = predict(&studio, &weights, &[&images[..], &["--out", "out", "--logits", "raw.safetensors"]].concat());
    said.ended(0).answers("2 images: out");
    for (stem, size) in [("cat", (41, 30)), ("dog", (25, 64))] {
        let mask = image::open(studio.path(format!("out/{stem}-mask.png"))).unwrap();
        assert_eq!((mask.width(), mask.height()), size);
        let mask = mask.as_luma8().expect("a mask has one channel of class indices");
        assert!(mask.pixels().all(|Luma([class])| *class <= 2));
        let overlay = image::open(studio.path(format!("out/{stem}-overlay.png"))).unwrap().to_rgb8();
        assert_eq!(overlay.dimensions(), size);
        // The background is left as it is, the rest is tinted.
        let picture = image::open(studio.path(format!("{stem}.png"))).unwrap().to_rgb8();
        for ((class, before), after) in mask.pixels().zip(picture.pixels()).zip(overlay.pixels()) {
            assert!(class.0[0] != 1 || before == after);
        }
    }
    assert_eq!(contents(&studio.path("out")).len(), 4);
    let raw = fs::read(studio.path("raw.safetensors")).unwrap();
    let raw = SafeTensors::deserialize(&raw).unwrap();
    let mut names = raw.names();
    names.sort_unstable();
    assert_eq!(names, ["cat", "dog"]);
    for (_, tensor) in raw.iter() {
        // [B, C, H, W] at the size that the network was trained with.
        assert_eq!((tensor.shape(), tensor.dtype()), (&[1, 3, 16, 16][..], Dtype::F32));
        let values = tensor.data().chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()));
        assert!(values.clone().all(f32::is_finite) && values.clone().any(|value| value != 0.0));
    }
}

#[test]
fn the_same_twice_and_one_by_one() {
    let (studio, weights) = studio();
    for out in ["first", "second"] {
        let logits = format!("{out}/raw.safetensors");
        predict(&studio, &weights, &["cat.png", "dog.png", "--out", out, "--logits", &logits]).ended(0);
    }
    assert_eq!(contents(&studio.path("first")), contents(&studio.path("second")));
    predict(&studio, &weights, &["dog.png", "--out", "third"]).ended(0);
    assert_eq!(contents(&studio.path("first"))["dog-mask.png"], contents(&studio.path("third"))["dog-mask.png"]);
    // The same network, named instead of read from the file.
    let model = "{vqvae: {width: 8, depth: 1, inner: 4, dim: 4, codes: 16}}";
    predict(&studio, &weights, &["dog.png", "--out", "fourth", "--model", model, "--size", "16"]).ended(0);
    assert_eq!(contents(&studio.path("third")), contents(&studio.path("fourth")));
}

#[test]
fn what_cannot_be_predicted_is_refused() {
    let (studio, weights) = studio();
    predict(&studio, &weights, &["bird.png", "--out", "out"]).ended(4).tells("bird.png");
    fs::write(studio.path("text.png"), "no picture").unwrap();
    predict(&studio, &weights, &["text.png", "--out", "out"]).ended(4).tells("text.png");
    fs::create_dir(studio.path("more")).unwrap();
    fs::copy(studio.path("cat.png"), studio.path("more/cat.png")).unwrap();
    predict(&studio, &weights, &["cat.png", "more/cat.png", "--out", "out"])
        .ended(2)
        .tells("two images are called `cat`");
    predict(&studio, &weights, &["--out", "out"]).ended(2);
    predict(&studio, &weights, &["cat.png", "--out", "out", "--size", "18"]).ended(2).tells("a multiple of 4");
    predict(&studio, &weights, &["cat.png", "--out", "out", "--model", "vqwae"]).ended(2).tells("vqvae");
    if !cfg!(feature = "cuda") {
        predict(&studio, &weights, &["cat.png", "--out", "out", "--device", "cuda"]).ended(2).tells("without CUDA");
    }
    assert!(!studio.path("out").exists());
}

#[test]
fn damaged_and_foreign_weights_are_named() {
    let (studio, weights) = studio();
    let whole = fs::read(studio.path(&weights)).unwrap();
    for damage in [&whole[..whole.len() - 10], &whole[..5], b"", b"not weights at all", &[0xff; 64]] {
        fs::write(studio.path("damaged.safetensors"), damage).unwrap();
        let said = predict(&studio, "damaged.safetensors", &["cat.png", "--out", "out"]).ended(4);
        said.tells("damaged.safetensors");
    }
    predict(&studio, "none.safetensors", &["cat.png", "--out", "out"]).ended(4).tells("none.safetensors");
    // Weights of another network.
    let model = "{vqvae: {width: 12, depth: 1, inner: 4, dim: 4, codes: 16}}";
    let said = predict(&studio, &weights, &["cat.png", "--out", "out", "--model", model]).ended(4);
    said.tells("does not fit the model vqvae");
    assert!(!studio.path("out").exists());
}
