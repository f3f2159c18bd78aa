//! Compares percentages that another text states in words with its own printed table and with our figures.

use super::{
    answer::{Answer, safe},
    arguments::{check_count, wrong_type},
    facts::Facts,
    operands::operand,
};
use crate::{
    figures::{
        claim::Operand, data::Data, metrics::Metric, published::Printed, statistics::summary::CONFIDENCE,
        tested::Question,
    },
    inputs::published::{PublishedLine, PublishedRow},
    links::{linked, printed_row},
    markdown::{Align, NONE, Table, count, escape, percent_change, signed_percent},
};
use harness_record::vocabulary::Protocol;
use minijinja::{Error, ErrorKind, Value, value::ValueKind};
use std::fmt::Write as _;

/// A change in percent that a text states.
struct Statement {
    of: Operand,
    beside: Operand,
    /// The words of the text.
    quotation: String,
    /// The percentage in the quotation.
    stated: f64,
    /// Half a unit of the percentage's last digit.
    half_unit: f64,
}

/// The result of checking a text's percentage against its own table.
#[derive(Debug, Clone, PartialEq)]
enum Borne {
    /// The percentage follows from the two figures, with rounding allowed for.
    Out,
    /// It does not follow, but it is the change from another figure of the same row. Holds the label of that figure's
    /// metric.
    From(&'static str),
    /// The percentage is neither of these.
    Not,
    /// The table has no such figures.
    Unknown,
}

/// `statements([["half.iou", "full.iou", "an IoU lower by 3.5%"]])`: each statement is a figure, the figure that it is
/// a change from, and the words of the text, which contain one percentage.
pub(super) fn statements(facts: &Facts, given: &[Value]) -> Answer {
    check_count("statements", &["list"], given, 1)?;
    let data = &facts.data;
    let list = &given[0];
    if !is_list(list) {
        return Err(wrong_type("statements", "list", "a list", list));
    }
    let read: Vec<_> = list.try_iter()?.map(|item| Statement::read(facts, &item)).collect::<Result<_, _>>()?;
    if read.is_empty() {
        return safe(String::new());
    }
    let borne: Vec<_> = read.iter().map(|statement| statement.borne(data)).collect();
    let mut columns = vec![
        ("Arm".to_owned(), Align::Left),
        ("Statement in the text".to_owned(), Align::Left),
        ("From its own table".to_owned(), Align::Right),
        ("Supported".to_owned(), Align::Left),
    ];
    columns.extend(data.study.protocols.iter().map(|name| (format!("Here, {name}"), Align::Right)));
    let mut table = Table::new(columns);
    table.rows = read.iter().zip(&borne).map(|(statement, borne)| statement.cells(data, borne)).collect();
    let caption = format!(
        "percentages that the published text states, what its own table gives for the same change, and the change in this \
         report with its {CONFIDENCE} interval, paired over the test images. The intervals are not corrected for their number, and \
         no verdict follows from them"
    );
    safe(format!("{}\n\n{}", summary(&borne), table.captioned(&caption)))
}

/// Returns true for lists. Without this check, a text would be iterated letter by letter.
fn is_list(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable)
}

/// Says how many statements the text's own table supports.
fn summary(borne: &[Borne]) -> String {
    let known = borne.iter().filter(|b| **b != Borne::Unknown).count();
    if known == 0 {
        return "This report has no printed table to check the statements against.".to_owned();
    }
    let out = borne.iter().filter(|b| **b == Borne::Out).count();
    let others = borne.iter().filter(|b| matches!(b, Borne::From(_))).count();
    let number = |n: usize| count(n as u64);
    let mut text = format!("The text's own table supports {} of the {} percentages.", number(out), number(known));
    if others > 0 {
        // Writing to memory cannot fail.
        let _ = write!(
            text,
            " {} {} something else: the difference of a figure from another metric of the same network, not a change \
             from one network to another.",
            if others == known - out {
                format!("The other {}", number(others))
            } else {
                format!("Of the others, {}", number(others))
            },
            if others == 1 { "measures" } else { "measure" }
        );
    }
    text
}

impl Statement {
    fn read(facts: &Facts, item: &Value) -> Result<Self, Error> {
        let refuse = |message: String| Error::new(ErrorKind::InvalidOperation, message);
        let texts: Option<Vec<String>> = Some(item)
            .filter(|item| is_list(item))
            .and_then(|item| item.try_iter().ok())
            .and_then(|parts| parts.map(|part| part.as_str().map(str::to_owned)).collect());
        let parts: Option<[String; 3]> = texts.and_then(|texts| texts.try_into().ok());
        let [of, beside, quotation] = parts.ok_or_else(|| {
            refuse(format!(
                "a statement needs three texts: [figure, figure that it is a change from, quotation]; found {item}"
            ))
        })?;
        let (stated, half_unit) = percentage(&quotation).ok_or_else(|| {
            refuse(format!("a quotation must contain one percentage, such as `-3.5%`; found `{quotation}`"))
        })?;
        Ok(Self { of: operand(facts, &of)?, beside: operand(facts, &beside)?, quotation, stated, half_unit })
    }

    fn cells(&self, data: &Data, borne: &Borne) -> Vec<String> {
        let by_table = self.by_table(data);
        let verdict = match borne {
            Borne::Out => "yes".to_owned(),
            Borne::From(metric) => format!("no: it is the difference from its own {metric}"),
            Borne::Not => "no".to_owned(),
            Borne::Unknown => "no printed table".to_owned(),
        };
        let mut cells = vec![
            escape(data.arm_label(&self.of.arm)),
            format!("“{}”", escape(&self.quotation)),
            by_table.unwrap_or(NONE.to_owned()),
            verdict,
        ];
        cells.extend(data.study.protocols.iter().map(|&protocol| self.ours(data, protocol)));
        cells
    }

    /// Returns the change in percent between the printed figures, as a link to them.
    fn by_table(&self, data: &Data) -> Option<String> {
        let sides = [printed_line(data, &self.of)?, printed_line(data, &self.beside)?];
        let [of, beside] = sides.map(|line| Printed::read(&line.row.value));
        Some(linked(&percent_change(beside?.value, of?.value)?, &sides.map(printed_row)))
    }

    /// Returns the change in this report: `−3.51 % (−5.02 % to −2.10 %)`, or why it has no interval.
    fn ours(&self, data: &Data, protocol: Protocol) -> String {
        let question = Question { data, protocol, species: None };
        let Some((change, paired)) = question.relative_change([&self.of, &self.beside]) else {
            return "not run".to_owned();
        };
        let more = paired.map(|found| match (found.interval(), found.untested()) {
            (Some((low, high)), _) => format!(" ({} to {})", signed_percent(low), signed_percent(high)),
            (None, why) => format!(" ({}, not tested)", why.unwrap_or_default()),
        });
        let text = signed_percent(change) + &more.unwrap_or_default();
        linked(&text, &data.rows_of([&self.of, &self.beside], protocol))
    }

    fn borne(&self, data: &Data) -> Borne {
        let Some((of, beside)) = printed(data, &self.of).zip(printed(data, &self.beside)) else {
            return Borne::Unknown;
        };
        // A figure does not differ from itself, however it was rounded.
        let follows =
            if self.of == self.beside { self.stated.abs() <= self.half_unit } else { self.is_change(&beside, &of) };
        if follows {
            return Borne::Out;
        }
        let condition = data.condition_of(&self.of);
        let own = data.printed_rows().filter(|row| {
            row.split == "test"
                && row.metric != self.of.metric
                && data.place_of(row) == Some((self.of.arm.as_str(), condition))
        });
        // Because of rounding, several may be close enough. The closest one is most likely the one that was meant.
        let near = |row: &PublishedRow| {
            let other = Printed::read(&row.value)?;
            let metric = Metric::find(&row.metric).filter(|_| self.is_change(&other, &of))?;
            Some((((of.value / other.value - 1.0) * 100.0 - self.stated).abs(), metric.label))
        };
        let nearest = own.filter_map(near).min_by(|a, b| a.0.total_cmp(&b.0));
        nearest.map_or(Borne::Not, |(_, label)| Borne::From(label))
    }

    /// Returns true if the stated percentage is the change between two printed figures, with the rounding of all three
    /// allowed for.
    fn is_change(&self, from: &Printed<'_>, to: &Printed<'_>) -> bool {
        let low_base = from.value - from.half_unit;
        if low_base <= 0.0 {
            return false;
        }
        let change = |to: f64, from: f64| (to / from - 1.0) * 100.0;
        // Rounding noise of the division must not affect the result.
        let room = self.half_unit + 1e-9;
        let lowest = change(to.value - to.half_unit, from.value + from.half_unit);
        let highest = change(to.value + to.half_unit, low_base);
        lowest <= self.stated + room && self.stated - room <= highest
    }
}

fn printed<'a>(data: &'a Data, at: &Operand) -> Option<Printed<'a>> {
    Printed::read(&printed_line(data, at)?.row.value)
}

fn printed_line<'a>(data: &'a Data, at: &Operand) -> Option<&'a PublishedLine> {
    data.printed_line(&at.arm, data.condition_of(at), &at.metric)
}

/// Returns the only percentage of a text, and half a unit of its last digit.
fn percentage(text: &str) -> Option<(f64, f64)> {
    let (before, after) = text.split_once('%')?;
    if after.contains('%') {
        return None;
    }
    let before = before.trim_end();
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | '\u{2212}');
    let start = before.char_indices().rev().take_while(|(_, c)| is_part(*c)).last()?.0;
    let digits = before[start..].replace('\u{2212}', "-");
    let read = Printed::read(&digits)?;
    Some((read.value, read.half_unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quotation_holds_one_percentage() {
        let near = |text: &str, value: f64, half: f64| {
            let (found, unit) = percentage(text).unwrap();
            assert!((found - value).abs() < 1e-12 && (unit - half).abs() < 1e-12, "{text}: {found} {unit}");
        };
        near("a drop in IoU Score (-11.10%)", -11.1, 0.005);
        near("by \u{2212}4.05 % in all", -4.05, 0.005);
        near("up 3\u{a0}%", 3.0, 0.5);
        for none in ["no percentage", "from 3% to 4%", "%", "much% more", "1-2%"] {
            assert_eq!(percentage(none), None, "{none}");
        }
    }
}
