//! Measures the convolutions of the three networks: forward, input gradient and weight gradient, in products per second.
//!
//! `cargo bench --workspace --bench convolution -- [FILTER]`; `RAYON_NUM_THREADS` sets the number of threads, `HARNESS_ISA` the
//! instruction set. "Items" are multiplications of the plain sum, even where tiles need fewer.

use divan::{Bencher, black_box, counter::ItemsCount};
use harness_kernels::{
    convolution::{Finish, Geometry, Operand, correlate, gather, scatter},
    isa::Isa,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    divan::main();
}

/// Name, images, channels, filters, side, kernel, stride, padding.
type Case = (&'static str, [usize; 7]);

const CASES: [Case; 12] = [
    ("vqvae 3×3, 256 → 256 at 30", [8, 256, 256, 30, 3, 1, 1]),
    ("vqvae 1×1, 256 → 256 at 30", [8, 256, 256, 30, 1, 1, 0]),
    ("vqvae 4×4/2, 128 → 256 at 60", [8, 128, 256, 60, 4, 2, 1]),
    ("vqvae 4×4/2, 3 → 128 at 120", [8, 3, 128, 120, 4, 2, 1]),
    ("vqvae 3×3, 64 → 32 at 16", [16, 64, 32, 16, 3, 1, 1]),
    ("segnet 3×3, 64 → 64 at 120", [4, 64, 64, 120, 3, 1, 1]),
    ("segnet 3×3, 512 → 512 at 15", [4, 512, 512, 15, 3, 1, 1]),
    ("segnet 3×3, 3 → 64 at 120", [4, 3, 64, 120, 3, 1, 1]),
    ("linknet 3×3, 64 → 64 at 32", [8, 64, 64, 32, 3, 1, 1]),
    ("linknet 3×3, 512 → 512 at 4", [8, 512, 512, 4, 3, 1, 1]),
    ("linknet 3×3/2, 128 → 256 at 16", [8, 128, 256, 16, 3, 2, 1]),
    ("linknet 7×7/2, 3 → 64 at 128", [8, 3, 64, 128, 7, 2, 3]),
];

fn names() -> impl Iterator<Item = &'static str> {
    CASES.iter().map(|case| case.0)
}

struct Work {
    geometry: Geometry,
    images: Vec<f32>,
    maps: Vec<f32>,
    weight: Vec<f32>,
}

impl Work {
    fn of(name: &str) -> Self {
        let [batch, channels, filters, side, kernel, stride, padding] =
            CASES.iter().find(|case| case.0 == name).map_or([1; 7], |case| case.1);
        let map = (side + 2 * padding - kernel) / stride + 1;
        let geometry = Geometry {
            channels,
            image: (side, side),
            filters,
            map: (map, map),
            kernel: (kernel, kernel),
            stride,
            padding,
        };
        let numbers = |length: usize| (0..length).map(|i| (i * 7919 % 2003) as f32 / 1001.0 - 1.0).collect();
        Self {
            images: numbers(batch * geometry.image_len()),
            maps: numbers(batch * geometry.map_len()),
            weight: numbers(geometry.weight_len()),
            geometry,
        }
    }

    fn products(&self) -> ItemsCount {
        ItemsCount::new(self.maps.len() * self.geometry.channels * self.geometry.taps())
    }
}

#[divan::bench(args = names(), sample_count = 20)]
fn forward(bencher: Bencher<'_, '_>, name: &str) {
    let work = Work::of(name);
    bencher
        .counter(work.products())
        .bench(|| gather(Isa::best(), black_box(&work.images), false, &work.weight, Finish::default(), &work.geometry));
}

#[divan::bench(args = names(), sample_count = 20)]
fn input_gradient(bencher: Bencher<'_, '_>, name: &str) {
    let work = Work::of(name);
    bencher
        .counter(work.products())
        .bench(|| scatter(Isa::best(), black_box(&work.maps), false, &work.weight, Finish::default(), &work.geometry));
}

#[divan::bench(args = names(), sample_count = 20)]
fn weight_gradient(bencher: Bencher<'_, '_>, name: &str) {
    let work = Work::of(name);
    bencher.counter(work.products()).bench(|| {
        let operand = |values| Operand { values, relu: false };
        correlate(Isa::best(), operand(black_box(&work.images)), operand(&work.maps), &work.geometry)
    });
}
