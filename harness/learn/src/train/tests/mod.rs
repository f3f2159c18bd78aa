//! Tests what random changes do, when they are redrawn, and that threads and batches have no influence.

mod augmentation;
mod distortion;
mod kernel;

use candle_core::Tensor;
use harness_images::datasets::{Item, Part, Pictures};
use harness_record::random;
use rand_chacha::rand_core::Rng;

/// Side of the test images.
const SIDE: usize = 20;
/// The colours of the three classes in [`pictures`].
const COLOURS: [[u8; 3]; 3] = [[255, 0, 0], [0, 255, 0], [0, 0, 255]];

/// `count` noisy pictures, interleaved RGB.
fn noise(count: usize) -> Vec<Vec<u8>> {
    let mut rng = random::generator(&["noise"]);
    let mut picture = || (0..SIDE * SIDE * 3).map(|_| (rng.next_u32() >> 24) as u8).collect();
    (0..count).map(|_| picture()).collect()
}

/// `count` labelled pictures of blocks of 5 by 5 pixels, whose colour shows the class.
fn pictures(count: u32) -> Pictures {
    let mut rng = random::generator(&["blocks"]);
    let blocks = SIDE / 5;
    let (mut rgb, mut classes) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let block: Vec<u8> = (0..blocks * blocks).map(|_| random::below(&mut rng, 3) as u8).collect();
        for at in 0..SIDE * SIDE {
            let class = block[at / SIDE / 5 * blocks + at % SIDE / 5];
            classes.push(class);
            rgb.extend(COLOURS[usize::from(class)]);
        }
    }
    let item = |i| Item { name: format!("{i}"), group: "pet".into(), part: Part::Trainval };
    let items = (0..count).map(item).collect();
    Pictures {
        size: SIDE as u32,
        digest: "test".into(),
        items,
        rgb: rgb.into(),
        classes: classes.into(),
        left_out: Vec::new(),
    }
}

/// The images of `[B, 3, S, S]`, each with its values in a row.
fn values(images: &Tensor) -> Vec<Vec<f32>> {
    images.flatten_from(1).unwrap().to_vec2().unwrap()
}

/// The images of `[B, 3, S, S]` in 0..1 as interleaved bytes.
fn bytes(images: &Tensor) -> Vec<Vec<u8>> {
    let interleaved = images.permute((0, 2, 3, 1)).unwrap().contiguous().unwrap();
    values(&interleaved).iter().map(|image| image.iter().map(|v| (v * 255.0).round() as u8).collect()).collect()
}

/// Runs `work` with 1, 2 and 3 threads and asserts that the results are the same.
fn assert_threads_do_not_matter<T: PartialEq + Send>(work: impl Fn() -> T + Sync) {
    let run = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(&work);
    let one = run(1);
    assert!(one == run(2) && one == run(3), "threads change the result");
}
