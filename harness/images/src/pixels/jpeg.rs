//! Decodes JPEG with mozjpeg.
//!
//! Pillow decodes with libjpeg-turbo, with its accurate integer transform and its "fancy" upsampling of chroma. The
//! decoder of the `image` crate (zune-jpeg) upsamples differently: over 1,000 photographs of cats and dogs it differs
//! from Pillow by up to 13 of 255, and by up to 9 after reduction to 120 × 120. The decoder of mozjpeg is the same C
//! code as in libjpeg-turbo. Built without its assembler files, it needs a C compiler but neither nasm nor cmake. It
//! gave exactly Pillow's bytes on all of those photographs, and the same verdict on 2,010 of 2,016 damaged or unusual
//! files. (A pure Rust port, libjpeg-turbo-rs 0.9.0, gave the same bytes for photographs, but panics on CMYK files with
//! subsampled chroma and gave another verdict on 330 of those files.)

use super::{
    Picture,
    error::{DecodeError, check_size},
};
use mozjpeg::{ColorSpace, Decompress, decompress::DecompressStarted};
use std::{
    cell::Cell,
    io::{self, BufRead, Read},
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Progressive pictures have about ten scans. A small file can have thousands, and each takes time for the whole
/// picture.
const MAX_SCANS: usize = 500;

/// Decodes a JPEG like Pillow. Damaged entropy data are skipped (two photographs of Oxford-IIIT Pet have some), but a
/// file that ends before its picture does is an error.
pub(super) fn decode(bytes: &[u8]) -> Result<Picture, DecodeError> {
    let scans = bytes.windows(2).filter(|pair| *pair == [0xff, 0xda]).count();
    if scans > MAX_SCANS {
        return Err(damaged(format!("{scans} scans; at most {MAX_SCANS} are read")));
    }
    let ran_dry = Cell::new(false);
    // libjpeg exits non-locally when it cannot go on. Here that is an unwinding without a message on the terminal, so
    // no profile may set `panic = "abort"`.
    let decoded = catch_unwind(AssertUnwindSafe(|| decompress(Source { rest: bytes, ran_dry: &ran_dry })));
    match decoded {
        _ if ran_dry.get() => Err(DecodeError::Truncated),
        Ok(result) => result,
        Err(payload) => Err(damaged(match payload.downcast::<String>() {
            Ok(message) => message.trim_start_matches("libjpeg fatal error: ").to_owned(),
            Err(_) => "the decoder gave up".into(),
        })),
    }
}

fn decompress(source: Source<'_>) -> Result<Picture, DecodeError> {
    let refused = |e: io::Error| damaged(e.to_string());
    let header = Decompress::new_reader(source).map_err(refused)?;
    let (width, height) = (header.width() as u32, header.height() as u32);
    check_size(width, height)?;
    let data = match header.components().len() {
        1 => {
            let grey = samples(header.to_colorspace(ColorSpace::JCS_GRAYSCALE)).map_err(refused)?;
            grey.iter().flat_map(|&grey| [grey; 3]).collect()
        }
        3 => samples(header.rgb()).map_err(refused)?,
        4 => {
            let inks = samples(header.to_colorspace(ColorSpace::JCS_CMYK)).map_err(refused)?;
            inks.as_chunks::<4>().0.iter().flat_map(|&ink| rgb_of_inverted_cmyk(ink)).collect()
        }
        n => return Err(damaged(format!("{n} channels; expected 1, 3 or 4"))),
    };
    Ok(Picture { width, height, data })
}

/// Reads all rows. Data after the last row are ignored, because Pillow does not require an end marker either.
fn samples<R: BufRead>(started: io::Result<DecompressStarted<R>>) -> io::Result<Vec<u8>> {
    started?.read_scanlines()
}

fn damaged(reason: String) -> DecodeError {
    DecodeError::Damaged { format: "JPEG", reason }
}

/// Converts CMYK like Pillow's `cmyk2rgb`. Four-channel JPEGs store 255 minus the ink, by Adobe's convention, which
/// Pillow assumes.
fn rgb_of_inverted_cmyk([c, m, y, k]: [u8; 4]) -> [u8; 3] {
    let light = i32::from(k); // 255 - black
    [c, m, y].map(|inverted| {
        let product = (255 - i32::from(inverted)) * light + 128;
        (light - (((product >> 8) + product) >> 8)).clamp(0, 255) as u8
    })
}

/// The file. It records when the decoder asks for more bytes than it has. (The decoder would treat the end as an end
/// marker, and fill the rest with grey.)
struct Source<'a> {
    rest: &'a [u8],
    ran_dry: &'a Cell<bool>,
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.rest.read(buffer)
    }
}

impl BufRead for Source<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.rest.is_empty() {
            self.ran_dry.set(true);
            return Err(io::Error::other("the file ends before the picture does"));
        }
        Ok(self.rest)
    }

    fn consume(&mut self, amount: usize) {
        self.rest.consume(amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mozjpeg::Compress;
    use proptest::prelude::*;

    const SIZE: usize = 45;

    fn drawing(channels: usize) -> Vec<u8> {
        let pixel = |i: usize| [(i % SIZE * 5) as u8, (i / SIZE * 5) as u8, (i * 7) as u8].into_iter().take(channels);
        (0..SIZE * SIZE).flat_map(pixel).collect()
    }

    fn encoded(space: ColorSpace, progressive: bool) -> Vec<u8> {
        let mut encoder = Compress::new(space);
        if !progressive {
            encoder.set_fastest_defaults(); // otherwise mozjpeg makes everything progressive
        }
        encoder.set_size(SIZE, SIZE);
        encoder.set_quality(90.0);
        let mut started = encoder.start_compress(Vec::new()).unwrap();
        started.write_scanlines(&drawing(if space == ColorSpace::JCS_GRAYSCALE { 1 } else { 3 })).unwrap();
        started.finish().unwrap()
    }

    fn baseline() -> Vec<u8> {
        encoded(ColorSpace::JCS_RGB, false)
    }

    fn progressive() -> Vec<u8> {
        encoded(ColorSpace::JCS_RGB, true)
    }

    #[test]
    fn a_truncated_file_is_an_error() {
        for whole in [baseline(), progressive()] {
            assert!(decode(&whole).is_ok());
            for part in [3, 20, whole.len() / 2, whole.len() * 9 / 10] {
                assert_eq!(decode(&whole[..part]), Err(DecodeError::Truncated), "{part} of {} bytes", whole.len());
            }
        }
    }

    #[test]
    fn damage_within_the_picture_is_passed_over() {
        let mut bytes = baseline();
        let at = bytes.len() * 3 / 4;
        bytes[at..at + 4].copy_from_slice(&[0x12, 0x34, 0x56, 0x78]);
        assert_eq!(decode(&bytes).map(|p| (p.width, p.height)), Ok((45, 45)));
    }

    #[test]
    fn damage_of_the_tables_is_an_error_that_says_so() {
        let mut bytes = baseline();
        let at = bytes.windows(2).position(|pair| pair == [0xff, 0xc4]).unwrap();
        bytes[at + 5..at + 9].fill(255);
        let Err(DecodeError::Damaged { format: "JPEG", reason }) = decode(&bytes) else { panic!("decoded") };
        assert!(reason.contains("Huffman"), "{reason}");
    }

    #[test]
    fn one_channel_gives_grey() {
        let picture = decode(&encoded(ColorSpace::JCS_GRAYSCALE, false)).unwrap();
        assert!(picture.data.as_chunks::<3>().0.iter().all(|&[r, g, b]| r == g && g == b));
        assert_eq!(picture.data.len(), SIZE * SIZE * 3);
    }

    proptest! {
        #[test]
        fn damage_never_panics(
            progressive_file: bool,
            at in prop::collection::vec((0usize..4000, any::<u8>()), 1..8),
            keep in 0usize..8000,
        ) {
            let mut bytes = if progressive_file { progressive() } else { baseline() };
            for (position, value) in at {
                let position = position % bytes.len();
                bytes[position] = value;
            }
            bytes.truncate(keep);
            let _ = decode(&bytes);
        }
    }
}
