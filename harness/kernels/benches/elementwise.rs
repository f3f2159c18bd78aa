//! Measures everything but the convolutions, at the sizes of the real networks: `cargo bench --workspace --bench elementwise`.
//!
//! Bytes per second count what a kernel must at least move: each input read once, each output written once. If a kernel reads
//! an input twice, the second read comes from the cache or lowers the rate.

use divan::{Bencher, black_box, counter::BytesCount};
use harness_kernels::{
    adam, add, codebook, cross_entropy,
    isa::Isa,
    maximum, mean_squared_error,
    normalization::{self, Parameters, Wanted},
    pooling::{self, Window},
    relu, sigmoid,
    soft_dice::SoftDice,
    sum_of_squares,
};

/// The program's own allocator: the system's returns every large vector to the kernel, which costs more than most of what is
/// timed.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    println!("{}, {} threads", Isa::best().name(), rayon::current_num_threads());
    divan::main();
}

/// Feature maps `[B, C, H, W]` of a network.
#[derive(Debug, Clone, Copy)]
enum Maps {
    /// A `SegNet`'s, at full size.
    Segnet,
    /// A `LinkNet`'s, after its stem.
    Linknet,
    /// A `LinkNet`'s, at its deepest.
    Deep,
    /// A VQ-VAE's, in its middle.
    Vqvae,
}

const MAPS: [Maps; 4] = [Maps::Segnet, Maps::Linknet, Maps::Deep, Maps::Vqvae];

impl Maps {
    fn channels(self) -> usize {
        match self {
            Self::Segnet | Self::Linknet => 64,
            Self::Deep => 512,
            Self::Vqvae => 256,
        }
    }

    fn side(self) -> usize {
        match self {
            Self::Segnet => 120,
            Self::Linknet => 64,
            Self::Deep => 4,
            Self::Vqvae => 30,
        }
    }

    fn length(self) -> usize {
        let batch = if matches!(self, Self::Segnet) { 4 } else { 8 };
        batch * self.channels() * self.side() * self.side()
    }

    fn numbers(self, seed: u32) -> Vec<f32> {
        numbers(self.length(), seed)
    }
}

/// Numbers in −1..1.
fn numbers(length: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    (0..length).map(|_| next()).collect()
}

/// Times `run`, which moves `floats` four-byte numbers.
fn time<R>(bencher: Bencher, floats: usize, mut run: impl FnMut() -> R) {
    bencher.counter(BytesCount::new(4 * floats)).bench_local(|| black_box(run()));
}

#[divan::bench(args = MAPS)]
fn relu_forward(bencher: Bencher, maps: Maps) {
    let x = maps.numbers(1);
    time(bencher, 2 * x.len(), || relu::forward(Isa::best(), &x));
}

#[divan::bench(args = MAPS)]
fn relu_backward(bencher: Bencher, maps: Maps) {
    let (out, grad) = (maps.numbers(1), maps.numbers(2));
    time(bencher, 3 * out.len(), || relu::backward(Isa::best(), &out, &grad));
}

#[divan::bench(args = MAPS)]
fn add_relu_forward(bencher: Bencher, maps: Maps) {
    let (a, b) = (maps.numbers(1), maps.numbers(2));
    time(bencher, 3 * a.len(), || add::forward_relu(Isa::best(), &a, &b));
}

#[divan::bench(args = MAPS)]
fn batch_norm_relu_forward(bencher: Bencher, maps: Maps) {
    let (x, weight, bias) = (maps.numbers(1), numbers(maps.channels(), 2), numbers(maps.channels(), 3));
    let parameters = Parameters { weight: &weight, bias: &bias, epsilon: 1e-5 };
    let pixels = maps.side() * maps.side();
    time(bencher, 2 * x.len(), || normalization::forward(Isa::best(), &x, pixels, parameters, true));
}

#[divan::bench(args = MAPS)]
fn batch_norm_relu_backward(bencher: Bencher, maps: Maps) {
    let (x, grad) = (maps.numbers(1), maps.numbers(4));
    let (weight, bias) = (numbers(maps.channels(), 2), numbers(maps.channels(), 3));
    let parameters = Parameters { weight: &weight, bias: &bias, epsilon: 1e-5 };
    let (_, normalization) = normalization::forward(Isa::best(), &x, maps.side() * maps.side(), parameters, true);
    let wanted = Wanted { input: true, parameters: true };
    time(bencher, 3 * x.len(), || normalization.backward(Isa::best(), &x, &grad, wanted));
}

#[divan::bench(args = [(2, 0), (3, 1)])]
fn max_pool_forward(bencher: Bencher, (kernel, padding): (usize, usize)) {
    let x = Maps::Segnet.numbers(1);
    let Some(window) = Window::new((120, 120), kernel, 2, padding) else { return };
    time(bencher, x.len() + x.len() / 2, || pooling::max_pool(Isa::best(), &x, &window));
}

#[divan::bench]
fn max_pool_backward(bencher: Bencher) {
    let x = Maps::Segnet.numbers(1);
    let Some(window) = Window::new((120, 120), 2, 2, 0) else { return };
    let (values, indices) = pooling::max_pool(Isa::best(), &x, &window);
    time(bencher, x.len() + x.len() / 2, || pooling::max_pool_backward(&values, &indices, 14400, 3600));
}

#[divan::bench]
fn unpool_forward(bencher: Bencher) {
    let x = Maps::Segnet.numbers(1);
    let Some(window) = Window::new((120, 120), 2, 2, 0) else { return };
    let (values, indices) = pooling::max_pool(Isa::best(), &x, &window);
    time(bencher, x.len() + x.len() / 2, || pooling::unpool(&values, &indices, 14400, 3600));
}

#[divan::bench]
fn unpool_backward(bencher: Bencher) {
    let x = Maps::Segnet.numbers(1);
    let Some(window) = Window::new((120, 120), 2, 2, 0) else { return };
    let (_, indices) = pooling::max_pool(Isa::best(), &x, &window);
    time(bencher, x.len() + x.len() / 2, || pooling::take(&x, &indices, 14400, 3600));
}

/// The codebook of the VQ-VAE: 7200 vectors of 64 elements and 512 codes.
const SIZES: codebook::Sizes = codebook::Sizes { dim: 64, codes: 512, pixels: 900 };

#[divan::bench]
fn codebook_nearest(bencher: Bencher) {
    let (z, codes) = (numbers(7200 * 64, 1), numbers(512 * 64, 2));
    time(bencher, z.len(), || codebook::nearest_codes(Isa::best(), &z, &codes, SIZES));
}

#[divan::bench]
fn codebook_quantize(bencher: Bencher) {
    let (z, codes) = (numbers(7200 * 64, 1), numbers(512 * 64, 2));
    let indices = codebook::nearest_codes(Isa::best(), &z, &codes, SIZES);
    time(bencher, z.len(), || codebook::quantize(&codes, &indices, SIZES));
}

#[divan::bench]
fn codebook_count_and_sum(bencher: Bencher) {
    let (z, codes) = (numbers(7200 * 64, 1), numbers(512 * 64, 2));
    let indices = codebook::nearest_codes(Isa::best(), &z, &codes, SIZES);
    time(bencher, z.len(), || codebook::count_and_sum(&z, &indices, SIZES));
}

/// Logits `[8, 3, 120, 120]` and the classes of their pixels.
fn logits() -> (Vec<f32>, Vec<u8>) {
    (numbers(8 * 3 * 14400, 1), (0..8 * 14400).map(|i| (i * 7 % 3) as u8).collect())
}

#[divan::bench]
fn cross_entropy_forward(bencher: Bencher) {
    let (x, classes) = logits();
    time(bencher, x.len(), || cross_entropy::forward(Isa::best(), &x, &classes, 14400));
}

#[divan::bench]
fn cross_entropy_backward(bencher: Bencher) {
    let (x, classes) = logits();
    time(bencher, 2 * x.len(), || cross_entropy::backward(Isa::best(), &x, &classes, 14400, 1.0));
}

#[divan::bench]
fn soft_dice_forward(bencher: Bencher) {
    let (x, classes) = logits();
    time(bencher, 2 * x.len(), || SoftDice::new(Isa::best(), &x, &classes, 14400, 1.0));
}

#[divan::bench]
fn soft_dice_backward(bencher: Bencher) {
    let (x, classes) = logits();
    let dice = SoftDice::new(Isa::best(), &x, &classes, 14400, 1.0);
    time(bencher, 2 * x.len(), || dice.backward(Isa::best(), &classes, 1.0));
}

#[divan::bench]
fn sigmoid_forward(bencher: Bencher) {
    let (x, _) = logits();
    time(bencher, 2 * x.len(), || sigmoid::forward(Isa::best(), &x));
}

#[divan::bench]
fn mean_squared_error_forward(bencher: Bencher) {
    let (x, y) = (logits().0, numbers(8 * 3 * 14400, 2));
    time(bencher, 2 * x.len(), || mean_squared_error::forward(Isa::best(), &x, &y));
}

#[divan::bench]
fn mean_squared_error_backward(bencher: Bencher) {
    let (x, y) = (logits().0, numbers(8 * 3 * 14400, 2));
    time(bencher, 3 * x.len(), || mean_squared_error::backward(Isa::best(), &x, &y, 1.0));
}

#[divan::bench]
fn divide_by_maximum_forward(bencher: Bencher) {
    let (x, _) = logits();
    time(bencher, 2 * x.len(), || maximum::divide(Isa::best(), &x, maximum::largest(Isa::best(), &x)));
}

#[divan::bench]
fn divide_by_maximum_backward(bencher: Bencher) {
    let (x, grad) = (logits().0, numbers(8 * 3 * 14400, 2));
    let largest = maximum::largest(Isa::best(), &x);
    time(bencher, 3 * x.len(), || maximum::divide_backward(Isa::best(), &x, &grad, largest));
}

/// The weights of a VQ-VAE.
const WEIGHTS: usize = 7_000_000;

#[divan::bench]
fn adam_step(bencher: Bencher) {
    let [mut weight, mut first, gradient] = [1, 2, 3].map(|seed| numbers(WEIGHTS, seed));
    let mut second = vec![0.5; WEIGHTS];
    let step = adam::Step { beta1: 0.9, beta2: 0.999, keep: 1.0, rate: 1e-3, correction: 1.0, epsilon: 1e-8 };
    time(bencher, 7 * WEIGHTS, || {
        adam::step(Isa::best(), &mut weight, &mut first, &mut second, &gradient, step);
    });
}

#[divan::bench]
fn gradient_norm(bencher: Bencher) {
    let gradient = numbers(WEIGHTS, 1);
    time(bencher, WEIGHTS, || sum_of_squares::sum_of_squares(Isa::best(), &gradient));
}
