//! Templates: the text of a report, with functions for everything that is computed.
//!
//! In a Markdown template every value is escaped unless a function of this module made it as Markdown, so a title with
//! markup in it stays text whoever wrote the study.

mod claims;
mod figures;
mod functions;
mod operands;

use crate::{
    charts::Chart,
    data::Data,
    error::ReportError,
    gallery::Sheet,
    markdown::{count, escape},
    statistics::{CONFIDENCE, LEVEL, RESAMPLES},
    tested::TestedClaim,
    trace::with_definitions,
};
use harness_record::suggest::closest;
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value, context, syntax::SyntaxConfig,
    value::Serde,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// All that a template can ask for.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) data: Data,
    pub(crate) claims: Vec<TestedClaim>,
    pub(crate) charts: Vec<Chart>,
    pub(crate) sheets: Vec<Sheet>,
}

/// Renders the study's template, or `study.md.j2` where it has none of its own.
pub(crate) fn render(facts: Facts, templates: &Path) -> Result<(String, Facts), ReportError> {
    let own = format!("{}.md.j2", facts.data.study.study);
    let name = if is_plain(&own) && templates.join(&own).is_file() { own } else { "study.md.j2".to_owned() };
    let facts = Arc::new(facts);
    let rendered =
        evaluate(&facts, templates, &name).map_err(|e| template_error(templates, &name, &e, &functions::FUNCTIONS));
    let text = with_definitions(tidy(&rendered?));
    // The environment, and with it every other owner, is gone.
    match Arc::try_unwrap(facts) {
        Ok(facts) => Ok((text, facts)),
        Err(_) => Err(ReportError::Template {
            path: templates.join(name),
            line: None,
            message: "the template kept its facts".to_owned(),
        }),
    }
}

/// Names of values and of the fields of `study`, for suggestions.
const VALUES: [&str; 21] = [
    "study",
    "confidence",
    "level",
    "resamples",
    "test_images",
    "title",
    "question",
    "expectation",
    "profile",
    "setting",
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
];

fn evaluate(facts: &Arc<Facts>, templates: &Path, name: &str) -> Result<String, Error> {
    let mut environment = environment(templates)?;
    functions::add(&mut environment, facts);
    let study = Value::from(Serde(&facts.data.study));
    let context = context! {
        study, confidence => CONFIDENCE, level => LEVEL.to_string(), resamples => count(RESAMPLES as u64),
        test_images => count(facts.data.scores.images().len() as u64),
    };
    environment.get_template(name)?.render(context)
}

/// An environment that finds templates by name under `templates`, and refuses what is undefined.
pub(crate) fn environment(templates: &Path) -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    let folder = templates.to_owned();
    environment.set_loader(move |name| load(&folder, name));
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // A tag alone on its line leaves no line behind.
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_auto_escape_callback(|name| match name {
        name if name.ends_with(".md.j2") => AutoEscape::Custom("markdown".into()),
        _ => AutoEscape::Html,
    });
    environment.set_formatter(format_value);
    Ok(environment)
}

fn load(folder: &Path, name: &str) -> Result<Option<String>, Error> {
    if !is_plain(name) {
        return Ok(None);
    }
    match std::fs::read_to_string(folder.join(name)) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::new(ErrorKind::InvalidOperation, "cannot read the template").with_source(e)),
    }
}

/// Whether a template's name stays in its folder.
fn is_plain(name: &str) -> bool {
    let part = |p: &str| !p.is_empty() && !p.starts_with('.') && !p.contains(['\\', ':']);
    name.split('/').all(part)
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

/// Text as HTML, also within the quotation marks of an attribute. minijinja's own writes a slash as `&#x2f;`, which makes
/// addresses and file names hard to read in the source.
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

/// No line ends in spaces, no two empty lines follow each other, and the file ends in one line feed.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = true;
    for line in text.lines().map(str::trim_end) {
        if line.is_empty() && empty {
            continue;
        }
        empty = line.is_empty();
        out.push_str(line);
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

pub(crate) fn template_error(templates: &Path, name: &str, error: &Error, functions: &[&str]) -> ReportError {
    let file = error.name().unwrap_or(name);
    let mut message = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        message = format!("{message}: {inner}");
        source = inner.source();
    }
    let names = match error.kind() {
        ErrorKind::UnknownFunction => functions,
        ErrorKind::UndefinedError => &VALUES,
        _ => &[],
    };
    // minijinja begins with the name: "vlaue is unknown", "`study.titel` is undefined".
    let asked = message.split_whitespace().next().unwrap_or_default().trim_matches('`').to_owned();
    let asked = asked.rsplit('.').next().unwrap_or_default();
    if let Some(meant) = closest(asked, names.iter().copied()) {
        message = format!("{message} (did you mean `{meant}`?)");
    }
    ReportError::Template { path: PathBuf::from(templates).join(file), line: error.line(), message }
}
