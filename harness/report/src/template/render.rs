//! Renders the Markdown of a report.

use super::{
    engine::{environment, template_error},
    facts::Facts,
    files, functions,
};
use crate::{
    error::ReportError,
    figures::statistics::{
        sign_flips::ENUMERATED,
        summary::{CONFIDENCE, LEVEL, RESAMPLES},
    },
    links::with_definitions,
    markdown::count,
};
use minijinja::{Error, Value, context, value::Serde};
use std::{path::Path, sync::Arc};

/// Renders the study's template, or `study.md.j2` if the study has none of its own.
pub(crate) fn render(facts: Facts, templates: &Path) -> Result<(String, Facts), ReportError> {
    let name = name_for(templates, &facts.data.study.study);
    let facts = Arc::new(facts);
    let rendered =
        evaluate(&facts, templates, &name).map_err(|e| template_error(templates, &name, &e, &functions::FUNCTIONS));
    let text = with_definitions(tidy(&rendered?));
    // The environment, which held all other references to the facts, is gone.
    match Arc::try_unwrap(facts) {
        Ok(facts) => Ok((text, facts)),
        Err(_) => Err(ReportError::Template {
            path: templates.join(name),
            line: None,
            message: "the template kept its facts".to_owned(),
        }),
    }
}

/// Returns the name of a study's template: its own, or the general one if it has none.
fn name_for(templates: &Path, study: &str) -> String {
    let own = format!("{study}{}", files::ENDING);
    if files::is_plain(&own) && templates.join(&own).is_file() { own } else { format!("study{}", files::ENDING) }
}

fn evaluate(facts: &Arc<Facts>, templates: &Path, name: &str) -> Result<String, Error> {
    let mut environment = environment(templates)?;
    functions::add(&mut environment, facts);
    let study = Value::from(Serde(&facts.data.study));
    let context = context! {
        study, confidence => CONFIDENCE, level => LEVEL.to_string(), resamples => count(RESAMPLES as u64),
        enumerated => count(ENUMERATED as u64),
        test_images => count(facts.data.scores.images().len() as u64),
        changed => Value::from(Serde(&facts.changed)), provenance => facts.data.provenance_address(),
    };
    environment.get_template(name)?.render(context)
}

/// Removes spaces at the ends of lines and repeated empty lines, and ends the file with one line feed.
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
