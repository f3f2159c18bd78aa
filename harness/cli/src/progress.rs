//! Shows progress, as bars on a terminal and as a line now and then elsewhere, and catches Ctrl-C.

use harness_record::monitor::Monitor;
use harness_study::spec::diagnosis::printable;
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use std::{
    fs::{File, OpenOptions},
    io::{IsTerminal, Write},
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// The longest silence while work goes on without a terminal.
const SILENCE: Duration = Duration::from_secs(10);
/// Work that takes less time is not worth a line.
const BRIEF: Duration = Duration::from_secs(2);
/// Steps that are taken at once so soon after the beginning were taken in an earlier process: they say nothing about
/// speed.
const RESUMED: Duration = Duration::from_millis(100);

/// The amount of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loudness {
    /// Only errors and results.
    Quiet,
    /// Progress and messages.
    Normal,
    /// Details as well.
    Verbose,
}

/// The monitor of the command line: for all its work, or for one of several pieces of work that go on side by side.
pub(crate) struct Progress {
    stop: Arc<AtomicBool>,
    /// Set when this piece of work is of no use any more, because another one failed.
    given_up: Arc<AtomicBool>,
    state: Mutex<State>,
}

/// One piece of work: its bars, innermost last, and its log.
struct State {
    console: Arc<Mutex<Console>>,
    bars: Vec<Bar>,
    log: Option<File>,
    clock: fn() -> Instant,
}

/// The place where everything is printed.
struct Console {
    out: Out,
    verbose: bool,
    /// When a line was last printed.
    said: Instant,
}

enum Out {
    Bars(MultiProgress),
    Lines(Box<dyn Write + Send>),
    Nothing,
}

/// One level of counted work.
struct Bar {
    what: String,
    total: u64,
    done: u64,
    /// The number of done steps that an earlier process did.
    resumed: u64,
    note: String,
    since: Instant,
    /// When a line about this bar was last printed.
    said: Instant,
    /// `outer` is true if a bar was ever opened inside this one, `inner` if one was since this one last moved.
    outer: bool,
    inner: bool,
    /// True if a line about this bar is due. It waits for the next event, because the note may come after the step.
    due: bool,
    gauge: Option<ProgressBar>,
}

impl Progress {
    /// Shows bars if stderr is a terminal, lines if not, and nothing if quiet.
    pub(crate) fn new(loudness: Loudness) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let progress = Self::with(match loudness {
            Loudness::Quiet => Out::Nothing,
            _ if std::io::stderr().is_terminal() && !dumb => Out::Bars(MultiProgress::new()),
            _ => Out::Lines(Box::new(std::io::stderr())),
        });
        progress.state().console().verbose = loudness == Loudness::Verbose;
        progress
    }

    fn with(out: Out) -> Self {
        let console = Arc::new(Mutex::new(Console { out, verbose: false, said: Instant::now() }));
        let state = State { console, bars: Vec::new(), log: None, clock: Instant::now };
        Self { stop: Arc::default(), given_up: Arc::default(), state: Mutex::new(state) }
    }

    /// A monitor for a piece of work beside others: it has its own bars and log, and prints in the same place.
    /// `given_up` stops it as Ctrl-C does.
    pub(crate) fn beside(&self, given_up: &Arc<AtomicBool>) -> Self {
        let state = self.state();
        let own = State { console: Arc::clone(&state.console), bars: Vec::new(), log: None, clock: state.clock };
        Self { stop: Arc::clone(&self.stop), given_up: Arc::clone(given_up), state: Mutex::new(own) }
    }

    /// Makes Ctrl-C and SIGTERM ask the work to stop; a second signal ends the process with code 130. Call it once per
    /// process.
    pub(crate) fn catch_signals(&self) -> Result<(), ctrlc::Error> {
        let stop = Arc::clone(&self.stop);
        // The handler must not wait for the lock on the state: the thread that holds it may be the one that hangs.
        let bars = match &self.state().console().out {
            Out::Bars(bars) => Some(bars.clone()),
            Out::Lines(_) | Out::Nothing => None,
        };
        ctrlc::set_handler(move || {
            if stop.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
            let line = "stopping; finished work is kept. Press Ctrl-C again to quit at once";
            // If stderr is closed, there is nobody to tell.
            let _ = match &bars {
                Some(bars) => bars.println(line),
                None => writeln!(std::io::stderr(), "{line}"),
            };
        })
    }

    /// Also appends the lines of [`Monitor::log`] to this file, until the next call. `None` ends it.
    pub(crate) fn log_to(&self, path: Option<&Path>) -> std::io::Result<()> {
        let file = path.map(|path| OpenOptions::new().create(true).append(true).open(path)).transpose()?;
        self.state().log = file;
        Ok(())
    }

    /// Prints a line only if the user asked for details; the run's log keeps it always.
    pub(crate) fn detail(&self, line: &str) {
        let mut state = self.state();
        let line = printable(line);
        if state.console().verbose {
            state.say_due();
            state.say(&line);
        }
        state.keep(&line);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Monitor for Progress {
    fn begin(&self, what: &str, total: u64) {
        let mut state = self.state();
        state.say_due();
        if let Some(around) = state.bars.last_mut() {
            (around.outer, around.inner) = (true, true);
        }
        let now = (state.clock)();
        let what = printable(what);
        let gauge = match &state.console().out {
            Out::Bars(bars) => Some(gauge(bars, &what, total, &state.bars)),
            Out::Lines(_) | Out::Nothing => None,
        };
        let bar = Bar {
            what,
            total,
            done: 0,
            resumed: 0,
            note: String::new(),
            since: now,
            said: now,
            outer: false,
            inner: false,
            due: false,
            gauge,
        };
        state.bars.push(bar);
    }

    fn advance(&self, by: u64) {
        let mut state = self.state();
        state.say_due();
        let now = (state.clock)();
        let silent = now.duration_since(state.console().said) >= SILENCE;
        let whole = state.is_whole();
        let Some(bar) = state.bars.last_mut() else { return };
        if bar.done == 0 && by > 1 && now.duration_since(bar.since) < RESUMED {
            bar.resumed = by;
        }
        bar.done += by;
        let stepped = std::mem::take(&mut bar.inner) && now.duration_since(bar.said) >= BRIEF;
        // The closing line reports the last step.
        bar.due = (silent || stepped) && !(whole && bar.done == bar.total);
        if let Some(gauge) = &bar.gauge {
            gauge.inc(by);
        }
    }

    fn note(&self, text: &str) {
        let mut state = self.state();
        let Some(bar) = state.bars.last_mut() else { return };
        bar.note = printable(text);
        if let Some(gauge) = &bar.gauge {
            gauge.set_message(bar.note.clone());
        }
        state.say_due();
    }

    fn end(&self) {
        let mut state = self.state();
        let now = (state.clock)();
        let whole = state.is_whole();
        let line = state.closing_line(now);
        let Some(bar) = state.bars.pop() else { return };
        if let (Some(gauge), Out::Bars(bars)) = (&bar.gauge, &state.console().out) {
            gauge.finish_and_clear();
            bars.remove(gauge);
        }
        // A single step that held other bars was reported by them.
        let told = bar.total <= 1 && bar.outer;
        if whole && !told && now.duration_since(bar.since) >= BRIEF {
            state.say(&line);
        }
    }

    fn log(&self, line: &str) {
        let mut state = self.state();
        state.say_due();
        let line = printable(line);
        // With several pieces of work, a line must say which one it belongs to; in the piece's own log it need not.
        match state.bars.first() {
            Some(piece) if !line.starts_with(&piece.what) => state.say(&format!("{}: {line}", piece.what)),
            _ => state.say(&line),
        }
        state.keep(&line);
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst) || self.given_up.load(Ordering::SeqCst)
    }
}

impl State {
    fn console(&self) -> MutexGuard<'_, Console> {
        self.console.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prints the line that the innermost bar owes.
    fn say_due(&mut self) {
        let now = (self.clock)();
        let Some(bar) = self.bars.last_mut() else { return };
        if std::mem::take(&mut bar.due) {
            bar.said = now;
            // Bars on a terminal show it already.
            let by_lines = matches!(self.console().out, Out::Lines(_));
            if by_lines {
                let line = self.line(now);
                self.say(&line);
            }
        }
    }

    fn say(&self, line: &str) {
        let mut console = self.console();
        console.said = (self.clock)();
        // If stderr is closed, there is nobody to tell.
        let _ = match &mut console.out {
            Out::Bars(bars) => bars.println(line),
            Out::Lines(out) => writeln!(out, "{line}"),
            Out::Nothing => Ok(()),
        };
    }

    /// Returns true if the innermost bar is a piece of work of its own, not one of many steps.
    fn is_whole(&self) -> bool {
        self.bars.iter().rev().nth(1).is_none_or(|around| around.total <= 1)
    }

    fn keep(&mut self, line: &str) {
        let Some(file) = &mut self.log else { return };
        if let Err(error) = writeln!(file, "{line}") {
            self.log = None;
            self.say(&format!("warning: the run's log stops here, it cannot be written: {error}"));
        }
    }

    /// The progress of the innermost bar: `finetune ssl seed 0: epoch 12/60, loss 0.512, 41 s left`.
    fn line(&self, now: Instant) -> String {
        let Some(bar) = self.bars.last() else { return String::new() };
        let left = bar.left(now).map(|left| format!("{} left", human(left)));
        self.told([Some(bar.count()), bar.noted(), left])
    }

    /// The result of the innermost bar: `finetune ssl seed 0: epoch 60/60, loss 0.1, took 41 s`.
    fn closing_line(&self, now: Instant) -> String {
        let Some(bar) = self.bars.last() else { return String::new() };
        let took = format!("took {}", human(now.duration_since(bar.since)));
        self.told([Some(bar.count()), bar.noted(), Some(took)])
    }

    fn told(&self, parts: [Option<String>; 3]) -> String {
        let outer = self.bars.split_last().map_or(&[][..], |(_, outer)| outer);
        let outer: Vec<String> = outer.iter().map(Bar::place).collect();
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        let colon = if outer.is_empty() { "" } else { ": " };
        format!("{}{colon}{}", outer.join(", "), parts.join(", "))
    }
}

impl Bar {
    /// The steps done: `epoch 12/60`.
    fn count(&self) -> String {
        match self.total {
            0 => format!("{} {}", self.what, self.done),
            1 => self.what.clone(),
            total => format!("{} {}/{total}", self.what, self.done),
        }
    }

    /// The step being worked on: `epoch 13/60`.
    fn place(&self) -> String {
        match self.total {
            0 | 1 => self.what.clone(),
            total => format!("{} {}/{total}", self.what, (self.done + 1).min(total)),
        }
    }

    fn noted(&self) -> Option<String> {
        (!self.note.is_empty()).then(|| self.note.clone())
    }

    fn left(&self, now: Instant) -> Option<Duration> {
        let done = self.done.saturating_sub(self.resumed);
        let left = self.total.saturating_sub(self.done);
        (done > 0 && left > 0).then(|| now.duration_since(self.since).mul_f64(left as f64 / done as f64))
    }
}

/// Adds a bar inside those that are open, shown below the innermost of them.
fn gauge(bars: &MultiProgress, what: &str, total: u64, around: &[Bar]) -> ProgressBar {
    let indent = "  ".repeat(around.len());
    let (bar, template) = match total {
        0 | 1 => (ProgressBar::new_spinner(), format!("{indent}{{spinner}} {{prefix}} · {{elapsed}} {{wide_msg}}")),
        _ => (
            ProgressBar::new(total),
            format!("{indent}{{prefix}} {{bar:20}} {{pos}}/{{len}} · {{rate}} · {{eta}} left · {{wide_msg}}"),
        ),
    };
    let bar = match around.last().and_then(|bar| bar.gauge.as_ref()) {
        Some(outer) => bars.insert_after(outer, bar),
        None => bars.add(bar),
    };
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style.progress_chars("━╸─").with_key("rate", rate));
    }
    bar.set_prefix(what.to_owned());
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

/// Writes the steps per second: `812/s`, `3.4/s`.
fn rate(state: &ProgressState, out: &mut dyn std::fmt::Write) {
    let rate = state.per_sec();
    // The bar shows as much as could be written.
    let _ = if rate < 10.0 { write!(out, "{rate:.1}/s") } else { write!(out, "{rate:.0}/s") };
}

/// A time as people say it: `0.4 s`, `41 s`, `3 min 20 s`, `2 h 05 min`.
pub(crate) fn human(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests;
