//! `study`: plans studies, runs what is missing, collects the records and renders the reports.

mod gate;
mod validation;

use crate::device;
use crate::reports::{folder, rendering, site};
use crate::{
    cli::{self, Folders},
    collect::{self, Sources},
    executors::{self, Jobs, Workshop},
    failure::{Failure, Outcome},
    fetching, manifests,
    output::{say, say_json, table},
    progress::{Loudness, Progress},
    registry::{any_tests, lacks_tests},
    stamp::{self, Stamp},
    surveys::{self, DataFolders},
    threads::use_threads,
};
use gate::{Gate, registry};
use harness_learn::device::Chosen;
use harness_record::{
    files::Lock,
    monitor::Monitor as _,
    store::{State, Store},
    vocabulary::{Key, Protocol},
};
use harness_report::inputs::file;
use harness_study::{
    plan::{Plan, PlannedStage},
    spec::layers::{self, Spec},
    study::Resolved,
    surveys::Surveys,
};
use serde_json::json;
use std::{collections::BTreeMap, path::PathBuf};

/// A study, ready to run.
struct Ready {
    resolved: Resolved,
    overrides: Vec<String>,
    plan: Plan,
    /// The study as its file has it. `None` if it is valid only with the overrides.
    base: Option<Resolved>,
    /// True if the store had a test of the study, with or without the overrides, when the command began.
    was_tested: bool,
}

pub(crate) fn run(options: &cli::Study, folders: &Folders, loudness: Loudness) -> Outcome {
    if let Some(threads) = options.threads {
        use_threads(threads)?;
    }
    let names = if options.all { layers::names(&folders.root).map_err(Failure::run)? } else { options.names.clone() };
    let overrides = overrides(options);
    let (mut studies, mut bases) = (Vec::new(), Vec::new());
    for name in &names {
        let spec = Spec::named(&folders.root, name)?;
        studies.push(Resolved::new(&spec, &options.profile, &overrides)?);
        bases.push(Resolved::new(&spec, &options.profile, &[]).ok());
    }
    let chosen = device::open(options.device)?;
    options.precision.apply(&chosen.device).map_err(|e| Failure::Usage(e.to_string()))?;
    let jobs = jobs(options.jobs, &chosen)?;
    let progress = Progress::new(loudness);
    progress.catch_signals().map_err(Failure::run)?;
    let store = Store::new(&folders.store);
    let (cache, place) = (store.cache(), folders.root.join(manifests::FOLDER));
    let read = DataFolders { data: &folders.data, cache: &cache, manifests: &place };
    fetching::for_studies(&studies, &read, fetching::Wish::of(options), &progress)?;
    let (mut surveys, mut ready) = (Surveys::default(), Vec::new());
    for (resolved, base) in studies.into_iter().zip(bases) {
        let name = format!("study {}, profile {}", resolved.name, resolved.profile);
        surveys::look(&mut surveys, &resolved, &read, &progress).map_err(|failure| failure.during(name))?;
        let plan_of = |resolved: &Resolved| Plan::new(resolved, &surveys, chosen.kind, options.precision);
        let mut plan = plan_of(&resolved).map_err(Failure::run)?;
        if options.validation_only {
            validation::leave_out_tests(&mut plan);
        }
        // The base may read data that the changed study does not. Then it has no plan here.
        let plan_of_base = base.as_ref().and_then(|base| plan_of(base).ok());
        let was_tested = any_tests([Some(&plan), plan_of_base.as_ref()].into_iter().flatten(), &store)?;
        ready.push(Ready { resolved, overrides: overrides.clone(), plan, base, was_tested });
    }
    if options.dry_run {
        return dry_run(&ready, &store, &chosen, options.json);
    }
    // All studies share one workshop, so pictures that several of them read are decoded once.
    let workshop = Workshop::new(&store, &folders.data, &folders.root, &chosen);
    if options.validation_only {
        validation::train(&ready, &folders.reports, (&workshop, jobs), &progress)?;
        return validation::print(&ready, &store, options.json);
    }
    if !options.r#final {
        ready.iter().try_for_each(|study| must_be_open(study, &store, folders))?;
    }
    let mut outcomes = Vec::new();
    for study in &ready {
        let gate = Gate::new(&store, &folders.reports, &progress, &ready, study);
        let (folder, fresh) = one(study, &gate, folders, (&workshop, jobs), &progress)?;
        let page = folder.join("index.html");
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
    site::write(folders)?;
    if options.json { say_json(&outcomes) } else { Ok(()) }
}

/// Refuses to test a study that is developed on its validation images.
fn must_be_open(ready: &Ready, store: &Store, folders: &Folders) -> Outcome {
    let (name, profile) = (&ready.resolved.name, &ready.resolved.profile);
    if registry(store, &folders.reports, ready).tests()?.shut && lacks_tests(store, &ready.plan)? {
        return Err(Failure::Usage(format!(
            "study {name} ({profile}) was last trained with --validation-only, so its test is kept shut: add --final to \
             run the test, or --validation-only to go on without it"
        )));
    }
    Ok(())
}

/// Decides how many stages run at once.
fn jobs(asked: Option<u16>, device: &Chosen) -> Outcome<Jobs> {
    match asked {
        Some(jobs) if jobs > 1 && device.kind != "cpu" => {
            let text =
                format!("--jobs {jobs}: stages run side by side only on the CPU; on {} use --jobs 1", device.name);
            Err(Failure::Usage(text))
        }
        Some(jobs) => Ok(Jobs::AtMost(usize::from(jobs))),
        None if device.kind == "cpu" => Ok(Jobs::ByThreads),
        None => Ok(Jobs::AtMost(1)),
    }
}

/// The changes made on the command line, as settings of the spec. A study with changes has a report of its own.
fn overrides(options: &cli::Study) -> Vec<String> {
    let mut overrides = options.set.clone();
    if let Some(seeds) = &options.seeds {
        let seeds: Vec<String> = seeds.0.iter().map(u64::to_string).collect();
        overrides.push(format!("seeds=[{}]", seeds.join(", ")));
    }
    if let Some(protocol) = options.protocol {
        overrides.push(format!("protocols=[{protocol}]"));
    }
    overrides
}

/// Runs one study. Returns the folder of its report, and true if there was nothing to do.
fn one(
    ready: &Ready,
    gate: &Gate<'_>,
    folders: &Folders,
    (workshop, jobs): (&Workshop<'_>, Jobs),
    progress: &Progress,
) -> Outcome<(PathBuf, bool)> {
    let store = workshop.store;
    let Ready { resolved, overrides, plan, .. } = ready;
    let name = format!("study {}, profile {}", resolved.name, resolved.profile);
    let folder = folders.reports.join(&resolved.profile).join(folder::name_of(&resolved.name, overrides)?);
    let waiting = format!("{name}: waiting for another process that runs it");
    let lock = Lock::wait(&stamp::lock_file(store, &folder), &waiting, progress)?;
    let _lock = lock.ok_or(Failure::Interrupted)?;
    let registry = registry(store, &folders.reports, ready);
    let fingerprint = || {
        let _lock = registry.lock(progress)?;
        collect::fingerprint(resolved, overrides, plan, &registry)
    };
    let (templates, manifests) = (folders.root.join("templates"), folders.root.join(manifests::FOLDER));
    let data = folder.join("data");
    let mut made_of = vec![folder.clone(), templates.clone(), manifests.clone()];
    made_of.extend(plan.stages.iter().map(|stage| file::run_folder(&data, &stage.key)));
    let stamp = Stamp::new(store, &folder);
    if all_done(plan, store)? && stamp.is_fresh(&fingerprint()?, &made_of) {
        return Ok((folder, true));
    }
    // If other studies ran all tests, the gate was not passed yet.
    executors::run(workshop, plan, jobs, &|| gate.pass(), progress)
        .and_then(|()| gate.pass())
        .map_err(|failure| failure.during(name.clone()))?;
    progress.log(&format!("{name}: collecting and rendering"));
    let sources = Sources { store, manifests: &manifests, registry: &registry };
    // The studies of a profile share the records of runs, so the profile is locked.
    let waiting = format!("{name}: waiting for another study's report");
    let profile = Lock::wait(&stamp::lock_file(store, &folders.reports.join(&resolved.profile)), &waiting, progress)?;
    let profile = profile.ok_or(Failure::Interrupted)?;
    let collected = collect::collect(resolved, overrides, plan, &sources, &folder);
    drop(profile);
    collected
        .and_then(|fidelity| rendering::render(&folder, &templates, fidelity, overrides))
        .map_err(|failure| failure.during(name))?;
    stamp.set(&fingerprint()?, &made_of)?;
    Ok((folder, false))
}

fn all_done(plan: &Plan, store: &Store) -> Outcome<bool> {
    for stage in &plan.stages {
        if store.state(stage.settings.work.stage(), &stage.key)? != State::Done {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Prints what would run: a table for each study, and what all of them share.
fn dry_run(studies: &[Ready], store: &Store, device: &Chosen, as_json: bool) -> Outcome {
    let mut all = Vec::new();
    let mut seen = BTreeMap::new();
    for ready in studies {
        let planned = planned(ready, store)?;
        let done = planned.iter().filter(|stage| stage.state == State::Done).count();
        let saved = ready.plan.unshared() - planned.len();
        let (name, profile) = (&ready.resolved.name, &ready.resolved.profile);
        if as_json {
            let stages: Vec<_> = planned.iter().map(Planned::json).collect();
            all.push(json!({
                "study": name, "profile": profile, "device": device.name, "stages": stages, "saved_by_sharing": saved,
            }));
        } else {
            let (count, to_run) = (planned.len(), planned.len() - done);
            say(&format!(
                "study {name}, profile {profile}, on {}: {count} stages ({saved} saved by sharing), {done} done, {to_run} to run\n",
                device.name,
            ))?;
            let heads = ["stage", "key", "builds on", "arms", "protocol", "seed", "state"];
            let mut rows = vec![heads.map(str::to_owned).to_vec()];
            rows.extend(planned.iter().map(Planned::row));
            say(&table(&rows))?;
            if studies.len() > 1 {
                say("")?;
            }
        }
        seen.extend(planned.into_iter().map(|stage| (stage.stage.key.clone(), stage.state)));
    }
    if as_json {
        return say_json(&all);
    }
    if studies.len() > 1 {
        let unshared: usize = studies.iter().map(|ready| ready.plan.unshared()).sum();
        let done = seen.values().filter(|state| **state == State::Done).count();
        say(&format!(
            "all {} studies: {} stages ({} saved by sharing), {done} done, {} to run",
            studies.len(),
            seen.len(),
            unshared - seen.len(),
            seen.len() - done
        ))?;
    }
    Ok(())
}

/// A stage and its state in the store.
struct Planned<'a> {
    stage: &'a PlannedStage,
    state: State,
}

fn planned<'a>(ready: &'a Ready, store: &Store) -> Outcome<Vec<Planned<'a>>> {
    let mut planned = Vec::new();
    for stage in &ready.plan.stages {
        planned.push(Planned { stage, state: store.state(stage.settings.work.stage(), &stage.key)? });
    }
    Ok(planned)
}

impl Planned<'_> {
    fn protocol(&self) -> &'static str {
        self.stage.settings.work.protocol().map_or("any", Protocol::name)
    }

    fn row(&self) -> Vec<String> {
        let work = &self.stage.settings.work;
        vec![
            work.stage().to_string(),
            short(&self.stage.key),
            work.parent().map_or("-".to_owned(), |(_, key)| short(key)),
            self.stage.arms.join(", "),
            self.protocol().to_owned(),
            self.stage.settings.seed.to_string(),
            state_name(self.state).to_owned(),
        ]
    }

    fn json(&self) -> serde_json::Value {
        let work = &self.stage.settings.work;
        json!({
            "stage": work.stage(), "key": self.stage.key, "builds_on": work.parent().map(|(_, key)| key),
            "arms": self.stage.arms, "protocol": self.protocol(), "seed": self.stage.settings.seed,
            "state": state_name(self.state),
        })
    }
}

fn state_name(state: State) -> &'static str {
    match state {
        State::Missing => "to run",
        State::Partial => "to resume",
        State::Running => "running elsewhere",
        State::Done => "done",
    }
}

/// The first ten digits of a key, enough for a person to tell keys apart.
fn short(key: &Key) -> String {
    key.as_str().chars().take(10).collect()
}
