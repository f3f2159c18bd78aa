//! Tests data sets that contain such files.

use crate::files::{all, chunk, encoded, jpeg, png, zlib};
use harness_images::datasets::{CatsAndDogs, DataError, DatasetSpec, OxfordIiitPet, Pictures, load, survey};
use harness_record::{
    monitor::Silent,
    vocabulary::{FileUse, Purpose},
};
use image::{GrayImage, ImageFormat, Luma};
use std::{fmt::Write as _, fs, path::Path};

/// Files that are refused: name, bytes, and a word of the reason.
fn refused() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    // Half of an animation still has a complete first frame, so it is not refused.
    let files = all().into_iter().filter(|(name, _)| *name != "animated.gif");
    let mut all: Vec<_> = files.map(|(name, whole)| (name, whole[..whole.len() / 2].to_vec(), "")).collect();
    all.push(("huge.png", png((100_000, 100_000), 8, 2, &[chunk(*b"IDAT", &zlib(&[0; 9]))]), "100000 × 100000 pixels"));
    all.push(("page.jpg", b"<html>404</html>".to_vec(), "not a JPEG"));
    all.push(("empty.jpg", Vec::new(), "empty"));
    all
}

fn read(spec: &DatasetSpec, purpose: Purpose, data: &Path) -> Result<Pictures, DataError> {
    let cache = data.join("cache");
    let found = survey(spec, purpose, data, &cache, &Silent)?;
    load(spec, purpose, &found, data, &cache, 8, &Silent)
}

fn cats(data: &Path, per_class: Option<u32>) -> Result<Pictures, DataError> {
    let spec = DatasetSpec::CatsAndDogs(CatsAndDogs { folder: "cats".to_owned(), per_class });
    read(&spec, Purpose::Pretraining, data)
}

#[test]
fn among_classes_each_is_left_out_with_its_reason() {
    let home = tempfile::tempdir().unwrap();
    for class in ["Cat", "Dog"] {
        let folder = home.path().join("cats").join(class);
        fs::create_dir_all(&folder).unwrap();
        for (name, bytes, _) in refused() {
            fs::write(folder.join(name), bytes).unwrap();
        }
    }
    // No usable picture is left.
    assert!(matches!(cats(home.path(), Some(1)), Err(DataError::TooFew { usable: 0, .. })));
    let Err(DataError::NothingUsable { left_out, .. }) = cats(home.path(), None) else {
        panic!("something was usable")
    };
    assert!(left_out >= refused().len());
    // A whole file of each kind, under a name with the wrong extension.
    for class in ["Cat", "Dog"] {
        for (n, (_, bytes)) in all().into_iter().enumerate() {
            fs::write(home.path().join(format!("cats/{class}/{n}.jpg")), bytes).unwrap();
        }
    }
    let pictures = cats(home.path(), None).unwrap();
    assert_eq!(pictures.items.len(), 2 * all().len());
    // The first class is read to its end, and the other until it has as many pictures.
    assert!((refused().len()..=2 * refused().len()).contains(&pictures.left_out.len()));
    for (name, _, word) in refused() {
        let row = pictures.left_out.iter().find(|row| row.file == format!("Cat/{name}")).unwrap();
        assert!(row.used == FileUse::Skipped && !row.reason.is_empty() && row.reason.contains(word), "{row:?}");
    }
}

/// Creates an Oxford-IIIT Pet data set of these images and trimaps.
fn pets(files: &[(Vec<u8>, Vec<u8>)]) -> (tempfile::TempDir, Result<Pictures, DataError>) {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("pets");
    fs::create_dir_all(folder.join("images")).unwrap();
    fs::create_dir_all(folder.join("annotations/trimaps")).unwrap();
    let mut lines = String::new();
    for (n, (image, trimap)) in files.iter().enumerate() {
        fs::write(folder.join(format!("images/Birman_{n}.jpg")), image).unwrap();
        fs::write(folder.join(format!("annotations/trimaps/Birman_{n}.png")), trimap).unwrap();
        writeln!(lines, "Birman_{n} 1 1 1").unwrap();
    }
    fs::write(folder.join("annotations/trainval.txt"), lines).unwrap();
    fs::write(folder.join("annotations/test.txt"), "").unwrap();
    let spec = DatasetSpec::OxfordIiitPet(OxfordIiitPet { folder: "pets".to_owned() });
    let pictures = read(&spec, Purpose::Segmentation, home.path());
    (home, pictures)
}

#[test]
fn as_image_or_as_trimap_the_pair_is_left_out() {
    let (width, height) = (crate::files::WIDTH, crate::files::HEIGHT);
    let trimap = || encoded(GrayImage::from_pixel(width, height, Luma([2])), ImageFormat::Png);
    let bad: Vec<_> =
        refused().into_iter().flat_map(|(_, bytes, _)| [(bytes.clone(), trimap()), (jpeg(false), bytes)]).collect();
    let (_home, pictures) = pets(&bad);
    assert!(matches!(pictures, Err(DataError::NothingUsable { left_out, .. }) if left_out == bad.len()));
    let good = (jpeg(false), trimap());
    let (_home, pictures) = pets(&[&bad[..], &[good]].concat());
    let pictures = pictures.unwrap();
    assert_eq!((pictures.items.len(), pictures.left_out.len()), (1, bad.len()));
    assert!(pictures.left_out.iter().all(|row| row.used == FileUse::Skipped && !row.reason.is_empty()));
}
