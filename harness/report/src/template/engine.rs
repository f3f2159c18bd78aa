//! The environment of all templates, and their error messages.

use super::files;
use crate::{error::ReportError, markdown::escape};
use harness_record::suggest::closest;
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value, syntax::SyntaxConfig,
};
use std::path::{Path, PathBuf};

/// Creates an environment that finds templates by name under `templates`, and rejects undefined values.
pub(crate) fn environment(templates: &Path) -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    let folder = templates.to_owned();
    environment.set_loader(move |name| files::load(&folder, name));
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // Errors then have a line, in release builds, too.
    environment.set_debug(true);
    // A tag alone on its line leaves no empty line behind.
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_auto_escape_callback(|name| match name {
        name if name.ends_with(".md.j2") => AutoEscape::Custom("markdown".into()),
        _ => AutoEscape::Html,
    });
    environment.set_formatter(format_value);
    Ok(environment)
}

fn format_value(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    let text = value.to_string();
    let text = match state.auto_escape() {
        _ if value.is_safe() => text,
        AutoEscape::Custom(_) => escape(&text),
        _ => escape_html(&text),
    };
    out.write_str(&text).map_err(Error::from)
}

/// Escapes text as HTML, including inside the quotes of an attribute. minijinja's own function writes a slash as
/// `&#x2f;`, which makes addresses and file names hard to read in the source.
fn escape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Renders the template of a page.
pub(crate) fn page(templates: &Path, name: &str, context: Value) -> Result<String, ReportError> {
    let rendered = environment(templates).and_then(|environment| environment.get_template(name)?.render(context));
    rendered.map_err(|error| template_error(templates, name, &error, &[]))
}

/// Returns the error of a template with its place. If the error is in an included file or in a macro, this is the name
/// and line of that file.
pub(crate) fn template_error(templates: &Path, name: &str, error: &Error, functions: &[&str]) -> ReportError {
    let (innermost, includers) = unwind(error);
    let file = innermost.name().unwrap_or(name);
    let mut message = innermost.detail().map_or_else(|| innermost.kind().to_string(), str::to_owned);
    let mut source = std::error::Error::source(innermost);
    while let Some(inner) = source {
        message = format!("{message}: {inner}");
        source = inner.source();
    }
    let mut kind = innermost.kind();
    if let Some(name) = called_in_vain(innermost) {
        message = format!("{name} is unknown");
        kind = ErrorKind::UnknownFunction;
    }
    if let Some(meant) = meant(kind, &message, templates, functions) {
        message = format!("{message} (did you mean `{meant}`?)");
    }
    if !includers.is_empty() {
        message = format!("{message} (included from {})", includers.join(", from "));
    }
    ReportError::Template { path: PathBuf::from(templates).join(file), line: innermost.line(), message }
}

/// Returns the name of an unknown function that a macro calls. minijinja treats it as an undefined value and does not
/// give its name, so the name is read from the source.
fn called_in_vain(error: &Error) -> Option<&str> {
    error.detail().filter(|detail| *detail == "value of type undefined is not callable")?;
    let call = error.template_source()?.get(error.range()?)?;
    let end = call.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(call.len());
    Some(&call[..end]).filter(|name| !name.is_empty())
}

/// Returns the original error, and the places that included its template, nearest first.
fn unwind(error: &Error) -> (&Error, Vec<String>) {
    let mut innermost = error;
    let mut includers = Vec::new();
    while innermost.kind() == ErrorKind::BadInclude {
        let Some(inner) = std::error::Error::source(innermost).and_then(|e| e.downcast_ref::<Error>()) else { break };
        let line = innermost.line().map(|line| format!(":{line}")).unwrap_or_default();
        includers.insert(0, format!("{}{line}", innermost.name().unwrap_or_default()));
        innermost = inner;
    }
    (innermost, includers)
}

/// The names of values, of the fields of `study`, and of fields that functions return, for suggestions.
const VALUES: [&str; 34] = [
    "study",
    "confidence",
    "level",
    "resamples",
    "enumerated",
    "test_images",
    "changed",
    "provenance",
    "title",
    "question",
    "expectation",
    "profile",
    "fidelity",
    "command",
    "protocols",
    "seeds",
    "arms",
    "conditions",
    "classes",
    "settings",
    "deterministic",
    "notes",
    "report",
    "label",
    "name",
    "value",
    "run",
    "reason",
    "sign",
    "difference",
    "size",
    "interval",
    "images",
    "phrase",
];

/// The filters and tests of minijinja that a report may need, for suggestions.
const FILTERS: [&str; 28] = [
    "abs",
    "default",
    "defined",
    "divisibleby",
    "even",
    "first",
    "float",
    "in",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "none",
    "odd",
    "reject",
    "replace",
    "round",
    "select",
    "sort",
    "string",
    "trim",
    "unique",
    "upper",
];

/// Returns the name that a template probably meant.
fn meant(kind: ErrorKind, message: &str, templates: &Path, functions: &[&str]) -> Option<String> {
    // The messages of minijinja: "vlaue is unknown", "`study.titel` is undefined", "filter joim is unknown", "tried to
    // include non-existing template 'partials/none.md.j2'".
    let words: Vec<_> = message.split_whitespace().map(|word| word.trim_matches(['`', '\'', '"'])).collect();
    let first = words.first()?;
    match kind {
        ErrorKind::UnknownFunction => closest(first, functions.iter().copied()),
        ErrorKind::UndefinedError => closest(first.rsplit('.').next()?, VALUES),
        ErrorKind::UnknownFilter | ErrorKind::UnknownTest => closest(words.get(1)?, FILTERS),
        ErrorKind::TemplateNotFound => {
            let asked = words.iter().find(|word| Path::new(word).extension().is_some_and(|end| end == "j2"))?;
            closest(asked, files::names(templates).unwrap_or_default())
        }
        _ => None,
    }
}
