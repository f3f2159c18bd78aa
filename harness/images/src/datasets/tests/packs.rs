//! Tests that a pack gives the same data as the folders that it was made from.

use super::*;
use crate::datasets::pack;
use harness_record::digest;

pub(super) const SIZE: u32 = 16; // as `Home::load` asks for

/// Pets with every kind of defect: a damaged image, a trimap of another size, one with a strange label, an image
/// without trimap, one in no list, one that is listed but missing, a strange extension, and a link that leads out of
/// the folder.
fn imperfect_pets() -> Home {
    let home = Home::with_pets();
    home.put("pets/images/Birman_2.jpg", &jpeg(80)[..200]);
    home.put("pets/annotations/trimaps/Birman_3.png", trimap(WIDTH + 1, HEIGHT, [1, 2, 3]));
    home.put("pets/annotations/trimaps/Birman_4.png", trimap(WIDTH, HEIGHT, [1, 2, 4]));
    home.put("pets/images/Birman_7.jpg", jpeg(7));
    home.put("pets/images/Birman_8.png", file(picture(8), ImageFormat::Png));
    home.append("pets/annotations/trainval.txt", "Birman_9 1 1 1\n");
    #[cfg(unix)]
    std::os::unix::fs::symlink("/etc/hostname", home.data().join("pets/images/Birman_10.jpg")).unwrap();
    home
}

fn photos() -> Home {
    let home = Home::new();
    for (class, count) in [("Cat", 5), ("Dog", 7)] {
        for n in 0..count {
            home.put(&format!("cats/{class}/{n}.jpg"), jpeg(n * 20));
        }
    }
    home.put("cats/Cat/2.jpg", b"damaged");
    home.put("cats/Thumbs.db", b"no picture");
    home
}

impl Home {
    pub(super) fn pack_as(&self, spec: &DatasetSpec, size: u32, name: &str) -> PathBuf {
        let out = self.folder.path().join(name);
        pack::pack(std::slice::from_ref(spec), size, &out, &self.data(), &self.cache(), &Silent).unwrap();
        out
    }
}

/// Reads the pictures of a pack with a cache of its own.
pub(super) fn from_pack(
    data: &Path,
    spec: &DatasetSpec,
    purpose: Purpose,
    size: u32,
) -> Result<(Survey, Pictures), DataError> {
    let cache = tempfile::tempdir().unwrap();
    let found = survey(spec, purpose, data, cache.path(), &Silent)?;
    let pictures = load(spec, purpose, &found, data, cache.path(), size, &Silent)?;
    Ok((found, pictures))
}

#[test]
fn a_pack_gives_what_its_folders_gave() {
    for (home, spec) in [(imperfect_pets(), pets()), (photos(), cats(None))] {
        let pack = home.pack_as(&spec, SIZE, "data.pack");
        for purpose in [Purpose::Segmentation, Purpose::Pretraining] {
            let Ok(expected) = home.load(&spec, purpose) else { continue };
            let (found, pictures) = from_pack(&pack, &spec, purpose, SIZE).unwrap();
            assert_eq!(found, home.survey(&spec, purpose).unwrap());
            assert_eq!(pictures, expected);
            assert!(!pictures.left_out.is_empty());
        }
    }
    // Fewer pictures of each class come from the same pack.
    let home = photos();
    let pack = home.pack_as(&cats(None), SIZE, "data.pack");
    let (_, pictures) = from_pack(&pack, &cats(Some(2)), Purpose::Pretraining, SIZE).unwrap();
    assert_eq!(pictures, home.load(&cats(Some(2)), Purpose::Pretraining).unwrap());
}

#[test]
fn the_same_data_are_packed_to_the_same_bytes() {
    let packed = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let home = imperfect_pets();
        pool.install(|| fs::read(home.pack_as(&pets(), SIZE, "a.pack")).unwrap())
    };
    let first = packed(1);
    assert!(first == packed(3));
    let home = imperfect_pets();
    let summary = pack::pack(&[pets()], SIZE, &home.folder.path().join("b"), &home.data(), &home.cache(), &Silent);
    let summary = summary.unwrap();
    assert_eq!((summary.pictures, summary.trimaps, summary.damaged), (5, 3, 3));
    assert_eq!((summary.bytes, summary.sha256), (first.len() as u64, digest::of_bytes(&first)));
}

#[test]
fn packs_in_a_folder_are_found_by_what_they_hold() {
    let home = Home::with_pets();
    let elsewhere = tempfile::tempdir().unwrap();
    for (size, name) in [(SIZE, "small.pack"), (24, "large.pack")] {
        fs::rename(home.pack_as(&pets(), size, name), elsewhere.path().join(name)).unwrap();
    }
    for size in [SIZE, 24] {
        let (_, pictures) = from_pack(elsewhere.path(), &pets(), Purpose::Segmentation, size).unwrap();
        assert_eq!(pictures.rgb.len(), 6 * 3 * (size * size) as usize);
    }
    let error = from_pack(elsewhere.path(), &pets(), Purpose::Segmentation, 32).unwrap_err().to_string();
    for part in ["pets at 32 px", "small.pack", "16 px", "24 px", "data pack"] {
        assert!(error.contains(part), "{error}");
    }
    let error = from_pack(&elsewhere.path().join("small.pack"), &cats(None), Purpose::Pretraining, SIZE);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("small.pack") && error.contains("cats") && error.contains("it contains pets"), "{error}");
    // Unpacked files take precedence.
    home.put("pets/annotations/test.txt", "Birman_5 1 1 1\n");
    fs::rename(elsewhere.path().join("small.pack"), home.data().join("small.pack")).unwrap();
    assert_eq!(home.load(&pets(), Purpose::Segmentation).unwrap().items.len(), 5);
}

/// A pack whose bytes were changed is refused with its name, or read as before if nothing depends on those bytes.
#[test]
fn damaged_packs_are_named() {
    let home = Home::with_pets();
    let pack = home.pack_as(&pets(), SIZE, "data.pack");
    let whole = fs::read(&pack).unwrap();
    let (_, expected) = from_pack(&pack, &pets(), Purpose::Segmentation, SIZE).unwrap();
    let mut refused = 0;
    let mut check = |bytes: &[u8], what: &str| {
        fs::write(&pack, bytes).unwrap();
        match from_pack(&pack, &pets(), Purpose::Segmentation, SIZE) {
            Ok((_, pictures)) => assert_eq!(pictures, expected, "{what}"),
            Err(error) => {
                assert!(error.to_string().contains("data.pack"), "{what}: {error}");
                refused += 1;
            }
        }
    };
    for at in (0..whole.len()).step_by(127) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        check(&bytes, &format!("byte {at}"));
        check(&whole[..at], &format!("{at} bytes"));
    }
    check(b"", "empty");
    check(b"no pack", "text");
    assert!(refused > whole.len() / 127, "only {refused} were refused");
}

/// Names and contents of a pack's members.
type Members = Vec<(String, Vec<u8>)>;
/// Returns another index, and changes the members.
type Edit<'a> = dyn Fn(String, &mut Members) -> String + 'a;

/// A pack that is consistent in itself but was not made by this program is refused.
#[test]
fn forged_packs_are_refused() {
    let home = Home::with_pets();
    let pack = home.pack_as(&pets(), SIZE, "data.pack");
    let forge = |edit: &Edit| {
        let mut members = Members::new();
        let mut archive = tar::Archive::new(fs::File::open(&pack).unwrap());
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
            members.push((entry.path().unwrap().to_str().unwrap().to_owned(), bytes));
        }
        members.pop();
        let (_, index) = members.pop().unwrap();
        let index = edit(String::from_utf8(index).unwrap(), &mut members);
        let sum = digest::of_bytes(index.as_bytes());
        members.push(("index.json".into(), index.into_bytes()));
        members.push(("index.json.sha256".into(), sum.into_bytes()));
        let path = home.folder.path().join("forged.pack");
        let mut builder = tar::Builder::new(fs::File::create(&path).unwrap());
        for (name, bytes) in members {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            builder.append_data(&mut header, name, &*bytes).unwrap();
        }
        builder.finish().unwrap();
        from_pack(&path, &pets(), Purpose::Segmentation, SIZE).map(|(_, pictures)| pictures)
    };
    assert_eq!(forge(&|index, _| index).unwrap(), home.load(&pets(), Purpose::Segmentation).unwrap());
    let refuses = |edit: &Edit, reason: &str| {
        let error = forge(edit).unwrap_err().to_string();
        assert!(error.contains("forged.pack") && error.contains(reason), "{error}");
    };
    refuses(&|index, _| index.replace(r#""format":1"#, r#""format":2"#), "another version");
    refuses(&|index, _| index.replace(r#""decoder":"#, r#""decoder":9"#), "another version");
    refuses(&|index, _| index[..index.len() - 2].to_owned(), "index.json");
    refuses(
        &|index, members| {
            members.retain(|(name, _)| !name.ends_with("Birman_1.jpg.webp"));
            index
        },
        "Birman_1.jpg.webp is not in it",
    );
    // A picture of another size, and an invalid trimap label, with matching digests.
    let exchange = |name: &'static str, bytes: Vec<u8>| {
        move |index: String, members: &mut Members| {
            let old = members.iter().find(|(member, _)| member.ends_with(name)).unwrap().1.clone();
            let index = index.replace(&digest::of_bytes(&old), &digest::of_bytes(&bytes));
            members.iter_mut().filter(|(_, other)| *other == old).for_each(|(_, other)| other.clone_from(&bytes));
            index
        }
    };
    refuses(&exchange("Birman_1.jpg.webp", file(picture(1), ImageFormat::Png)), "40 × 30 pixels; expected 16 × 16");
    refuses(&exchange("Birman_1.jpg.webp", b"no picture".to_vec()), "Birman_1.jpg.webp");
    refuses(&exchange("Birman_1.png.webp", trimap(SIZE, SIZE, [1, 2, 9])), "a pixel 9, 9, 9");
    refuses(&exchange("Birman_1.png.webp", file(small(), ImageFormat::Png)), "expected 1, 2 or 3 in all channels");
}

/// A picture of the size of the packs, in colours.
fn small() -> DynamicImage {
    picture(1).crop_imm(0, 0, SIZE, SIZE)
}

#[test]
fn nothing_is_left_where_packing_stops_or_makes_no_sense() {
    let home = Home::with_pets();
    let out = home.folder.path().join("out/data.pack");
    let synthetic = DatasetSpec::SyntheticPets(SyntheticPets { trainval: 1, test: 1, unlabelled: 1, seed: 0 });
    assert!(pack::pack(&[synthetic], SIZE, &out, &home.data(), &home.cache(), &Silent).is_err());
    let stop = Stop(AtomicU64::new(0));
    let stopped = pack::pack(&[pets()], SIZE, &out, &home.data(), &home.cache(), &stop);
    assert!(matches!(stopped, Err(DataError::Interrupted)), "{stopped:?}");
    assert!(!out.exists() && fs::read_dir(out.parent().unwrap()).map_or(0, Iterator::count) == 0);
    let pack = home.pack_as(&pets(), SIZE, "data.pack");
    let again = pack::pack(&[pets()], SIZE, &out, &pack, &home.cache(), &Silent).unwrap_err().to_string();
    assert!(again.contains("a pack already"), "{again}");
}

/// Stops as soon as pictures are packed.
struct Stop(AtomicU64);

impl Monitor for Stop {
    fn begin(&self, what: &str, _: u64) {
        self.0.fetch_add(u64::from(what.contains("packing")), Ordering::SeqCst);
    }

    fn advance(&self, _: u64) {}
    fn note(&self, _: &str) {}
    fn end(&self) {}
    fn log(&self, _: &str) {}

    fn stopped(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 0
    }
}
