//! Compares the kernels with loops that follow the formulas, in f64.

use super::*;
use crate::testing::numbers;
use proptest::prelude::*;

fn rectified(values: &[f32], relu: bool) -> Vec<f64> {
    values.iter().map(|&v| f64::from(if relu { v.max(0.0) } else { v })).collect()
}

/// Calls `f(place in the image, place in the map, place in the weight)` for each product of a convolution.
fn products(batch: usize, g: &Geometry, mut f: impl FnMut(usize, usize, usize)) {
    let ((h, w), (mh, mw), (kh, kw)) = (g.image, g.map, g.kernel);
    for b in 0..batch {
        for (o, c) in (0..g.filters).flat_map(|o| (0..g.channels).map(move |c| (o, c))) {
            for (y, x) in (0..mh).flat_map(|y| (0..mw).map(move |x| (y, x))) {
                for (ky, kx) in (0..kh).flat_map(|y| (0..kw).map(move |x| (y, x))) {
                    let (iy, ix) = (y * g.stride + ky, x * g.stride + kx);
                    if iy < g.padding || ix < g.padding || iy >= h + g.padding || ix >= w + g.padding {
                        continue;
                    }
                    f(
                        ((b * g.channels + c) * h + iy - g.padding) * w + ix - g.padding,
                        ((b * g.filters + o) * mh + y) * mw + x,
                        ((o * g.channels + c) * kh + ky) * kw + kx,
                    );
                }
            }
        }
    }
}

fn close(found: &[f32], expected: &[f64], scale: f64) -> Result<(), TestCaseError> {
    prop_assert_eq!(found.len(), expected.len());
    for (i, (&f, &e)) in found.iter().zip(expected).enumerate() {
        prop_assert!((f64::from(f) - e).abs() <= 2e-6 * scale, "element {}: {} instead of {}", i, f, e);
    }
    Ok(())
}

/// Computes the sums, then the operations of `finish`.
fn finished(sums: &[f64], channels: usize, plane: usize, finish: Finish<'_>) -> Vec<f64> {
    let one = |(i, &sum): (usize, &f64)| {
        let mut value = sum + finish.bias.map_or(0.0, |b| f64::from(b[i / plane % channels]));
        if finish.mask.is_some_and(|m| m[i] <= 0.0) {
            value = 0.0;
        }
        value + finish.add.map_or(0.0, |a| f64::from(a[i]))
    };
    sums.iter().enumerate().map(one).collect()
}

fn geometry() -> impl Strategy<Value = Geometry> {
    let side = (1usize..6, 1usize..4, 0usize..3).prop_flat_map(|(kernel, stride, padding)| {
        let least = kernel.saturating_sub(2 * padding).max(1);
        (Just((kernel, stride, padding)), least..least + 21, least..least + 21)
    });
    let wide = prop_oneof![1usize..5, 14usize..40];
    (side, wide.clone(), wide, 0usize..3).prop_map(|(((k, stride, padding), h, w), channels, filters, own)| {
        // Often one of the cases that are handled specially.
        let (k, stride) = [(k, stride), (3, 1), (4, 2)][own];
        let (h, w) = (h.max(k), w.max(k));
        let map = ((h + 2 * padding - k) / stride + 1, (w + 2 * padding - k) / stride + 1);
        Geometry { channels, image: (h, w), filters, map, kernel: (k, k), stride, padding }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_convolution_is_the_sum_of_its_products(
        g in geometry(), batch in 1usize..4, relu: bool, which in 0usize..8
    ) {
        let (images, weight) = (numbers(batch * g.image_len(), 1), numbers(g.weight_len(), 2));
        let length = batch * g.map_len();
        let (bias, mask, add) = (numbers(g.filters, 3), numbers(length, 4), numbers(length, 5));
        let finish = Finish {
            bias: (which & 1 > 0).then_some(&bias),
            mask: (which & 2 > 0).then_some(&mask),
            add: (which & 4 > 0).then_some(&add),
        };
        let seen = rectified(&images, relu);
        let mut sums = vec![0.0; length];
        products(batch, &g, |image, map, tap| sums[map] += seen[image] * f64::from(weight[tap]));
        let expected = finished(&sums, g.filters, g.map.0 * g.map.1, finish);
        same_everywhere(&expected, (g.channels * g.taps()) as f64, |isa| gather(isa, &images, relu, &weight, finish, &g))?;
    }

    #[test]
    fn a_transposed_convolution_is_the_sum_of_its_products(
        g in geometry(), batch in 1usize..4, relu: bool, which in 0usize..8
    ) {
        let (maps, weight) = (numbers(batch * g.map_len(), 1), numbers(g.weight_len(), 2));
        let length = batch * g.image_len();
        let (bias, mask, add) = (numbers(g.channels, 3), numbers(length, 4), numbers(length, 5));
        let finish = Finish {
            bias: (which & 1 > 0).then_some(&bias),
            mask: (which & 2 > 0).then_some(&mask),
            add: (which & 4 > 0).then_some(&add),
        };
        let seen = rectified(&maps, relu);
        let mut sums = vec![0.0; length];
        products(batch, &g, |image, map, tap| sums[image] += seen[map] * f64::from(weight[tap]));
        let expected = finished(&sums, g.channels, g.image.0 * g.image.1, finish);
        same_everywhere(&expected, (g.filters * g.taps()) as f64, |isa| scatter(isa, &maps, relu, &weight, finish, &g))?;
    }

    #[test]
    fn a_weight_gradient_is_the_sum_of_its_products(
        g in geometry(), batch in 1usize..4, relu_images: bool, relu_maps: bool
    ) {
        let (images, maps) = (numbers(batch * g.image_len(), 1), numbers(batch * g.map_len(), 2));
        let (left, right) = (rectified(&images, relu_images), rectified(&maps, relu_maps));
        let mut expected = vec![0.0; g.weight_len()];
        products(batch, &g, |image, map, tap| expected[tap] += left[image] * right[map]);
        let (images, maps) = (Operand { values: &images, relu: relu_images }, Operand { values: &maps, relu: relu_maps });
        let scale = (batch * g.map.0 * g.map.1) as f64;
        same_everywhere(&expected, scale, |isa| correlate(isa, images, maps, &g))?;
    }
}

/// Tests that results are right on every instruction set, with the same bits on all and with any number of threads.
fn same_everywhere(
    expected: &[f64],
    scale: f64,
    compute: impl Fn(Isa) -> Vec<f32> + Sync,
) -> Result<(), TestCaseError> {
    let first = compute(Isa::PORTABLE);
    close(&first, expected, scale)?;
    for isa in Isa::available() {
        for pool in pools() {
            let found = pool.install(|| compute(isa));
            let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&found), bits(&first), "{} on {} threads", isa.name(), pool.current_num_threads());
        }
    }
    Ok(())
}

fn pools() -> &'static [rayon::ThreadPool] {
    static POOLS: std::sync::OnceLock<Vec<rayon::ThreadPool>> = std::sync::OnceLock::new();
    POOLS.get_or_init(|| {
        [1, 2, 5].map(|n| rayon::ThreadPoolBuilder::new().num_threads(n).build()).into_iter().flatten().collect()
    })
}
