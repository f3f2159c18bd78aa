//! SHA-256 of bytes, files and settings.

use crate::{RecordError, Result};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::{fmt::Write as _, fs::File, io::Read as _, path::Path};

/// SHA-256 of `bytes` in lower-case hexadecimal (64 characters).
pub fn of_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// SHA-256 of the file at `path`, which is read in pieces.
pub fn of_file(path: &Path) -> Result<String> {
    let io = |source| RecordError::Io { action: "read", path: path.to_owned(), source };
    let mut file = File::open(path).map_err(io)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let n = file.read(&mut buffer).map_err(io)?;
        if n == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(&buffer[..n]);
    }
}

/// A 32-byte seed for a generator, derived from the words that name its purpose: `["0", "finetune", "shuffle", "epoch 3"]`.
///
/// Every random number of the project comes from a generator seeded in this way, so none depends on earlier draws.
pub fn seed(words: &[&str]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for word in words {
        hasher.update((word.len() as u64).to_le_bytes()); // ["ab", "c"] is not ["a", "bc"]
        hasher.update(word.as_bytes());
    }
    hasher.finalize().into()
}

/// SHA-256 of the canonical JSON of `value`: keys sorted, no white space.
///
/// Settings with the same meaning have the same digest, in whatever order they were written.
pub fn of_settings<T: Serialize>(value: &T) -> std::result::Result<String, serde_json::Error> {
    // Another crate in the build may turn on `preserve_order`, so the keys are sorted here.
    Ok(of_bytes(serde_json::to_string(&sorted(serde_json::to_value(value)?))?.as_bytes()))
}

fn sorted(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().map(|(k, v)| (k, sorted(v))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_the_known_digest() {
        assert_eq!(of_bytes(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn words_are_kept_apart() {
        assert_ne!(seed(&["ab", "c"]), seed(&["a", "bc"]));
        assert_eq!(seed(&["ab", "c"]), seed(&["ab", "c"]));
    }

    #[test]
    fn order_of_keys_does_not_matter() {
        let a: serde_json::Value = serde_json::from_str(r#"{"b":{"y":1,"x":2},"a":[1,2]}"#).unwrap();
        let b: serde_json::Value = serde_json::from_str(r#"{"a":[1,2],"b":{"x":2,"y":1}}"#).unwrap();
        let c: serde_json::Value = serde_json::from_str(r#"{"a":[2,1],"b":{"x":2,"y":1}}"#).unwrap();
        assert_eq!(of_settings(&a).unwrap(), of_settings(&b).unwrap());
        assert_ne!(of_settings(&a).unwrap(), of_settings(&c).unwrap());
    }
}
