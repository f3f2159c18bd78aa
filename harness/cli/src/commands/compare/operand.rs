//! Finds what a result on the command line means: a report, a part of one, one at a revision, or a run.

use super::{revision, settings};
use crate::{
    cli::Folders,
    failure::{Failure, Outcome},
    reports::folder::{MARK, is_name, places},
    stored::Run,
};
use harness_learn::models::ModelSpec;
use harness_record::{suggest::closest, vocabulary::PrintedDice};
use harness_report::{
    compare::{Choice, Side},
    inputs::file,
};
use harness_study::spec::layers::PROFILES;
use std::path::{Path, PathBuf};

/// A result that the command line names.
pub(super) struct Operand {
    /// The text as it was typed.
    name: String,
    meaning: Meaning,
}

/// The meaning of the text.
enum Meaning {
    /// The folder of a report.
    Report(PathBuf, Choice),
    /// A report below the reports folder, as committed at a revision.
    Revision {
        revision: String,
        report: [String; 2],
        choice: Choice,
    },
    Run(Box<Run>),
}

impl Operand {
    /// Finds out what `text` means, as seen from the folder `here`.
    pub(super) fn parse(text: &str, folders: &Folders, here: &Path) -> Outcome<Self> {
        let name = text.to_owned();
        if let Some(folder) = report_at(text, folders, here) {
            return Ok(Self { name, meaning: Meaning::Report(folder, Choice::default()) });
        }
        let Some((head, rest)) = text.split_once(':') else {
            return match report_name(text) {
                Some(report) => Err(no_report(report, folders)),
                None => run(text, &folders.store).map(|run| Self { name, meaning: Meaning::Run(Box::new(run)) }),
            };
        };
        if let Some(folder) = report_at(head, folders, here) {
            return Ok(Self { name, meaning: Meaning::Report(folder, choice(text, rest)?) });
        }
        if let Some(report) = report_name(head) {
            return Err(no_report(report, folders));
        }
        let (report, part) = rest.split_once(':').map_or((rest, None), |(report, part)| (report, Some(part)));
        let Some(report) = report_name(report) else {
            let profiles = PROFILES.join(", ");
            return Err(Failure::Usage(format!(
                "{text}: `{head}` is not a report, so it was read as a revision; after a revision, expected \
                 PROFILE/STUDY with a profile of {profiles}, as in HEAD:demo/blurring, found `{report}`"
            )));
        };
        let choice = part.map_or_else(|| Ok(Choice::default()), |part| choice(text, part))?;
        Ok(Self { name, meaning: Meaning::Revision { revision: head.to_owned(), report, choice } })
    }

    /// Reads the result.
    pub(super) fn read(&self, folders: &Folders) -> Outcome<Side> {
        match &self.meaning {
            Meaning::Report(folder, choice) => self.report(&folder.join("data"), choice),
            Meaning::Revision { revision, report, choice } => {
                let data = revision::checkout(folders, revision, report)?;
                self.report(&data.data, choice)
            }
            Meaning::Run(run) => {
                run.must_be_done()?;
                Side::run(&self.name, &run.folder, printed_dice(run)).map_err(Failure::from)
            }
        }
    }

    fn report(&self, data: &Path, choice: &Choice) -> Outcome<Side> {
        let spec = settings::read(&data.join(file::SPEC))?;
        Side::report(&self.name, data, choice, spec.as_ref()).map_err(Failure::from)
    }
}

/// The kind of Dice that was printed for a run's network; soft Dice if none was printed.
fn printed_dice(run: &Run) -> PrintedDice {
    let model = run.record.as_ref().map(|record| record.settings["model"].clone());
    let model: Option<ModelSpec> = model.and_then(|model| serde_json::from_value(model).ok());
    model.and_then(|model| Some(model.sizes().published()?.dice)).unwrap_or(PrintedDice::Soft)
}

/// The folder of the report that `text` names: below the reports folder, or by its path.
fn report_at(text: &str, folders: &Folders, here: &Path) -> Option<PathBuf> {
    let named = report_name(text).map(|[profile, name]| folders.reports.join(profile).join(name));
    let places = named.into_iter().chain((!text.is_empty()).then(|| here.join(text)));
    places.into_iter().find(|folder| folder.join("data").join(file::STUDY).is_file())
}

/// Splits `PROFILE/STUDY`, or `PROFILE/STUDY+CHANGES`; `None` if the text is not of this form.
fn report_name(text: &str) -> Option<[String; 2]> {
    let (profile, name) = text.split_once('/')?;
    (PROFILES.contains(&profile) && is_name(name)).then(|| [profile.to_owned(), name.to_owned()])
}

fn no_report([profile, name]: [String; 2], folders: &Folders) -> Failure {
    let names: Vec<_> =
        places(&folders.reports).iter().map(|place| format!("{}/{}", place.profile, place.name)).collect();
    let whole = format!("{profile}/{name}");
    let help = match closest(&whole, &names) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if name.contains(MARK) => "`harness list` names those that there are".to_owned(),
        None => format!("`harness study {name} --profile {profile}` makes one"),
    };
    Failure::Usage(format!("there is no report {whole} in {}: {help}", folders.reports.display()))
}

/// Parses `ARM[/PROTOCOL][@CONDITION]`. Any of the three can be left out, but not all.
fn choice(text: &str, part: &str) -> Outcome<Choice> {
    let (place, condition) = part.split_once('@').map_or((part, None), |(place, condition)| (place, Some(condition)));
    let (arm, protocol) = place.split_once('/').map_or((place, None), |(arm, protocol)| (arm, Some(protocol)));
    if condition == Some("") || protocol == Some("") || (arm.is_empty() && protocol.is_none() && condition.is_none()) {
        return Err(Failure::Usage(format!(
            "{text}: expected ARM[/PROTOCOL][@CONDITION] after the report, found `{part}`"
        )));
    }
    let owned = |name: Option<&str>| name.map(str::to_owned);
    Ok(Choice {
        arm: owned(Some(arm).filter(|arm| !arm.is_empty())),
        protocol: owned(protocol),
        condition: owned(condition),
    })
}

/// Finds a run of the store. The error says why `text` is neither a run nor a report.
fn run(text: &str, store: &Path) -> Outcome<Run> {
    Run::find(store, text).map_err(|failure| match failure {
        Failure::Usage(why) => Failure::Usage(format!(
            "{why}\n`{text}` is not a report either: name a report as PROFILE/STUDY, as in demo/blurring, or by its \
             folder"
        )),
        other => other,
    })
}
