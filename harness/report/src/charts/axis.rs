//! Axes: scales, ticks, and the frame of a panel.

use super::{
    canvas::{Anchor, Canvas, Ink, TEXT, text_width},
    lettering::fitted,
};

/// A linear scale from data to units of layout.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    pub(crate) data: (f64, f64),
    pub(crate) layout: (f64, f64),
}

impl Scale {
    pub(crate) fn at(&self, value: f64) -> f64 {
        let span = self.data.1 - self.data.0;
        let share = if span == 0.0 { 0.5 } else { (value - self.data.0) / span };
        self.layout.0 + share * (self.layout.1 - self.layout.0)
    }
}

/// A tick: its value and its label.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    pub(crate) value: f64,
    pub(crate) label: String,
}

/// Returns a range that begins and ends on a tick, and about five ticks, at steps of 1, 2 or 5 times a power of ten.
pub(crate) fn ticks(low: f64, high: f64) -> ((f64, f64), Vec<Tick>) {
    // A range that is tiny compared with its values would need more ticks than floating-point numbers can tell apart.
    let span = (high - low).max(high.abs() * 1e-6);
    let span = if span > 0.0 { span } else { 1.0 };
    let (step, decimals) = step(span / 4.0);
    let first = (low / step).floor() as i64;
    let last = (high / step).ceil() as i64;
    let last = last.max(first + 1);
    // A value is computed from its integer index, not by adding steps, so that 0.6 is not 0.6000000000000001.
    let value = |i: i64| i as f64 * step;
    let marks = (first..=last).map(|i| Tick { value: value(i), label: label(value(i), decimals) }).collect();
    ((value(first), value(last)), marks)
}

/// Returns the range and ticks of a share: always 0 to 1, so that charts can be compared at a glance.
pub(crate) fn share_ticks() -> ((f64, f64), Vec<Tick>) {
    let tick = |i: u32| Tick { value: f64::from(i) / 5.0, label: format!("{:.1}", f64::from(i) / 5.0) };
    ((0.0, 1.0), (0..=5).map(tick).collect())
}

/// Returns ticks at whole numbers only, for epochs.
pub(crate) fn whole_ticks(low: f64, high: f64) -> Vec<Tick> {
    let (_, marks) = ticks(low, high);
    marks.into_iter().filter(|t| t.value.fract() == 0.0 && t.value >= low && t.value <= high).collect()
}

/// Returns the smallest of 1, 2, 5 times a power of ten that is at least `least`, and its number of decimals.
fn step(least: f64) -> (f64, usize) {
    let mut unit = 1.0;
    let mut decimals = 0;
    while unit > least && decimals < 9 {
        unit /= 10.0;
        decimals += 1;
    }
    loop {
        for factor in [1.0, 2.0, 5.0] {
            if unit * factor >= least * 0.999 || unit > 1e300 {
                return (unit * factor, decimals);
            }
        }
        unit *= 10.0;
        decimals = decimals.saturating_sub(1);
    }
}

fn label(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(size) => format!("\u{2212}{size}"),
        None => text,
    }
}

/// Draws the horizontal grid lines with their labels, the axis, and the labels below it. `sides` are the left and right
/// limits of the labels.
pub(crate) fn frame(
    canvas: &Canvas<'_>,
    (x, y): (&Scale, &Scale),
    (across, up): (&[Tick], &[Tick]),
    sides: (f64, f64),
) -> Result<(), String> {
    let (left, right) = x.layout;
    for tick in up {
        let at = y.at(tick.value);
        canvas.line(&[(left, at), (right, at)], Ink::Grid, 1.0)?;
        let label = fitted(&tick.label, left - sides.0 - 8.0, (TEXT, false))?;
        canvas.text((left - 8.0, at), &label, TEXT, Ink::Muted, Anchor::End, false)?;
    }
    canvas.line(&[(left, y.layout.0), (right, y.layout.0)], Ink::Muted, 1.0)?;
    for tick in across {
        let at = x.at(tick.value);
        canvas.line(&[(at, y.layout.0), (at, y.layout.0 + 4.0)], Ink::Muted, 1.0)?;
    }
    for (at, label) in labels(x, across, sides)? {
        canvas.text((at, y.layout.0 + 15.0), &label, TEXT, Ink::Muted, Anchor::Middle, false)?;
    }
    Ok(())
}

/// Returns the labels below an axis with their centres. If labels would touch, only every second, third and so on is
/// returned. Labels that would leave the `sides` are moved inwards.
fn labels(x: &Scale, across: &[Tick], (low, high): (f64, f64)) -> Result<Vec<(f64, String)>, String> {
    let mut placed = Vec::new();
    for tick in across {
        let label = fitted(&tick.label, high - low, (TEXT, false))?;
        let half = text_width(&label, TEXT, false)? / 2.0;
        placed.push((x.at(tick.value).max(low + half).min(high - half), half, label));
    }
    placed.sort_by(|a, b| a.0.total_cmp(&b.0));
    let touch = |every: usize| {
        let taken: Vec<_> = placed.iter().step_by(every).collect();
        taken.windows(2).any(|pair| pair[1].0 - pair[0].0 < pair[0].1 + pair[1].1 + 8.0)
    };
    let every = (1..=placed.len().max(1)).find(|&every| !touch(every)).unwrap_or(1);
    Ok(placed.into_iter().step_by(every).map(|(at, _, label)| (at, label)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(low: f64, high: f64) -> Vec<String> {
        ticks(low, high).1.into_iter().map(|t| t.label).collect()
    }

    #[test]
    fn ticks_are_round_numbers_that_hold_the_data() {
        assert_eq!(labels(0.0, 1.0), ["0.0", "0.5", "1.0"]);
        assert_eq!(labels(0.0, 0.8), ["0.0", "0.2", "0.4", "0.6", "0.8"]);
        assert_eq!(labels(3.0, 41.0), ["0", "10", "20", "30", "40", "50"]);
        assert_eq!(labels(0.0123, 0.0187), ["0.012", "0.014", "0.016", "0.018", "0.020"]);
    }

    #[test]
    fn a_single_value_still_has_a_range() {
        let ((low, high), marks) = ticks(0.5, 0.5);
        assert!(low <= 0.5 && high >= 0.5 && high > low && marks.len() >= 2);
    }

    #[test]
    fn extreme_values_have_few_ticks() {
        for (low, high) in [(0.0, 1e30), (1e30, 1e30), (0.0, 1e-12), (-3.0, 1e9)] {
            let count = ticks(low, high).1.len();
            assert!((2..20).contains(&count), "{low} to {high}: {count}");
        }
    }

    #[test]
    fn labels_that_would_touch_are_left_out_and_none_leaves_its_sides() {
        let x = Scale { data: (0.0, 4.0), layout: (50.0, 150.0) };
        let at = |label: &str| {
            let across: Vec<_> = (0..5).map(|i| Tick { value: f64::from(i), label: format!("{label}{i}") }).collect();
            super::labels(&x, &across, (40.0, 160.0)).unwrap().into_iter().map(|(at, _)| at).collect::<Vec<_>>()
        };
        assert_eq!(at(""), [50.0, 75.0, 100.0, 125.0, 150.0]);
        assert_eq!(at("wide").len(), 2);
        let one = at(&"very wide ".repeat(10));
        assert!(one.len() == 1 && (one[0] - 100.0).abs() < 5.0, "{one:?}");
    }
}
