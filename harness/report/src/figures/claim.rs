//! Parses claims such as `ssl@blur-0.dice > ssl@blur-100.dice` and gives the verdict that follows from the data.

use super::statistics::summary::LEVEL;
use harness_record::vocabulary::Condition;
use std::{fmt, str::FromStr};

/// One side of a comparison: `ARM[@CONDITION].METRIC`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Operand {
    /// An arm or a baseline.
    pub(crate) arm: String,
    /// A condition; if absent, the first condition of the study.
    pub(crate) condition: Option<Condition>,
    /// A metric.
    pub(crate) metric: String,
}

/// The expected relation between the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    /// `>`
    Greater,
    /// `<`
    Less,
    /// `>=`
    GreaterOrEqual,
    /// `<=`
    LessOrEqual,
}

/// A claim: `left relation right + offset`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Comparison {
    /// The left side.
    pub(crate) left: Operand,
    /// The relation.
    pub(crate) relation: Relation,
    /// The right side.
    pub(crate) right: Operand,
    /// The number added to the right side.
    pub(crate) offset: f64,
}

/// The verdict of the data on a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The 95 % interval of the difference lies on the claimed side, and the corrected p-value is below 0.05.
    Supported,
    /// The interval lies on the other side, and the corrected p-value is below 0.05.
    Contradicted,
    /// The interval covers both sides, or the corrected p-value is too large.
    Undecided,
    /// There are too few training seeds for a claim about the arms.
    NotTested,
    /// A failed health check undermines it.
    Withheld,
}

/// The reason why a claim cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ClaimError {
    /// The text does not have the form of a comparison.
    #[error("expected `ARM[@CONDITION].METRIC > ARM[@CONDITION].METRIC [+ NUMBER]`, found `{0}`")]
    Form(String),
    /// A side is not an operand.
    #[error("expected `ARM[@CONDITION].METRIC`, found `{0}`")]
    Operand(String),
    /// The text after the `@` is not a condition.
    #[error("unknown condition `{0}`")]
    Condition(String),
    /// The text is not a relation.
    #[error("expected `>`, `<`, `>=` or `<=`, found `{0}`")]
    Relation(String),
    /// The text after the sign is not a number.
    #[error("expected a number after `+` or `-`, found `{0}`")]
    Number(String),
}

impl FromStr for Operand {
    type Err = ClaimError;

    fn from_str(text: &str) -> Result<Self, ClaimError> {
        let error = || ClaimError::Operand(text.to_owned());
        let (place, metric) = text.rsplit_once('.').ok_or_else(error)?;
        let (arm, condition) = match place.split_once('@') {
            Some((arm, condition)) => (arm, Some(condition)),
            None => (place, None),
        };
        if arm.is_empty() || metric.is_empty() || condition.is_some_and(str::is_empty) {
            return Err(error());
        }
        let known = |name: &str| name.parse().map_err(|_| ClaimError::Condition(name.to_owned()));
        let condition = condition.map(known).transpose()?;
        Ok(Self { arm: arm.to_owned(), condition, metric: metric.to_owned() })
    }
}

impl FromStr for Comparison {
    type Err = ClaimError;

    fn from_str(text: &str) -> Result<Self, ClaimError> {
        let words: Vec<_> = text.split_whitespace().collect();
        let (left, relation, right, offset) = match words[..] {
            [left, relation, right] => (left, relation, right, 0.0),
            [left, relation, right, sign @ ("+" | "-"), number] => {
                let size: f64 = number.parse().map_err(|_| ClaimError::Number(number.to_owned()))?;
                if !size.is_finite() {
                    return Err(ClaimError::Number(number.to_owned()));
                }
                (left, relation, right, if sign == "-" { -size } else { size })
            }
            _ => return Err(ClaimError::Form(text.to_owned())),
        };
        let relation = match relation {
            ">" => Relation::Greater,
            "<" => Relation::Less,
            ">=" => Relation::GreaterOrEqual,
            "<=" => Relation::LessOrEqual,
            other => return Err(ClaimError::Relation(other.to_owned())),
        };
        Ok(Self { left: left.parse()?, relation, right: right.parse()?, offset })
    }
}

impl Comparison {
    /// Returns the verdict on a difference `left - right - offset` whose 95 % interval is `low..high` and whose
    /// corrected two-sided p-value is `p`.
    ///
    /// The test is two-sided although a claim has a direction, because the data can also contradict a claim.
    pub(crate) fn verdict(&self, low: f64, high: f64, p: f64) -> Verdict {
        let (above, below) = match self.relation {
            Relation::Greater => (low > 0.0, high <= 0.0),
            Relation::GreaterOrEqual => (low >= 0.0, high < 0.0),
            Relation::Less => (high < 0.0, low >= 0.0),
            Relation::LessOrEqual => (high <= 0.0, low > 0.0),
        };
        match (above, below) {
            _ if p >= LEVEL => Verdict::Undecided,
            (true, _) => Verdict::Supported,
            (_, true) => Verdict::Contradicted,
            _ => Verdict::Undecided,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Supported => "supported",
            Self::Contradicted => "contradicted",
            Self::Undecided => "undecided",
            Self::NotTested => "not tested",
            Self::Withheld => "withheld",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_read_in_full() {
        let claim: Comparison = "ssl@blur-0.dice >= all-background.soft_dice - 0.05".parse().unwrap();
        assert_eq!(claim.left.condition, Some(Condition::Blur(0)));
        assert_eq!((claim.right.arm.as_str(), claim.right.condition), ("all-background", None));
        assert_eq!((claim.relation, claim.offset), (Relation::GreaterOrEqual, -0.05));
    }

    #[test]
    fn malformed_claims_say_what_was_expected() {
        for (text, expected) in [
            ("ssl.dice", "expected `ARM[@CONDITION].METRIC > ARM"),
            ("ssl.dice = ssl.iou", "found `=`"),
            ("ssl > ssl.iou", "found `ssl`"),
            ("ssl@.dice > ssl.iou", "found `ssl@.dice`"),
            ("ssl@blurred.dice > ssl.iou", "unknown condition `blurred`"),
            ("ssl.dice > ssl.iou + much", "found `much`"),
            ("ssl.dice > ssl.iou + NaN", "found `NaN`"),
        ] {
            let error = text.parse::<Comparison>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn verdicts_follow_the_interval_and_the_test() {
        let verdict = |expect: &str, low, high, p| expect.parse::<Comparison>().unwrap().verdict(low, high, p);
        assert_eq!(verdict("a.dice > b.dice", 0.1, 0.2, 0.01), Verdict::Supported);
        assert_eq!(verdict("a.dice > b.dice", -0.2, -0.1, 0.01), Verdict::Contradicted);
        assert_eq!(verdict("a.dice > b.dice", -0.1, 0.1, 0.01), Verdict::Undecided);
        assert_eq!(verdict("a.dice < b.dice", -0.2, -0.1, 0.01), Verdict::Supported);
        assert_eq!(verdict("a.dice < b.dice", 0.1, 0.2, 0.01), Verdict::Contradicted);
        // The p-value is corrected for many claims, so the interval alone is not enough.
        assert_eq!(verdict("a.dice > b.dice", 0.1, 0.2, 0.05), Verdict::Undecided);
        assert_eq!(verdict("a.dice > b.dice", -0.2, -0.1, 0.06), Verdict::Undecided);
        // Two identical arms leave the claim undecided.
        assert_eq!(verdict("a.dice > b.dice", 0.0, 0.0, 1.0), Verdict::Undecided);
        assert_eq!(verdict("a.dice >= b.dice", 0.0, 0.0, 1.0), Verdict::Undecided);
    }
}
