//! Printed figures beside reproduced ones.

use crate::{
    data::Data,
    input::{PublishedRow, Setting},
    metric::PUBLISHED_PROTOCOL,
    spec::PublishedRows,
    statistics::Summary,
};
use std::fmt;

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
    /// It lies in the 95 % interval of a run of the published setting.
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

    /// The verdict beside a reproduced mean.
    pub(crate) fn agreement(&self, reproduced: Option<&Summary>, setting: Setting, protocol: &str) -> Agreement {
        let Some(summary) = reproduced else { return Agreement::NotRun };
        if setting != Setting::Full || protocol != PUBLISHED_PROTOCOL {
            return Agreement::NotComparable;
        }
        let (low, high) = (self.value - self.half_unit, self.value + self.half_unit);
        if low <= summary.high && high >= summary.low { Agreement::Reproduced } else { Agreement::Differs }
    }
}

impl Data {
    /// The printed test figure of an arm under a condition.
    pub(crate) fn printed(&self, arm: &str, condition: &str, metric: &str) -> Option<Printed<'_>> {
        let row = self
            .published
            .iter()
            .find(|row| row.metric == metric && row.split == "test" && self.place_of(row) == Some((arm, condition)))?;
        Printed::read(&row.value)
    }

    /// Printed figures of the study's tables that stand beside nothing in the results.
    pub(crate) fn printed_without_run(&self) -> Vec<&PublishedRow> {
        let selected = |row: &&PublishedRow| self.study.report.published.iter().any(|t| t.table == row.table);
        let shown = |row: &PublishedRow| {
            let known = |(arm, condition): (&str, &str)| {
                self.study.arms.iter().any(|a| a.name == arm)
                    && self.study.conditions.iter().any(|c| c.name == condition)
            };
            row.split == "test"
                && self.study.report.metrics.contains(&row.metric)
                && self.place_of(row).is_some_and(known)
        };
        self.published.iter().filter(selected).filter(|row| !shown(row)).collect()
    }

    /// The arm and condition that a printed row is about, if its table belongs to the study.
    fn place_of<'a>(&'a self, row: &'a PublishedRow) -> Option<(&'a str, &'a str)> {
        let table = self.study.report.published.iter().find(|t| t.table == row.table)?;
        Some(match table.rows {
            PublishedRows::Arm => (row.variant.as_str(), self.first_condition()),
            PublishedRows::Condition => (table.arm.as_deref()?, row.variant.as_str()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agreement(printed: &str, low: f64, high: f64) -> Agreement {
        let summary = Summary { mean: f64::midpoint(low, high), low, high, images: 10 };
        Printed::read(printed).unwrap().agreement(Some(&summary), Setting::Full, "published")
    }

    #[test]
    fn rounding_of_the_printed_figure_counts() {
        assert_eq!(agreement("0.851", 0.8514, 0.860), Agreement::Reproduced); // 0.851 may have been 0.8515
        assert_eq!(agreement("0.851", 0.8516, 0.860), Agreement::Differs);
        assert_eq!(agreement("0.85", 0.8516, 0.860), Agreement::Reproduced);
    }

    #[test]
    fn other_settings_are_not_compared() {
        let printed = Printed::read("0.851").unwrap();
        let summary = Summary { mean: 0.851, low: 0.85, high: 0.86, images: 10 };
        let verdict = |setting, protocol| printed.agreement(Some(&summary), setting, protocol);
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
