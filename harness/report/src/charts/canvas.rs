//! The drawing surface of all charts, with one font, one palette and one set of dashes, for light and dark pages.
//!
//! plotters writes fixed colours and no dashes. So everything here is drawn in *inks*, colours that stand for a role.
//! [`Svg::new`] replaces each ink by a class, and the style sheet of the file defines the look of each role on light
//! and dark.

use super::{
    fonts::{BOLD, FAMILY, REGULAR},
    svg::{self, Svg},
    tips::Tip,
    xml::printable,
};
use crate::error::ReportError;
use plotters::{
    backend::SVGBackend,
    coord::Shift,
    drawing::{DrawingArea, IntoDrawingArea as _},
    element::{Circle, PathElement, Polygon, Text},
    style::{
        Color as _, FontStyle, FontTransform, IntoFont as _, RGBColor, ShapeStyle, TextStyle, register_font,
        text_anchor::{HPos, Pos, VPos},
    },
};
use std::{cell::RefCell, sync::Once};

/// Canvas pixels per layout unit. plotters rounds to whole pixels, so it gets twice as many.
const SCALE: f64 = 2.0;
/// plotters divides font sizes by this before it writes them.
const FONT_DIVISOR: f64 = 1.24;
/// A colour by its role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    /// Text and printed figures.
    Text,
    /// Axis labels.
    Muted,
    /// Grid lines.
    Grid,
    /// A series: colour and dash, both indexed from 0.
    Series(usize, usize),
    /// Lines in the text colour, with a dash.
    Plain(usize),
}

impl Ink {
    /// Returns the colour that stands for the ink until [`Svg::new`].
    fn colour(self) -> RGBColor {
        match self {
            Self::Text => RGBColor(2, 0, 0),
            Self::Muted => RGBColor(2, 1, 0),
            Self::Grid => RGBColor(2, 2, 0),
            Self::Series(colour, dash) => RGBColor(1, (colour % svg::SERIES) as u8, (dash % svg::DASHES) as u8),
            Self::Plain(dash) => RGBColor(2, 0, (dash % svg::DASHES) as u8),
        }
    }
}

impl Ink {
    /// Returns the same colour without a dash, for solid lines and text.
    pub(crate) fn without_dash(self) -> Self {
        match self {
            Self::Series(colour, _) => Self::Series(colour, 0),
            Self::Plain(_) => Self::Text,
            other => other,
        }
    }

    /// Returns the ink with the dotted pattern.
    fn dotted(self) -> Self {
        match self {
            Self::Series(colour, _) => Self::Series(colour, 2),
            _ => Self::Plain(2),
        }
    }
}

/// The position of text relative to its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// The shape of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marker {
    Circle,
    Square,
    Triangle,
    InvertedTriangle,
    Cross,
    Plus,
    Diamond,
    /// An outline, so that a point below it stays visible.
    HollowDiamond,
}

impl Marker {
    /// Returns the marker of a series, indexed from 0. The diamond is reserved for printed figures.
    pub(crate) fn of_series(series: usize) -> Self {
        [Self::Circle, Self::Square, Self::Triangle, Self::InvertedTriangle, Self::Cross, Self::Plus][series % 6]
    }
}

/// The text size, in layout units.
pub(crate) const TEXT: f64 = 12.5;
/// The title size, in layout units.
pub(crate) const TITLE: f64 = 17.0;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), String>;

/// A drawing surface measured in layout units (CSS pixels), with its origin at the top left.
pub(crate) struct Canvas<'a> {
    area: Area<'a>,
    tips: RefCell<Vec<Tip>>,
}

/// Draws a chart of `size` layout units with `draw`.
pub(crate) fn draw_chart(
    name: &str,
    size: (f64, f64),
    [title, description]: [&str; 2],
    draw: impl FnOnce(&Canvas<'_>) -> Drawn,
) -> Result<Svg, ReportError> {
    let wrap = |message| ReportError::Chart { chart: name.to_owned(), message };
    register_fonts().map_err(wrap)?;
    let pixels = ((size.0 * SCALE) as u32, (size.1 * SCALE) as u32);
    let mut text = String::new();
    let tips = {
        let area = SVGBackend::with_string(&mut text, pixels).into_drawing_area();
        let canvas = Canvas { area, tips: RefCell::default() };
        draw(&canvas).map_err(wrap)?;
        canvas.area.present().map_err(|e| wrap(e.to_string()))?;
        canvas.tips.take()
    };
    Ok(Svg::new(&text, &tips, (size, SCALE), [title, description]))
}

fn register_fonts() -> Drawn {
    static ONCE: Once = Once::new();
    let mut result = Ok(());
    ONCE.call_once(|| {
        for (style, bytes) in [(FontStyle::Normal, REGULAR), (FontStyle::Bold, BOLD)] {
            if register_font(FAMILY, style, bytes).is_err() {
                result = Err("the bundled font is damaged".to_owned());
            }
        }
    });
    result
}

fn pixel((x, y): (f64, f64)) -> (i32, i32) {
    ((x * SCALE).round() as i32, (y * SCALE).round() as i32)
}

/// Takes the error by value, because `map_err` passes it so.
#[expect(clippy::needless_pass_by_value)]
fn wrap<E: std::error::Error + Send + Sync>(error: plotters::drawing::DrawingAreaErrorKind<E>) -> String {
    error.to_string()
}

impl Canvas<'_> {
    /// Draws an open line.
    pub(crate) fn line(&self, points: &[(f64, f64)], ink: Ink, width: f64) -> Drawn {
        let style = ShapeStyle { color: ink.colour().to_rgba(), filled: false, stroke_width: (width * SCALE) as u32 };
        let points: Vec<_> = points.iter().copied().map(pixel).collect();
        self.area.draw(&PathElement::new(points, style)).map_err(wrap)
    }

    /// Draws a thin dotted line from a data point to its label. A solid line could be mistaken for data.
    pub(crate) fn leader(&self, points: &[(f64, f64)], ink: Ink) -> Drawn {
        let color = ink.dotted().colour().mix(0.6);
        let style = ShapeStyle { color, filled: false, stroke_width: SCALE as u32 };
        let points: Vec<_> = points.iter().copied().map(pixel).collect();
        self.area.draw(&PathElement::new(points, style)).map_err(wrap)
    }

    /// Draws a filled shape.
    pub(crate) fn fill(&self, points: &[(f64, f64)], ink: Ink, opacity: f64) -> Drawn {
        let points: Vec<_> = points.iter().copied().map(pixel).collect();
        self.area.draw(&Polygon::new(points, ink.colour().mix(opacity).filled())).map_err(wrap)
    }

    /// Draws a point.
    pub(crate) fn marker(&self, (x, y): (f64, f64), marker: Marker, ink: Ink) -> Drawn {
        const R: f64 = 3.5;
        match marker {
            Marker::Circle => {
                let circle = Circle::new(pixel((x, y)), (R * SCALE) as u32, ink.colour().filled());
                self.area.draw(&circle).map_err(wrap)
            }
            Marker::Square => self.fill(&[(x - R, y - R), (x + R, y - R), (x + R, y + R), (x - R, y + R)], ink, 1.0),
            Marker::Triangle => self.fill(&[(x, y - 4.5), (x + 4.5, y + R), (x - 4.5, y + R)], ink, 1.0),
            Marker::InvertedTriangle => self.fill(&[(x, y + 4.5), (x + 4.5, y - R), (x - 4.5, y - R)], ink, 1.0),
            Marker::Cross => {
                self.line(&[(x - R, y - R), (x + R, y + R)], ink.without_dash(), 2.5)?;
                self.line(&[(x - R, y + R), (x + R, y - R)], ink.without_dash(), 2.5)
            }
            Marker::Plus => {
                self.line(&[(x - 4.5, y), (x + 4.5, y)], ink.without_dash(), 2.5)?;
                self.line(&[(x, y - 4.5), (x, y + 4.5)], ink.without_dash(), 2.5)
            }
            Marker::Diamond => self.fill(&[(x, y - 5.0), (x + 5.0, y), (x, y + 5.0), (x - 5.0, y)], ink, 1.0),
            Marker::HollowDiamond => {
                let corners = [(x, y - 7.0), (x + 7.0, y), (x, y + 7.0), (x - 7.0, y), (x, y - 7.0)];
                self.line(&corners, ink, 1.5)
            }
        }
    }

    /// Draws a line of text, vertically centred at `y`.
    pub(crate) fn text(&self, at: (f64, f64), text: &str, size: f64, ink: Ink, anchor: Anchor, bold: bool) -> Drawn {
        let h_pos = match anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        let colour = ink.colour();
        let style = TextStyle { pos: Pos::new(h_pos, VPos::Center), ..style(size, bold) }.color(&colour);
        self.area.draw(&Text::new(printable(text), pixel(at), style)).map_err(wrap)
    }

    /// Adds a tooltip that is shown when the pointer is at `at`.
    pub(crate) fn tip(&self, at: (f64, f64), words: String) {
        self.tips.borrow_mut().push(Tip::Point { at, words });
    }

    /// Adds a tooltip for a rectangle, given by left, top, width and height. It is shown when the pointer is in the
    /// rectangle but not at a point in it.
    pub(crate) fn tip_in(&self, at: [f64; 4], words: String) {
        self.tips.borrow_mut().push(Tip::Area { at, words });
    }
}

/// Returns the width of a line of text in the bundled font, in layout units.
pub(crate) fn text_width(text: &str, size: f64, bold: bool) -> Result<f64, String> {
    register_fonts()?;
    let (width, _) = style(size, bold).font.box_size(text).map_err(|e| e.to_string())?;
    Ok(f64::from(width) / SCALE)
}

fn style(size: f64, bold: bool) -> TextStyle<'static> {
    let weight = if bold { FontStyle::Bold } else { FontStyle::Normal };
    let font = (FAMILY, size * SCALE * FONT_DIVISOR, weight).into_font();
    TextStyle::from(font.transform(FontTransform::None))
}
