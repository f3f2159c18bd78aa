//! The tables of a report for papers: `tables/*.tex`, made from its Markdown.
//!
//! Each file holds one `table` environment in the style of `booktabs`, to be taken by `\input`.

use crate::{markdown::capitalised, output::RenderedFile};
use pulldown_cmark::{Alignment, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use std::fmt::Write as _;

/// Start of a paragraph that is the caption of the table after it.
pub(crate) const CAPTION: &str = "Table: ";
/// Letters of a caption that name its file.
const NAME: usize = 48;

/// A table as text, without markup.
#[derive(Debug, Default, PartialEq)]
struct TextTable {
    caption: String,
    /// Whether each column is of numbers.
    numbers: Vec<bool>,
    /// The head first.
    rows: Vec<Vec<String>>,
}

/// Section of tables that describe the folder, not the study.
const PROVENANCE: &str = "Provenance";

/// A file for each table that has a column of numbers, numbered in the order of the report; but for the provenance.
pub(crate) fn files(markdown: &str) -> Vec<RenderedFile> {
    let tables = tables(markdown).into_iter().filter(|table| table.numbers.contains(&true));
    let file = |(i, table): (usize, TextTable)| {
        let name = format!("{:02}-{}", i + 1, slug(&table.caption));
        RenderedFile::new(format!("tables/{name}.tex"), latex(&table, &name).into_bytes())
    };
    tables.enumerate().map(file).collect()
}

fn tables(markdown: &str) -> Vec<TextTable> {
    let mut tables = Vec::new();
    let mut table = TextTable::default();
    let (mut paragraph, mut caption) = (String::new(), String::new());
    let mut cell: Option<String> = None;
    let (mut heading, mut section) = (String::new(), String::new());
    let mut in_heading = false;
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_GFM) {
        match event {
            Event::Start(Tag::Heading { .. }) => {
                heading.clear();
                in_heading = true;
            }
            Event::End(TagEnd::Heading(level)) => {
                in_heading = false;
                if level == HeadingLevel::H2 {
                    section.clone_from(&heading);
                }
            }
            Event::Text(text) if in_heading => heading.push_str(&text),
            Event::Start(Tag::Paragraph) => paragraph.clear(),
            Event::End(TagEnd::Paragraph) => {
                caption = paragraph.strip_prefix(CAPTION).map(str::to_owned).unwrap_or_default();
            }
            Event::Start(Tag::Table(alignments)) => {
                let numbers = alignments.iter().map(|one| *one == Alignment::Right).collect();
                table = TextTable { caption: std::mem::take(&mut caption), numbers, rows: Vec::new() };
            }
            Event::End(TagEnd::Table) if section == PROVENANCE => table = TextTable::default(),
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

fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    // Whole words only.
    let end = if slug.len() > NAME { slug[..NAME].rfind('-').unwrap_or(NAME) } else { slug.len() };
    let slug = slug[..end].trim_end_matches('-');
    if slug.is_empty() { "table".to_owned() } else { slug.to_owned() }
}

fn latex(table: &TextTable, name: &str) -> String {
    let columns: String = table.numbers.iter().map(|&number| if number { 'r' } else { 'l' }).collect();
    let mut text = String::from("% Rendered by harness from data/; do not edit. Needs \\usepackage{booktabs}.\n");
    let _ = write!(
        text,
        "\\begin{{table}}\n  \\centering\n  \\caption{{{}}}\n  \\label{{tab:{name}}}\n  \\begin{{tabular}}{{@{{}}{columns}@{{}}}}\n    \\toprule\n",
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

/// Text as LaTeX that sets exactly this text. Signs that pdfLaTeX has no letter for become commands.
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
    fn a_table_of_numbers_becomes_a_file() {
        let markdown = "Table: soft Dice, 95\u{a0}% (higher is better)\n\n| Arm | Dice |\n| :-- | --: |\n\
                        | A & B_1 | [\u{2212}0.5][m12] |\n\n| a | b |\n|---|---|\n| x | y |\n\n[m12]: data/metrics.csv#L12\n";
        let whole = format!(
            "{markdown}\n## Provenance\n\n### Runs\n\nTable: runs\n\n| Run | Time |\n| :-- | --: |\n| a | 1 s |\n"
        );
        let files = files(&whole);
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].path.to_str(), Some("tables/01-soft-dice-95-higher-is-better.tex"));
        let expected = "% Rendered by harness from data/; do not edit. Needs \\usepackage{booktabs}.\n\\begin{table}\n  \
                        \\centering\n  \\caption{Soft Dice, 95~\\% (higher is better)}\n  \
                        \\label{tab:01-soft-dice-95-higher-is-better}\n  \\begin{tabular}{@{}lr@{}}\n    \\toprule\n    \
                        Arm & Dice \\\\\n    \\midrule\n    A \\& B\\_1 & $-$0.5 \\\\\n    \\bottomrule\n  \\end{tabular}\n\
                        \\end{table}\n";
        assert_eq!(String::from_utf8_lossy(&files[0].bytes), expected);
    }

    #[test]
    fn names_of_files_are_short_and_plain() {
        assert_eq!(slug("../../Étoile: x"), "toile-x");
        assert_eq!(slug("!!"), "table");
        let long = slug(&"several words ".repeat(10));
        assert!(long.len() <= NAME && long.ends_with("-words"), "{long}");
    }

    #[test]
    fn commands_in_names_stay_text() {
        assert_eq!(
            escape("\\input{x} 5% ~^"),
            "\\textbackslash{}input\\{x\\} 5\\% \\textasciitilde{}\\textasciicircum{}"
        );
    }
}
