//! `registration.json`: what a study said before its test results were known.

use super::{spec::ClaimSpec, study::StudyInput};
use crate::error::ReportError;
use harness_record::{RecordError, digest, files};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;

/// The size limit for reading a registration, in bytes.
const LIMIT: u64 = 16 << 20;
/// The field that holds the digest of the others.
const DIGEST: &str = "digest";

/// What a study said when it was registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// The name of the study.
    pub study: String,
    /// The profile.
    pub profile: String,
    /// The occasion.
    pub occasion: Occasion,
    /// What was registered.
    #[serde(flatten)]
    pub locked: Locked,
    /// SHA-256 of the canonical JSON of all other fields.
    digest: String,
}

/// The occasion of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Occasion {
    /// The user asked for it. The store had no test of the study.
    OnPurpose,
    /// The first test of the study was about to run.
    FirstTest,
    /// The store had tests of the study already.
    AfterResults,
}

/// The parts of a study that are locked before its results are known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locked {
    /// The question.
    pub question: String,
    /// The expected answer.
    pub expectation: String,
    /// The claims.
    pub claims: Vec<ClaimSpec>,
    /// The metrics of the results tables.
    pub metrics: Vec<String>,
    /// The images of the tests, each set once. Empty if they are not known.
    pub test_images: Vec<TestImages>,
}

/// A set of images that networks are tested on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TestImages {
    /// The data set and the way in which its test images are chosen, in words.
    pub images: String,
    /// SHA-256 of the digest of the data and of the rule that chooses the test images.
    pub digest: String,
}

/// A part of a study that is not as it was registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// The part: `expectation`, `claim blur-hurts`.
    pub part: String,
    /// What was registered. `None` if the part was added later.
    pub was: Option<String>,
    /// What the study says now. `None` if the part was removed.
    pub now: Option<String>,
}

impl Registration {
    /// A registration with its digest.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn new(study: &str, profile: &str, occasion: Occasion, locked: Locked) -> serde_json::Result<Self> {
        let (study, profile) = (study.to_owned(), profile.to_owned());
        let mut new = Self { study, profile, occasion, locked, digest: String::new() };
        new.digest = digest_of(serde_json::to_value(&new)?)?;
        Ok(new)
    }

    /// Reads a registration, and checks its digest. `None` if there is no such file.
    ///
    /// # Errors
    /// The file cannot be read, or is not as it was written.
    pub fn read(path: &Path) -> Result<Option<Self>, ReportError> {
        if !path.exists() {
            return Ok(None);
        }
        let wrap = |source| RecordError::Json { path: path.to_owned(), source };
        let value: Value = serde_json::from_slice(&files::read(path, LIMIT)?).map_err(wrap)?;
        let read: Self = serde_json::from_value(value.clone()).map_err(wrap)?;
        if digest_of(value).map_err(wrap)? == read.digest {
            Ok(Some(read))
        } else {
            Err(ReportError::Registration { path: path.to_owned() })
        }
    }

    /// The SHA-256 of what was registered.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What an edit of the study is called: `edited after the first results`.
    pub fn edited(&self) -> &'static str {
        match self.occasion {
            // The first results came later.
            Occasion::OnPurpose => "edited after it was registered",
            Occasion::FirstTest | Occasion::AfterResults => "edited after the first results",
        }
    }

    /// Returns true if a claim was not registered as it is now.
    pub(crate) fn lacks(&self, claim: &ClaimSpec) -> bool {
        !self.locked.claims.contains(claim)
    }
}

/// SHA-256 of all fields but the digest.
fn digest_of(mut registration: Value) -> serde_json::Result<String> {
    registration.as_object_mut().map(|fields| fields.remove(DIGEST));
    digest::of_settings(&registration)
}

impl Locked {
    /// What a report's data say.
    pub fn of<Chart>(study: &StudyInput<Chart>) -> Self {
        Self {
            question: study.question.clone(),
            expectation: study.expectation.clone(),
            claims: study.report.claims.clone(),
            metrics: study.report.metrics.clone(),
            test_images: study.test_images.clone(),
        }
    }

    /// The parts that are different `now`, in the order of the report. Test images that are not known are not compared.
    pub fn edits(&self, now: &Self) -> Vec<Edit> {
        let mut edits = Vec::new();
        let mut compare = |part: &str, was: Option<String>, now: Option<String>| {
            if was != now {
                edits.push(Edit { part: part.to_owned(), was, now });
            }
        };
        compare("question", Some(self.question.clone()), Some(now.question.clone()));
        compare("expectation", Some(self.expectation.clone()), Some(now.expectation.clone()));
        let named = |claims: &[ClaimSpec], name: &str| claims.iter().find(|claim| claim.name == name).map(in_words);
        let added = now.claims.iter().filter(|claim| named(&self.claims, &claim.name).is_none());
        for ClaimSpec { name, .. } in self.claims.iter().chain(added) {
            compare(&format!("claim {name}"), named(&self.claims, name), named(&now.claims, name));
        }
        compare("metrics", Some(self.metrics.join(", ")), Some(now.metrics.join(", ")));
        if !(self.test_images.is_empty() || now.test_images.is_empty()) {
            compare("test images", Some(images(&self.test_images)), Some(images(&now.test_images)));
        }
        edits
    }
}

fn in_words(claim: &ClaimSpec) -> String {
    let only = claim.protocol.map(|protocol| format!(" ({protocol} protocol only)")).unwrap_or_default();
    format!("{} {}{only}", claim.text, claim.expect)
}

fn images(sets: &[TestImages]) -> String {
    let mut sets: Vec<String> =
        sets.iter().map(|set| format!("{}, digest {}", set.images, super::file::short(&set.digest))).collect();
    sets.sort_unstable();
    sets.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn claim(name: &str, expect: &str) -> ClaimSpec {
        ClaimSpec { name: name.into(), expect: expect.into(), text: "It is so.".into(), protocol: None }
    }

    fn locked() -> Locked {
        let image = |digest: &str| TestImages { images: "pets".into(), digest: digest.into() };
        Locked {
            question: "Why?".into(),
            expectation: "Because.".into(),
            claims: vec![claim("a", "x.dice > y.dice"), claim("b", "x.dice > y.dice")],
            metrics: vec!["dice".into(), "iou".into()],
            test_images: vec![image("0123456789"), image("abcdef0123")],
        }
    }

    #[test]
    fn an_edited_registration_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("registration.json");
        assert_eq!(Registration::read(&path).unwrap(), None);
        let made = Registration::new("blurring", "demo", Occasion::FirstTest, locked()).unwrap();
        let text = serde_json::to_string_pretty(&made).unwrap();
        std::fs::write(&path, &text).unwrap();
        assert_eq!(Registration::read(&path).unwrap(), Some(made));
        for (from, to) in [("Because.", "Because!"), ("first-test", "on-purpose"), ("y.dice", "z.dice")] {
            std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
            let error = Registration::read(&path).unwrap_err().to_string();
            assert!(error.contains("registration.json") && error.contains("edited"), "{error}");
        }
        std::fs::write(&path, json!({"study": "x"}).to_string()).unwrap();
        assert!(Registration::read(&path).is_err());
    }

    #[test]
    fn every_part_is_compared() {
        let was = locked();
        assert_eq!(was.edits(&was), []);
        let mut now = locked();
        now.expectation = "Not at all.".into();
        now.claims = vec![claim("b", "x.dice < y.dice"), claim("c", "x.dice > y.dice")];
        now.metrics.reverse();
        now.test_images.reverse();
        let edits = was.edits(&now);
        let parts: Vec<&str> = edits.iter().map(|edit| edit.part.as_str()).collect();
        assert_eq!(parts, ["expectation", "claim a", "claim b", "claim c", "metrics"]);
        assert_eq!((edits[0].was.as_deref(), edits[0].now.as_deref()), (Some("Because."), Some("Not at all.")));
        assert!(edits[1].now.is_none() && edits[3].was.is_none());
        now.test_images.pop();
        assert_eq!(was.edits(&now).last().unwrap().part, "test images");
        now.test_images.clear();
        assert_eq!(was.edits(&now).len(), 5);
    }

    #[test]
    fn a_claim_is_registered_only_as_it_was() {
        let registered = Registration::new("blurring", "demo", Occasion::FirstTest, locked()).unwrap();
        assert!(!registered.lacks(&claim("a", "x.dice > y.dice")) && registered.lacks(&claim("a", "x.dice < y.dice")));
        assert!(registered.lacks(&claim("c", "x.dice > y.dice")));
    }
}
