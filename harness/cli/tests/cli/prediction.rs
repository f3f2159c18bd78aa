//! `predict`: masks and overlays for any images.

use crate::studio::{Said, Studio, contents};
use image::{GrayImage, Luma, Rgb, RgbImage};
use safetensors::{Dtype, SafeTensors};
use std::{fs, path::Path};

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
        // The background is unchanged, the rest is tinted.
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
    // The same network, given on the command line instead of read from the file.
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
    // The weights are of another network.
    let model = "{vqvae: {width: 12, depth: 1, inner: 4, dim: 4, codes: 16}}";
    let said = predict(&studio, &weights, &["cat.png", "--out", "out", "--model", model]).ended(4);
    said.tells("does not fit the model vqvae");
    assert!(!studio.path("out").exists());
}

/// The outputs match those of PyTorch's own networks, with the state dicts that PyTorch saved.
#[test]
fn weights_of_pytorch_give_its_outputs() {
    let studio = Studio::finished();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../learn/tests/weights");
    let models =
        ["{vqvae: {width: 4, depth: 1, inner: 4, dim: 4, codes: 8}}", "{segnet: {width: 2}}", "{linknet: {width: 4}}"];
    for model in models {
        let name = model[1..].split(':').next().unwrap();
        let reference = fs::read(folder.join(format!("{name}.safetensors"))).unwrap();
        let reference = SafeTensors::deserialize(&reference).unwrap();
        let image = reference.tensor("image").unwrap();
        let side = image.shape()[3];
        let pixel = |x: u32, y: u32| [0, 1, 2].map(|c| image.data()[(c * side + y as usize) * side + x as usize]);
        let picture = RgbImage::from_fn(side as u32, side as u32, |x, y| Rgb(pixel(x, y)));
        picture.save(studio.path("noise.png")).unwrap();
        let weights = folder.join(format!("{name}.pt"));
        let size = side.to_string();
        let more = ["noise.png", "--out", "out", "--model", model, "--size", &size, "--logits", "raw.safetensors"];
        predict(&studio, weights.to_str().unwrap(), &more).ended(0);
        let raw = fs::read(studio.path("raw.safetensors")).unwrap();
        let raw = SafeTensors::deserialize(&raw).unwrap();
        let floats = |data: &[u8]| -> Vec<f32> {
            data.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
        };
        let (mut ours, theirs) =
            (floats(raw.tensor("noise").unwrap().data()), floats(reference.tensor("output").unwrap().data()));
        if name == "segnet" {
            // PyTorch's network divides by its greatest output; `predict` writes the values before the division.
            let greatest = ours.iter().copied().fold(f32::MIN, f32::max);
            for value in &mut ours {
                *value /= greatest;
            }
        }
        assert_eq!(ours.len(), theirs.len(), "{name}");
        for (x, y) in ours.iter().zip(&theirs) {
            assert!((x - y).abs() <= 1e-4, "{name}: {x} instead of {y}");
        }
    }
    // Without --model, nothing says which network is in the file.
    let weights = folder.join("vqvae.pt");
    predict(&studio, weights.to_str().unwrap(), &["noise.png", "--out", "out"])
        .ended(2)
        .tells("vqvae, segnet, linknet");
}

#[test]
fn images_are_put_on_the_scale_that_the_network_expects() {
    let (studio, _) = studio();
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("../learn/tests/weights/linknet.pt");
    let of_linknet = |more: &[&str]| {
        let linknet = ["--model", "{linknet: {width: 4}}", "--size", "32", "cat.png", "--out", "out"];
        predict(&studio, weights.to_str().unwrap(), &[&linknet[..], more].concat())
    };
    let logits = |file: &str, more: &[&str]| {
        of_linknet(&[&["--logits", file][..], more].concat()).ended(0);
        fs::read(studio.path(file)).unwrap()
    };
    let plain = logits("plain.safetensors", &[]);
    assert!(plain == logits("same.safetensors", &["--normalise", "0,1"]));
    assert!(plain != logits("half.safetensors", &["--normalise", "0.5,0.5"]));
    of_linknet(&["--normalise", "0.5"]).ended(2).tells("MEAN,STD");
    of_linknet(&["--normalise", "0.5,0"]).ended(2).tells("above 0");
}
