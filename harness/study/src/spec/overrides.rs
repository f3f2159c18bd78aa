//! Overrides from the command line: `--set finetuning.epochs=3`.

use super::{
    diagnosis::{COMMAND_LINE, Diagnosis, Problems},
    locate::Span,
    path::{Path, Step},
    source::Source,
};
use serde_json::{Map, Value};

/// One override.
#[derive(Debug, Clone)]
pub(super) struct Override {
    /// The argument, with the positions of the parts of its value.
    pub(super) source: Source,
    /// The field that is set.
    pub(super) path: Path,
    /// The position of the field's name in the argument.
    pub(super) span: Span,
    /// Its value.
    pub(super) value: Value,
}

impl Override {
    /// Parses `path=value`. The value is YAML; an empty value is `null`.
    pub(super) fn parse(argument: &str) -> Result<Self, Problems> {
        const FLAG: &str = "--set ";
        let whole = format!("{FLAG}{argument}");
        let flag = FLAG.chars().count();
        let all = Span { line: 1, column: flag + 1, width: argument.chars().count().max(1) };
        let place = |span: Span, message: String| Diagnosis {
            span: Some(span),
            source_line: whole.lines().next().map(str::to_owned),
            ..Diagnosis::of_file(COMMAND_LINE, message)
        };
        let (name, text) = argument.split_once('=').ok_or_else(|| {
            place(all, "a setting lacks its value".to_owned()).expected("path=value, as in `finetuning.epochs=3`")
        })?;
        let span = Span { width: name.chars().count().max(1), ..all };
        let path = Path::parse(name).map_err(|why| {
            place(span, why).expected("field names joined by dots, as in `finetuning.epochs` or `arms[0].label`")
        })?;
        if let [Step::Key(first), ..] = path.0.as_slice()
            && (first == "profiles" || first == "extends")
        {
            return Err(place(span, format!("`{first}` cannot be set from the command line"))
                .help("a setting is applied after the profile: name the field without `profiles.<name>.`")
                .into());
        }
        let before = flag + name.chars().count() + 1;
        let (source, value) = Source::parse(COMMAND_LINE, text.to_owned()).map_err(|problems| {
            problems.map(|problem| {
                let span = problem.span.filter(|span| span.line == 1).map(|s| Span { column: s.column + before, ..s });
                Diagnosis { source_line: Some(whole.clone()), span: span.or(Some(all)), ..problem }
            })
        })?;
        let source = Source { positions: source.positions.shifted(before), text: whole, ..source };
        Ok(Self { source, path, span, value })
    }

    /// The smallest change of `document` that makes the override: the path, and the value to lay over it.
    pub(super) fn overlay(&self, document: &Value) -> Result<(Path, Value), Problems> {
        let steps = &self.path.0;
        // Merging layers replaces whole lists, so an override inside a list is laid over the element itself.
        let inside = steps.iter().rposition(|step| matches!(step, Step::Index(_))).map_or(0, |last| last + 1);
        for end in 0..inside {
            let here = Path(steps[..end].to_vec());
            let next = here.with(steps[end].clone());
            if next.get(document).is_none() {
                return Err(self.missing(document, &here, &next).into());
            }
        }
        let mut value = self.value.clone();
        for step in steps[inside..].iter().rev() {
            if let Step::Key(key) = step {
                value = Value::Object(Map::from_iter([(key.clone(), value)]));
            }
        }
        // A text or number on the way would be silently replaced by a mapping.
        for end in inside..steps.len() {
            let here = Path(steps[..end].to_vec());
            let there = here.get(document);
            if matches!(there, Some(Value::Bool(_) | Value::Number(_) | Value::Array(_))) {
                return Err(self.missing(document, &here, &here.with(steps[end].clone())).into());
            }
        }
        Ok((Path(steps[..inside].to_vec()), value))
    }

    fn missing(&self, document: &Value, here: &Path, next: &Path) -> Diagnosis {
        let diagnosis = self.source.diagnose(Some(self.span), format!("there is no `{next}`"));
        let there = here.get(document).unwrap_or(&Value::Null);
        match (there, next.last_key()) {
            (Value::Array(items), None) => diagnosis.help(match items.len() {
                0 => format!("`{here}` is empty"),
                count => format!("`{here}` goes from [0] to [{}]", count - 1),
            }),
            (Value::Array(_), Some(_)) => diagnosis.help(format!("`{here}` is a list: name its element, `{here}[0]`")),
            (Value::Object(map), Some(key)) => diagnosis.one_of(key, &map.keys().collect::<Vec<_>>()),
            (Value::Object(_), None) => diagnosis.help(format!("`{here}` is a mapping, not a list")),
            _ => diagnosis.help(format!("`{here}` is a single value and has no fields")),
        }
    }
}
