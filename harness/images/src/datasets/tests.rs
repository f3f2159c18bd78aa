//! Tests data sets through their public functions, on generated folders and on real photographs if there are any.

mod corpus;
mod hub;
mod packs;
mod photographs;
mod sources;

use super::*;
use harness_record::{monitor::Silent, vocabulary::FileUse};
use image::{DynamicImage, GrayImage, ImageFormat, Rgb, RgbImage};
use std::{
    fs,
    io::Cursor,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};

const WIDTH: u32 = 40;
const HEIGHT: u32 = 30;

fn picture(shade: u8) -> DynamicImage {
    RgbImage::from_fn(WIDTH, HEIGHT, |x, y| Rgb([shade, (x * 6) as u8, (y * 8) as u8])).into()
}

fn file(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn jpeg(shade: u8) -> Vec<u8> {
    let mut encoder = mozjpeg::Compress::new(mozjpeg::ColorSpace::JCS_RGB);
    encoder.set_size(WIDTH as usize, HEIGHT as usize);
    let mut started = encoder.start_compress(Vec::new()).unwrap();
    started.write_scanlines(picture(shade).as_bytes()).unwrap();
    started.finish().unwrap()
}

fn trimap(width: u32, height: u32, values: [u8; 3]) -> Vec<u8> {
    file(GrayImage::from_fn(width, height, |x, _| image::Luma([values[(x * 3 / width) as usize]])), ImageFormat::Png)
}

/// A data folder and a cache, with helpers to read data sets from them.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.data().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn survey(&self, spec: &DatasetSpec, purpose: Purpose) -> Result<Survey, DataError> {
        survey(spec, purpose, &self.data(), &self.cache(), &Silent)
    }

    fn load(&self, spec: &DatasetSpec, purpose: Purpose) -> Result<Pictures, DataError> {
        let survey = self.survey(spec, purpose)?;
        load(spec, purpose, &survey, &self.data(), &self.cache(), 16, &Silent)
    }

    /// Oxford-IIIT Pet in miniature: six good images, four for training and two for testing.
    fn with_pets() -> Self {
        let home = Self::new();
        for n in 1..=6 {
            home.put(&format!("pets/images/Birman_{n}.jpg"), jpeg(n * 40));
            home.put(&format!("pets/annotations/trimaps/Birman_{n}.png"), trimap(WIDTH, HEIGHT, [1, 2, 3]));
        }
        let lines = |range: std::ops::RangeInclusive<u32>| {
            range.fold(String::from("#Image CLASS-ID SPECIES BREED ID\n"), |text, n| {
                text + &format!("Birman_{n} 1 1 1\n")
            })
        };
        home.put("pets/annotations/trainval.txt", lines(1..=4));
        home.put("pets/annotations/test.txt", lines(5..=6));
        home.put("pets/annotations/list.txt", lines(1..=6));
        home
    }

    fn append(&self, name: &str, line: &str) {
        let text = fs::read_to_string(self.data().join(name)).unwrap();
        self.put(name, text + line);
    }
}

fn pets() -> DatasetSpec {
    DatasetSpec::OxfordIiitPet(OxfordIiitPet { folder: "pets".into() })
}

fn cats(per_class: Option<u32>) -> DatasetSpec {
    DatasetSpec::CatsAndDogs(CatsAndDogs { folder: "cats".into(), per_class })
}

fn left_out(pictures: &Pictures) -> Vec<String> {
    pictures.left_out.iter().map(|row| format!("{} {}: {}", row.used, row.file, row.reason)).collect()
}

#[test]
fn pets_have_classes_from_zero_and_parts_from_the_lists() {
    let home = Home::with_pets();
    let pictures = home.load(&pets(), Purpose::Segmentation).unwrap();
    let parts: Vec<_> = pictures.items.iter().map(|item| (item.name.as_str(), item.part.name())).collect();
    assert_eq!(parts[0], ("images/Birman_1.jpg", "trainval"));
    assert_eq!(parts[5], ("images/Birman_6.jpg", "test"));
    assert_eq!(pictures.items[0].group, "Birman");
    assert_eq!((pictures.rgb.len(), pictures.classes.len()), (6 * 16 * 16 * 3, 6 * 16 * 16));
    assert_eq!(pictures.classes[..16], [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2]);
    assert_eq!(pictures.left_out, []);

    let pictures = home.load(&pets(), Purpose::Pretraining).unwrap();
    assert_eq!(pictures.items.len(), 4);
    assert!(pictures.items.iter().all(|item| item.part == Part::Unlabelled));
    assert!(pictures.classes.is_empty());
    assert_eq!(left_out(&pictures)[0], "unused images/Birman_5.jpg: a test image, which pretraining must not see");
}

/// Name, image, trimap, and a part of the reason for leaving it out.
type Case = (&'static str, Vec<u8>, Option<Vec<u8>>, &'static str);

#[test]
fn every_image_that_is_not_used_is_named_with_its_reason() {
    let home = Home::with_pets();
    let good = trimap(WIDTH, HEIGHT, [1, 2, 3]);
    let whole = jpeg(9);
    let cases: [Case; 9] = [
        ("Bengal_1", file(picture(7), ImageFormat::Gif), Some(good.clone()), ""),
        ("Bengal_2", file(picture(7), ImageFormat::Png), Some(good.clone()), ""),
        ("Bengal_3", whole[..whole.len() / 2].to_vec(), Some(good.clone()), "truncated"),
        ("Bengal_4", Vec::new(), Some(good.clone()), "the file is empty"),
        ("Bengal_5", b"<html>not found</html>".to_vec(), Some(good.clone()), "not a JPEG"),
        ("Bengal_6", whole.clone(), None, "no trimap"),
        ("Bengal_7", whole.clone(), Some(trimap(WIDTH, HEIGHT, [1, 7, 3])), "its trimap has a 7"),
        (
            "Bengal_8",
            whole.clone(),
            Some(trimap(31, 30, [1, 2, 3])),
            "its trimap has 31 × 30 pixels, the image 40 × 30",
        ),
        ("Bengal_9", whole.clone(), Some(Vec::new()), "its trimap: the file is empty"),
    ];
    for (name, image, trimap, _) in &cases {
        home.put(&format!("pets/images/{name}.jpg"), image);
        if let Some(trimap) = trimap {
            home.put(&format!("pets/annotations/trimaps/{name}.png"), trimap);
        }
        home.append("pets/annotations/trainval.txt", &format!("{name} 2 1 2\n"));
    }
    home.put("pets/images/Bengal_20.jpg", &whole); // in no list
    home.put("pets/images/Bengal_21.jpg", &whole); // in list.txt alone
    home.append("pets/annotations/list.txt", "Bengal_21 2 1 2\n");
    home.put("pets/images/Bengal_22.PNG", file(picture(1), ImageFormat::Png));
    home.append("pets/annotations/test.txt", "Bengal_23 2 1 2\n"); // no image
    for ignored in
        ["images/Bengal_1.mat", "images/._Bengal_1.jpg", "annotations/trimaps/._Bengal_1.png", "annotations/._x"]
    {
        home.put(&format!("pets/{ignored}"), "rubbish");
    }

    let pictures = home.load(&pets(), Purpose::Segmentation).unwrap();
    let used: Vec<_> = pictures.items.iter().map(|item| item.name.as_str()).collect();
    assert_eq!(used.len(), 8, "{used:?}");
    let rows = left_out(&pictures);
    for (name, .., reason) in &cases {
        let file = format!("images/{name}.jpg");
        let row = rows.iter().find(|row| row.contains(&file));
        assert_eq!(used.contains(&file.as_str()), reason.is_empty(), "{name}");
        assert!(row.map_or(reason.is_empty(), |row| row.contains(reason)), "{name}: {row:?}");
    }
    for expected in [
        "unused images/Bengal_20.jpg: in no list file",
        "unused images/Bengal_21.jpg: in line 8 of annotations/list.txt, but neither in",
        "unused images/Bengal_22.PNG: ends in .png",
        "unused images/Bengal_6.jpg: no trimap",
        "skipped images/Bengal_23.jpg: listed in line 4 of annotations/test.txt, but there is no such file",
    ] {
        assert!(rows.iter().any(|row| row.starts_with(expected)), "{expected}: {rows:#?}");
    }
    assert_eq!(rows.len(), 7 + 4, "{rows:#?}");
}

#[test]
fn an_image_in_both_lists_or_a_path_in_a_list_is_an_error_with_its_line() {
    for (line, reason) in
        [("Birman_2 1 1 1", "also in line 3 of annotations/trainval.txt"), ("../x_1 1 1 1", "is not an image name")]
    {
        let home = Home::with_pets();
        home.append("pets/annotations/test.txt", line);
        let error = home.survey(&pets(), Purpose::Segmentation).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, DataError::List { line: 4, .. }) && text.contains(reason), "{text}");
        assert!(text.contains("test.txt:4"), "{text}");
    }
}

#[test]
fn a_missing_data_set_says_what_was_expected_and_where_to_get_it() {
    let home = Home::new();
    let text = home.survey(&pets(), Purpose::Segmentation).unwrap_err().to_string();
    for part in ["pets does not exist", "trimaps", "https://", "5c4f3ee8e5d25df40f4fd59a7f44e54c", "HARNESS_DATA"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    home.put("pets/images/x.jpg", "");
    let text = home.survey(&pets(), Purpose::Segmentation).unwrap_err().to_string();
    assert!(text.contains("annotations/trimaps, annotations/trainval.txt, annotations/test.txt not found"), "{text}");
    let text = home.survey(&cats(None), Purpose::Pretraining).unwrap_err().to_string();
    assert!(text.contains("download.microsoft.com"), "{text}");
}

#[test]
fn pictures_come_from_the_cache_the_second_time() {
    let home = Home::with_pets();
    let spec = pets();
    let survey = home.survey(&spec, Purpose::Segmentation).unwrap();
    let load = || load(&spec, Purpose::Segmentation, &survey, &home.data(), &home.cache(), 16, &Silent);
    let first = load().unwrap();
    fs::rename(home.data(), home.folder.path().join("elsewhere")).unwrap();
    assert_eq!(load().unwrap(), first, "the sources are gone: only the cache can have given this");

    let cached = decoded::path(&home.cache(), &survey.digest, Purpose::Segmentation, 16);
    let whole = fs::read(&cached).unwrap();
    let mut flipped = whole.clone();
    flipped[100] ^= 1;
    for damaged in [&whole[..whole.len() - 1], &whole[..50], &[], &flipped[..]] {
        fs::write(&cached, damaged).unwrap();
        assert!(matches!(load(), Err(DataError::Missing { .. })), "a damaged cache file is not used");
    }
    fs::rename(home.folder.path().join("elsewhere"), home.data()).unwrap();
    assert_eq!(load().unwrap(), first);
    assert_eq!(fs::read(&cached).unwrap(), whole, "and is made again, to the byte");
}

#[test]
fn the_digest_follows_the_content_and_nothing_else() {
    let home = Home::with_pets();
    let digest = || home.survey(&pets(), Purpose::Segmentation).unwrap().digest;
    let before = digest();
    home.put("pets/images/readme.mat", "x");
    assert_eq!(digest(), before);
    home.put("pets/images/Birman_1.jpg", jpeg(255));
    assert_ne!(digest(), before);
    home.put("pets/images/Birman_1.jpg", jpeg(40));
    assert_eq!(digest(), before);
}

#[test]
fn a_file_that_changes_after_the_survey_is_noticed() {
    let home = Home::with_pets();
    let survey = home.survey(&pets(), Purpose::Segmentation).unwrap();
    home.put("pets/images/Birman_1.jpg", jpeg(255));
    let loaded = load(&pets(), Purpose::Segmentation, &survey, &home.data(), &home.cache(), 16, &Silent);
    assert!(matches!(loaded, Err(DataError::Changed { path }) if path.ends_with("images/Birman_1.jpg")));
}

#[test]
fn a_subset_passes_over_damaged_files_and_reads_no_more_than_it_needs() {
    let home = Home::new();
    for n in 0..30_u8 {
        home.put(&format!("cats/Cat/{n}.jpg"), if n % 3 == 0 { b"damaged".to_vec() } else { jpeg(n * 8) });
        home.put(&format!("cats/Dog/{n}.jpg"), jpeg(n));
    }
    home.put("cats/Dog/30.jpg", "");
    home.put("cats/Dog/Thumbs.db", "x");
    let pictures = home.load(&cats(Some(5)), Purpose::Pretraining).unwrap();
    let of = |group: &str| pictures.items.iter().filter(|item| item.group == group).count();
    assert_eq!((of("Cat"), of("Dog")), (5, 5));
    assert!(pictures.items.iter().all(|item| item.part == Part::Unlabelled));
    assert!(
        pictures
            .left_out
            .iter()
            .all(|row| row.used == FileUse::Skipped && row.group == "Cat" || row.file == "Dog/30.jpg")
    );
    let survey = home.survey(&cats(Some(5)), Purpose::Pretraining).unwrap();
    assert_eq!(survey.not_drawn as usize, 61 - 10 - survey.left_out.len());

    // The smallest class sets the number, and 20 of its cats decode.
    let all = home.load(&cats(None), Purpose::Pretraining).unwrap();
    assert_eq!(all.items.len(), 40);
    assert_eq!(all.left_out.iter().filter(|row| row.group == "Cat").count(), 10);
    // A smaller subset is part of a larger one.
    assert!(pictures.items.iter().all(|item| all.items.contains(item)));

    let error = home.survey(&cats(Some(25)), Purpose::Pretraining).unwrap_err();
    assert!(matches!(error, DataError::TooFew { wanted: 25, usable: 20, files: 30, .. }), "{error}");
    let error = home.survey(&cats(None), Purpose::Segmentation).unwrap_err();
    assert!(matches!(error, DataError::NoTrimaps { .. }), "{error}");
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let home = Home::with_pets();
            home.put("pets/images/Birman_3.jpg", "damaged");
            for n in 0..20_u8 {
                home.put(&format!("cats/Cat/{n}.jpg"), if n % 4 == 0 { Vec::new() } else { jpeg(n) });
            }
            let pets = home.load(&pets(), Purpose::Segmentation).unwrap();
            (pets, home.load(&cats(Some(9)), Purpose::Pretraining).unwrap())
        })
    };
    assert_eq!(with(1), with(2));
}

#[test]
fn drawn_pets_are_named_by_part_and_breed() {
    let home = Home::new();
    let spec = DatasetSpec::SyntheticPets(SyntheticPets { trainval: 3, test: 2, unlabelled: 1, seed: 0 });
    let pictures = home.load(&spec, Purpose::Segmentation).unwrap();
    let parts: Vec<_> = pictures.items.iter().map(|item| item.part.name()).collect();
    assert_eq!(parts, ["trainval", "trainval", "trainval", "test", "test"]);
    let first = &pictures.items[0];
    assert_eq!(first.name, format!("synthetic/trainval/00000-{}.png", first.group));
    assert!(pictures.classes.iter().all(|&class| class <= 2));
    assert_eq!(home.load(&spec, Purpose::Pretraining).unwrap().items.len(), 1);
    let none = DatasetSpec::SyntheticPets(SyntheticPets { trainval: 3, test: 2, unlabelled: 0, seed: 0 });
    assert!(matches!(home.survey(&none, Purpose::Pretraining), Err(DataError::Field { .. })));
}

/// Counts, and stops when told to.
#[derive(Default)]
struct Counter {
    begun: AtomicU64,
    ended: AtomicU64,
    steps: AtomicU64,
    stop: bool,
}

impl Monitor for Counter {
    fn begin(&self, _: &str, _: u64) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }
    fn advance(&self, by: u64) {
        self.steps.fetch_add(by, Ordering::Relaxed);
    }
    fn note(&self, _: &str) {}
    fn end(&self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }
    fn log(&self, _: &str) {}
    fn stopped(&self) -> bool {
        self.stop
    }
}

#[test]
fn work_is_shown_and_can_be_stopped() {
    let home = Home::with_pets();
    let counter = Counter::default();
    let survey = survey(&pets(), Purpose::Segmentation, &home.data(), &home.cache(), &counter).unwrap();
    let load = |counter| load(&pets(), Purpose::Segmentation, &survey, &home.data(), &home.cache(), 16, counter);
    let stopping = Counter { stop: true, ..Counter::default() };
    assert!(matches!(load(&stopping), Err(DataError::Interrupted)));
    assert!(!home.cache().join("decoded").exists());
    load(&counter).unwrap();
    let count = |n: &AtomicU64| n.load(Ordering::Relaxed);
    assert_eq!((count(&counter.begun), count(&counter.ended), count(&counter.steps)), (2, 2, 3 + 12 + 6));
}
