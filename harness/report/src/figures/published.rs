//! Compares printed figures with reproduced ones.
//!
//! A printed figure is that of one training, on the test images that we use, too. So what differs by chance is the training
//! seed, and ours says where one more seed would lie: a prediction interval over seeds. It is held against the printed
//! figure with a margin of equivalence: a difference within the margin does not matter.

use super::{data::Data, figure::Figure, metrics::Metric, statistics::crossed::too_few_seeds};
use crate::{
    error::ReportError,
    inputs::{
        file,
        published::{PublishedLine, PublishedRow, PublishedVerdict, Recorded},
        spec::{MARGIN, PublishedRows},
        study::Fidelity,
    },
};
use harness_record::vocabulary::{Condition, Protocol, Split};
use std::{fmt, path::Path};

/// A printed figure with its rounding.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Printed<'a> {
    /// The figure as it was printed.
    pub(crate) text: &'a str,
    pub(crate) value: f64,
    /// Half a unit of the last digit.
    pub(crate) half_unit: f64,
}

/// The words for [`Agreement`], best first.
pub(crate) const VERDICTS: [&str; 6] =
    ["reproduced", "differs", "undecided", "not tested", "not comparable", "not run"];

/// The result of comparing a printed figure with the reproduced one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Agreement {
    /// A new seed is expected within the margin of the printed figure: the whole 95 % prediction interval lies there.
    Reproduced,
    /// A new seed is expected farther from the printed figure than the margin: no part of the interval lies within it.
    Differs,
    /// Part of the interval lies within the margin, and part of it does not.
    Undecided,
    /// There are too few seeds. The text says how many: `one network`.
    NotTested(&'static str),
    /// The figures cannot be compared. The text names the difference.
    NotComparable(&'static str),
    /// There is no run.
    NotRun,
}

impl Agreement {
    /// Returns the verdict with its reason, if it has one: `not comparable: other data and size`.
    pub(crate) fn in_words(self) -> String {
        match self.why() {
            "" => self.to_string(),
            why => format!("{self}: {why}"),
        }
    }

    /// Returns why the figures are not tested or not comparable, or an empty text if they are.
    fn why(self) -> &'static str {
        match self {
            Self::NotTested(why) | Self::NotComparable(why) => why,
            _ => "",
        }
    }
}

/// Writes the verdict alone.
impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self {
            Self::Reproduced => 0,
            Self::Differs => 1,
            Self::Undecided => 2,
            Self::NotTested(_) => 3,
            Self::NotComparable(_) => 4,
            Self::NotRun => 5,
        };
        f.write_str(VERDICTS[place])
    }
}

/// Returns the difference that prevents a comparison with printed figures. Only figures of [`Fidelity::Full`] under the
/// published protocol can be compared.
fn difference_of(fidelity: Fidelity, protocol: Protocol) -> Option<&'static str> {
    match (fidelity, protocol == Protocol::Published) {
        (Fidelity::Full, true) => None,
        (Fidelity::Full, false) => Some("other protocol"),
        (Fidelity::Other, true) => Some("other data or settings"),
        (Fidelity::Other, false) => Some("other data or settings, other protocol"),
        (Fidelity::Sample | Fidelity::Synthetic, true) => Some("other data and size"),
        (Fidelity::Sample | Fidelity::Synthetic, false) => Some("other data, size and protocol"),
        (Fidelity::Unknown, true) => Some("does not match the current spec"),
        (Fidelity::Unknown, false) => Some("does not match the current spec, other protocol"),
    }
}

impl<'a> Printed<'a> {
    /// Parses a printed figure. Returns `None` if the text is not a number.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        let value: f64 = text.trim().parse().ok().filter(|v: &f64| v.is_finite())?;
        let decimals = text.trim().split_once('.').map_or(0, |(_, digits)| digits.len());
        let half_unit = (0..decimals).fold(0.5, |unit, _| unit / 10.0);
        Some(Self { text: text.trim(), value, half_unit })
    }

    /// Returns the verdict, given where one more seed of ours would lie. A printed figure stands for all numbers that round
    /// to it.
    fn held_against(&self, (low, high): (f64, f64), margin: f64) -> Agreement {
        let room = self.half_unit + margin;
        let (least, most) = (self.value - room, self.value + room);
        match () {
            () if least <= low && high <= most => Agreement::Reproduced,
            () if high < least || most < low => Agreement::Differs,
            () => Agreement::Undecided,
        }
    }
}

impl Data {
    /// Returns the rows of the printed tables, in the order of the file.
    pub(crate) fn printed_rows(&self) -> impl Iterator<Item = &PublishedRow> {
        self.published.iter().map(|line| &line.row)
    }

    /// Returns the row and line of the printed test figure of an arm under a condition.
    pub(crate) fn printed_line(&self, arm: &str, condition: Condition, metric: &str) -> Option<&PublishedLine> {
        self.published.iter().find(|PublishedLine { row, .. }| {
            row.metric == metric && row.split == "test" && self.place_of(row) == Some((arm, condition))
        })
    }

    /// Returns the printed test figure of an arm under a condition.
    pub(crate) fn printed(&self, arm: &str, condition: Condition, metric: &str) -> Option<Printed<'_>> {
        Printed::read(&self.printed_line(arm, condition, metric)?.row.value)
    }

    /// Returns the figure of the data that corresponds to a printed one, under the published protocol.
    pub(crate) fn reproduced(&self, row: &PublishedRow) -> Option<Figure<'_>> {
        let (arm, condition) = self.place_of(row)?;
        let metric = Metric::find(&row.metric)?;
        match row.split.as_str() {
            "test" => self.tested(arm, condition, metric, Protocol::Published),
            // Training uses only the first condition.
            "train" if condition == self.first_condition() => {
                self.trained(arm, Split::Train, metric, Protocol::Published)
            }
            "val" if condition == self.first_condition() => {
                self.trained(arm, Split::Validation, metric, Protocol::Published)
            }
            _ => None,
        }
    }

    /// Returns the verdict on a printed figure, given the figure that was reproduced under `protocol`.
    pub(crate) fn agreement(
        &self,
        row: &PublishedRow,
        reproduced: Option<&Figure<'_>>,
        protocol: Protocol,
    ) -> Agreement {
        let Some(figure) = reproduced else { return Agreement::NotRun };
        if let Some(why) = difference_of(self.study.fidelity, protocol) {
            return Agreement::NotComparable(why);
        }
        let Some(printed) = Printed::read(&row.value) else {
            return Agreement::NotComparable("no number was printed");
        };
        match figure.of_new_seed() {
            Some(interval) => printed.held_against(interval, self.margin(&row.table)),
            None => Agreement::NotTested(too_few_seeds(figure.rows.len())),
        }
    }

    /// Returns the margin of equivalence that the spec states for a printed table.
    pub(crate) fn margin(&self, table: &str) -> f64 {
        self.study.report.published.iter().find(|t| t.table == table).map_or(MARGIN, |t| t.margin)
    }

    /// Returns the arm and condition that a printed row is about, if its table belongs to the study.
    pub(crate) fn place_of<'a>(&'a self, row: &'a PublishedRow) -> Option<(&'a str, Condition)> {
        let table = self.study.report.published.iter().find(|t| t.table == row.table)?;
        Some(match table.rows {
            PublishedRows::Arm => (row.variant.as_str(), self.first_condition()),
            PublishedRows::Condition => (table.arm.as_deref()?, row.variant.parse().ok()?),
        })
    }
}

/// A printed figure with its verdict and the basis of the verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The printed figure, the reproduced one and the verdict.
    pub row: PublishedVerdict,
    /// The stated margin of equivalence, in the unit of the metric.
    pub margin: f64,
    /// The number of test images in the mean of the reproduced figure; `None` if it is not a mean over images.
    pub images: Option<usize>,
    /// The number of seeds in the mean.
    pub seeds: usize,
    /// The reason why it is not tested or not comparable; empty if it is.
    pub why: &'static str,
}

/// Returns the verdict on every printed figure of the data folder `data_dir`, in the order of its `published.csv`, for
/// a study that ran in `fidelity`.
///
/// Figures of split `test` are compared with the test results. Figures of `train` and `val` are compared with those of the
/// fine-tuning epoch whose weights were kept. All comparisons use the published protocol.
///
/// # Errors
/// Fails for the same reasons as [`render`](crate::render), for the files of the data folder.
pub fn verdicts(data_dir: &Path, fidelity: Fidelity) -> Result<Vec<Judged>, ReportError> {
    let data = Data::read(data_dir, fidelity)?;
    Ok(data.printed_rows().map(|row| judge(&data, row)).collect())
}

/// Returns the verdicts on `printed`, in their order, for writing a new `published.csv`. The printed figures in the
/// folder are ignored.
///
/// # Errors
/// Fails for the same reasons as [`verdicts`].
pub fn verdicts_on(
    printed: &[PublishedRow],
    data_dir: &Path,
    fidelity: Fidelity,
) -> Result<Vec<PublishedVerdict>, ReportError> {
    let mut data = Data::read(data_dir, fidelity)?;
    let line = |row: &PublishedRow| PublishedLine { line: 0, row: row.clone(), recorded: Recorded::default() };
    data.published = printed.iter().map(line).collect();
    Ok(printed.iter().map(|row| judge(&data, row).row).collect())
}

fn judge(data: &Data, row: &PublishedRow) -> Judged {
    let figure = data.reproduced(row);
    let agreement = data.agreement(row, figure.as_ref(), Protocol::Published);
    let interval = figure.as_ref().and_then(Figure::of_new_seed);
    Judged {
        margin: data.margin(&row.table),
        images: figure.as_ref().and_then(|f| f.images),
        seeds: figure.as_ref().map_or(0, |f| f.rows.len()),
        why: agreement.why(),
        row: PublishedVerdict {
            table: row.table.clone(),
            study: row.study.clone(),
            variant: row.variant.clone(),
            model: row.model.clone(),
            split: row.split.clone(),
            metric: row.metric.clone(),
            value: row.value.clone(),
            verdict: agreement.to_string(),
            reproduced: figure.map(|f| f.mean),
            low: interval.map(|i| i.0),
            high: interval.map(|i| i.1),
        },
    }
}

/// Checks the verdicts that `published.csv` records, if any, against those that follow from the data.
pub(crate) fn check_recorded(data: &Data) -> Result<(), ReportError> {
    for line in &data.published {
        let computed = judge(data, &line.row).row;
        let columns = [
            ("value", &line.recorded.reproduced, computed.reproduced.map_or("not run".to_owned(), |v| v.to_string())),
            ("lower end", &line.recorded.low, computed.low.map(|v| v.to_string()).unwrap_or_default()),
            ("upper end", &line.recorded.high, computed.high.map(|v| v.to_string()).unwrap_or_default()),
            ("verdict", &line.recorded.verdict, computed.verdict),
        ];
        for (what, recorded, computed) in columns {
            let Some(recorded) = recorded.as_ref().filter(|text| !is_same(text, &computed)) else { continue };
            let [recorded, computed] = [recorded, &computed].map(|text| if text.is_empty() { "nothing" } else { text });
            let row = &line.row;
            let message = format!(
                "printed table `{}`, row `{}`, {} {}: the recorded {what} is `{recorded}`, but the data give \
                 `{computed}`; do not edit the file; `harness report --renew` recomputes it, for example after an \
                 update of harness",
                row.table, row.variant, row.split, row.metric
            );
            return Err(ReportError::Published { path: data.dir.join(file::PUBLISHED), line: line.line, message });
        }
    }
    Ok(())
}

/// Returns true if two cells are equal. Numbers are equal if they have the same value, however they are written.
fn is_same(recorded: &str, computed: &str) -> bool {
    let numbers = (recorded.trim().parse::<f64>(), computed.parse::<f64>());
    recorded == computed || matches!(numbers, (Ok(a), Ok(b)) if a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(printed: &str, low: f64, high: f64, margin: f64) -> Agreement {
        Printed::read(printed).unwrap().held_against((low, high), margin)
    }

    #[test]
    fn the_whole_interval_must_lie_within_the_margin_or_outside_it() {
        assert_eq!(verdict("0.851", 0.832, 0.87, 0.02), Agreement::Reproduced);
        assert_eq!(verdict("0.851", 0.83, 0.85, 0.02), Agreement::Undecided);
        assert_eq!(verdict("0.851", 0.80, 0.90, 0.02), Agreement::Undecided); // too wide to say anything
        assert_eq!(verdict("0.851", 0.872, 0.88, 0.02), Agreement::Differs);
        assert_eq!(verdict("0.851", 0.80, 0.83, 0.02), Agreement::Differs);
    }

    #[test]
    fn rounding_of_the_printed_figure_counts() {
        assert_eq!(verdict("0.851", 0.8506, 0.8514, 0.0), Agreement::Reproduced); // 0.851 may have been 0.8515
        assert_eq!(verdict("0.851", 0.8514, 0.86, 0.0), Agreement::Undecided);
        assert_eq!(verdict("0.851", 0.8516, 0.86, 0.0), Agreement::Differs);
        assert_eq!(verdict("0.85", 0.8516, 0.8549, 0.0), Agreement::Reproduced);
    }

    #[test]
    fn only_the_published_experiment_can_be_compared() {
        for fidelity in [Fidelity::Other, Fidelity::Sample, Fidelity::Synthetic, Fidelity::Unknown] {
            assert!(Protocol::ALL.iter().all(|&protocol| difference_of(fidelity, protocol).is_some()));
        }
        assert_eq!(difference_of(Fidelity::Full, Protocol::Published), None);
        assert_eq!(difference_of(Fidelity::Full, Protocol::Corrected), Some("other protocol"));
        assert_eq!(Agreement::NotComparable("other data and size").in_words(), "not comparable: other data and size");
        assert_eq!(Agreement::NotTested("one network").in_words(), "not tested: one network");
        assert_eq!(Agreement::Undecided.in_words(), "undecided");
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        assert!(is_same("0.850", "0.85") && is_same("", "") && is_same("not run", "not run"));
        assert!(!is_same("0.8501", "0.85") && !is_same("", "0.85") && !is_same("reproduced", "differs"));
    }

    #[test]
    fn what_is_not_a_number_is_no_figure() {
        assert!(Printed::read("n/a").is_none() && Printed::read("NaN").is_none());
    }
}
