use super::*;
use ::zip::write::SimpleFileOptions;

/// The places of a signature in a file.
fn places(bytes: &[u8], signature: [u8; 4]) -> Vec<usize> {
    (0..bytes.len() - 3).filter(|&at| bytes[at..at + 4] == signature).collect()
}

const LOCAL: [u8; 4] = *b"PK\x03\x04";
const LISTED: [u8; 4] = *b"PK\x01\x02";

/// A zip of one stored member whose name is replaced in both places by another of the same length.
fn renamed(name: &[u8]) -> Vec<u8> {
    let mut bytes = zip(&[(&"q".repeat(name.len()), b"x")], STORED);
    let (local, listed) = (places(&bytes, LOCAL)[0] + 30, places(&bytes, LISTED)[0] + 46);
    for at in [local, listed] {
        bytes[at..at + name.len()].copy_from_slice(name);
    }
    bytes
}

#[test]
fn names_that_climb_out_are_refused() {
    for name in ["../x", "a/../../x", "/x", "C:\\x", "..\\x", "\\\\server\\x"] {
        let (member, found) = refusal(&renamed(name.as_bytes()), Format::Zip, &Limits::default());
        assert_eq!(member, name);
        assert!(matches!(found, Refusal::Escapes(_)), "{name}: {found}");
    }
    let (_, found) = refusal(&zip(&[(&"n".repeat(600), b"x")], STORED), Format::Zip, &Limits::default());
    assert_eq!(found, Refusal::LongName(512));
}

#[test]
fn links_and_devices_are_refused() {
    let mut writer = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.add_symlink("x", "../../outside", SimpleFileOptions::default()).unwrap();
    let bytes = writer.finish().unwrap().into_inner();
    let (member, found) = refusal(&bytes, Format::Zip, &Limits::default());
    assert_eq!((member.as_str(), found), ("x", Refusal::Kind("a symbolic link")));

    let mut bytes = zip(&[("x", b"1")], STORED);
    let listed = places(&bytes, LISTED)[0];
    bytes[listed + 38..listed + 42].copy_from_slice(&(0o020_666_u32 << 16).to_le_bytes());
    assert_eq!(refusal(&bytes, Format::Zip, &Limits::default()).1, Refusal::Kind("a device"));
}

#[test]
fn names_that_meet_are_refused() {
    let found =
        |first, second| refusal(&zip(&[(first, b"1"), (second, b"2")], STORED), Format::Zip, &Limits::default()).1;
    assert_eq!(found("x", "X"), Refusal::SameButForCase("x".into()));
    assert_eq!(found("x", "x/y"), Refusal::Twice);
    // The writer rejects duplicate names, so the second is renamed.
    let mut bytes = zip(&[("aa", b"1"), ("ab", b"2")], STORED);
    for at in [places(&bytes, LOCAL)[1] + 31, places(&bytes, LISTED)[1] + 47] {
        bytes[at] = b'a';
    }
    let (_, text) = damage(&bytes, Format::Zip);
    assert!(text.contains("contains a name twice"), "{text}");
}

#[test]
fn bombs_are_refused() {
    let zeros = vec![0; 4 << 20];
    let bytes = zip(&[("small", b"x"), ("bomb", &zeros)], DEFLATED);
    assert!(bytes.len() < 10_000);
    assert_eq!(refusal(&bytes, Format::Zip, &Limits::default()), ("bomb".into(), Refusal::Ratio(200)));

    let loose = Limits { ratio: 10_000, ..Limits::default() };
    let limits = Limits { member_bytes: 1 << 20, ..loose };
    assert_eq!(refusal(&bytes, Format::Zip, &limits), ("bomb".into(), Refusal::MemberBytes(1 << 20)));
    let limits = Limits { total_bytes: 4 << 20, ..loose };
    assert_eq!(refusal(&bytes, Format::Zip, &limits), ("bomb".into(), Refusal::TotalBytes(4 << 20)));
    let limits = Limits { entries: 1, ..loose };
    assert_eq!(refusal(&bytes, Format::Zip, &limits).1, Refusal::Entries(1));

    // A member that claims to be small: the output is cut at the claimed size.
    let mut bytes = bytes;
    for at in [places(&bytes, LOCAL)[1] + 22, places(&bytes, LISTED)[1] + 24] {
        bytes[at..at + 4].copy_from_slice(&100_u32.to_le_bytes());
    }
    let attempt = Try::new(&bytes);
    let error = attempt.unpack(Format::Zip, &Choice::default(), &Limits::default()).unwrap_err();
    assert!(matches!(&error, ArchiveError::Damaged { member, .. } if member == "bomb"), "{error}");
    assert!(attempt.written()["bomb"].len() <= 100);
}

#[test]
fn members_that_share_bytes_are_refused() {
    let mut bytes = zip(&[("a", &noise(2000)), ("b", &noise(2000))], STORED);
    let second = places(&bytes, LISTED)[1] + 42;
    bytes[second..second + 4].copy_from_slice(&0_u32.to_le_bytes());
    let (_, text) = damage(&bytes, Format::Zip);
    assert!(text.contains("share bytes"), "{text}");
}

#[test]
fn encryption_and_rare_methods_are_refused() {
    let mut bytes = zip(&[("x", b"1")], STORED);
    for at in [places(&bytes, LOCAL)[0] + 6, places(&bytes, LISTED)[0] + 8] {
        bytes[at] |= 1;
    }
    assert_eq!(refusal(&bytes, Format::Zip, &Limits::default()).1, Refusal::Encrypted);
    let mut bytes = zip(&[("x", b"1")], STORED);
    for at in [places(&bytes, LOCAL)[0] + 8, places(&bytes, LISTED)[0] + 10] {
        bytes[at] = 14; // LZMA
    }
    assert!(matches!(refusal(&bytes, Format::Zip, &Limits::default()).1, Refusal::Method(_)));
}

#[test]
fn a_list_of_members_that_is_huge_is_not_kept_in_memory() {
    // 40 MB of empty members, made by repeating one list entry: the limit on the list applies long before that on their number.
    let one = zip(&[("x", b"")], STORED);
    let (listed, end) = (places(&one, LISTED)[0], places(&one, *b"PK\x05\x06")[0]);
    let entry = &one[listed..end];
    let count = 60_000_u16;
    let long = [&entry[..30], &u16::to_le_bytes(600), &entry[32..], &[0; 600]].concat();
    let list = long.repeat(usize::from(count));
    let mut tail = one[end..].to_vec();
    tail[8..10].copy_from_slice(&count.to_le_bytes());
    tail[10..12].copy_from_slice(&count.to_le_bytes());
    tail[12..16].copy_from_slice(&(list.len() as u32).to_le_bytes());
    let bytes = [&one[..listed], &list, &tail].concat();
    let (_, text) = damage(&bytes, Format::Zip);
    assert!(text.contains("list of members is too large"), "{text}");
}
