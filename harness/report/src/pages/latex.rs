//! The tables of a report for papers: `tables/*.tex`, made from the same Markdown as the tables of the report.
//!
//! Each file holds `table` environments in the style of `booktabs`, to be included with `\input`.

use crate::{
    figures::{data::Data, metrics::Metric, tested::TestedClaim},
    links::with_definitions,
    markdown::{CAPTION, capitalised},
    output::RenderedFile,
    sections::{claims, printed_tables, results},
};
use pulldown_cmark::{Alignment, Event, Options, Parser, Tag, TagEnd};
use std::fmt::Write as _;

/// A table as text, without markup.
#[derive(Debug, Default, PartialEq)]
struct TextTable {
    caption: String,
    /// True for each column of numbers.
    numbers: Vec<bool>,
    /// The rows, head first.
    rows: Vec<Vec<String>>,
}

/// Returns `claims.<protocol>.tex`, `<metric>.<protocol>.tex`, and `printed.tex` with all printed tables.
pub(crate) fn files(data: &Data, claims: &[TestedClaim]) -> Vec<RenderedFile> {
    let mut files = Vec::new();
    for &protocol in &data.study.protocols {
        files.extend(file(&format!("claims.{protocol}"), &claims::under(data, claims, protocol)));
        for metric in data.study.report.metrics.iter().filter_map(|name| Metric::find(name)) {
            files.extend(file(&format!("{}.{protocol}", metric.name), &results::table(data, protocol, metric)));
        }
    }
    files.extend(file("printed", &printed_tables::tables(data)));
    files
}

/// Returns the file with all tables of `markdown`, or `None` if it has no tables.
fn file(name: &str, markdown: &str) -> Option<RenderedFile> {
    let tables = tables(&with_definitions(markdown.to_owned()));
    if tables.is_empty() {
        return None;
    }
    let mut text = String::from("% Rendered by harness from data/; do not edit. Needs \\usepackage{booktabs}.\n");
    for (i, table) in tables.iter().enumerate() {
        // Labels must be unique within a document.
        let label = if tables.len() == 1 { name.to_owned() } else { format!("{name}-{}", i + 1) };
        text += &latex(table, &label);
    }
    Some(RenderedFile::new(format!("tables/{name}.tex"), text.into_bytes()))
}

fn tables(markdown: &str) -> Vec<TextTable> {
    let mut tables = Vec::new();
    let mut table = TextTable::default();
    let (mut paragraph, mut caption) = (String::new(), String::new());
    let mut cell: Option<String> = None;
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_GFM) {
        match event {
            Event::Start(Tag::Paragraph) => paragraph.clear(),
            Event::End(TagEnd::Paragraph) => {
                caption = paragraph.strip_prefix(CAPTION).map(str::to_owned).unwrap_or_default();
            }
            Event::Start(Tag::Table(alignments)) => {
                let numbers = alignments.iter().map(|one| *one == Alignment::Right).collect();
                table = TextTable { caption: std::mem::take(&mut caption), numbers, rows: Vec::new() };
            }
            Event::End(TagEnd::Table) => tables.push(std::mem::take(&mut table)),
            Event::Start(Tag::TableHead | Tag::TableRow) => table.rows.push(Vec::new()),
            Event::Start(Tag::TableCell) => cell = Some(String::new()),
            Event::End(TagEnd::TableCell) => {
                if let (Some(row), Some(text)) = (table.rows.last_mut(), cell.take()) {
                    row.push(text);
                }
            }
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                cell.as_mut().unwrap_or(&mut paragraph).push_str(&text);
            }
            Event::SoftBreak | Event::HardBreak => cell.as_mut().unwrap_or(&mut paragraph).push(' '),
            _ => {}
        }
    }
    tables
}

fn latex(table: &TextTable, label: &str) -> String {
    let columns: String = table.numbers.iter().map(|&number| if number { 'r' } else { 'l' }).collect();
    let mut text = String::new();
    let _ = write!(
        text,
        "\\begin{{table}}\n  \\centering\n  \\caption{{{}}}\n  \\label{{tab:{label}}}\n  \\begin{{tabular}}{{@{{}}{columns}@{{}}}}\n    \\toprule\n",
        capitalised(&escape(&table.caption))
    );
    for (i, row) in table.rows.iter().enumerate() {
        let cells: Vec<_> = row.iter().map(|cell| escape(cell)).collect();
        let _ = writeln!(text, "    {} \\\\", cells.join(" & "));
        if i == 0 {
            text += "    \\midrule\n";
        }
    }
    text += "    \\bottomrule\n  \\end{tabular}\n\\end{table}\n";
    text
}

/// Escapes a text so that LaTeX shows exactly this text. Characters for which pdfLaTeX has no letter become commands.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\textbackslash{}"),
            '{' | '}' | '$' | '&' | '#' | '_' | '%' => out.extend(['\\', c]),
            '^' => out.push_str("\\textasciicircum{}"),
            '~' => out.push_str("\\textasciitilde{}"),
            '<' => out.push_str("\\textless{}"),
            '>' => out.push_str("\\textgreater{}"),
            '|' => out.push_str("\\textbar{}"),
            '"' => out.push_str("\\textquotedbl{}"),
            '\u{2212}' => out.push_str("$-$"),
            '×' => out.push_str("$\\times$"),
            '·' => out.push_str("$\\cdot$"),
            '≤' => out.push_str("$\\le$"),
            '≥' => out.push_str("$\\ge$"),
            '\u{a0}' => out.push('~'),
            '–' => out.push_str("--"),
            '—' => out.push_str("---"),
            '“' => out.push_str("``"),
            '”' => out.push_str("''"),
            '‘' => out.push('`'),
            '’' => out.push('\''),
            '…' => out.push_str("\\dots{}"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_one_kind_become_a_file() {
        let table = "Table: soft Dice, 95\u{a0}% (higher is better)\n\n| Arm | Dice |\n| :-- | --: |\n| A & B_1 | [\u{2212}0.5][m0123abcd.12] |\n";
        let one = file("dice.published", table).unwrap();
        assert_eq!(one.path.to_str(), Some("tables/dice.published.tex"));
        let expected = "% Rendered by harness from data/; do not edit. Needs \\usepackage{booktabs}.\n\\begin{table}\n  \
                        \\centering\n  \\caption{Soft Dice, 95~\\% (higher is better)}\n  \
                        \\label{tab:dice.published}\n  \\begin{tabular}{@{}lr@{}}\n    \\toprule\n    \
                        Arm & Dice \\\\\n    \\midrule\n    A \\& B\\_1 & $-$0.5 \\\\\n    \\bottomrule\n  \\end{tabular}\n\
                        \\end{table}\n";
        assert_eq!(String::from_utf8_lossy(&one.bytes), expected);
        let two = file("printed", &format!("{table}\n{table}")).unwrap();
        let two = String::from_utf8_lossy(&two.bytes);
        assert!(two.contains("\\label{tab:printed-1}") && two.contains("\\label{tab:printed-2}"), "{two}");
        assert_eq!(file("printed", "There is none.\n"), None);
    }

    #[test]
    fn commands_in_names_stay_text() {
        assert_eq!(
            escape("\\input{x} 5% ~^"),
            "\\textbackslash{}input\\{x\\} 5\\% \\textasciitilde{}\\textasciicircum{}"
        );
    }
}
