//! `register`: locks what studies say before their tests.

use crate::{
    cli::{self, Folders},
    failure::{Failure, Outcome},
    manifests,
    output::say,
    plans,
    progress::{Loudness, Progress},
    registry::{Registry, any_tests, locked},
    surveys::{self, DataFolders},
};
use harness_record::store::Store;
use harness_report::inputs::{Locked, Occasion, Registration, file};
use harness_study::{
    plan::Plan,
    spec::{diagnosis::printable, layers::Spec},
    study::Resolved,
    surveys::Surveys,
    test_images,
};

pub(crate) fn run(options: &cli::Register, folders: &Folders, loudness: Loudness) -> Outcome {
    let progress = Progress::new(loudness);
    progress.catch_signals().map_err(Failure::run)?;
    let store = Store::new(&folders.store);
    let (cache, place) = (store.cache(), folders.root.join(manifests::FOLDER));
    let read = DataFolders { data: &folders.data, cache: &cache, manifests: &place };
    let mut surveys = Surveys::default();
    let mut studies = Vec::new();
    for name in &options.names {
        studies.push(Resolved::new(&Spec::named(&folders.root, name)?, &options.profile, &[])?);
    }
    for resolved in &studies {
        let name = format!("study {}, profile {}", resolved.name, resolved.profile);
        surveys::look(&mut surveys, resolved, &read, &progress).map_err(|failure| failure.during(name))?;
        one(resolved, &plans::on_any_device(resolved, &surveys)?, &store, folders, &progress)?;
    }
    Ok(())
}

/// Registers a study, whose runs may be those of any of the `plans`.
fn one(resolved: &Resolved, plans: &[Plan], store: &Store, folders: &Folders, progress: &Progress) -> Outcome {
    let Resolved { name, profile, .. } = resolved;
    let registry = Registry::new(store, &folders.reports, name, profile);
    let _lock = registry.lock(progress)?;
    let known = registry.registration()?;
    let report = folders.reports.join(profile).join(name);
    let why = if report.join("data").join(file::PLACES).exists() {
        Some(format!("{} is a report of it", report.display()))
    } else if !registry.tests()?.opened.is_empty() || any_tests(plans, store)? {
        Some(format!("{} has tests of it", store.root().display()))
    } else {
        None
    };
    if let Some(why) = why {
        let stays = known.map_or("", |_| "; what was registered before stays");
        return Err(Failure::Check(format!(
            "test results of study {name} ({profile}) are known, so it is too late to register it: {why}{stays}\nto begin \
             anew, give the study another name and other test images"
        )));
    }
    // All plans test on the same images.
    let images = plans.first().map_or_else(|| Ok(Vec::new()), test_images::of_plan).map_err(Failure::run)?;
    let now = locked(&resolved.study, images);
    if let Some(known) = known {
        let edits = known.locked.edits(&now);
        if edits.is_empty() {
            return said(&known, "is registered already", &registry);
        }
        let parts: Vec<String> = edits.into_iter().map(|edit| printable(&edit.part)).collect();
        return Err(Failure::Check(format!(
            "study {name} ({profile}) is registered otherwise, and the first registration stays; different now: {}\nto \
             begin anew, give the study another name",
            parts.join(", ")
        )));
    }
    said(&registry.register(Occasion::OnPurpose, now)?, "is registered", &registry)
}

/// Says what is registered.
fn said(registration: &Registration, what: &str, registry: &Registry) -> Outcome {
    let Registration { study, profile, locked, .. } = registration;
    let Locked { question, expectation, claims, metrics, test_images } = locked;
    say(&format!("study {study} ({profile}) {what}, in {}", registry.registration_file().display()))?;
    let mut lines = vec![("SHA-256", registration.digest().to_owned())];
    lines.extend([("question", question.clone()), ("expectation", expectation.clone())]);
    lines.extend(claims.iter().map(|claim| ("claim", format!("{}: {} {}", claim.name, claim.text, claim.expect))));
    lines.push(("metrics", metrics.join(", ")));
    lines.extend(test_images.iter().map(|set| ("test images", format!("{}, digest {}", set.images, set.digest))));
    lines.iter().try_for_each(|(name, text)| say(&format!("  {name}: {}", printable(text))))
}
