//! Checks that every figure of a report comes from a function of its template and none is typed.

use crate::templates;
use std::{fs, path::Path};

/// Returns the words of a template's text that contain a digit, each with its line. Digits are allowed in names, which
/// begin with a letter (`blur-0`), in code, in the address of a link, in a tag, and between `{# digits: WHY #}` and
/// `{# digits: end #}`. A tag that prints a number is not allowed.
fn typed(template: &str) -> Vec<(usize, String)> {
    let lines = |passage: &str| "\n".repeat(passage.matches('\n').count());
    let mut text = template.to_owned();
    for [open, close] in [["{# digits:", "{# digits: end #}"], ["{#", "#}"], ["{%", "%}"]] {
        text = replaced(&text, open, close, lines);
    }
    let number = |tag: &str| tag.trim_matches(['-', ' ']).parse::<f64>().is_ok();
    text = replaced(&text, "{{", "}}", |tag| if number(tag) { tag.to_owned() } else { lines(tag) });
    text = replaced(&text, "`", "`", lines);
    text = replaced(&text, "](", ")", lines);
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let words = line.split(|c: char| !c.is_alphanumeric() && !matches!(c, '-' | '.' | ',' | '_'));
        let figures = words.filter(|word| word.contains(|c: char| c.is_ascii_digit()));
        let figures =
            figures.map(|word| word.trim_matches(['-', '.', ','])).filter(|w| !w.starts_with(char::is_alphabetic));
        found.extend(figures.map(|word| (at + 1, word.to_owned())));
    }
    found
}

/// Returns the text with each passage from `open` to `close` replaced.
fn replaced(text: &str, open: &str, close: &str, with: impl Fn(&str) -> String) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(open) {
        let (passage, behind) = after.split_once(close).unwrap_or((after, ""));
        out += before;
        out += &with(passage);
        rest = behind;
    }
    out + rest
}

fn markdown_templates(folder: &Path) -> Vec<(String, String)> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let named = |path: &Path| path.to_str().is_some_and(|name| name.ends_with(".md.j2"));
    files
        .filter(|path| named(path))
        .map(|path| (path.display().to_string(), fs::read_to_string(path).unwrap()))
        .collect()
}

#[test]
fn no_figure_is_typed_in_a_template() {
    let all = [markdown_templates(&templates()), markdown_templates(&templates().join("partials"))].concat();
    assert!(all.len() > 15, "only {} templates were found", all.len());
    for (name, text) in all {
        assert_eq!(typed(&text), [], "{name}: a digit in its text; let a function print it");
    }
}

#[test]
fn a_typed_figure_is_found_with_its_line() {
    let found = |text: &str| typed(text).into_iter().map(|(line, word)| format!("{line}: {word}")).collect::<Vec<_>>();
    assert_eq!(found("# T\n\nThe gain is 0.012, as expected.\n"), ["3: 0.012"]);
    assert_eq!(found("{% if a\n %}x{% endif %}\nwith 95 % (−3.5)"), ["3: 95", "3: 3.5"]);
    assert_eq!(found("It is {{ 0.864 }}, or {{- 7 -}}."), ["1: 0.864", "1: 7"]);
    assert_eq!(found("{# digits: a year #}2017{# digits: end #} but 2018"), ["1: 2018"]);
    for none in
        ["blur-0 and CIFAR-10", "`x = 3` [a](b/3.csv)", "{{ value(\"a.dice\", 3) }}", "{# 3 #}", "{% set n = 3 %}"]
    {
        assert_eq!(found(none), [""; 0], "{none}");
    }
}
