//! The list files of Oxford-IIIT Pet. Each line is `name class_id species breed_id`, and `#` begins a comment.

use super::{DataError, Folder};
use std::collections::BTreeMap;

const LIMIT: u64 = 16 << 20;

/// Names and the numbers of their lines, counted from 1.
pub(super) type List = BTreeMap<String, usize>;

/// Reads a list file. Fails if a line cannot be parsed, or if a name is listed twice or is not a plain name.
pub(super) fn read(folder: &Folder, name: &str) -> Result<List, DataError> {
    let path = folder.file(name);
    let bytes = folder.read(name, LIMIT)?;
    let mut list = List::new();
    for (index, line) in bytes.split(|&b| b == b'\n').enumerate() {
        let text = String::from_utf8_lossy(line);
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let refuse = |reason| DataError::List { path: path.clone(), line: index + 1, text: text.to_owned(), reason };
        let name = entry(text).map_err(refuse)?;
        if let Some(before) = list.insert(name.to_owned(), index + 1) {
            return Err(refuse(format!("{name} is listed a second time; the first is in line {before}")));
        }
    }
    Ok(list)
}

/// An error for a name that is in both of two lists that must be disjoint.
pub(super) fn disjoint(
    folder: &Folder,
    (a, list_a): (&str, &List),
    (b, list_b): (&str, &List),
) -> Result<(), DataError> {
    match list_b.iter().find_map(|(name, line)| Some((name, line, list_a.get(name)?))) {
        None => Ok(()),
        Some((name, &line, before)) => Err(DataError::List {
            path: folder.file(b),
            line,
            text: name.clone(),
            reason: format!(
                "also in line {before} of {a}: an image must not be used for both training and testing; remove it from \
                 one list"
            ),
        }),
    }
}

/// The name in a line.
fn entry(line: &str) -> Result<&str, String> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let Some((&name, numbers)) = fields.split_first() else { return Err("an empty line".into()) };
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.chars().all(plain) || breed(name).is_none() {
        return Err(format!("{name:?} is not an image name; expected `<breed>_<number>` without path or ending"));
    }
    if numbers.len() != 3 || !numbers.iter().all(|n| n.parse::<u32>().is_ok_and(|n| n > 0)) {
        return Err("expected `name class_id species breed_id`, the last three being numbers from 1".into());
    }
    if !["1", "2"].contains(&numbers[1]) {
        return Err(format!("species {} is neither 1 (cat) nor 2 (dog)", numbers[1]));
    }
    Ok(name)
}

/// Breed in the name of an image: `Maine_Coon` for `Maine_Coon_12`.
pub(super) fn breed(name: &str) -> Option<&str> {
    let (breed, number) = name.rsplit_once('_')?;
    (!breed.is_empty() && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then_some(breed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<List, DataError> {
        let data = tempfile::tempdir().unwrap();
        std::fs::create_dir(data.path().join("set")).unwrap();
        std::fs::write(data.path().join("set/list.txt"), text).unwrap();
        read(&Folder::open(data.path(), "set", "set").unwrap().unwrap(), "list.txt")
    }

    #[test]
    fn comments_and_empty_lines_are_passed_over() {
        let list = parse("#Image CLASS-ID\n\nMaine_Coon_12 1 1 1\r\n  beagle_2 5 2 1\n").unwrap();
        assert_eq!(list.into_iter().collect::<Vec<_>>(), [("Maine_Coon_12".to_owned(), 3), ("beagle_2".to_owned(), 4)]);
    }

    #[test]
    fn a_bad_line_is_shown_with_its_number() {
        for (line, reason) in [
            ("beagle_2 5 2", "expected `name class_id"),
            ("beagle_2 5 two 1", "expected `name class_id"),
            ("beagle_2 5 3 1", "species 3"),
            ("beagle 5 2 1", "is not an image name"),
            ("../../x_1 5 2 1", "is not an image name"),
            ("/etc/x_1 5 2 1", "is not an image name"),
            ("a\\b_1 5 2 1", "is not an image name"),
            ("beagle_1 5 2 1", "a second time; the first is in line 1"),
        ] {
            let error = parse(&format!("beagle_1 5 2 1\n{line}\n")).unwrap_err().to_string();
            assert!(error.contains("list.txt:2: ") && error.contains(reason) && error.ends_with(line), "{error}");
        }
    }
}
