//! Tests files of a few bytes whose headers claim a picture that would fill the memory.

use crate::{
    files::{chunk, jpeg, png, zlib},
    memory::peak_of,
};
use harness_images::pixels::{DecodeError, MAX_PIXELS, decode, decode_labels};

const HUGE: u32 = 100_000;
/// Largest side that a BMP or a JPEG may claim before its decoder refuses it by itself.
const LARGE: u32 = 60_000;
/// More than any decoder allocates before it has seen a picture's size.
const LITTLE: usize = 1 << 20;

/// Asserts that the bytes are refused as too many pixels, and that hardly any memory was allocated.
#[track_caller]
fn refused(name: &str, bytes: &[u8], side: u32) {
    let (result, peak) = peak_of(|| decode(bytes));
    assert_eq!(result, Err(DecodeError::TooManyPixels(side, side)), "{name}");
    assert!(peak < LITTLE, "{name}: {peak} bytes were taken");
    let (result, peak) = peak_of(|| decode_labels(bytes));
    assert!(result.is_err() && peak < LITTLE, "{name}: {peak} bytes were taken");
}

#[test]
fn png_files() {
    let rows = chunk(*b"IDAT", &zlib(&[0; 1000]));
    for (depth, colour) in [(8, 0), (8, 2), (16, 2), (8, 6), (16, 6), (1, 0)] {
        refused("PNG", &png((HUGE, HUGE), depth, colour, std::slice::from_ref(&rows)), HUGE);
    }
    let palette = chunk(*b"PLTE", &[0; 6]);
    refused("PNG", &png((HUGE, HUGE), 8, 3, &[palette, rows]), HUGE);
}

#[test]
fn gif_files() {
    // The numbers of this format have 16 bits.
    let side = u16::MAX;
    let size = [side.to_le_bytes(), side.to_le_bytes()].concat();
    let screen = [&b"GIF89a"[..], &size, &[0x80, 0, 0], &[0, 0, 0, 255, 255, 255]].concat();
    let frame = [&[0x2c, 0, 0, 0, 0][..], &size, &[0, 2, 2, 0x4c, 1, 0, 0x3b]].concat();
    refused("GIF", &[screen, frame].concat(), u32::from(side));
}

fn bmp(side: u32, depth: u16, packing: u32) -> Vec<u8> {
    let mut bytes = b"BM".to_vec();
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(&54_u32.to_le_bytes());
    bytes.extend_from_slice(&40_u32.to_le_bytes());
    bytes.extend_from_slice(&[side.to_le_bytes(), side.to_le_bytes()].concat());
    bytes.extend_from_slice(&[&1_u16.to_le_bytes()[..], &depth.to_le_bytes(), &packing.to_le_bytes()].concat());
    bytes.extend_from_slice(&[0; 20]);
    bytes.extend_from_slice(&[7; 2000]);
    bytes
}

#[test]
fn bmp_files() {
    for (depth, packing) in [(24, 0), (32, 0), (8, 0), (8, 1), (4, 2)] {
        refused("BMP", &bmp(LARGE, depth, packing), LARGE);
        let (result, peak) = peak_of(|| decode(&bmp(HUGE, depth, packing)));
        assert!(matches!(result, Err(DecodeError::Damaged { .. })) && peak < LITTLE, "{peak} bytes were taken");
    }
}

fn webp(chunks: &[u8]) -> Vec<u8> {
    [&b"RIFF"[..], &(chunks.len() as u32 + 4).to_le_bytes(), b"WEBP", chunks].concat()
}

fn riff(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let pad = vec![0; data.len() % 2];
    [&kind[..], &(data.len() as u32).to_le_bytes(), data, &pad].concat()
}

#[test]
fn webp_files() {
    // The numbers have 14 bits.
    let side = (1_u32 << 14) - 1;
    let lossless = [&[0x2f][..], &((side - 1) | (side - 1) << 14).to_le_bytes(), &[0x88; 100]].concat();
    refused("WebP, lossless", &webp(&riff(*b"VP8L", &lossless)), side);
    let short = side as u16;
    let key = [&[0x10, 0, 0, 0x9d, 0x01, 0x2a][..], &short.to_le_bytes(), &short.to_le_bytes(), &[0; 200]].concat();
    refused("WebP, lossy", &webp(&riff(*b"VP8 ", &key)), u32::from(short));
    // The numbers have 24 bits and are stored less one.
    let side = (HUGE - 1).to_le_bytes();
    let canvas = [&[0; 4][..], &side[..3], &side[..3]].concat();
    let bytes = webp(&[riff(*b"VP8X", &canvas), riff(*b"VP8L", &lossless)].concat());
    let (result, peak) = peak_of(|| decode(&bytes));
    assert!(result.is_err() && peak < LITTLE, "{result:?}: {peak} bytes were taken");
}

#[test]
fn jpeg_files() {
    // The numbers have 16 bits.
    for progressive in [false, true] {
        let mut bytes = jpeg(progressive);
        let frame = if progressive { 0xc2 } else { 0xc0 };
        let at = bytes.windows(2).position(|pair| pair == [0xff, frame]).unwrap();
        for (side, ours) in [(LARGE as u16, true), (u16::MAX, false)] {
            bytes[at + 5..at + 7].copy_from_slice(&side.to_be_bytes());
            bytes[at + 7..at + 9].copy_from_slice(&side.to_be_bytes());
            if ours {
                refused("JPEG", &bytes, u32::from(side));
            } else {
                let (result, peak) = peak_of(|| decode(&bytes));
                assert!(matches!(result, Err(DecodeError::Damaged { .. })) && peak < LITTLE, "{peak} bytes were taken");
            }
        }
    }
}

#[test]
fn what_is_packed_beside_the_pixels_is_bounded() {
    let zeros = vec![0; 200 << 20];
    let packed = zlib(&zeros);
    drop(zeros);
    let rows = || chunk(*b"IDAT", &zlib(&[0, 7]));
    let named = |flags: &[u8]| [&b"name\0"[..], flags, &packed].concat();
    for (kind, data) in [(b"iCCP", named(&[0])), (b"zTXt", named(&[0])), (b"iTXt", named(&[1, 0, 0, 0]))] {
        let bytes = png((1, 1), 8, 0, &[chunk(*kind, &data), rows()]);
        let (result, peak) = peak_of(|| decode(&bytes));
        let kind = String::from_utf8_lossy(kind);
        assert!(peak < 32 << 20, "{kind} of {} bytes: {peak} bytes were taken, {:?}", bytes.len(), result.err());
    }
    // Rows beyond the picture's height are not unpacked.
    let bytes = png((1, 1), 8, 0, &[chunk(*b"IDAT", &packed)]);
    let (_, peak) = peak_of(|| decode(&bytes));
    assert!(peak < 32 << 20, "{peak} bytes were taken");
}

#[test]
fn the_largest_that_is_read_takes_no_more_than_is_allowed() {
    // A picture that is just too large is refused by its header, too.
    let side = MAX_PIXELS.isqrt() as u32 + 1;
    refused("PNG", &png((side, side), 8, 2, &[chunk(*b"IDAT", &zlib(&[0; 10]))]), side);
    let side = 2000;
    let bytes = png((side, side), 16, 6, &[chunk(*b"IDAT", &zlib(&[0; 10]))]);
    let (result, peak) = peak_of(|| decode(&bytes));
    assert!(result.is_err() && peak <= 9 * (side * side) as usize, "{peak} bytes were taken");
}
