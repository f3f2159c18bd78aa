use super::*;
use ::tar::{EntryType, Header};

/// A member with this name in its header, unchecked.
fn raw(name: &[u8], kind: EntryType, bytes: &[u8]) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_size(bytes.len() as u64);
    if kind == EntryType::Symlink || kind == EntryType::Link {
        header.set_link_name_literal("../../outside").unwrap();
    }
    header.set_cksum();
    let padding = vec![0; bytes.len().next_multiple_of(512) - bytes.len()];
    [header.as_bytes().as_slice(), bytes, &padding].concat()
}

fn sized() -> Header {
    let mut header = Header::new_ustar();
    header.set_size(0);
    header
}

fn ended(members: &[Vec<u8>]) -> Vec<u8> {
    [members.concat(), vec![0; 1024]].concat()
}

#[test]
fn names_that_climb_out_are_refused() {
    for name in ["../x", "a/../../x", "/x", "C:\\x", "..\\x", "a/.."] {
        let (member, refusal) =
            refusal(&ended(&[raw(name.as_bytes(), EntryType::Regular, b"x")]), Format::Tar, &Limits::default());
        assert_eq!(member, name);
        assert!(matches!(refusal, Refusal::Escapes(_)), "{name}: {refusal}");
    }
    let mut builder = ::tar::Builder::new(Vec::new());
    builder.append_pax_extensions([("path", &b"../../x"[..])]).unwrap();
    builder.append_data(&mut sized(), "harmless", &b""[..]).unwrap();
    let (member, _) = refusal(&builder.into_inner().unwrap(), Format::Tar, &Limits::default());
    assert_eq!(member, "../../x");
    let long = [b"d/".repeat(60), b"../".repeat(80), b"x\0".to_vec()].concat();
    let members = [raw(b"././@LongLink", EntryType::GNULongName, &long), raw(b"harmless", EntryType::Regular, b"")];
    let (_, found) = refusal(&ended(&members), Format::Tar, &Limits::default());
    assert!(matches!(found, Refusal::Escapes(_)), "{found}");
    let (_, found) = refusal(&ended(&[raw(b"\xff\xfe", EntryType::Regular, b"")]), Format::Tar, &Limits::default());
    assert!(matches!(found, Refusal::Name(_)), "{found}");
}

#[test]
fn what_is_neither_file_nor_folder_is_refused() {
    for kind in [
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Char,
        EntryType::Block,
        EntryType::Fifo,
        EntryType::GNUSparse,
        EntryType::GNULongLink,
        EntryType::new(b'V'),
        EntryType::new(b'M'),
    ] {
        let (_, found) = refusal(&ended(&[raw(b"x", kind, b"")]), Format::Tar, &Limits::default());
        assert!(matches!(found, Refusal::Kind(_)), "{kind:?}: {found}");
    }
    // A link comes first, then a file through it. Neither is written.
    let through = [raw(b"x", EntryType::Symlink, b""), raw(b"x/passwd", EntryType::Regular, b"root")];
    refusal(&ended(&through), Format::Tar, &Limits::default());
    // A link that the choice would leave out is refused, too.
    let choice = Choice { strip: 0, only: vec!["y".into()] };
    let error = Try::new(&ended(&[raw(b"x", EntryType::Link, b"")])).unpack(Format::Tar, &choice, &Limits::default());
    assert!(matches!(error, Err(ArchiveError::Refused { refusal: Refusal::Kind(_), .. })), "{error:?}");
}

#[test]
fn names_that_meet_are_refused() {
    let (file, folder) = (EntryType::Regular, EntryType::Directory);
    let found = |first, second| refusal(&ended(&[first, second]), Format::Tar, &Limits::default()).1;
    assert_eq!(found(raw(b"x", file, b"1"), raw(b"x", file, b"2")), Refusal::Twice);
    assert_eq!(found(raw(b"x", file, b"1"), raw(b"x/y", file, b"2")), Refusal::Twice);
    assert_eq!(found(raw(b"x", folder, b""), raw(b"x", file, b"2")), Refusal::Twice);
    assert_eq!(found(raw(b"x", file, b"1"), raw(b"./X", file, b"2")), Refusal::SameButForCase("x".into()));
    let accents = found(raw("\u{e9}".as_bytes(), file, b"1"), raw("e\u{301}".as_bytes(), file, b"2"));
    assert_eq!(accents, Refusal::SameButForCase("\u{e9}".into()));
}

#[test]
fn bounds_hold() {
    let zeros = vec![0; 6000];
    let bytes = tar(&[("a", &zeros), ("b", &zeros), ("c", b"")]);
    let with = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        refusal(&bytes, Format::Tar, &limits)
    };
    assert_eq!(with(|l| l.entries = 2), ("c".into(), Refusal::Entries(2)));
    assert_eq!(with(|l| l.member_bytes = 5999), ("a".into(), Refusal::MemberBytes(5999)));
    assert_eq!(with(|l| l.total_bytes = 11_999), ("b".into(), Refusal::TotalBytes(11_999)));
    // The size of a member is checked before anything of it is read.
    let mut header = Header::new_gnu();
    header.set_path("huge").unwrap();
    header.set_size(1 << 50);
    header.set_cksum();
    let (_, found) = refusal(header.as_bytes(), Format::Tar, &Limits::default());
    assert!(matches!(found, Refusal::MemberBytes(_)), "{found}");
}

#[test]
fn a_gzip_bomb_is_stopped_by_its_ratio() {
    let bomb = gzip(&tar(&[("small", b"x"), ("bomb", &vec![0; 8 << 20])]));
    assert!(bomb.len() < 10_000);
    let attempt = Try::new(&bomb);
    let error = attempt.unpack(Format::TarGz, &Choice::default(), &Limits::default()).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("\"bomb\" unpacks to more than 200 times its packed size"), "{text}");
    assert!(attempt.written()["bomb"].len() <= 3 << 20, "and soon");
    // The same holds if the bomb lies after the archive's end, or in headers.
    let behind = [tar(&[("small", b"x")]), vec![0; 8 << 20]].concat();
    assert_eq!(refusal(&gzip(&behind), Format::TarGz, &Limits::default()).1, Refusal::Ratio(200));
    let headers = raw(b"folder", EntryType::Directory, b"").repeat(10_000);
    let found = refusal(&gzip(&headers), Format::TarGz, &Limits { entries: 5000, ..Limits::default() }).1;
    assert!(matches!(found, Refusal::Ratio(_) | Refusal::Entries(_)), "{found}");
}

#[test]
fn long_names_and_extensions_are_not_read_into_memory() {
    for kind in [EntryType::GNULongName, EntryType::XHeader, EntryType::XGlobalHeader] {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(1 << 40);
        header.set_cksum();
        let (_, found) = refusal(header.as_bytes(), Format::Tar, &Limits::default());
        assert_eq!(found, Refusal::LongName(512), "{kind:?}");
    }
    let name = b"n".repeat(600);
    let members = [raw(b"././@LongLink", EntryType::GNULongName, &name), raw(b"x", EntryType::Regular, b"")];
    assert_eq!(refusal(&ended(&members), Format::Tar, &Limits::default()).1, Refusal::LongName(512));
    // Endless extensions count as members.
    let endless = raw(b"x", EntryType::XGlobalHeader, b"").repeat(100);
    let few = Limits { entries: 50, ..Limits::default() };
    assert_eq!(refusal(&endless, Format::Tar, &few).1, Refusal::Entries(50));
}

#[test]
fn contradictions_are_refused() {
    let pax = |records: &[(&str, &[u8])], name: &str| {
        let mut builder = ::tar::Builder::new(Vec::new());
        builder.append_pax_extensions(records.iter().copied()).unwrap();
        builder.append_data(&mut sized(), name, &b""[..]).unwrap();
        builder.into_inner().unwrap()
    };
    // Other readers would treat the 512 bytes after the header as the member's, and so overlook the header in them.
    let (member, found) = refusal(&pax(&[("size", b"512")], "x"), Format::Tar, &Limits::default());
    assert_eq!((member.as_str(), found), ("x", Refusal::TwoSizes(0, 512)));
    damage(&pax(&[("size", b"many")], "x"), Format::Tar);
    let (_, found) = refusal(&pax(&[("GNU.sparse.major", b"1")], "x"), Format::Tar, &Limits::default());
    assert!(matches!(found, Refusal::Kind(_)), "{found}");
    damage(
        &ended(&[raw(b"g", EntryType::XGlobalHeader, b"10 path=x\n"), raw(b"y", EntryType::Regular, b"")]),
        Format::Tar,
    );

    let mut header = raw(b"x", EntryType::Regular, b"1");
    header[0] = b'y';
    let (_, text) = damage(&ended(&[header]), Format::Tar);
    assert!(text.contains("wrong checksum"), "{text}");
    let (_, text) = damage(&[ended(&[raw(b"x", EntryType::Regular, b"1")]), b"more".to_vec()].concat(), Format::Tar);
    assert!(text.contains("bytes follow"), "{text}");
}
