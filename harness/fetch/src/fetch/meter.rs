//! Measures how much of several files has arrived, how fast, and how long the rest will take.

use crate::human;
use harness_record::monitor::Monitor;
use std::{
    collections::VecDeque,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// The speed is averaged over this time.
const WINDOW: Duration = Duration::from_secs(8);

/// The progress that the threads of a fetch report.
#[derive(Debug, Default)]
pub(super) struct Meter {
    gauges: Vec<Gauge>,
    /// Bytes received over the network.
    received: AtomicU64,
    finished: AtomicU64,
    stop: AtomicBool,
    lines: Mutex<Vec<String>>,
}

/// One file.
#[derive(Debug, Default)]
struct Gauge {
    have: AtomicU64,
    want: AtomicU64,
}

impl Meter {
    pub(super) fn new(wanted: impl Iterator<Item = Option<u64>>) -> Self {
        let gauge = |size: Option<u64>| Gauge { want: AtomicU64::new(size.unwrap_or(0)), ..Gauge::default() };
        Self { gauges: wanted.map(gauge).collect(), ..Self::default() }
    }

    /// File `i` has this many bytes.
    pub(super) fn have(&self, i: usize, bytes: u64) {
        self.gauges[i].have.store(bytes, Ordering::Relaxed);
    }

    /// File `i` will have this many bytes.
    pub(super) fn want(&self, i: usize, bytes: u64) {
        self.gauges[i].want.store(bytes, Ordering::Relaxed);
    }

    /// Adds this many received bytes.
    pub(super) fn received(&self, bytes: u64) {
        self.received.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn finished(&self) {
        self.finished.fetch_add(1, Ordering::Relaxed);
    }

    /// Shows a line to the user.
    pub(super) fn say(&self, line: String) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Sleeps for `time`, or until the work should stop.
    pub(super) fn sleep(&self, time: Duration) {
        let since = Instant::now();
        while !self.stopped() && since.elapsed() < time {
            std::thread::sleep((time.saturating_sub(since.elapsed())).min(Duration::from_millis(50)));
        }
    }
}

/// Shows a meter to the user.
pub(super) struct Dial<'a> {
    meter: &'a Meter,
    seen: VecDeque<(Instant, u64)>,
    said: String,
}

impl<'a> Dial<'a> {
    pub(super) fn new(meter: &'a Meter) -> Self {
        Self { meter, seen: VecDeque::from([(Instant::now(), 0)]), said: String::new() }
    }

    /// Shows the changes.
    pub(super) fn show(&mut self, monitor: &dyn Monitor) {
        let lines = std::mem::take(&mut *self.meter.lines.lock().unwrap_or_else(PoisonError::into_inner));
        for line in &lines {
            monitor.log(line);
        }
        let text = self.text(Instant::now());
        monitor.advance(0);
        if text != self.said {
            monitor.note(&text);
            self.said = text;
        }
    }

    fn text(&mut self, now: Instant) -> String {
        let sum = |of: fn(&Gauge) -> &AtomicU64| -> u64 {
            self.meter.gauges.iter().map(|gauge| of(gauge).load(Ordering::Relaxed)).sum()
        };
        let (have, want) = (sum(|gauge| &gauge.have), sum(|gauge| &gauge.want));
        let received = self.meter.received.load(Ordering::Relaxed);
        self.seen.push_back((now, received));
        while self.seen.len() > 2 && self.seen.front().is_some_and(|(then, _)| now.duration_since(*then) > WINDOW) {
            self.seen.pop_front();
        }
        let (then, before) = self.seen.front().copied().unwrap_or((now, received));
        let seconds = now.duration_since(then).as_secs_f64();
        let speed = if seconds > 0.3 { (received - before) as f64 / seconds } else { 0.0 };
        let mut parts =
            vec![if want >= have && want > 0 { format!("{} of {}", human(have), human(want)) } else { human(have) }];
        let files = self.meter.gauges.len();
        if files > 1 {
            parts.push(format!("{} of {files} files", self.meter.finished.load(Ordering::Relaxed)));
        }
        if speed >= 1.0 {
            parts.push(format!("{}/s", human(speed as u64)));
            if want > have {
                parts.push(format!("{} left", time((want - have) as f64 / speed)));
            }
        }
        parts.join(", ")
    }
}

fn time(seconds: f64) -> String {
    let whole = seconds.min(1e9).ceil() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_and_time_are_those_of_what_came_now() {
        let meter = Meter::new([Some(1_000_000), Some(1_000_000)].into_iter());
        let mut dial = Dial::new(&meter);
        let start = dial.seen[0].0;
        meter.have(0, 500_000); // 300,000 of them were there before
        meter.received(200_000);
        assert_eq!(dial.text(start + Duration::from_secs(2)), "500 kB of 2.00 MB, 0 of 2 files, 100 kB/s, 15 s left");
        meter.have(0, 1_000_000);
        meter.have(1, 1_000_000);
        meter.finished();
        meter.finished();
        // Nothing arrived since, and data that arrived long ago no longer count.
        assert_eq!(dial.text(start + Duration::from_secs(20)), "2.00 MB of 2.00 MB, 2 of 2 files");
    }
}
