//! A YAML text, read within limits: its values as JSON and the position of each value.

use super::{
    diagnosis::{Diagnosis, Problems},
    locate::{MERGE_KEY, Positions, Refusal, Span},
    path::{Path, Step},
};
use serde_json::{Map, Value};
use std::{fs::File, io::Read};

/// Maximum size of a spec, in bytes.
const MOST_BYTES: u64 = 1 << 20;
/// Maximum size, in bytes, of a text that is parsed a second time for a better message.
const MOST_BYTES_TOLD: usize = 1 << 16;

/// A text and the positions of its fields.
#[derive(Debug, Clone)]
pub struct Source {
    /// The name of the file as the user knows it, or [`super::diagnosis::COMMAND_LINE`].
    pub label: String,
    /// The whole text.
    pub text: String,
    /// The positions of its fields.
    pub positions: Positions,
}

impl Source {
    /// Reads a file and parses its values.
    pub fn read(file: &std::path::Path, label: &str) -> Result<(Self, Value), Problems> {
        let refuse = |message: String| Diagnosis::of_file(label, message);
        let cannot = |error: std::io::Error| refuse(format!("cannot read the spec: {error}"));
        let about = std::fs::metadata(file).map_err(cannot)?;
        if !about.is_file() {
            return Err(refuse("the spec is not a regular file".to_owned()).into());
        }
        let mut bytes = Vec::new();
        File::open(file).map_err(cannot)?.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(cannot)?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(refuse("the spec is larger than 1 MiB".to_owned())
                .help("a study spec is a page of text; is this the right file?")
                .into());
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = error.utf8_error().valid_up_to();
            let before = String::from_utf8_lossy(&error.as_bytes()[..good]).into_owned();
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            let source = Self::plain(label, String::from_utf8_lossy(error.as_bytes()).into_owned());
            let span = Span { line: before.matches('\n').count() + 1, column, width: 1 };
            source.diagnose(Some(span), "the text is not UTF-8").help("save the file as UTF-8")
        })?;
        Self::parse(label, text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
    }

    /// Parses a text's values.
    pub fn parse(label: &str, text: String) -> Result<(Self, Value), Problems> {
        let mut source = Self::plain(label, text);
        if let Some(span) = control_character(&source.text) {
            return Err(source.diagnose(Some(span), "a control character in the text").help("delete it").into());
        }
        source.positions = Positions::scan(&source.text).map_err(|refusal| {
            source
                .told_better(&refusal)
                .or_else(|| source.tabbed(refusal.span))
                .unwrap_or_else(|| source.diagnose(Some(refusal.span), refusal.message))
        })?;
        let value: serde_yaml::Value = serde_yaml::from_str(&source.text).map_err(|error| source.bad_syntax(&error))?;
        let value = to_json(value, &Path::default()).map_err(|(path, message, help)| {
            let found = source.positions.find(&path.0).or_else(|| source.positions.find(&path.parent()?.0));
            let mut diagnosis = source.diagnose(found.map(super::locate::Found::short), message).help(help);
            diagnosis.field = Some(path.to_string()).filter(|field| !field.is_empty());
            diagnosis
        })?;
        Ok((source, value))
    }

    fn plain(label: &str, text: String) -> Self {
        Self { label: label.to_owned(), text, positions: Positions::default() }
    }

    /// Describes a problem at a place in this text.
    pub fn diagnose(&self, span: Option<Span>, message: impl Into<String>) -> Diagnosis {
        let line = span.and_then(|span| self.text.lines().nth(span.line - 1));
        Diagnosis { span, source_line: line.map(str::to_owned), ..Diagnosis::of_file(&self.label, message) }
    }

    /// Describes bad syntax in the words of `serde_yaml`, which are clearer.
    fn told_better(&self, refusal: &Refusal) -> Option<Diagnosis> {
        // For some texts this takes quadratic time. `IgnoredAny` builds no values, so no aliases are expanded.
        if !refusal.syntax || self.text.len() > MOST_BYTES_TOLD {
            return None;
        }
        serde_yaml::from_str::<serde::de::IgnoredAny>(&self.text).err().map(|error| self.bad_syntax(&error))
    }

    /// Describes an error of `serde_yaml`:
    /// `did not find expected ',' at line 3 column 2, while parsing a list at line 2 column 13`.
    fn bad_syntax(&self, error: &serde_yaml::Error) -> Diagnosis {
        let message = error.to_string();
        let (what, context) = message.split_once(", while ").map_or((message.as_str(), None), |(a, b)| (a, Some(b)));
        let what = what.split(" at line ").next().unwrap_or(what);
        let span = error.location().map(|at| Span { line: at.line(), column: at.column(), width: 1 });
        if let Some(diagnosis) = span.and_then(|span| self.tabbed(span)) {
            return diagnosis;
        }
        let diagnosis = self.diagnose(span, what);
        match context {
            _ if what.starts_with("mapping values") => {
                diagnosis.help("quote a text that contains `: `; or mind the indentation of this line")
            }
            Some(context) => diagnosis.help(format!("this came up while {context}")),
            None => diagnosis,
        }
    }

    /// Describes the most common cause of bad syntax, a tab in the indentation.
    fn tabbed(&self, span: Span) -> Option<Diagnosis> {
        let line = self.text.lines().nth(span.line - 1)?;
        let column = line.chars().take_while(|c| c.is_whitespace()).position(|c| c == '\t')?;
        let span = Span { line: span.line, column: column + 1, width: 1 };
        Some(self.diagnose(Some(span), "a tab indents this line").help("YAML is indented with spaces"))
    }
}

fn control_character(text: &str) -> Option<Span> {
    let column = |line: &str| line.chars().position(|c| c.is_control() && c != '\t' && c != '\r');
    let (line, column) = text.split('\n').enumerate().find_map(|(number, line)| Some((number, column(line)?)))?;
    Some(Span { line: line + 1, column: column + 1, width: 1 })
}

/// A refused value: its path, the reason, and the remedy.
type Refused = (Path, &'static str, &'static str);

/// Converts YAML to JSON and expands merge keys.
fn to_json(value: serde_yaml::Value, path: &Path) -> Result<Value, Refused> {
    use serde_yaml::Value as Yaml;
    Ok(match value {
        Yaml::Null => Value::Null,
        Yaml::Bool(flag) => Value::Bool(flag),
        Yaml::String(text) => Value::String(text),
        Yaml::Number(number) => to_number(&number).ok_or_else(|| {
            (path.clone(), "this number is not finite", "write an ordinary number, or leave the field out")
        })?,
        Yaml::Sequence(items) => {
            let item = |(index, item)| to_json(item, &path.with(Step::Index(index)));
            Value::Array(items.into_iter().enumerate().map(item).collect::<Result<_, _>>()?)
        }
        Yaml::Mapping(mapping) => Value::Object(to_object(mapping, path)?),
        Yaml::Tagged(_) => {
            return Err((path.clone(), "a spec has no tags (`!name`)", "write `name: …` as a key instead of `!name`"));
        }
    })
}

fn to_number(number: &serde_yaml::Number) -> Option<Value> {
    let whole = number.as_u64().map(Value::from).or_else(|| number.as_i64().map(Value::from));
    whole.or_else(|| serde_json::Number::from_f64(number.as_f64()?).map(Value::Number))
}

fn to_object(mapping: serde_yaml::Mapping, path: &Path) -> Result<Map<String, Value>, Refused> {
    use serde_yaml::Value as Yaml;
    let mut object = Map::new();
    let mut merged = Vec::new();
    for (key, value) in mapping {
        let key = match key {
            Yaml::String(key) => key,
            Yaml::Number(number) => number.to_string(),
            _ => return Err((path.clone(), "a key here is not a name", "put quotes around it")),
        };
        if key != MERGE_KEY {
            let value = to_json(value, &path.key(&key))?;
            object.insert(key, value);
            continue;
        }
        match value {
            Yaml::Sequence(sources) => merged.extend(sources),
            source => merged.push(source),
        }
    }
    // A mapping's own keys win over merged ones. Earlier sources win over later ones.
    for source in merged {
        let Yaml::Mapping(source) = source else {
            return Err((path.key(MERGE_KEY), "`<<` merges a mapping", "write `<<: *name`, the alias of a mapping"));
        };
        for (key, value) in to_object(source, path)? {
            object.entry(key).or_insert(value);
        }
    }
    Ok(object)
}
