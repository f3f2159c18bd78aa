//! Printed figures beside reproduced ones.

use crate::{
    data::Data,
    error::ReportError,
    figure::Figure,
    input::{PublishedRow, PublishedVerdict, Setting, file},
    metric::{Metric, PUBLISHED_PROTOCOL},
    spec::PublishedRows,
};
use std::{fmt, path::Path};

/// A printed figure with its rounding.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Printed<'a> {
    /// As it was printed.
    pub(crate) text: &'a str,
    pub(crate) value: f64,
    /// Half a unit of its last digit.
    half_unit: f64,
}

/// How a printed figure compares with the reproduced one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Agreement {
    /// It lies in the 95 % interval of a run of the published setting, or agrees with a figure without interval after
    /// rounding.
    Reproduced,
    /// It does not.
    Differs,
    /// The run was of another setting or protocol.
    NotComparable,
    /// There is no run.
    NotRun,
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reproduced => "reproduced",
            Self::Differs => "differs",
            Self::NotComparable => "not comparable",
            Self::NotRun => "not run",
        })
    }
}

impl<'a> Printed<'a> {
    /// `None` if the text is not a number.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        let value: f64 = text.trim().parse().ok().filter(|v: &f64| v.is_finite())?;
        let decimals = text.trim().split_once('.').map_or(0, |(_, digits)| digits.len());
        let half_unit = (0..decimals).fold(0.5, |unit, _| unit / 10.0);
        Some(Self { text: text.trim(), value, half_unit })
    }

    /// The verdict beside a reproduced figure.
    pub(crate) fn agreement(&self, reproduced: Option<&Figure<'_>>, setting: Setting, protocol: &str) -> Agreement {
        let Some(figure) = reproduced else { return Agreement::NotRun };
        if setting != Setting::Full || protocol != PUBLISHED_PROTOCOL {
            return Agreement::NotComparable;
        }
        let (low, high) = (self.value - self.half_unit, self.value + self.half_unit);
        if low <= figure.high() && high >= figure.low() { Agreement::Reproduced } else { Agreement::Differs }
    }
}

impl Data {
    /// Rows of the printed tables, in the order of the file.
    pub(crate) fn printed_rows(&self) -> impl Iterator<Item = &PublishedRow> {
        self.published.iter().map(|line| &line.row)
    }

    /// The printed test figure of an arm under a condition.
    pub(crate) fn printed(&self, arm: &str, condition: &str, metric: &str) -> Option<Printed<'_>> {
        let row = self
            .printed_rows()
            .find(|row| row.metric == metric && row.split == "test" && self.place_of(row) == Some((arm, condition)))?;
        Printed::read(&row.value)
    }

    /// What the data hold of a printed figure, under the published protocol.
    pub(crate) fn reproduced(&self, row: &PublishedRow) -> Option<Figure<'_>> {
        let (arm, condition) = self.place_of(row)?;
        let metric = Metric::find(&row.metric)?;
        match row.split.as_str() {
            "test" => self.tested(arm, condition, metric, PUBLISHED_PROTOCOL),
            // Training sees no condition but the first.
            "train" if condition == self.first_condition() => self.trained(arm, "train", metric, PUBLISHED_PROTOCOL),
            "val" if condition == self.first_condition() => self.trained(arm, "validation", metric, PUBLISHED_PROTOCOL),
            _ => None,
        }
    }

    /// The verdict on a printed figure, under the published protocol.
    pub(crate) fn agreement(&self, row: &PublishedRow, reproduced: Option<&Figure<'_>>) -> Agreement {
        match (Printed::read(&row.value), reproduced) {
            (_, None) => Agreement::NotRun,
            (None, Some(_)) => Agreement::NotComparable,
            (Some(printed), figure) => printed.agreement(figure, self.study.setting, PUBLISHED_PROTOCOL),
        }
    }

    /// The arm and condition that a printed row is about, if its table belongs to the study.
    pub(crate) fn place_of<'a>(&'a self, row: &'a PublishedRow) -> Option<(&'a str, &'a str)> {
        let table = self.study.report.published.iter().find(|t| t.table == row.table)?;
        Some(match table.rows {
            PublishedRows::Arm => (row.variant.as_str(), self.first_condition()),
            PublishedRows::Condition => (table.arm.as_deref()?, row.variant.as_str()),
        })
    }
}

/// The verdict on every printed figure of the data folder `data_dir`, in the order of its `published.csv`.
///
/// Figures of split `test` are held against the test results; those of `train` and `val` against the epoch of
/// fine-tuning whose weights were kept, as a mean over seeds. All under the published protocol.
///
/// # Errors
/// As [`render`](crate::render), for the files of the data folder.
pub fn verdicts(data_dir: &Path) -> Result<Vec<PublishedVerdict>, ReportError> {
    let data = Data::read(data_dir)?;
    Ok(data.printed_rows().map(|row| verdict(&data, row)).collect())
}

fn verdict(data: &Data, row: &PublishedRow) -> PublishedVerdict {
    let figure = data.reproduced(row);
    let interval = figure.as_ref().and_then(|f| f.interval);
    PublishedVerdict {
        table: row.table.clone(),
        study: row.study.clone(),
        variant: row.variant.clone(),
        model: row.model.clone(),
        split: row.split.clone(),
        metric: row.metric.clone(),
        value: row.value.clone(),
        verdict: data.agreement(row, figure.as_ref()).to_string(),
        reproduced: figure.map(|f| f.mean),
        low: interval.map(|i| i.0),
        high: interval.map(|i| i.1),
    }
}

/// Compares the verdicts that `published.csv` records, if it does, with those that follow from the data.
pub(crate) fn check_recorded(data: &Data) -> Result<(), ReportError> {
    for line in &data.published {
        let computed = verdict(data, &line.row);
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
                 `{computed}`; run the study again, do not edit the file",
                row.table, row.variant, row.split, row.metric
            );
            return Err(ReportError::Published { path: data.dir.join(file::PUBLISHED), line: line.line, message });
        }
    }
    Ok(())
}

/// Numbers are the same if they read as the same number, however they were written.
fn is_same(recorded: &str, computed: &str) -> bool {
    let numbers = (recorded.trim().parse::<f64>(), computed.parse::<f64>());
    recorded == computed || matches!(numbers, (Ok(a), Ok(b)) if a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(mean: f64, interval: Option<(f64, f64)>) -> Figure<'static> {
        Figure { mean, interval, images: Some(10), rows: Vec::new() }
    }

    fn agreement(printed: &str, low: f64, high: f64) -> Agreement {
        let reproduced = figure(f64::midpoint(low, high), Some((low, high)));
        Printed::read(printed).unwrap().agreement(Some(&reproduced), Setting::Full, "published")
    }

    #[test]
    fn rounding_of_the_printed_figure_counts() {
        assert_eq!(agreement("0.851", 0.8514, 0.860), Agreement::Reproduced); // 0.851 may have been 0.8515
        assert_eq!(agreement("0.851", 0.8516, 0.860), Agreement::Differs);
        assert_eq!(agreement("0.85", 0.8516, 0.860), Agreement::Reproduced);
    }

    #[test]
    fn a_figure_without_interval_agrees_only_as_printed() {
        let verdict =
            |mean| Printed::read("0.858").unwrap().agreement(Some(&figure(mean, None)), Setting::Full, "published");
        assert_eq!((verdict(0.8584), verdict(0.8576)), (Agreement::Reproduced, Agreement::Reproduced));
        assert_eq!((verdict(0.8586), verdict(0.8574)), (Agreement::Differs, Agreement::Differs));
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        assert!(is_same("0.850", "0.85") && is_same("", "") && is_same("not run", "not run"));
        assert!(!is_same("0.8501", "0.85") && !is_same("", "0.85") && !is_same("reproduced", "differs"));
    }

    #[test]
    fn other_settings_are_not_compared() {
        let printed = Printed::read("0.851").unwrap();
        let reproduced = figure(0.851, Some((0.85, 0.86)));
        let verdict = |setting, protocol| printed.agreement(Some(&reproduced), setting, protocol);
        assert_eq!(verdict(Setting::Full, "published"), Agreement::Reproduced);
        assert_eq!(verdict(Setting::Full, "corrected"), Agreement::NotComparable);
        assert_eq!(verdict(Setting::Sample, "published"), Agreement::NotComparable);
        assert_eq!(printed.agreement(None, Setting::Full, "published"), Agreement::NotRun);
    }

    #[test]
    fn what_is_not_a_number_is_no_figure() {
        assert!(Printed::read("n/a").is_none() && Printed::read("NaN").is_none());
    }
}
