//! From the SVG that plotters writes to the file of a report: roles instead of colours, a title and a description for
//! those who cannot see it, and a style sheet for light and dark.

use super::canvas::FAMILY;
use std::fmt::Write as _;

/// Number of series colours (Okabe and Ito 2008, distinguishable in every common colour-vision deficiency).
pub(crate) const SERIES: usize = 6;
/// Number of dash patterns.
pub(crate) const DASHES: usize = 3;

/// Series colours on light and on dark: the same hues, lifted to keep a contrast of 3:1 on dark.
const PALETTE: [(&str, &str); SERIES] = [
    ("#0072b2", "#56b4e9"),
    ("#c65102", "#ff9a56"),
    ("#00805e", "#35cfa5"),
    ("#a8508a", "#eba3cf"),
    ("#8a6d00", "#f0d24a"),
    ("#4d4d4d", "#c9c9c9"),
];
/// Dash patterns, in the doubled pixels of the canvas. The first is a solid line.
const PATTERNS: [&str; DASHES] = ["none", "14 9", "3 8"];
/// Text, axis labels and grid lines on light and on dark.
const ROLES: [(&str, &str); 3] = [("#1d2430", "#e6e9ef"), ("#566070", "#a7b0be"), ("#dde1e7", "#343b47")];

/// Replaces inks by classes and the opening tag by one with a title, a description and a style sheet.
pub(crate) fn finish(drawn: &str, name: &str, (width, height): (f64, f64), [title, description]: [&str; 2]) -> String {
    let body = drawn.split_once(">\n").map_or(drawn, |(_, body)| body);
    let mut text = String::with_capacity(drawn.len() + 2048);
    let _ = writeln!(
        text,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {:.0} {:.0}\" \
         role=\"img\" aria-labelledby=\"{name}-title {name}-desc\">",
        width * 2.0,
        height * 2.0
    );
    let _ = writeln!(text, "<title id=\"{name}-title\">{}</title>", escape(title));
    let _ = writeln!(text, "<desc id=\"{name}-desc\">{}</desc>", escape(description));
    let _ = writeln!(text, "<style>\n{}</style>", style_sheet());
    for line in body.lines() {
        text.push_str(&classes(line));
        text.push('\n');
    }
    text
}

/// `stroke="#010200"` -> `class="s2 d0"`, `fill="#010200"` -> `class="f2"`.
fn classes(line: &str) -> String {
    let mut text = line.replace(&format!(" font-family=\"{FAMILY}\""), "").replace(" opacity=\"1\"", "");
    for attribute in ["stroke", "fill"] {
        let start = format!(" {attribute}=\"#");
        let Some(at) = text.find(&start) else { continue };
        let value = at + start.len();
        let digits = text.get(value..value + 6).map(str::to_owned).unwrap_or_default();
        if let Some(class) = class(attribute, &digits) {
            text.replace_range(at..value + 7, &format!(" class=\"{class}\""));
        }
    }
    text
}

fn class(attribute: &str, digits: &str) -> Option<String> {
    let part = |i: usize| u8::from_str_radix(digits.get(i..i + 2)?, 16).ok();
    let (kind, role, dash) = (part(0)?, part(2)?, part(4)?);
    let letter = match (kind, attribute) {
        (1, "stroke") => "s",
        (1, _) => "f",
        (_, "stroke") => "rs",
        _ => "rf",
    };
    let pattern = if attribute == "stroke" && dash > 0 { format!(" d{dash}") } else { String::new() };
    Some(format!("{letter}{role}{pattern}"))
}

fn style_sheet() -> String {
    let mut text = format!("text{{font-family:\"{FAMILY}\",system-ui,\"DejaVu Sans\",Verdana,sans-serif}}\n");
    text += "polyline,line{stroke-linejoin:round;stroke-linecap:butt}\n";
    for (i, pattern) in PATTERNS.iter().enumerate().skip(1) {
        let _ = writeln!(text, ".d{i}{{stroke-dasharray:{pattern}}}");
    }
    text += &rules(|pair| pair.0);
    let _ = write!(text, "@media (prefers-color-scheme:dark){{\n{}}}\n", rules(|pair| pair.1));
    text
}

fn rules(pick: impl Fn((&'static str, &'static str)) -> &'static str) -> String {
    let mut text = String::new();
    for (letters, colours) in [(["s", "f"], &PALETTE[..]), (["rs", "rf"], &ROLES[..])] {
        for (i, &pair) in colours.iter().enumerate() {
            let colour = pick(pair);
            let _ = writeln!(text, ".{}{i}{{stroke:{colour}}}.{}{i}{{fill:{colour}}}", letters[0], letters[1]);
        }
    }
    text
}

fn escape(text: &str) -> String {
    let printable: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    printable.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inks_become_classes() {
        assert_eq!(classes("<line stroke=\"#010201\" x1=\"0\"/>"), "<line class=\"s2 d1\" x1=\"0\"/>");
        assert_eq!(classes("<circle fill=\"#020100\" stroke=\"none\"/>"), "<circle class=\"rf1\" stroke=\"none\"/>");
    }

    #[test]
    fn titles_are_escaped() {
        let text = finish("<svg>\n</svg>\n", "c", (10.0, 5.0), ["a <script> & b", "d"]);
        assert!(text.contains("<title id=\"c-title\">a &lt;script&gt; &amp; b</title>"));
    }
}
