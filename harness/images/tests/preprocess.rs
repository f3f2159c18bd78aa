//! Compares the image pipeline with Pillow's, from the bytes of the files. Values may differ by 1 of 255.
//!
//! `reference/preprocess.py` draws the small images in `tests/preprocess/` and makes the golden arrays of each. Those
//! with other hues have their own file. `HARNESS_PREPROCESS_GOLDENS` may name a folder with more goldens,
//! `<stem>.safetensors` and optionally `<stem>.hue.safetensors`, for `images/<stem>.jpg` and
//! `annotations/trimaps/<stem>.png` of `pets-sample` in `HARNESS_DATA`.

#![allow(clippy::unwrap_used)]

use harness_images::pixels::{self, Picture};
use safetensors::SafeTensors;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Compares all results of the pipeline for an image and its trimap with the arrays of a golden file.
fn check(image: &Path, trimap: &Path, golden: &Path) {
    let stored = fs::read(golden).unwrap();
    let arrays = SafeTensors::deserialize(&stored).unwrap();
    let size = arrays.tensor("resized").unwrap().shape()[0] as u32;

    let picture = pixels::decode(&fs::read(image).unwrap()).unwrap();
    let labels = pixels::decode_labels(&fs::read(trimap).unwrap()).unwrap();
    let resized = pixels::resize_bilinear(&picture, size, size);
    let near = |key: &str, ours: &[u8], tolerance: u8| {
        let theirs = arrays.tensor(key).unwrap();
        assert_eq!(theirs.data().len(), ours.len(), "{key} of {}", image.display());
        let worst = theirs.data().iter().zip(ours).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(worst <= tolerance, "{key} of {} differs by up to {worst}", image.display());
    };
    near("image", &picture.data, 1);
    near("resized", &resized.data, 1);
    near("trimap", &labels.data, 0);
    near("trimap_resized", &pixels::resize_nearest(&labels, size, size).data, 0);
    near("grey", &pixels::greyscale(&resized.data), 1);
    // Given the same bytes, all other results are equal to the bit.
    let theirs = Picture { data: arrays.tensor("resized").unwrap().data().to_vec(), ..resized.clone() };
    for radius in [2.0, 5.0, 7.0, 10.0_f32] {
        near(&format!("blur_{radius}"), &pixels::gaussian_blur(&resized, radius).data, 1);
        near(&format!("blur_{radius}"), &pixels::gaussian_blur(&theirs, radius).data, 0);
    }
    near("brightness_050", &pixels::adjust_brightness(&theirs.data, 0.5), 0);
    near("contrast_150", &pixels::adjust_contrast(&theirs.data, 1.5), 0);
    near("saturation_050", &pixels::adjust_saturation(&theirs.data, 0.5), 0);
    near("rotate_90", &pixels::rotate(&theirs, 1).data, 0);
}

/// Compares the resized picture of a golden file, with its hue changed, with the golden file of other hues beside it.
fn check_hues(golden: &Path) {
    let stored = fs::read(golden).unwrap();
    let resized = SafeTensors::deserialize(&stored).unwrap().tensor("resized").unwrap().data().to_vec();
    let golden = golden.with_extension("hue.safetensors");
    let stored = fs::read(&golden).unwrap();
    let arrays = SafeTensors::deserialize(&stored).unwrap();
    assert!(arrays.len() >= 4, "too few arrays in {}", golden.display());
    for (key, theirs) in arrays.tensors() {
        let turns = key.strip_prefix("hue_").unwrap().parse().unwrap();
        let ours = pixels::adjust_hue(&resized, turns);
        assert!(theirs.data() == ours, "{key} of {} differs", golden.display());
    }
}

#[test]
fn small_images_come_out_as_pillow_makes_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/preprocess");
    for name in ["subsampled.jpg", "full-chroma.jpg", "alpha.png", "palette.gif", "inks.jpg", "restarts.jpg"] {
        let stem = name.split('.').next().unwrap();
        let trimap = folder.join(format!("{stem}.trimap.png"));
        let golden = folder.join(format!("{stem}.safetensors"));
        check(&folder.join(name), &trimap, &golden);
        check_hues(&golden);
    }
}

#[test]
fn photographs_come_out_as_pillow_makes_them() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let pets = std::env::var_os("HARNESS_DATA").map_or(beside, PathBuf::from).join("pets-sample");
    let goldens = std::env::var_os("HARNESS_PREPROCESS_GOLDENS").map(PathBuf::from);
    let Some(goldens) = goldens.filter(|_| pets.is_dir()) else {
        eprintln!("skipped: needs pets-sample in HARNESS_DATA, and HARNESS_PREPROCESS_GOLDENS");
        return;
    };
    let mut checked = 0;
    for entry in fs::read_dir(goldens).unwrap() {
        let golden = entry.unwrap().path();
        let name = golden.file_name().unwrap().to_string_lossy().into_owned();
        if let Some(stem) = name.strip_suffix(".safetensors").filter(|stem| !stem.contains('.')) {
            let image = pets.join(format!("images/{stem}.jpg"));
            check(&image, &pets.join(format!("annotations/trimaps/{stem}.png")), &golden);
            if golden.with_extension("hue.safetensors").exists() {
                check_hues(&golden);
            }
            checked += 1;
        }
    }
    assert!(checked > 0, "no golden files in HARNESS_PREPROCESS_GOLDENS");
    eprintln!("{checked} photographs agree");
}
