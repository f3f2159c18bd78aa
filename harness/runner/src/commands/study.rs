//! `study`: plan, run what is missing, collect, render.

use super::{say, say_json, table};
use crate::{
    cli::{self, Folders, ProtocolChoice},
    collect::{self, Sources},
    executors::{Workshop, data_failure},
    failure::{Failure, Outcome},
    plan::{Plan, Surveys},
    progress::{Loudness, Progress},
    spec::layers::{self, Spec},
    stamp::{self, Stamp},
    study::Resolved,
};
use harness_learn::{
    device::{self, Chosen},
    monitor::Monitor as _,
};
use harness_record::{
    files::Lock,
    store::{State, Store},
};
use serde_json::json;
use std::path::{Path, PathBuf};

/// A study, ready to run.
struct Ready {
    resolved: Resolved,
    settings: Vec<String>,
    plan: Plan,
}

pub(crate) fn run(options: &cli::Study, folders: &Folders, loudness: Loudness) -> Outcome {
    if let Some(threads) = options.threads {
        rayon::ThreadPoolBuilder::new().num_threads(usize::from(threads)).build_global().map_err(Failure::run)?;
    }
    let names = if options.all { layers::names(&folders.root).map_err(Failure::run)? } else { options.names.clone() };
    let settings = settings(options);
    let mut studies = Vec::new();
    for name in &names {
        let spec = Spec::named(&folders.root, name)?;
        studies.push(Resolved::new(&spec, &options.profile, &settings)?);
    }
    let chosen = device::select(options.device).map_err(|e| Failure::Usage(e.to_string()))?;
    let progress = Progress::new(loudness);
    progress.catch_signals().map_err(Failure::run)?;
    let store = Store::new(&folders.store);
    let mut ready = Vec::new();
    for resolved in studies {
        let surveys = Surveys::of(&resolved.study, &folders.data, &store.cache(), &progress)
            .map_err(|e| data_failure(e).during(format!("study {}, profile {}", resolved.name, resolved.profile)))?;
        let plan = Plan::new(&resolved, &surveys, chosen.kind).map_err(Failure::run)?;
        ready.push(Ready { resolved, settings: settings.clone(), plan });
    }
    if options.dry_run {
        return dry_run(&ready, &store, &chosen, options.json);
    }
    let mut outcomes = Vec::new();
    for study in &ready {
        let (report, fresh) = one(study, folders, &store, &chosen, &progress)?;
        let page = report.join("index.html");
        if options.json {
            outcomes.push(json!({
                "study": study.resolved.name, "profile": study.resolved.profile, "up_to_date": fresh, "report": page,
            }));
        } else if fresh {
            say(&format!(
                "study {} ({}): up to date\nreport: {}",
                study.resolved.name,
                study.resolved.profile,
                page.display()
            ))?;
        } else {
            say(&format!(
                "study {} ({}): done\nreport: {}",
                study.resolved.name,
                study.resolved.profile,
                page.display()
            ))?;
        }
    }
    if options.json { say_json(&outcomes) } else { Ok(()) }
}

/// What the command line changes, as settings of the spec.
fn settings(options: &cli::Study) -> Vec<String> {
    let mut settings = options.set.clone();
    if let Some(seeds) = &options.seeds {
        let seeds: Vec<String> = seeds.0.iter().map(u64::to_string).collect();
        settings.push(format!("seeds=[{}]", seeds.join(", ")));
    }
    if let Some(protocol) = options.protocol {
        let name = match protocol {
            ProtocolChoice::Published => "published",
            ProtocolChoice::Corrected => "corrected",
        };
        settings.push(format!("protocols=[{name}]"));
    }
    settings
}

/// Runs one study; where its report is, and whether there was nothing to do.
fn one(
    ready: &Ready,
    folders: &Folders,
    store: &Store,
    device: &Chosen,
    progress: &Progress,
) -> Outcome<(PathBuf, bool)> {
    let Ready { resolved, settings, plan } = ready;
    let name = format!("study {}, profile {}", resolved.name, resolved.profile);
    let report = folders.reports.join(&resolved.profile).join(&resolved.name);
    let _lock = wait_for(&stamp::lock_file(store, &report), &name, progress)?;
    let fingerprint = collect::fingerprint(resolved, settings, plan)?;
    let (templates, manifests) = (folders.root.join("templates"), folders.root.join("data-manifests"));
    let made_of = [report.as_path(), templates.as_path(), manifests.as_path()];
    let stamp = Stamp::new(store, &report);
    if all_done(plan, store)? && stamp.is_fresh(&fingerprint, &made_of) {
        return Ok((report, true));
    }
    let workshop = Workshop::new(store, &folders.data, &folders.root, device, progress);
    workshop.run(plan).map_err(|failure| failure.during(name.clone()))?;
    progress.log(&format!("{name}: collecting and rendering"));
    let sources = Sources { store, manifests: &manifests };
    collect::collect(resolved, settings, plan, &sources, &report.join("data"))
        .and_then(|()| super::report::render(&report, &templates))
        .map_err(|failure| failure.during(name))?;
    stamp.set(&fingerprint, &made_of)?;
    Ok((report, false))
}

fn wait_for(path: &Path, name: &str, progress: &Progress) -> Outcome<Lock> {
    let mut told = false;
    loop {
        if let Some(lock) = Lock::try_take(path)? {
            return Ok(lock);
        }
        if !told {
            progress.log(&format!("{name}: waiting for another process that runs it"));
            told = true;
        }
        if progress.stopped() {
            return Err(Failure::Interrupted);
        }
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
}

fn all_done(plan: &Plan, store: &Store) -> Outcome<bool> {
    for stage in &plan.stages {
        if store.state(stage.settings.work.kind(), &stage.key)? != State::Done {
            return Ok(false);
        }
    }
    Ok(true)
}

fn dry_run(studies: &[Ready], store: &Store, device: &Chosen, as_json: bool) -> Outcome {
    let mut all = Vec::new();
    for Ready { resolved, plan, .. } in studies {
        let mut rows =
            vec![["stage", "key", "builds on", "arms", "protocol", "seed", "state"].map(str::to_owned).to_vec()];
        let mut stages = Vec::new();
        let mut done = 0;
        for stage in &plan.stages {
            let work = &stage.settings.work;
            let state = store.state(work.kind(), &stage.key)?;
            done += usize::from(state == State::Done);
            let state = state_name(state);
            let protocol = work.protocol().map_or("any", |p| p.name());
            let parent = work.parent().map(|(_, key)| key);
            rows.push(vec![
                work.kind().to_owned(),
                short(&stage.key),
                parent.map_or("-".to_owned(), short),
                stage.arms.join(", "),
                protocol.to_owned(),
                stage.settings.seed.to_string(),
                state.to_owned(),
            ]);
            stages.push(json!({
                "stage": work.kind(), "key": stage.key, "builds_on": parent, "arms": stage.arms, "protocol": protocol,
                "seed": stage.settings.seed, "state": state,
            }));
        }
        let (count, unshared) = (plan.stages.len(), plan.unshared());
        if as_json {
            all.push(json!({
                "study": resolved.name, "profile": resolved.profile, "device": device.name, "stages": stages,
                "saved_by_sharing": unshared - count,
            }));
        } else {
            say(&format!(
                "study {}, profile {}, on {}: {count} stages ({} saved by sharing), {done} done, {} to run\n",
                resolved.name,
                resolved.profile,
                device.name,
                unshared - count,
                count - done
            ))?;
            say(&table(&rows))?;
        }
    }
    if as_json { say_json(&all) } else { Ok(()) }
}

fn state_name(state: State) -> &'static str {
    match state {
        State::Missing => "to run",
        State::Partial => "to resume",
        State::Running => "running elsewhere",
        State::Done => "done",
    }
}

/// The first ten digits of a key, enough for a person.
fn short(key: &str) -> String {
    key.chars().take(10).collect()
}
