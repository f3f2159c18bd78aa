//! Text within an SVG.

/// Returns the text without characters that XML forbids or that change the text direction.
pub(super) fn printable(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    let known = text.chars().filter(|c| !turns(*c) && !matches!(c, '\u{fffe}' | '\u{ffff}'));
    known.map(|c| if c.is_control() { ' ' } else { c }).collect()
}

pub(super) fn escape(text: &str) -> String {
    printable(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
