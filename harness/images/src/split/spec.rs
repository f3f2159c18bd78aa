//! The `split` section of a spec.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The cut of labelled images: `split: {official: {validation: {images: 500}}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum SplitSpec {
    /// The test images of the data set are used for testing. The others are cut into train and validation.
    Official(OfficialSplit),
    /// All images are merged, then cut into train, validation and test, in proportion to breeds.
    Merged(MergedSplit),
}

/// A cut of the images that the data set provides for training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfficialSplit {
    /// Number or share of them that is used for validation.
    pub validation: Amount,
    /// True if every breed contributes its share of the validation images, to within one image.
    #[serde(default)]
    pub stratified: bool,
    /// Seed of the cut. Under the protocol `corrected`, every seed of the study draws its own cut with it.
    #[serde(default)]
    pub seed: u64,
}

/// A cut of all images, with the same sizes as two calls of scikit-learn's `train_test_split` with `stratify`: of n
/// images, the first call takes ⌈n · test⌉ for the test, and the second takes ⌈m · validation⌉ of the remaining m.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MergedSplit {
    /// Share of all images that is used for testing.
    pub test: f64,
    /// Share of the remaining images that is used for validation.
    pub validation: f64,
    /// Seed of the cut. Under the protocol `corrected`, every seed of the study draws its own training and validation
    /// images with it; the test images stay.
    #[serde(default)]
    pub seed: u64,
}

/// A number of images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Amount {
    /// This number of images.
    Images(u32),
    /// A share of the available images, rounded to the nearest whole number.
    Share(f64),
}

impl Amount {
    /// The number of images, out of `n`.
    pub(super) fn of(self, n: usize) -> u32 {
        match self {
            Self::Images(images) => images,
            Self::Share(share) => (n as f64 * share).round() as u32,
        }
    }

    fn describe(self) -> String {
        match self {
            Self::Images(images) => images.to_string(),
            Self::Share(share) => percent(share),
        }
    }
}

impl SplitSpec {
    /// Checks the settings. The error names the invalid field, below `split`, and the expected value.
    pub fn check(&self) -> Result<(), (String, String)> {
        let shares = match self {
            Self::Official(OfficialSplit { validation: Amount::Images(_), .. }) => Vec::new(),
            Self::Official(OfficialSplit { validation: Amount::Share(share), .. }) => {
                vec![("official.validation.share", *share)]
            }
            Self::Merged(spec) => vec![("merged.test", spec.test), ("merged.validation", spec.validation)],
        };
        match shares.into_iter().find(|(_, share)| !(*share > 0.0 && *share < 1.0)) {
            Some((field, _)) => Err((field.to_owned(), "a share above 0 and below 1".to_owned())),
            None => Ok(()),
        }
    }

    /// The split in words: `the data set's own test images; 500 of the other images for validation, drawn with seed 0`.
    /// `redrawn` if every seed of the study draws its own cut into training and validation.
    pub fn describe(&self, redrawn: bool) -> String {
        match self {
            Self::Official(OfficialSplit { validation, stratified, seed }) => {
                let breeds = if *stratified { " in proportion to breeds" } else { "" };
                let validation = validation.describe();
                let drawn = if redrawn { "anew for each seed".to_owned() } else { format!("with seed {seed}") };
                format!(
                    "the data set's own test images; {validation} of the other images for validation, drawn{breeds} \
                     {drawn}"
                )
            }
            Self::Merged(MergedSplit { test, validation, seed }) => {
                let (test, validation) = (percent(*test), percent(*validation));
                let anew = if redrawn { "; the images for validation are drawn anew for each seed" } else { "" };
                format!(
                    "all images merged; {test} for testing and {validation} of the others for validation, drawn in \
                     proportion to breeds with seed {seed}{anew}"
                )
            }
        }
    }
}

/// A share as text, `33.3 %`, with as many decimals as it needs and at most four.
pub(super) fn percent(share: f64) -> String {
    format!("{} %", (share * 1e6).round() / 1e4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> serde_json::Result<SplitSpec> {
        serde_json::from_str(json)
    }

    #[test]
    fn a_spec_is_the_name_of_a_cut_with_its_settings() {
        let official =
            |validation, stratified, seed| SplitSpec::Official(OfficialSplit { validation, stratified, seed });
        for (json, spec) in [
            (r#"{"official": {"validation": {"images": 500}}}"#, official(Amount::Images(500), false, 0)),
            (
                r#"{"official": {"validation": {"share": 0.2}, "stratified": true, "seed": 3}}"#,
                official(Amount::Share(0.2), true, 3),
            ),
            (
                r#"{"merged": {"test": 0.2, "validation": 0.3, "seed": 42}}"#,
                SplitSpec::Merged(MergedSplit { test: 0.2, validation: 0.3, seed: 42 }),
            ),
        ] {
            assert_eq!(read(json).unwrap(), spec);
            assert_eq!(read(&serde_json::to_string(&spec).unwrap()).unwrap(), spec);
            assert_eq!(spec.check(), Ok(()));
        }
        for wrong in [
            r#"{"official": {}}"#,
            r#"{"official": {"validation": 500}}"#,
            r#"{"official": {"validation": {"images": -1}}}"#,
            r#"{"official": {"validation": {"images": 5}, "stratify": true}}"#,
            r#"{"merged": {"test": 0.2}}"#,
            r#"{"kaggle": {}}"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_share_that_leaves_a_part_empty_is_refused_with_its_field() {
        let field = |json: &str| read(json).unwrap().check().unwrap_err().0;
        for share in ["0", "1", "-0.1", "1.5"] {
            let json = format!(r#"{{"official": {{"validation": {{"share": {share}}}}}}}"#);
            assert_eq!(field(&json), "official.validation.share");
            let json = format!(r#"{{"merged": {{"test": {share}, "validation": 0.3}}}}"#);
            assert_eq!(field(&json), "merged.test");
            let json = format!(r#"{{"merged": {{"test": 0.2, "validation": {share}}}}}"#);
            assert_eq!(field(&json), "merged.validation");
        }
        let nan = SplitSpec::Merged(MergedSplit { test: 0.2, validation: f64::NAN, seed: 0 });
        assert!(nan.check().is_err());
    }

    #[test]
    fn a_cut_in_words() {
        let words = |json: &str| read(json).unwrap().describe(false);
        assert_eq!(
            words(r#"{"official": {"validation": {"images": 500}}}"#),
            "the data set's own test images; 500 of the other images for validation, drawn with seed 0"
        );
        assert_eq!(
            words(r#"{"official": {"validation": {"share": 0.07}, "stratified": true}}"#),
            "the data set's own test images; 7 % of the other images for validation, drawn in proportion to breeds \
             with seed 0"
        );
        assert_eq!(
            words(r#"{"merged": {"test": 0.2, "validation": 0.3, "seed": 42}}"#),
            "all images merged; 20 % for testing and 30 % of the others for validation, drawn in proportion to breeds \
             with seed 42"
        );
        assert_eq!(
            read(r#"{"official": {"validation": {"share": 0.2}}}"#).unwrap().describe(true),
            "the data set's own test images; 20 % of the other images for validation, drawn anew for each seed"
        );
        assert!(
            read(r#"{"merged": {"test": 0.2, "validation": 0.3}}"#)
                .unwrap()
                .describe(true)
                .ends_with("with seed 0; the images for validation are drawn anew for each seed")
        );
    }
}
