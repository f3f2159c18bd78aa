//! `harness`: runs image-segmentation studies and reports them. It is a library only so that `harness/fuzz` can reach
//! the code that reads manifests; its one function is the binary's.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod cli;
mod collect;
mod commands;
mod device;
mod executors;
mod failure;
mod fetching;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod git;
mod json;
mod manifests;
mod output;
mod plans;
mod program;
mod progress;
mod registry;
mod reports;
mod stamp;
mod stored;
mod surveys;
mod threads;
mod weights;
mod words;

use clap::Parser as _;
use cli::{Bench, Cli, Command, Export};
use failure::{Failure, Outcome};
use std::process::ExitCode;

/// Runs the program: reads the command line, does what it says, and reports what failed.
pub fn main() -> ExitCode {
    harness_learn::ops::leave_threads_to_rayon();
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(cli: &Cli) -> Outcome {
    harness_learn::ops::check_instruction_set().map_err(Failure::Usage)?;
    let here = std::env::current_dir().map_err(Failure::run)?;
    let folders = || cli.global.folders(&here);
    let loudness = cli.global.loudness();
    match &cli.command {
        Command::Study(options) => commands::study::run(options, &folders()?, loudness),
        Command::Register(options) => commands::register::run(options, &folders()?, loudness),
        Command::Report(options) => commands::report::run(options, &folders()?),
        Command::List(options) => commands::list::run(&folders()?, options.json),
        Command::Validate(options) => commands::validate::run(options, &folders()?),
        Command::Schema { manifest } => commands::schema::run(*manifest),
        Command::Predict(options) => commands::predict::run(options, loudness),
        Command::Evaluate(options) => commands::evaluate::run(options, loudness),
        Command::Compare(options) => commands::compare::run(options, &folders()?, &here),
        Command::Runs(command) => commands::runs::run(command, &folders()?, loudness),
        Command::Export(Export::Tensorboard(options)) => commands::export::tensorboard(options, &folders()?),
        Command::Data(command) => commands::data::run(command, &folders()?, loudness),
        Command::Bench(Bench::TrainStep(options)) => commands::bench::train_step(options),
        Command::Bench(Bench::Data(options)) => commands::bench::data(options, loudness),
        Command::Completions { shell } => {
            cli::completions(*shell, &mut std::io::stdout());
            Ok(())
        }
        Command::Doctor { json } => commands::doctor::run(folders(), *json),
    }
}
