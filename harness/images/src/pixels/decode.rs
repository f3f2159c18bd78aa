//! Decodes the bytes of a file to pixels.

use super::{
    Labels, Picture,
    error::{DecodeError, MAX_BYTES, MAX_PIXELS, check_size},
    jpeg,
};
use image::{DynamicImage, ExtendedColorType, ImageDecoder as _, ImageFormat, ImageReader, Limits};
use std::io::Cursor;

/// Bytes of a pixel while it is decoded, at most: 16 bits a sample, 4 samples.
const PIXEL_BYTES: u64 = 8;

/// Maximum unpacked size, in bytes, of the data beside a PNG's pixels, such as a colour profile. They are not used.
const MAX_BESIDE: u64 = 8 << 20;

/// Decodes a picture as Pillow's `Image.open(…).convert("RGB")`: the format is told by the content and never by a name,
/// alpha is dropped and not blended, a GIF gives its first frame, EXIF orientation is not applied.
pub fn decode(bytes: &[u8]) -> Result<Picture, DecodeError> {
    let format = format_of(bytes)?;
    if format == ImageFormat::Jpeg {
        return jpeg::decode(bytes);
    }
    let (image, _) = decode_other(bytes, format)?;
    let (width, height) = (image.width(), image.height());
    let data = match image {
        // Pillow keeps the high byte of 16 bits, whereas the `image` crate would round.
        DynamicImage::ImageRgb16(wide) => wide.into_raw().into_iter().map(high_byte).collect(),
        DynamicImage::ImageRgba16(wide) => {
            wide.into_raw().as_chunks::<4>().0.iter().flat_map(|&[r, g, b, _]| [r, g, b].map(high_byte)).collect()
        }
        other => other.into_rgb8().into_raw(),
    };
    Ok(Picture { width, height, data })
}

/// Decodes a label map, a greyscale picture of 8 bits per pixel, and returns the numbers in the file.
pub fn decode_labels(bytes: &[u8]) -> Result<Labels, DecodeError> {
    let format = format_of(bytes)?;
    if format == ImageFormat::Jpeg {
        return Err(DecodeError::Damaged {
            format: "JPEG",
            reason: "a label map must be stored in a lossless format".into(),
        });
    }
    match decode_other(bytes, format)? {
        (DynamicImage::ImageLuma8(grey), ExtendedColorType::L8) => {
            Ok(Labels { width: grey.width(), height: grey.height(), data: grey.into_raw() })
        }
        _ => Err(DecodeError::NotGrey),
    }
}

fn format_of(bytes: &[u8]) -> Result<ImageFormat, DecodeError> {
    match bytes.len() as u64 {
        0 => Err(DecodeError::Empty),
        n if n > MAX_BYTES => Err(DecodeError::TooManyBytes(n)),
        _ => image::guess_format(bytes).ok().filter(|&format| name(format).is_some()).ok_or(DecodeError::UnknownFormat),
    }
}

fn name(format: ImageFormat) -> Option<&'static str> {
    Some(match format {
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::Png => "PNG",
        ImageFormat::Gif => "GIF",
        ImageFormat::Bmp => "BMP",
        ImageFormat::WebP => "WebP",
        _ => return None,
    })
}

/// Decodes a file that is not a JPEG. Also returns the colour type in the file.
fn decode_other(bytes: &[u8], format: ImageFormat) -> Result<(DynamicImage, ExtendedColorType), DecodeError> {
    let damaged =
        |e: image::ImageError| DecodeError::Damaged { format: name(format).unwrap_or_default(), reason: e.to_string() };
    let mut limits = Limits::default();
    limits.max_alloc = Some(memory(bytes, format)?);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    check_size(width, height)?;
    let pixels = decoder.original_color_type();
    Ok((DynamicImage::from_decoder(decoder).map_err(damaged)?, pixels))
}

/// Memory that a decoder of the `image` crate may use, in bytes. The PNG decoder unpacks a colour profile before it
/// reports the picture's size, so a small file could claim the memory of the largest picture.
fn memory(bytes: &[u8], format: ImageFormat) -> Result<u64, DecodeError> {
    if format != ImageFormat::Png {
        return Ok(MAX_PIXELS * PIXEL_BYTES);
    }
    // Signature, length, name, width, height.
    let side = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let (Some(width), Some(height)) = (side(16), side(20)) else { return Err(DecodeError::Truncated) };
    check_size(width, height)?;
    Ok(u64::from(width) * u64::from(height) * PIXEL_BYTES + MAX_BESIDE)
}

fn high_byte(sample: u16) -> u8 {
    (sample >> 8) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{GrayImage, Rgba, RgbaImage};
    use proptest::prelude::*;

    fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.into().write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn alpha_is_dropped_and_not_blended() {
        let png = encoded(RgbaImage::from_pixel(3, 2, Rgba([200, 100, 50, 0])), ImageFormat::Png);
        assert_eq!(decode(&png).unwrap(), Picture { width: 3, height: 2, data: [200, 100, 50].repeat(6) });
    }

    #[test]
    fn labels_are_the_numbers_of_the_file() {
        let png = encoded(GrayImage::from_raw(3, 1, vec![1, 2, 3]).unwrap(), ImageFormat::Png);
        assert_eq!(decode_labels(&png).unwrap().data, [1, 2, 3]);
        let colour = encoded(RgbaImage::new(2, 2), ImageFormat::Png);
        assert_eq!(decode_labels(&colour), Err(DecodeError::NotGrey));
    }

    #[test]
    fn what_is_no_picture_is_named() {
        assert_eq!(decode(b""), Err(DecodeError::Empty));
        assert_eq!(decode(b"not an image at all"), Err(DecodeError::UnknownFormat));
        let png = encoded(GrayImage::new(40, 40), ImageFormat::Png);
        assert!(matches!(decode(&png[..png.len() / 2]), Err(DecodeError::Damaged { format: "PNG", .. })));
    }

    #[test]
    fn a_picture_that_claims_to_be_huge_is_refused_unread() {
        let mut bmp = encoded(DynamicImage::new_rgb8(2, 2), ImageFormat::Bmp);
        bmp[18..22].copy_from_slice(&20_000_u32.to_le_bytes());
        bmp[22..26].copy_from_slice(&20_000_u32.to_le_bytes());
        assert_eq!(decode(&bmp), Err(DecodeError::TooManyPixels(20_000, 20_000)));
    }

    proptest! {
        #[test]
        fn damage_never_panics(
            format in prop::sample::select(vec![ImageFormat::Png, ImageFormat::Gif, ImageFormat::Bmp, ImageFormat::WebP]),
            at in prop::collection::vec((0usize..400, any::<u8>()), 1..6),
            keep in 0usize..2000,
        ) {
            let mut bytes = encoded(RgbaImage::from_fn(17, 9, |x, y| Rgba([x as u8 * 9, y as u8 * 20, 7, 255])), format);
            for (position, value) in at {
                let position = position % bytes.len();
                bytes[position] = value;
            }
            bytes.truncate(keep);
            let _ = decode(&bytes);
            let _ = decode_labels(&bytes);
        }
    }
}
