//! Decodes a merged spec into typed settings and rewords serde's errors for the reader of a spec.

use super::{
    diagnosis::{Diagnosis, Problems},
    layers::Spec,
    merged::{Aim, Merged},
    path::{Path, Step},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

/// Maximum number of problems reported at once.
const MOST_PROBLEMS: usize = 20;

/// The words shown for what serde calls a field and a variant.
const FIELD: &str = "field";
const CHOICE: &str = "choice";

/// Decodes a merged spec as `T`. After a problem, the field is repaired or taken out and decoding goes on, so that
/// several problems are reported at once.
pub fn decode<T: DeserializeOwned>(merged: &Merged) -> Result<T, Problems> {
    let mut value = merged.value.clone();
    let mut problems: Vec<Diagnosis> = Vec::new();
    let mut repairs = Repairs::default();
    while problems.len() < MOST_PROBLEMS {
        let error = match serde_path_to_error::deserialize::<_, T>(value.clone()) {
            Ok(decoded) => return Problems::none_in(problems).map(|()| decoded),
            Err(error) => error,
        };
        let complaint = Complaint::read(&error, &value);
        if repairs.caused(&complaint.path) {
            break;
        }
        let problem = complaint.diagnose(merged, &repairs.as_written(&complaint.path));
        let meant = problem.suggestion.clone();
        problems.push(problem);
        if repairs.repair(&complaint, &mut value, meant).is_none() {
            break;
        }
    }
    match Problems::found(problems) {
        Some(problems) => Err(problems),
        None => Err(merged.diagnose(&Path::default(), Aim::Inside, "the spec cannot be read").into()),
    }
}

/// The changes made to a document so that decoding gets past its problems.
#[derive(Default)]
struct Repairs {
    /// Fields that were taken out or given another value.
    aside: Vec<Path>,
    /// Fields that were renamed: the path with the right name, then the path as the spec has it.
    renamed: Vec<(Path, Path)>,
}

impl Repairs {
    /// Returns true if a complaint about `path` only arises because a field was taken out.
    fn caused(&self, path: &Path) -> bool {
        let lost = |gone: &Path| {
            path.0.starts_with(&gone.0) || gone.parent().is_some_and(|around| around.0.starts_with(&path.0))
        };
        self.aside.iter().any(lost)
    }

    /// The path in the spec as written, for `path` in the repaired document.
    fn as_written(&self, path: &Path) -> Path {
        self.renamed.iter().rev().fold(path.clone(), |path, (right, wrong)| path.moved(right, wrong))
    }

    /// Repairs the field: renames it to the name that was `meant`, gives it a placeholder, or takes it out. Returns
    /// `None` if no repair is possible.
    fn repair(&mut self, complaint: &Complaint, value: &mut Value, meant: Option<String>) -> Option<()> {
        let Complaint { path, kind, .. } = complaint;
        if let (Some(name), Some(field)) = (&meant, path.get_mut(value).filter(|field| field.is_string()))
            && matches!(kind, Complains::Unknown { what: CHOICE, .. })
        {
            *field = Value::String(name.clone());
            return Some(());
        }
        if let Complains::Mistyped { expected } = kind
            && let (Some(right), Some(field)) = (placeholder(expected), path.get_mut(value))
        {
            *field = right;
            self.aside.push(path.clone());
            return Some(());
        }
        let taken = path.remove(value)?;
        let right = path.parent()?.with(Step::Key(meant.unwrap_or_default()));
        let around = path.parent()?.get_mut(value)?.as_object_mut()?;
        match (kind, right.last_key()) {
            (Complains::Unknown { .. }, Some(name)) if !name.is_empty() && !around.contains_key(name) => {
                around.insert(name.to_owned(), taken);
                self.renamed.push((right, path.clone()));
            }
            (Complains::Unknown { what: FIELD, .. }, _) => {}
            _ => self.aside.push(path.clone()),
        }
        Some(())
    }
}

/// Returns all problems of a spec in any of its profiles. `check` makes the checks that types cannot.
pub fn check_profiles<T: DeserializeOwned>(
    spec: &Spec,
    check: impl Fn(&Merged, &T) -> Vec<Diagnosis>,
) -> Vec<Diagnosis> {
    let mut problems = Vec::new();
    for profile in spec.profiles() {
        let found = spec.merge(profile, &[]).and_then(|merged| Ok(check(&merged, &decode(&merged)?)));
        problems.extend(found.unwrap_or_else(Problems::into_vec));
    }
    Problems::found(problems).map(Problems::into_vec).unwrap_or_default()
}

/// One of serde's errors, taken apart.
struct Complaint {
    /// The field that the error is about. If a field is missing, the place where it should be.
    path: Path,
    kind: Complains,
    /// The value found there.
    found: Option<Value>,
    /// The message of serde.
    message: String,
}

enum Complains {
    Unknown { what: &'static str, name: String },
    Missing { name: String },
    Mistyped { expected: String },
    Other,
}

impl Complaint {
    fn read(error: &serde_path_to_error::Error<serde_json::Error>, value: &Value) -> Self {
        let message = error.inner().to_string();
        let path = Path(error.path().iter().filter_map(step).collect());
        let quoted = |prefix: &str| Some(message.strip_prefix(prefix)?.split('`').next()?.to_owned());
        let (path, kind) = if let Some(name) = quoted("unknown field `") {
            (field_named(&name, path, value), Complains::Unknown { what: FIELD, name })
        } else if let Some(name) = quoted("unknown variant `") {
            let path = path.existing(value);
            let chosen = path.key(&name);
            let path = if chosen.get(value).is_some() { chosen } else { path };
            (path, Complains::Unknown { what: CHOICE, name })
        } else if let Some(name) = quoted("missing field `") {
            (path.existing(value).key(&name), Complains::Missing { name })
        } else if let Some(expected) = mistyped(&message) {
            (path.existing(value), Complains::Mistyped { expected })
        } else {
            (path.existing(value), Complains::Other)
        };
        let found = path.get(value).cloned();
        Self { path, kind, found, message }
    }

    /// Describes the complaint. `path` is the field's path in the spec as written.
    fn diagnose(&self, merged: &Merged, path: &Path) -> Diagnosis {
        match &self.kind {
            Complains::Unknown { what, name } => {
                let names: Vec<&str> = self
                    .message
                    .split_once(", expected ")
                    .map_or("", |(_, names)| names)
                    .split('`')
                    .skip(1)
                    .step_by(2)
                    .collect();
                let named = *what == FIELD || !self.found.as_ref().is_some_and(Value::is_string);
                let aim = if named { Aim::Name } else { Aim::Value };
                merged.diagnose(path, aim, format!("unknown {what} `{name}`")).one_of(name, &names)
            }
            Complains::Missing { name } => merged.diagnose(path, Aim::Inside, format!("missing field `{name}`")),
            Complains::Mistyped { expected } => {
                let found = self.found.as_ref().map_or("nothing".to_owned(), describe);
                let out =
                    self.message.starts_with("invalid value") && self.found.as_ref().is_some_and(Value::is_number);
                let message = format!("{}: found {found}", if out { "out of range" } else { "wrong type" });
                let diagnosis = merged.diagnose(path, Aim::Value, message).expected(expected);
                match self.found.as_ref().and_then(|found| remedy(found, expected)) {
                    Some(help) => diagnosis.help(help),
                    None => diagnosis,
                }
            }
            Complains::Other => merged.diagnose(path, Aim::Value, &self.message),
        }
    }
}

fn step(segment: &Segment) -> Option<Step> {
    match segment {
        Segment::Seq { index } => Some(Step::Index(*index)),
        Segment::Map { key } => Some(Step::Key(key.clone())),
        Segment::Enum { variant } => Some(Step::Key(variant.clone())),
        Segment::Unknown => None,
    }
}

/// Path of the field `name` that serde refused at `path`. Where types are flattened or untagged, serde loses the path.
/// Then the only field of that name below `path` is taken.
fn field_named(name: &str, path: Path, value: &Value) -> Path {
    if path.last_key() == Some(name) && path.get(value).is_some() {
        return path;
    }
    let path = path.existing(value);
    let inner = path.key(name);
    if inner.get(value).is_some() {
        return inner;
    }
    let mut found = Vec::new();
    search(name, &path, path.get(value).unwrap_or(&Value::Null), &mut found);
    match found.len() {
        1 => found.remove(0),
        _ => path,
    }
}

fn search(name: &str, path: &Path, value: &Value, found: &mut Vec<Path>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let path = path.key(key);
                search(name, &path, value, found);
                if key == name {
                    found.push(path);
                }
            }
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(index, value)| search(name, &path.with(Step::Index(index)), value, found)),
        _ => {}
    }
}

/// The expected type or value, in the terms of a spec, if serde complains of a type or value.
fn mistyped(message: &str) -> Option<String> {
    let (kind, expected) = message.rsplit_once(", expected ")?;
    if !["invalid type", "invalid value", "invalid length"].iter().any(|start| kind.starts_with(start)) {
        return None;
    }
    let whole = |least: String, most: String| format!("a whole number from {least} to {most}");
    Some(match expected {
        "u8" => whole(u8::MIN.to_string(), u8::MAX.to_string()),
        "u16" => whole(u16::MIN.to_string(), u16::MAX.to_string()),
        "u32" => whole(u32::MIN.to_string(), u32::MAX.to_string()),
        "u64" | "usize" => "a whole number, 0 or more".to_owned(),
        "i8" => whole(i8::MIN.to_string(), i8::MAX.to_string()),
        "i16" => whole(i16::MIN.to_string(), i16::MAX.to_string()),
        "i32" => whole(i32::MIN.to_string(), i32::MAX.to_string()),
        "i64" | "isize" => "a whole number".to_owned(),
        nonzero if nonzero.starts_with("a nonzero") => "a whole number other than 0".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        "a string" | "string" | "a borrowed string" => "text".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a mapping".to_owned(),
        "string or map" => "a name, or a mapping with one name as its key".to_owned(),
        "map with a single key" => "a mapping with exactly one key".to_owned(),
        "unit" => "nothing below this name".to_owned(),
        "newtype variant" | "struct variant" | "tuple variant" => {
            "this name with its settings below: `name: {…}`".to_owned()
        }
        name if name.starts_with("struct ") || name.starts_with("internally tagged enum ") => {
            "a mapping: lines of `name: value`".to_owned()
        }
        name if name.starts_with("enum ") => "one name".to_owned(),
        other => other.to_owned(),
    })
}

/// A value of the type that [`mistyped`] names, so that decoding can go on.
fn placeholder(expected: &str) -> Option<Value> {
    Some(match expected {
        number if number.contains("number") => 1.into(),
        "`true` or `false`" => false.into(),
        "text" => "".into(),
        "a list" => Vec::<Value>::new().into(),
        _ => return None,
    })
}

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "nothing (`null`)".to_owned(),
        Value::Bool(flag) => format!("`{flag}`"),
        Value::Number(number) => format!("`{number}`"),
        Value::String(text) if text.chars().count() > 40 => {
            format!("text \"{}…\"", text.chars().take(40).collect::<String>())
        }
        Value::String(text) => format!("text \"{text}\""),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(_) => "a mapping".to_owned(),
    }
}

/// Advice for the most common mistakes.
fn remedy(found: &Value, expected: &str) -> Option<String> {
    match found {
        Value::String(text)
            if expected.contains("number") && serde_yaml::from_str::<serde_yaml::Number>(text).is_ok() =>
        {
            Some("leave out the quotes".to_owned())
        }
        Value::String(text) if expected.contains("`true`") => match text.to_lowercase().as_str() {
            "yes" | "on" => Some("write `true`".to_owned()),
            "no" | "off" => Some("write `false`".to_owned()),
            _ => None,
        },
        Value::Number(number) => match number.as_f64() {
            Some(real) if expected.contains("whole") && real.fract() == 0.0 && real.abs() < 1e15 => {
                Some(format!("write `{real:.0}`")).filter(|_| number.is_f64())
            }
            _ if expected == "text" => Some(format!("put quotes around it: \"{number}\"")),
            _ => None,
        },
        _ => None,
    }
}
