//! Tooltips: places of a chart with a text about the data there, in areas that are large enough to point at.

use super::xml::escape;
use std::fmt::Write as _;

/// The maximum and minimum radius of the area around a point, in layout units.
const RADIUS: (f64, f64) = (10.0, 3.0);
/// Points closer to each other than this become one place with the words of both.
const TOGETHER: f64 = 4.0;

/// A place with its words.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tip {
    /// Around a point.
    Point { at: (f64, f64), words: String },
    /// A rectangle: left, top, width and height.
    Area { at: [f64; 4], words: String },
}

/// Returns the elements of all tooltips, in pixels; `scale` is the number of pixels per layout unit. Areas come first,
/// so that points lie above them.
pub(super) fn elements(tips: &[Tip], scale: f64) -> String {
    let mut text = String::new();
    for tip in tips {
        if let Tip::Area { at, words } = tip {
            let [x, y, width, height] = at.map(|v| (v * scale).round());
            let _ = write!(text, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\">");
            let _ = writeln!(text, "<title>{}</title></rect>", lines(words));
        }
    }
    let points = together(tips);
    for (i, (at, words)) in points.iter().enumerate() {
        let others = points.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, (other, _))| square(*at, *other));
        let radius = (others.fold(f64::INFINITY, f64::min).sqrt() / 2.0).clamp(RADIUS.1, RADIUS.0);
        let [x, y, radius] = [at.0, at.1, radius].map(|v| (v * scale).round());
        let words: Vec<_> = words.iter().map(|words| lines(words)).collect();
        let _ =
            writeln!(text, "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"><title>{}</title></circle>", words.join("\n"));
    }
    // The tooltips are invisible even if the style sheet is not read.
    if text.is_empty() { text } else { format!("<g class=\"tips\" fill-opacity=\"0\" stroke=\"none\">\n{text}</g>\n") }
}

/// Escapes words that may have several lines.
fn lines(words: &str) -> String {
    words.lines().map(escape).collect::<Vec<_>>().join("\n")
}

type Spot<'a> = ((f64, f64), Vec<&'a str>);

/// Returns the points, where points that nearly coincide are merged.
fn together(tips: &[Tip]) -> Vec<Spot<'_>> {
    let mut places: Vec<Spot<'_>> = Vec::new();
    for tip in tips {
        let Tip::Point { at, words } = tip else { continue };
        match places.iter_mut().find(|(place, _)| square(*place, *at) < TOGETHER * TOGETHER) {
            Some((_, all)) => all.push(words),
            None => places.push((*at, vec![words])),
        }
    }
    places
}

/// Returns the square of the distance. It is computed for every pair of points, so the root is left out.
fn square(a: (f64, f64), b: (f64, f64)) -> f64 {
    (a.0 - b.0) * (a.0 - b.0) + (a.1 - b.1) * (a.1 - b.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(x: f64, words: &str) -> Tip {
        Tip::Point { at: (x, 10.0), words: words.to_owned() }
    }

    #[test]
    fn points_that_coincide_share_their_place_and_others_their_room() {
        let text = elements(&[point(10.0, "a <b>"), point(11.0, "c\nc"), point(20.0, "d"), point(90.0, "e")], 2.0);
        let expected = "<g class=\"tips\" fill-opacity=\"0\" stroke=\"none\">\n\
            <circle cx=\"20\" cy=\"20\" r=\"10\"><title>a &lt;b&gt;\nc\nc</title></circle>\n\
            <circle cx=\"40\" cy=\"20\" r=\"10\"><title>d</title></circle>\n\
            <circle cx=\"180\" cy=\"20\" r=\"20\"><title>e</title></circle>\n</g>\n";
        assert_eq!(text, expected);
        assert_eq!(elements(&[], 2.0), "");
    }
}
