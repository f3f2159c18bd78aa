//! Checks that every name in a `report:` section is known.

use super::{
    claim::{ClaimError, Comparison},
    metrics::Metric,
};
use crate::{
    error::SpecProblem,
    inputs::{
        spec::{PublishedRows, ReportSpec},
        study::baseline,
    },
};
use harness_record::{suggest::closest, vocabulary::Baseline};

impl<Chart> ReportSpec<Chart> {
    /// Checks every name in the section, except for those of its charts, against the arms and conditions of its study.
    ///
    /// # Errors
    /// Fails at the first name that is unknown, name that is used twice, claim that cannot be read, or margin below
    /// zero.
    pub fn check(&self, arms: &[&str], conditions: &[&str]) -> Result<(), SpecProblem> {
        let names = Names { arms, conditions };
        let metrics = Metric::names();
        for (i, metric) in self.metrics.iter().enumerate() {
            known(format!("metrics[{i}]"), "metric", metric, &metrics)?;
        }
        for (i, table) in self.published.iter().enumerate() {
            if !(table.margin >= 0.0 && table.margin.is_finite()) {
                let message = format!("{}: expected a number of at least 0", table.margin);
                return Err(problem(format!("published[{i}].margin"), message));
            }
            match (table.rows, &table.arm) {
                (_, Some(arm)) => known(format!("published[{i}].arm"), "arm", arm, arms)?,
                (PublishedRows::Condition, None) => {
                    let message = "missing: a table whose rows are conditions must name its arm".to_owned();
                    return Err(problem(format!("published[{i}].arm"), message));
                }
                (PublishedRows::Arm, None) => {}
            }
        }
        if let Some(gallery) = &self.gallery {
            known("gallery.arm".to_owned(), "arm", &gallery.arm, arms)?;
        }
        for (i, claim) in self.claims.iter().enumerate() {
            names.claim(&format!("claims[{i}].expect"), &claim.expect)?;
        }
        unique("claims", self.claims.iter().map(|c| c.name.as_str()))
    }
}

/// The names of a study that a claim can use.
struct Names<'a> {
    arms: &'a [&'a str],
    conditions: &'a [&'a str],
}

impl Names<'_> {
    fn claim(&self, path: &str, text: &str) -> Result<(), SpecProblem> {
        let comparison: Comparison = match text.parse() {
            Ok(comparison) => comparison,
            Err(ClaimError::Condition(name)) => {
                return known(path.to_owned(), "condition", &name, self.conditions);
            }
            Err(e) => return Err(problem(path.to_owned(), e.to_string())),
        };
        let metrics = Metric::names();
        let arms: Vec<_> = self.arms.iter().copied().chain(Baseline::ALL.map(Baseline::name)).collect();
        for side in [&comparison.left, &comparison.right] {
            known(path.to_owned(), "arm", &side.arm, &arms)?;
            known(path.to_owned(), "metric", &side.metric, &metrics)?;
            if let Some(condition) = &side.condition {
                if baseline(&side.arm).is_some() {
                    let message = format!("`{}` is a baseline and takes no condition: remove `@{condition}`", side.arm);
                    return Err(problem(path.to_owned(), message));
                }
                known(path.to_owned(), "condition", &condition.to_string(), self.conditions)?;
            }
        }
        Ok(())
    }
}

fn problem(path: String, message: String) -> SpecProblem {
    SpecProblem { path, message, suggestion: None }
}

pub(crate) fn known(path: String, what: &str, name: &str, names: &[&str]) -> Result<(), SpecProblem> {
    if names.contains(&name) {
        return Ok(());
    }
    let message = format!("unknown {what} `{name}`; expected one of {}", names.join(", "));
    Err(SpecProblem { path, message, suggestion: closest(name, names.iter().copied()) })
}

/// Checks that a chart's name contains no character with a meaning in a file system or in a link, because it becomes a
/// file name.
pub(crate) fn file_name(path: String, name: &str) -> Result<(), SpecProblem> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.is_empty() && name.chars().all(plain) {
        return Ok(());
    }
    Err(problem(path, format!("`{name}` becomes a file name: use lower-case letters, digits and hyphens")))
}

pub(crate) fn unique<'a>(list: &str, names: impl Iterator<Item = &'a str>) -> Result<(), SpecProblem> {
    let mut seen = std::collections::BTreeSet::new();
    for (i, name) in names.enumerate() {
        if !seen.insert(name) {
            return Err(problem(format!("{list}[{i}].name"), format!("`{name}` is used twice")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::spec::ClaimSpec;

    fn spec(expect: &str) -> ReportSpec {
        let claim = ClaimSpec { name: "c".into(), expect: expect.into(), text: "It is so.".into(), protocol: None };
        ReportSpec { metrics: vec!["dice".into()], claims: vec![claim], ..ReportSpec::default() }
    }

    fn check(expect: &str) -> Result<(), SpecProblem> {
        spec(expect).check(&["ssl", "supervised"], &["blur-0", "blur-100"])
    }

    #[test]
    fn names_that_exist_pass() {
        check("ssl@blur-0.dice > ssl@blur-100.dice").unwrap();
        check("supervised.iou >= majority-class.iou + 0.01").unwrap();
    }

    #[test]
    fn unknown_names_get_a_suggestion() {
        let arm = check("ssl.dice > supervized.dice").unwrap_err();
        assert_eq!((arm.path.as_str(), arm.suggestion.as_deref()), ("claims[0].expect", Some("supervised")));
        let condition = check("ssl@blur-O.dice > ssl.dice").unwrap_err();
        assert_eq!(condition.suggestion.as_deref(), Some("blur-0"));
        let metric = check("ssl.dicee > ssl.dice").unwrap_err();
        assert_eq!(metric.suggestion.as_deref(), Some("dice"));
        assert!(metric.to_string().ends_with("(did you mean `dice`?)"), "{metric}");
    }

    #[test]
    fn what_is_no_claim_is_refused() {
        assert!(check("ssl.dice > ").is_err());
        assert!(check("all-background@blur-0.dice < ssl.dice").is_err());
    }

    #[test]
    fn a_margin_is_no_less_than_nothing() {
        let mut spec = spec("ssl.dice > supervised.dice");
        spec.published = serde_json::from_value(serde_json::json!([{"table": "t", "rows": "arm"}])).unwrap();
        let arms = ["ssl", "supervised"];
        assert!(spec.check(&arms, &[]).is_ok() && !serde_json::to_string(&spec).unwrap().contains("margin"));
        for wrong in [-0.01, f64::NAN, f64::INFINITY] {
            spec.published[0].margin = wrong;
            assert_eq!(spec.check(&arms, &[]).unwrap_err().path, "published[0].margin");
        }
    }
}
