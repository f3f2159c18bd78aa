//! Turns the SVG that plotters writes into a file of the report: with roles instead of colours, a title and a
//! description for readers who cannot see it, and a style sheet for light and dark.

use super::{
    fonts::FAMILY,
    tips::{self, Tip},
    xml::escape,
};
use std::fmt::Write as _;

/// The number of series colours (Okabe and Ito 2008, distinguishable with every common colour-vision deficiency).
pub(crate) const SERIES: usize = 6;
/// The number of dash patterns.
pub(crate) const DASHES: usize = 3;

/// The series colours on light and on dark. The hues are the same; on dark they are lighter to keep a contrast of 3:1.
const PALETTE: [(&str, &str); SERIES] = [
    ("#0072b2", "#56b4e9"),
    ("#c65102", "#ff9a56"),
    ("#00805e", "#35cfa5"),
    ("#a8508a", "#eba3cf"),
    ("#8a6d00", "#f0d24a"),
    ("#4d4d4d", "#c9c9c9"),
];
/// The dash patterns, in the doubled pixels of the canvas. The first is a solid line.
const PATTERNS: [&str; DASHES] = ["none", "14 9", "3 8"];
/// The colours of text, axis labels and grid lines, on light and on dark.
const ROLES: [(&str, &str); 3] = [("#1d2430", "#e6e9ef"), ("#566070", "#a7b0be"), ("#dde1e7", "#343b47")];

/// A chart as SVG, for a file of its own or for a page.
#[derive(Debug, Clone)]
pub(crate) struct Svg {
    /// The width and height, in layout units.
    size: (f64, f64),
    title: String,
    description: String,
    /// The elements inside the SVG, in pixels.
    body: String,
    /// The tooltips of a page. A file has none, because it is used in papers and in Markdown.
    tips: String,
}

impl Svg {
    /// Converts the output of plotters on a canvas with `scale` pixels per layout unit. Inks become classes, and
    /// tooltips lie on top.
    pub(super) fn new(drawn: &str, tips: &[Tip], (size, scale): ((f64, f64), f64), texts: [&str; 2]) -> Self {
        let elements = drawn.split_once(">\n").map_or(drawn, |(_, elements)| elements);
        let elements = elements.trim_end().trim_end_matches("</svg>");
        let elements = elements.replace(&format!(" font-family=\"{FAMILY}\""), "").replace(" opacity=\"1\"", "");
        let mut body = String::with_capacity(drawn.len());
        let mut in_text = false;
        for line in elements.lines() {
            body.push_str(&classes(line));
            // plotters puts text on a line of its own, which would add a space before and after it.
            in_text = line.starts_with("<text") || (in_text && !line.starts_with("</text"));
            if !in_text {
                body.push('\n');
            }
        }
        let [title, description] = texts.map(str::to_owned);
        Self { size, title, description, body, tips: tips::elements(tips, scale) }
    }

    /// Returns the file of a chart, with its own style sheet.
    pub(crate) fn file(&self, name: &str) -> String {
        let style = format!("<style>\n{}</style>\n", style_sheet());
        let namespace = " xmlns=\"http://www.w3.org/2000/svg\"";
        self.element(namespace, [&format!("{name}-title"), &format!("{name}-desc")], [&style, ""])
    }

    /// Returns the element for an HTML page that has the [`style_sheet`]. Its ids begin with `id`. Without the sheet,
    /// lines and letters have the page's text colour.
    pub(crate) fn inline(&self, id: &str) -> String {
        let plain = " fill=\"currentColor\" stroke=\"currentColor\"";
        self.element(plain, [&format!("{id}.title"), &format!("{id}.desc")], ["", &self.tips])
    }

    /// Returns a chart for tests that need only its elements.
    #[cfg(test)]
    pub(crate) fn of_text(body: &str) -> Self {
        Self { size: (10.0, 5.0), title: "T".into(), description: "D".into(), body: body.into(), tips: String::new() }
    }

    fn element(&self, attributes: &str, [title, description]: [&str; 2], [style, tips]: [&str; 2]) -> String {
        let (width, height) = self.size;
        format!(
            "<svg{attributes} class=\"plot\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {:.0} {:.0}\" role=\"img\" aria-labelledby=\"{title} {description}\">\n\
             <title id=\"{title}\">{}</title>\n<desc id=\"{description}\">{}</desc>\n{style}{}{tips}</svg>\n",
            width * 2.0,
            height * 2.0,
            escape(&self.title),
            escape(&self.description),
            self.body
        )
    }
}

/// Replaces colours by classes: `stroke="#010200"` -> `class="s2 d0"`, `fill="#010200"` -> `class="f2"`.
fn classes(line: &str) -> String {
    let mut text = line.to_owned();
    for (attribute, start) in [("stroke", " stroke=\"#"), ("fill", " fill=\"#")] {
        let Some(at) = text.find(start) else { continue };
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

/// Returns the style sheet of all charts. It styles nothing outside of charts.
pub(crate) fn style_sheet() -> String {
    let mut text = format!(".plot text{{font-family:\"{FAMILY}\",system-ui,\"DejaVu Sans\",Verdana,sans-serif}}\n");
    text += ".plot polyline{stroke-linejoin:round;stroke-linecap:butt}\n";
    text += ".plot .tips>:hover{fill-opacity:.12}\n";
    for (i, pattern) in PATTERNS.iter().enumerate().skip(1) {
        let _ = writeln!(text, ".plot .d{i}{{stroke-dasharray:{pattern}}}");
    }
    text += &rules(|pair| pair.0);
    let _ = write!(text, "@media screen and (prefers-color-scheme:dark){{\n{}}}\n", rules(|pair| pair.1));
    text
}

fn rules(pick: impl Fn((&'static str, &'static str)) -> &'static str) -> String {
    let mut text = String::new();
    for (letters, colours) in [(["s", "f"], &PALETTE[..]), (["rs", "rf"], &ROLES[..])] {
        for (i, &pair) in colours.iter().enumerate() {
            let (colour, [stroke, fill]) = (pick(pair), letters);
            let _ = writeln!(text, ".plot .{stroke}{i}{{stroke:{colour}}}.plot .{fill}{i}{{fill:{colour}}}");
        }
    }
    let _ = writeln!(text, ".plot .tips{{fill:{}}}", pick(ROLES[0]));
    text
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
    fn what_comes_from_elsewhere_stays_text() {
        let tips = [Tip::Point { at: (1.0, 2.0), words: "x </title><script>".into() }];
        let drawn = "<svg>\n<text x=\"1\" fill=\"#020000\">\na &lt;b&gt;\n</text>\n</svg>\n";
        let svg = Svg::new(drawn, &tips, ((10.0, 5.0), 2.0), ["a <script> & b\u{1}\u{202e}", "d"]);
        let (file, inline) = (svg.file("c"), svg.inline("chart.1"));
        assert!(file.contains("<title id=\"c-title\">a &lt;script&gt; &amp; b </title>") && file.contains("<style>"));
        assert!(inline.contains("<title id=\"chart.1.title\">a &lt;script&gt; &amp; b </title>"), "{inline}");
        assert!(inline.contains("<text x=\"1\" class=\"rf0\">a &lt;b&gt;</text>\n"), "{inline}");
        assert!(inline.contains("<title>x &lt;/title&gt;&lt;script&gt;</title>") && !inline.contains("<style"));
        assert!(inline.ends_with("</g>\n</svg>\n") && !file.contains("tips\"") && !file.contains("<script"), "{file}");
    }

    #[test]
    fn charts_do_not_restyle_their_page() {
        let outside = |rule: &str| !rule.trim().is_empty() && !rule.trim_start().starts_with(".plot ");
        let sheet = style_sheet().replace("@media screen and (prefers-color-scheme:dark){", "");
        assert_eq!(sheet.split('}').filter(|rule| outside(rule)).count(), 0, "{sheet}");
    }
}
