//! `report`: renders reports again from their data folders alone, checks that nothing would change, or prints the
//! verdicts.

mod browser;
mod bundle;
mod serve;
mod verdicts;

use crate::{
    cli::{self, Folders},
    failure::{Failure, Outcome},
    output::{count, say},
    reports::{
        folder::{MARK, ReportFolder, places},
        rendering::{check, make},
        site,
    },
};
use browser::open;
use harness_study::spec::layers::{self, Spec};
use rayon::prelude::*;

pub(crate) fn run(options: &cli::Report, folders: &Folders) -> Outcome {
    let places = chosen(options, folders)?;
    if options.verdicts {
        return verdicts::run(&places, folders, options);
    }
    if let Some(out) = &options.bundle {
        return bundle::run(&places, folders, out);
    }
    if options.serve {
        return serve::run(&places, folders, options);
    }
    let templates = folders.root.join("templates");
    // Reports do not depend on each other, so they are rendered in parallel; the messages keep the order of the
    // reports.
    let rendered: Vec<Outcome<Vec<String>>> = places
        .par_iter()
        .map(|place| {
            if options.check {
                check(place, folders, &templates)
            } else {
                make(place, folders, options.renew).map(|()| Vec::new())
            }
        })
        .collect();
    let mut differences = Vec::new();
    for (place, outcome) in places.iter().zip(rendered) {
        differences.extend(outcome?);
        if !options.check {
            say(&format!("report: {}", place.folder.join("index.html").display()))?;
            if options.open {
                open(&place.folder.join("index.html"))?;
            }
        }
    }
    if !options.check {
        return site::write(folders);
    }
    if options.names.is_empty() && options.profile.is_none() {
        differences.extend(site::check(folders)?);
    }
    if differences.is_empty() {
        return say(&format!("{} checked: nothing would change", count(places.len(), "report")));
    }
    for line in &differences {
        say(line)?;
    }
    Err(Failure::Check(format!("{} would change", count(differences.len(), "file"))))
}

fn chosen(options: &cli::Report, folders: &Folders) -> Outcome<Vec<ReportFolder>> {
    let mut places = places(&folders.reports);
    if let Some(profile) = &options.profile {
        places.retain(|place| place.profile == *profile);
    }
    for name in &options.names {
        if !places.iter().any(|place| place.name == *name) {
            let where_ = options.profile.as_ref().map_or(String::new(), |p| format!(" in profile {p}"));
            if name.contains(MARK) {
                let text = format!("there is no report {name}{where_}: `harness list` names those that there are");
                return Err(Failure::Usage(text));
            }
            // A misspelt name gets its "did you mean" here; a correct one has no data yet.
            Spec::named(&folders.root, name)?;
            return Err(Failure::Usage(format!(
                "study {name} has no report{where_} yet: run `harness study {name}` first (--profile demo is the quickest)"
            )));
        }
    }
    if !options.names.is_empty() {
        places.retain(|place| options.names.contains(&place.name));
    }
    if places.is_empty() {
        let known = layers::names(&folders.root).unwrap_or_default().join(", ");
        let text = format!("there are no reports in {} yet; studies: {known}", folders.reports.display());
        return Err(Failure::Usage(text));
    }
    Ok(places)
}
