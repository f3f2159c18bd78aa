//! Labels at the ends of lines, in the colours of the lines. Labels are moved apart if lines end close to each other.

use super::{
    canvas::{Anchor, Canvas, Ink, TEXT, text_width},
    lettering::{LINE, fitted},
};

/// The height of a label.
const PITCH: f64 = TEXT * LINE;
/// The space between the axes and the labels, for the leader line between them.
const LEADER: f64 = 15.0;
/// The space on the right of the labels.
const MARGIN: f64 = 3.0;
/// The minimum width of the axes beside the labels, and the minimum share of the width that the axes keep. Every panel
/// repeats the labels; if they were long, the lines between them could not be told apart.
const LEAST_AXES: f64 = 104.0;
const LEAST_SHARE: f64 = 0.5;

/// The end of a line and its label.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct End {
    pub(super) text: String,
    pub(super) ink: Ink,
    /// The position, in layout units.
    pub(super) at: (f64, f64),
}

/// The way in which lines with the same text are labelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grouping {
    /// Lines whose ends are so close that their labels would touch share a label; other lines have their own.
    Close,
    /// Only the first line is labelled; the others have its colour.
    First,
}

impl Grouping {
    /// Returns the share of the axes' height that labels may fill. Labels of every line are easier to read if some
    /// space is left.
    fn share(self) -> f64 {
        match self {
            Self::Close => 0.6,
            Self::First => 1.0,
        }
    }
}

/// The way in which all lines of a chart are labelled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Plan {
    /// The width on the right of the axes.
    pub(super) gutter: f64,
    grouping: Grouping,
}

impl Plan {
    /// Returns a plan in which the labels of every panel fit, or `None` if there is none. `panels` holds the ends of
    /// each panel's lines and the range of its vertical axis, bottom first. `width` is the width that the narrowest
    /// panel has for axes and labels.
    pub(super) fn new(panels: &[(Vec<End>, (f64, f64))], width: f64) -> Result<Option<Self>, String> {
        let mut widest: f64 = 0.0;
        for end in panels.iter().flat_map(|(ends, _)| ends) {
            widest = widest.max(text_width(&end.text, TEXT, false)?);
        }
        let gutter = LEADER + widest + MARGIN;
        let fits = |grouping| {
            let high = |(ends, (bottom, top)): &(Vec<End>, (f64, f64))| {
                grouped(ends, grouping).len() as f64 * PITCH <= (bottom - top) * grouping.share()
            };
            gutter + LEAST_AXES.max(LEAST_SHARE * width) <= width && panels.iter().all(high)
        };
        let plan = [Grouping::Close, Grouping::First].into_iter().find(|grouping| fits(*grouping));
        Ok(plan.map(|grouping| Self { gutter, grouping }))
    }

    /// Draws the labels of the lines of one panel. Its axes end at `right` and reach from `bottom` to `top`.
    pub(super) fn draw(
        &self,
        canvas: &Canvas<'_>,
        ends: &[End],
        right: f64,
        (bottom, top): (f64, f64),
    ) -> Result<(), String> {
        let mut groups = grouped(ends, self.grouping);
        groups.sort_by(|a, b| a.height().total_cmp(&b.height()));
        let wanted: Vec<f64> = groups.iter().map(Group::height).collect();
        for (group, y) in groups.iter().zip(apart(&wanted, PITCH, (top, bottom))) {
            let (text, ink) = (&group.ends[0].text, group.ends[0].ink);
            for end in &group.ends {
                canvas.leader(&[end.at, (right.max(end.at.0), end.at.1), (right + LEADER - 4.0, y)], ink)?;
            }
            let text = fitted(text, self.gutter - LEADER, (TEXT, false))?;
            canvas.text((right + LEADER, y), &text, TEXT, ink.without_dash(), Anchor::Start, false)?;
        }
        Ok(())
    }
}

/// Ends of lines that share a label.
struct Group<'a> {
    ends: Vec<&'a End>,
}

impl Group<'_> {
    /// Returns the best height for the label.
    fn height(&self) -> f64 {
        self.ends.iter().map(|end| end.at.1).sum::<f64>() / self.ends.len() as f64
    }
}

fn grouped(ends: &[End], grouping: Grouping) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for end in ends {
        let same = |group: &&mut Group<'_>| {
            let first = group.ends[0];
            let close = (first.at.1 - end.at.1).abs() <= PITCH;
            let alike = first.text == end.text && first.ink.without_dash() == end.ink.without_dash();
            alike && (grouping == Grouping::First || close)
        };
        match (groups.iter_mut().find(same), grouping) {
            (Some(group), Grouping::Close) => group.ends.push(end),
            (Some(_), Grouping::First) => {}
            (None, _) => groups.push(Group { ends: vec![end] }),
        }
    }
    groups
}

/// Labels that move together because they would touch.
struct Block {
    /// The sum of the positions that the labels want for the first label of the block.
    wanted: f64,
    count: usize,
}

/// Returns the positions closest to the `wanted` ones that are at least `pitch` apart and within the range. `wanted`
/// must be in ascending order. If the labels do not fit at all, they begin at the start of the range.
fn apart(wanted: &[f64], pitch: f64, (low, high): (f64, f64)) -> Vec<f64> {
    let start = |block: &Block| {
        let room = (high - (block.count - 1) as f64 * pitch).max(low);
        (block.wanted / block.count as f64).clamp(low, room)
    };
    let mut blocks: Vec<Block> = Vec::new();
    for &place in wanted {
        let mut last = Block { wanted: place, count: 1 };
        while let Some(before) = blocks.pop() {
            if start(&before) + before.count as f64 * pitch <= start(&last) {
                blocks.push(before);
                break;
            }
            let shifted = last.wanted - (before.count * last.count) as f64 * pitch;
            last = Block { wanted: before.wanted + shifted, count: before.count + last.count };
        }
        blocks.push(last);
    }
    blocks.iter().flat_map(|block| (0..block.count).map(move |i| start(block) + i as f64 * pitch)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(text: &str, y: f64) -> End {
        End { text: text.to_owned(), ink: Ink::Series(0, 0), at: (50.0, y) }
    }

    #[test]
    fn arms_of_one_name_stay_apart() {
        let other = End { ink: Ink::Series(1, 0), ..end("a", 11.0) };
        let dashed = End { ink: Ink::Series(0, 1), ..end("a", 12.0) };
        let groups =
            grouped(&[end("a", 10.0), other, dashed], Grouping::Close).iter().map(|g| g.ends.len()).collect::<Vec<_>>();
        assert_eq!(groups, [2, 1]);
    }

    #[test]
    fn labels_move_as_little_as_they_must() {
        assert_eq!(apart(&[10.0, 50.0], 10.0, (0.0, 100.0)), [10.0, 50.0]);
        assert_eq!(apart(&[50.0, 50.0, 50.0], 10.0, (0.0, 100.0)), [40.0, 50.0, 60.0]);
        assert_eq!(apart(&[99.0, 100.0], 10.0, (0.0, 100.0)), [90.0, 100.0]);
        assert_eq!(apart(&[0.0, 1.0, 15.0], 10.0, (0.0, 100.0)), [0.0, 10.0, 20.0]);
        assert_eq!(apart(&[], 10.0, (0.0, 100.0)), [0.0; 0]);
    }

    #[test]
    fn lines_of_one_arm_share_a_label_where_they_end_together() {
        let count = |ends: &[End], grouping| grouped(ends, grouping).len();
        let ends = [end("a", 10.0), end("b", 12.0), end("a", 14.0), end("a", 80.0)];
        assert_eq!((count(&ends, Grouping::Close), count(&ends, Grouping::First)), (3, 2));
    }

    #[test]
    fn a_plan_needs_room_in_both_directions() {
        let many: Vec<End> = (0..12).map(|i| end(&format!("{}", i % 6), f64::from(i) * 20.0)).collect();
        let plan = |ends: &[End], height: f64, width: f64| Plan::new(&[(ends.to_vec(), (height, 0.0))], width).unwrap();
        assert_eq!(plan(&many, 340.0, 300.0).unwrap().grouping, Grouping::Close);
        assert_eq!(plan(&many, 200.0, 300.0).unwrap().grouping, Grouping::First);
        assert!(plan(&many, 60.0, 300.0).is_none());
        assert!(plan(&[end("a very long label of some arm", 0.0)], 200.0, 300.0).is_none());
    }
}
