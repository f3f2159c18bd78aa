//! Draws text on a picture, in the bundled font.

use crate::{charts::fonts::REGULAR, error::ReportError};
use ab_glyph::{Font as _, FontRef, PxScaleFont, ScaleFont as _, point};
use image::RgbaImage;

/// The character that replaces the rest of a text that is too long.
const REST: char = '…';

/// The bundled font in one size.
pub(super) struct Lettering(PxScaleFont<FontRef<'static>>);

impl Lettering {
    /// Creates letters whose lines are `height` pixels high.
    pub(super) fn new(height: f32) -> Result<Self, ReportError> {
        let unread = |error: ab_glyph::InvalidFont| ReportError::Chart {
            chart: "contact sheet".to_owned(),
            message: error.to_string(),
        };
        Ok(Self(FontRef::try_from_slice(REGULAR).map_err(unread)?.into_scaled(height)))
    }

    /// Returns the width of a text, in pixels.
    pub(super) fn width(&self, text: &str) -> f32 {
        text.chars().map(|c| self.0.h_advance(self.0.glyph_id(c))).sum()
    }

    /// Returns as much of the text as fits in `width` pixels, without invisible characters and characters that change
    /// the text direction.
    pub(super) fn fitted(&self, text: &str, width: f32) -> String {
        let turns = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}');
        let shown: String = text.chars().filter(|c| !c.is_control() && !turns(*c)).collect();
        if self.width(&shown) <= width {
            return shown;
        }
        let room = width - self.width(&REST.to_string());
        let (mut kept, mut used) = (String::new(), 0.0);
        for c in shown.chars() {
            used += self.0.h_advance(self.0.glyph_id(c));
            if used > room {
                break;
            }
            kept.push(c);
        }
        if kept.is_empty() { kept } else { format!("{}{REST}", kept.trim_end()) }
    }

    /// Writes a line of text with its upper left corner at `(x, y)`.
    pub(super) fn write(&self, canvas: &mut RgbaImage, (x, y): (f32, f32), colour: [u8; 3], text: &str) {
        let (mut x, baseline) = (x, y + self.0.ascent());
        for c in text.chars() {
            let mut glyph = self.0.scaled_glyph(c);
            glyph.position = point(x, baseline);
            x += self.0.h_advance(glyph.id);
            let Some(outline) = self.0.outline_glyph(glyph) else { continue };
            let corner = outline.px_bounds().min;
            outline.draw(|dx, dy, coverage| {
                let place = (corner.x as i64 + i64::from(dx), corner.y as i64 + i64::from(dy));
                let (Ok(px), Ok(py)) = (u32::try_from(place.0), u32::try_from(place.1)) else { return };
                let Some(pixel) = canvas.get_pixel_mut_checked(px, py) else { return };
                for (under, ink) in pixel.0.iter_mut().zip(colour) {
                    let (from, to) = (f32::from(*under), f32::from(ink));
                    *under = (from + (to - from) * coverage.clamp(0.0, 1.0)).round() as u8;
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_to_their_room() {
        let letters = Lettering::new(14.0).unwrap();
        assert_eq!(letters.fitted("Bengal", 100.0), "Bengal");
        let cut = letters.fitted("american pit bull terrier", 100.0);
        assert!(cut.starts_with("american") && cut.ends_with('…') && letters.width(&cut) <= 100.0, "{cut}");
        assert_eq!(letters.fitted("Bengal", 3.0), "");
        assert_eq!(letters.fitted("a\u{202e}b\n", 100.0), "ab");
    }

    #[test]
    fn letters_are_drawn_where_they_belong_and_nowhere_else() {
        let mut canvas = RgbaImage::from_pixel(60, 30, image::Rgba([0, 0, 0, 255]));
        Lettering::new(14.0).unwrap().write(&mut canvas, (10.0, 8.0), [255; 3], "Maine");
        let inked: Vec<(u32, u32)> =
            canvas.enumerate_pixels().filter(|(.., pixel)| pixel.0[0] > 0).map(|(x, y, _)| (x, y)).collect();
        assert!(inked.len() > 40 && inked.iter().all(|(x, y)| *x >= 10 && (8..22).contains(y)), "{inked:?}");
        // Letters outside the canvas are left out.
        Lettering::new(14.0).unwrap().write(&mut canvas, (-5.0, 25.0), [255; 3], "Maine Coon of this house");
    }
}
