//! A picture's file, as a photograph and as a label map.
#![no_main]

use harness_images::pixels::{MAX_PIXELS, Raster, decode, decode_labels};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(picture) = decode(bytes) {
        whole(&picture);
    }
    if let Ok(labels) = decode_labels(bytes) {
        whole(&labels);
    }
});

/// Panics unless there is a byte for each channel of each pixel.
fn whole<const CHANNELS: usize>(raster: &Raster<CHANNELS>) {
    let pixels = u64::from(raster.width) * u64::from(raster.height);
    assert!((1..=MAX_PIXELS).contains(&pixels));
    assert_eq!(raster.data.len() as u64, pixels * CHANNELS as u64);
}
