//! Reads width and height of a picture from the head of its file.

use image::{ImageFormat, ImageReader};
use std::io::Cursor;

/// Width and height in pixels, from the first bytes of a file. `None` if they do not give them. Nothing is decoded.
pub fn dimensions(head: &[u8]) -> Option<(u32, u32)> {
    match image::guess_format(head).ok()? {
        ImageFormat::Jpeg => of_jpeg(head),
        format => ImageReader::with_format(Cursor::new(head), format).into_dimensions().ok(),
    }
}

/// Width and height from the first frame header of a JPEG.
fn of_jpeg(head: &[u8]) -> Option<(u32, u32)> {
    let mut rest = head.strip_prefix(&[0xff, 0xd8])?;
    loop {
        rest = rest.strip_prefix(&[0xff])?;
        let (&marker, after) = rest.split_first()?;
        // Fill bytes, and a marker without a length.
        if marker == 0xff || marker == 0x01 {
            rest = if marker == 0xff { rest } else { after };
            continue;
        }
        let length = usize::from(u16::from_be_bytes(*after.first_chunk()?));
        // A start of frame. Three of the sixteen numbers have another meaning.
        if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            let &[_, _, _, h1, h0, w1, w0] = after.first_chunk()?;
            return Some((u32::from(u16::from_be_bytes([w1, w0])), u32::from(u16::from_be_bytes([h1, h0]))));
        }
        rest = after.get(length..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels;

    #[test]
    fn a_head_is_enough() {
        let png = pixels::encode_rgb(&[7; 17 * 9 * 3], (17, 9)).unwrap();
        assert_eq!(dimensions(&png[..48]), Some((17, 9)));
        assert_eq!(dimensions(b"no picture"), None);
    }

    #[test]
    fn a_jpeg_with_an_application_segment_and_filling() {
        let mut jpeg = vec![0xff, 0xd8, 0xff, 0xe1, 0x00, 0x06, 0xff, 0xc0, 0x01, 0x02, 0xff, 0xff];
        jpeg.extend([0xc2, 0x00, 0x11, 0x08, 0x01, 0x2c, 0x01, 0xf4, 0x03]);
        assert_eq!(dimensions(&jpeg), Some((500, 300)));
        (0..jpeg.len() - 2).for_each(|n| assert_eq!(dimensions(&jpeg[..n]), None, "{n}"));
    }
}
