//! Checks of a study that its types cannot make.

use super::{
    arms::{SECTIONS, arms},
    written::{ArmSpec, GALLERY, Study},
};
use crate::spec::{
    diagnosis::{Diagnosis, Problems},
    merged::Merged,
};
use harness_record::vocabulary::{Baseline, Protocol};

/// Finds the problems of a study that its types cannot refuse.
pub fn check(merged: &Merged, study: &Study) -> Vec<Diagnosis> {
    let mut found = Found { merged, problems: Vec::new() };
    found.texts(study);
    found.lists(study);
    found.variants(study);
    found.arms(study);
    found.report(study);
    match arms(merged, study) {
        Ok(arms) => {
            for (arm, documents) in &arms {
                for ((protocol, study), own) in arm.studies().zip(documents) {
                    let mut of_arm = Found { merged: own, problems: Vec::new() };
                    of_arm.sections(&arm.spec, study, protocol);
                    found.problems.append(&mut of_arm.problems);
                }
            }
        }
        Err(problems) => found.problems.extend(problems.into_vec()),
    }
    // Arms share most of their sections, so they also share the problems of those sections.
    Problems::found(found.problems).map(Problems::into_vec).unwrap_or_default()
}

struct Found<'a> {
    merged: &'a Merged,
    problems: Vec<Diagnosis>,
}

impl Found<'_> {
    fn wrong(&mut self, path: &str, expected: impl Into<String>) {
        let leaf = path.rsplit('.').next().unwrap_or(path);
        let problem = self.merged.at(path, format!("`{leaf}` has an invalid value"));
        self.problems.push(problem.expected(expected));
    }

    fn stage(&mut self, section: &str, result: Result<(), (String, String)>) {
        if let Err((field, expected)) = result {
            self.wrong(&format!("{section}.{field}"), expected);
        }
    }

    fn texts(&mut self, study: &Study) {
        let texts = [("title", &study.title), ("question", &study.question), ("expectation", &study.expectation)];
        let stated = study.hyperparameters.as_ref().map(|text| ("hyperparameters", text));
        for (path, text) in texts.into_iter().chain(stated) {
            if text.trim().is_empty() || text.len() > 4000 {
                self.wrong(path, "a text of 1 to 4000 characters");
            }
        }
    }

    fn lists(&mut self, study: &Study) {
        self.each_once("protocols", &study.protocols, "protocol");
        self.each_once("seeds", &study.seeds, "seed");
        for (i, seed) in study.seeds.iter().enumerate() {
            if *seed > 1 << 53 {
                self.wrong(&format!("seeds[{i}]"), "a seed of at most 2^53, which every reader of JSON can hold");
            }
        }
    }

    fn each_once<T: PartialEq>(&mut self, path: &str, items: &[T], what: &str) {
        if items.is_empty() {
            self.wrong(path, format!("at least one {what}"));
        }
        for (i, item) in items.iter().enumerate() {
            if items[..i].contains(item) {
                self.wrong(&format!("{path}[{i}]"), format!("each {what} once"));
            }
        }
    }

    fn variants(&mut self, study: &Study) {
        let names: Vec<&String> = study.variants.keys().collect();
        for (name, changes) in &study.variants {
            if !is_plain(name) {
                self.wrong(&format!("variants.{name}"), "a name of lower-case letters, digits and hyphens");
            }
            for section in changes.keys().filter(|section| !SECTIONS.contains(&section.as_str())) {
                let path = format!("variants.{name}.{section}");
                let problem = self.merged.at(&path, format!("unknown section `{section}` in a variant"));
                self.problems.push(problem.one_of(section, &SECTIONS));
            }
        }
        for (i, arm) in study.arms.iter().enumerate() {
            for (field, own) in [("variants", &arm.variants), ("published_variants", &arm.published_variants)] {
                for (j, name) in own.iter().enumerate() {
                    let path = format!("arms[{i}].{field}[{j}]");
                    if !study.variants.contains_key(name) {
                        let problem = self.merged.at(&path, format!("unknown variant `{name}`"));
                        self.problems.push(problem.one_of(name, &names));
                    } else if own[..j].contains(name) {
                        self.wrong(&path, "each variant once");
                    }
                }
            }
        }
    }

    /// Checks the sections of one arm.
    fn sections(&mut self, spec: &ArmSpec, study: &Study, protocol: Protocol) {
        let data = &study.data;
        if let Err(expected) = study.model.check_size(data.size) {
            self.wrong("data.size", expected);
        }
        self.stage("data.normalise", data.normalise.map_or(Ok(()), |normalise| normalise.check()));
        if !data.segmentation.dataset.has_trimaps() {
            self.wrong("data.segmentation.dataset", "a data set with trimaps: oxford-iiit-pet or synthetic-pets");
        }
        self.stage("data.pretraining.dataset", data.pretraining.dataset.check());
        self.stage("data.segmentation.dataset", data.segmentation.dataset.check());
        self.stage("data.segmentation.split", data.segmentation.split.check());
        self.stage("data.segmentation.train", data.segmentation.train.check());
        if !(data.pretraining.fraction > 0.0 && data.pretraining.fraction <= 1.0) {
            self.wrong("data.pretraining.fraction", "a share above 0 and at most 1");
        }
        self.stage("model", study.model.check());
        self.stage("init", study.init.check(&study.model));
        self.stage("pretraining", study.pretraining.check());
        self.stage("finetuning", study.finetuning.check());
        self.stage("evaluation", study.evaluation.check());
        if spec.pretrained && study.pretraining.training(0).needs_validation() && data.pretraining.validation == 0 {
            self.wrong("data.pretraining.validation", "at least 1 image, because `pretraining` needs validation");
        }
        if study.finetuning.training(0, protocol).needs_validation() && data.segmentation.has_no_validation() {
            self.wrong("data.segmentation.split", "at least 1 image for validation, because `finetuning` needs it");
        }
    }

    fn arms(&mut self, study: &Study) {
        if study.arms.is_empty() {
            self.wrong("arms", "at least one arm");
        }
        for (i, arm) in study.arms.iter().enumerate() {
            if !is_plain(&arm.name) {
                self.wrong(&format!("arms[{i}].name"), "a name of lower-case letters, digits and hyphens");
            }
            if arm.name.parse::<Baseline>().is_ok() {
                self.wrong(&format!("arms[{i}].name"), "another name: this one is a baseline's");
            }
            if study.arms[..i].iter().any(|other| other.name == arm.name) {
                self.wrong(&format!("arms[{i}].name"), "each name once");
            }
            if arm.label.trim().is_empty() {
                self.wrong(&format!("arms[{i}].label"), "a label");
            }
        }
    }

    fn report(&mut self, study: &Study) {
        let arms: Vec<&str> = study.arms.iter().map(|arm| arm.name.as_str()).collect();
        let conditions: Vec<String> = study.evaluation.conditions().iter().map(ToString::to_string).collect();
        let conditions: Vec<&str> = conditions.iter().map(String::as_str).collect();
        for problem in
            [study.report.check(&arms, &conditions), study.report.check_charts()].into_iter().filter_map(Result::err)
        {
            let path = format!("report.{}", problem.path);
            let mut diagnosis = self.merged.at(&path, problem.message);
            diagnosis.suggestion = problem.suggestion;
            self.problems.push(diagnosis);
        }
        if study.report.gallery.as_ref().is_some_and(|gallery| gallery.images > GALLERY) {
            self.wrong("report.gallery.images", format!("at most {GALLERY} images"));
        }
        for (i, arm) in study.arms.iter().enumerate() {
            let blur = |name: &String| study.variants.get(name).and_then(|v| v.get("evaluation")?.get("blur"));
            if arm.variants_under(Protocol::Published).any(|name| blur(name).is_some()) {
                let expected =
                    "no variant that changes `evaluation.blur`: all arms are tested under the same conditions";
                self.wrong(&format!("arms[{i}].variants"), expected);
            }
        }
    }
}

fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !name.is_empty() && name.len() <= 60 && name.chars().all(plain)
}
