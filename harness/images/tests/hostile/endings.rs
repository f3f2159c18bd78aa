//! Tests files that end early, rare kinds of files, and files with the wrong extension.

use crate::files::{HEIGHT, WIDTH, all, animated_gif, deep_png, drawing, encoded, palette_png};
use flate2::{Compression, write::GzEncoder};
use harness_images::pixels::{DecodeError, decode, decode_labels};
use image::{GrayImage, ImageFormat};
use std::io::Write as _;

#[test]
fn a_part_of_a_file_is_no_picture() {
    for (name, whole) in all() {
        let picture = decode(&whole).unwrap_or_else(|error| panic!("{name}: {error}"));
        for percent in (0..100).step_by(7) {
            let part = &whole[..whole.len() * percent / 100];
            // The picture is whole if only the part after its last pixel is missing: the end marker, or other frames.
            match decode(part) {
                Err(error) => assert!(!error.to_string().is_empty()),
                Ok(decoded) => {
                    assert!(percent > 90 || name == "animated.gif", "{name}: {percent} % of it were read");
                    assert!(decoded == picture, "{name}: {percent} % of it are another picture");
                }
            }
            let _ = decode_labels(part);
        }
    }
}

#[test]
fn rare_kinds_are_read_as_what_they_show() {
    let drawn = drawing().into_raw();
    assert_eq!(decode(&deep_png()).unwrap().data, drawn);
    assert_eq!(decode(&palette_png()).unwrap().data, [200, 100, 50, 10, 20, 30, 10, 20, 30, 200, 100, 50][..12]);
    // The first frame of an animation is read. A GIF has 256 colours, so it only resembles the drawing; another would not.
    let frame = decode(&animated_gif()).unwrap();
    assert_eq!((frame.width, frame.height), (WIDTH, HEIGHT));
    let off = |other: &[u8]| -> u64 { frame.data.iter().zip(other).map(|(a, b)| u64::from(a.abs_diff(*b))).sum() };
    let second = image::DynamicImage::from(drawing()).huerotate(90).into_rgb8().into_raw();
    assert!(3 * off(&drawn) < off(&second), "off by {}, from the second frame by {}", off(&drawn), off(&second));
    let inks = decode(include_bytes!("../preprocess/inks.jpg")).unwrap();
    assert_eq!(inks.data.len() as u32, inks.width * inks.height * 3);
    // None of these is read as a label map, whatever its numbers are.
    for bytes in [deep_png(), palette_png(), animated_gif(), encoded(drawing(), ImageFormat::Bmp)] {
        assert_eq!(decode_labels(&bytes), Err(DecodeError::NotGrey));
    }
    let deep_labels = image::DynamicImage::from(GrayImage::new(4, 4)).into_luma16();
    assert_eq!(decode_labels(&encoded(deep_labels, ImageFormat::Png)), Err(DecodeError::NotGrey));
}

#[test]
fn what_is_packed_once_more_or_no_picture_is_told() {
    let jpeg = crate::files::jpeg(false);
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(&jpeg).unwrap();
    let tiff = [&b"II*\0"[..], &[0; 100]].concat();
    let heif = [&[0, 0, 0, 24][..], b"ftypheic", &[0; 100]].concat();
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec();
    let shifted = [&b"\n"[..], &jpeg].concat();
    for bytes in [packed.finish().unwrap(), tiff, heif, svg, shifted, b"<html>404</html>".to_vec(), vec![0; 5000]] {
        assert_eq!(decode(&bytes), Err(DecodeError::UnknownFormat));
    }
    // Bytes after a picture are ignored.
    assert_eq!(decode(&[&jpeg[..], b"<?php ?>"].concat()), decode(&jpeg));
}
