//! The values that a template's functions return.

use harness_record::suggest::closest;
use minijinja::{Error, ErrorKind, Value};

pub(super) type Answer = Result<Value, Error>;

/// Returns Markdown that needs no escaping.
#[expect(clippy::unnecessary_wraps, reason = "every function of a template answers with a result")]
pub(super) fn safe(text: String) -> Answer {
    Ok(Value::from_safe_string(text))
}

/// Returns an error for an unknown name, with the nearest valid name.
pub(super) fn refuse(what: &str, name: &str, names: &[&str]) -> Error {
    let meant = closest(name, names.iter().copied()).map(|m| format!(" (did you mean `{m}`?)")).unwrap_or_default();
    let message = format!("unknown {what} `{name}`{meant}; expected one of {}", names.join(", "));
    Error::new(ErrorKind::InvalidOperation, message)
}
