//! Tests archives: honest ones of every format, and hostile ones made byte by byte.

mod hostile_tar;
mod hostile_zip;

use super::*;
use std::{collections::BTreeMap, fs, io::Write as _};

/// An archive's bytes, and a folder to unpack it in.
struct Try {
    folder: tempfile::TempDir,
}

impl Try {
    fn new(bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("archive"), bytes).unwrap();
        Self { folder }
    }

    fn target(&self) -> std::path::PathBuf {
        self.folder.path().join("into")
    }

    fn unpack(&self, format: Format, choice: &Choice, limits: &Limits) -> Result<Unpacked, ArchiveError> {
        let mut watch = |_| ControlFlow::Continue(());
        unpack_chosen(&self.folder.path().join("archive"), format, choice, &self.target(), limits, &mut watch)
    }

    /// Names and contents of the written files.
    fn written(&self) -> BTreeMap<String, Vec<u8>> {
        let (mut found, mut folders) = (BTreeMap::new(), vec![self.target()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(self.target()).unwrap().to_str().unwrap().to_owned();
                    found.insert(name, fs::read(&path).unwrap());
                }
            }
        }
        found
    }
}

fn all(bytes: &[u8], format: Format) -> Result<Unpacked, ArchiveError> {
    Try::new(bytes).unpack(format, &Choice::default(), &Limits::default())
}

/// The reason why the archive is refused. Nothing may have been written outside the folder.
fn refusal(bytes: &[u8], format: Format, limits: &Limits) -> (String, Refusal) {
    let attempt = Try::new(bytes);
    let result = attempt.unpack(format, &Choice::default(), limits);
    let beside: Vec<_> = fs::read_dir(attempt.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(beside.len(), 2, "only the archive and the folder: {beside:?}");
    match result {
        Err(ArchiveError::Refused { member, refusal, .. }) => (member, refusal),
        other => panic!("{other:?}"),
    }
}

/// The member at which an archive is damaged, and the message.
fn damage(bytes: &[u8], format: Format) -> (String, String) {
    match all(bytes, format) {
        Err(error @ ArchiveError::Damaged { .. }) => {
            let text = error.to_string();
            let ArchiveError::Damaged { member, .. } = error else { unreachable!() };
            (member, text)
        }
        other => panic!("{other:?}"),
    }
}

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o4777);
        if name.ends_with('/') {
            header.set_entry_type(::tar::EntryType::Directory);
        }
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zip(members: &[(&str, &[u8])], method: ::zip::CompressionMethod) -> Vec<u8> {
    let mut writer = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = ::zip::write::SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in members {
        if name.ends_with('/') {
            writer.add_directory(*name, options).unwrap();
        } else {
            writer.start_file(*name, options).unwrap();
            writer.write_all(bytes).unwrap();
        }
    }
    writer.finish().unwrap().into_inner()
}

const DEFLATED: ::zip::CompressionMethod = ::zip::CompressionMethod::Deflated;
const STORED: ::zip::CompressionMethod = ::zip::CompressionMethod::Stored;

/// Incompressible bytes.
fn noise(n: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..n).map(|_| next()).collect()
}

type Archives = Vec<(Format, Vec<u8>)>;

fn honest() -> (BTreeMap<String, Vec<u8>>, Archives) {
    let long = format!("PetImages/{}/{}.jpg", "folder".repeat(20), "name".repeat(30));
    let big = noise(200_000);
    let members: [(&str, &[u8]); 5] = [
        ("PetImages/", b""),
        ("PetImages/Cat/0.jpg", b"a cat"),
        ("PetImages/Dog/0.jpg", &big),
        (&long, b"long"),
        ("readme[1].txt", b""),
    ];
    let expected = members.iter().filter(|(name, _)| !name.ends_with('/'));
    let expected = expected.map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect();
    let tar = tar(&members);
    let archives = vec![
        (Format::TarGz, gzip(&tar)),
        (Format::Tar, tar),
        (Format::Zip, zip(&members, DEFLATED)),
        (Format::Zip, zip(&members, STORED)),
    ];
    (expected, archives)
}

#[test]
fn honest_archives_are_unpacked_whole() {
    let (expected, archives) = honest();
    for (format, bytes) in archives {
        let attempt = Try::new(&bytes);
        assert_eq!(Format::of(&attempt.folder.path().join("archive")).unwrap(), Some(format));
        let unpacked = attempt.unpack(format, &Choice::default(), &Limits::default()).unwrap();
        assert_eq!(attempt.written(), expected, "{format:?}");
        assert_eq!(unpacked, Unpacked { files: 4, bytes: 200_009, passed_over: 0 });
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(attempt.target().join("PetImages/Cat/0.jpg")).unwrap().permissions().mode();
            assert_eq!(mode & 0o7111, 0, "the archive's permissions are not taken over");
        }
        let again = attempt.unpack(format, &Choice::default(), &Limits::default());
        assert!(matches!(again, Err(ArchiveError::NotEmpty { .. })), "{again:?}");
    }
}

#[test]
fn pax_names_and_several_gzip_members_are_read() {
    let mut builder = ::tar::Builder::new(Vec::new());
    builder.append_pax_extensions([("path", "Images/é.jpg".as_bytes()), ("comment", b"x")]).unwrap();
    let mut header = ::tar::Header::new_ustar();
    header.set_size(3);
    builder.append_data(&mut header, "short", &b"dog"[..]).unwrap();
    let whole = builder.into_inner().unwrap();
    let packed = [gzip(&whole[..700]), gzip(&whole[700..])].concat();
    let attempt = Try::new(&packed);
    attempt.unpack(Format::TarGz, &Choice::default(), &Limits::default()).unwrap();
    assert_eq!(attempt.written(), BTreeMap::from([("Images/é.jpg".to_owned(), b"dog".to_vec())]));
}

#[test]
fn a_choice_leaves_members_out_and_folders_away() {
    let members: [(&str, &[u8]); 5] =
        [("top/a/1", b"1"), ("top/ab/2", b"2"), ("top/b/3", b"3"), ("top/4", b"4"), ("5", b"5")];
    for (format, bytes) in [(Format::Tar, tar(&members)), (Format::Zip, zip(&members, DEFLATED))] {
        let with = |strip, only: &[&str]| {
            let attempt = Try::new(&bytes);
            let choice = Choice { strip, only: only.iter().map(|&name| name.to_owned()).collect() };
            let unpacked = attempt.unpack(format, &choice, &Limits::default()).unwrap();
            assert_eq!(unpacked.files + unpacked.passed_over, 5);
            attempt.written().into_keys().collect::<Vec<_>>()
        };
        assert_eq!(with(1, &[]), ["4", "a/1", "ab/2", "b/3"]);
        assert_eq!(with(2, &["top/a", "top/b/3", "nothing"]), ["1", "3"]);
        assert_eq!(with(0, &["5", "top/4"]), ["5", "top/4"]);
    }
    // Two members that coincide when their folders are stripped.
    let both = tar(&[("x/1", b"1"), ("y/1", b"2")]);
    let choice = Choice { strip: 1, only: Vec::new() };
    let error = Try::new(&both).unpack(Format::Tar, &choice, &Limits::default()).unwrap_err();
    assert!(matches!(error, ArchiveError::Refused { refusal: Refusal::Twice, .. }), "{error}");
}

#[test]
fn work_is_told_and_can_be_stopped() {
    let (_, archives) = honest();
    for (format, bytes) in archives {
        let attempt = Try::new(&bytes);
        let mut told = Vec::new();
        let mut watch = |progress: Progress| {
            told.push(progress);
            ControlFlow::Continue(())
        };
        let archive = attempt.folder.path().join("archive");
        unpack(&archive, format, &attempt.target(), &Limits::default(), &mut watch).unwrap();
        assert!(told.is_sorted_by_key(|p| (p.read, p.files, p.bytes)), "{told:?}");
        assert!(told.last().unwrap().read > 100_000 && told.last().unwrap().bytes == 200_009, "{told:?}");
        for stop in 0..told.len() {
            let (attempt, mut calls) = (Try::new(&bytes), 0);
            let mut watch = |_| {
                calls += 1;
                if calls > stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let archive = attempt.folder.path().join("archive");
            let stopped = unpack(&archive, format, &attempt.target(), &Limits::default(), &mut watch);
            assert!(matches!(stopped, Err(ArchiveError::Interrupted)), "{stopped:?}");
            assert_eq!(calls, stop + 1, "nothing goes on after the stop");
        }
    }
}

#[test]
fn an_archive_cut_anywhere_is_damaged() {
    let (_, archives) = honest();
    for (format, bytes) in archives {
        for cut in
            [0, 1, 100, 511, 512, 600, 1024, 3000, 100_000, bytes.len() - 700, bytes.len() - 1025, bytes.len() - 1]
        {
            // Zeros after the end mark of a tar are padding.
            if format == Format::Tar && cut + 1 == bytes.len() {
                continue;
            }
            let result = all(&bytes[..cut], format);
            assert!(matches!(result, Err(ArchiveError::Damaged { .. })), "{format:?} cut at {cut}: {result:?}");
        }
    }
}

#[test]
fn a_cut_names_the_member() {
    let bytes = tar(&[("a/1", b"1"), ("a/2", &noise(5000))]);
    let (member, text) = damage(&bytes[..2600], Format::Tar);
    assert_eq!(member, "a/2");
    assert!(
        text.contains("damaged at member \"a/2\": the archive ends ") && text.ends_with("fetch it again"),
        "{text}"
    );
    let (member, _) = damage(&gzip(&bytes)[..3000], Format::TarGz);
    assert_eq!(member, "a/2");
}

#[test]
fn a_changed_byte_is_noticed_by_the_checksums() {
    let big = noise(3000);
    let members: [(&str, &[u8]); 2] = [("a/1", b"1"), ("a/2", &big)];
    for (format, bytes) in [
        (Format::Zip, zip(&members, STORED)),
        (Format::Zip, zip(&members, DEFLATED)),
        (Format::TarGz, gzip(&tar(&members))),
    ] {
        let mut flipped = bytes.clone();
        flipped[bytes.len() / 2] ^= 0x10;
        let (member, text) = damage(&flipped, format);
        assert_eq!(member, "a/2", "{text}");
    }
    let mut packed = gzip(&tar(&members));
    let n = packed.len();
    packed[n - 6] ^= 1; // the stored checksum itself
    damage(&packed, Format::TarGz);
    damage(b"neither nor", Format::TarGz);
    damage(b"neither nor", Format::Zip);
}
