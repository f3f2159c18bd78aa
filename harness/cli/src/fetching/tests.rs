use super::*;
use std::io::Cursor;

/// Returns true if the answer agrees, and what the terminal showed.
fn answered(bytes: &[u8]) -> (bool, String) {
    let mut shown = Vec::new();
    let agreed = asked("811 MB to fetch", Cursor::new(bytes.to_vec()), &mut shown, &|| false).unwrap();
    (agreed, String::from_utf8(shown).unwrap())
}

#[test]
fn only_yes_is_yes() {
    for yes in [&b"y\n"[..], b"yes\n", b"  YES \r\n", b"Y"] {
        assert_eq!(answered(yes), (true, "811 MB to fetch\nfetch now? [y/N] ".to_owned()), "{yes:?}");
    }
    let endless = vec![b'y'; 1 << 20];
    for no in [&b"n\n"[..], b"no\n", b"\n", b"", b"yess\n", b"ye\ny\n", b"\xff\xfe\n", b"\0y\n", &endless] {
        assert!(!answered(no).0, "{:?}", &no[..no.len().min(9)]);
    }
}

#[test]
fn who_stops_is_not_waited_for() {
    let (reader, _writer) = std::io::pipe().unwrap();
    let refused = asked("?", BufReader::new(reader), &mut Vec::new(), &|| true).unwrap_err();
    assert_eq!(refused.code(), 130);
}
