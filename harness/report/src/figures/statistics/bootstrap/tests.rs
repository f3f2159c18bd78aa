use super::{
    means::NEAR,
    table::{KEPT, room_for},
    *,
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};

/// Returns scores of three classes, from a formula that numpy can repeat.
fn scores() -> Vec<f64> {
    let noise = |i: f64| ((i * 12.9898 + 1.0).sin() * 43758.5453).fract().abs();
    (0..60).map(|i| 0.5 + 0.3 * noise(f64::from(i)) + 0.1 * f64::from(i % 3)).collect()
}

fn images(classes: impl Iterator<Item = String>) -> Resampler {
    Resampler::new(classes.enumerate().map(|(i, class)| (format!("{i}.jpg"), class)).collect())
}

fn of_three_classes() -> Resampler {
    images((0..60).map(|i| (i % 3).to_string()))
}

fn one_seed(scores: Vec<f64>) -> Sample {
    Sample::new(vec![0], vec![scores])
}

/// Returns true if both ends are close to the result of numpy with 400,000 resamples. Each end computed here has an
/// error of about 0.0003.
fn is_near(found: Summary, low: f64, high: f64) -> bool {
    (found.low - low).abs() < 0.0015 && (found.high - high).abs() < 0.0015
}

// `reference/intervals.py` makes these numbers, and those of the test that says "as above":
// x = abs(modf(sin(i*12.9898+1)*43758.5453)[0]); v = 0.5 + 0.3*x + 0.1*(i%3), for i in arange(60)
// m = sum over h of v[i%3==h][rng.integers(0,20,(400000,19))].mean(1)/3; quantile(m, [.025,.975])
// without classes: v[rng.integers(0,60,(400000,59))].mean(1)
#[test]
fn intervals_are_those_of_numpy() {
    let sample = one_seed(scores());
    let found = of_three_classes().summarise(&sample).unwrap();
    assert!((found.mean - 0.765_171_654_649_573_9).abs() < 1e-12 && (found.images, found.seeds) == (60, 1));
    assert!(is_near(found, 0.744_681, 0.785_383), "{found:?}");
    // Without classes, the spread between them counts, too.
    let found = images((0..60).map(|_| String::new())).summarise(&sample).unwrap();
    assert!(is_near(found, 0.736_122, 0.794_173), "{found:?}");
}

// c = stack([v, v+0.05+0.02*cos(i), v+0.02-0.02*sin(i)]); m[s]: as above, of row s, with the same images for all rows
// pick = rng.integers(0,3,(400000,2)); quantile((m[pick[:,0]] + m[pick[:,1]])/2, [.025,.975])
#[test]
fn several_seeds_are_resampled_as_well() {
    let v = scores();
    let column = |f: fn(f64) -> f64| v.iter().enumerate().map(|(i, v)| v + f(i as f64)).collect::<Vec<_>>();
    let columns = vec![v.clone(), column(|i| 0.05 + 0.02 * i.cos()), column(|i| 0.02 - 0.02 * i.sin())];
    let found = of_three_classes().summarise(&Sample::new(vec![0, 1, 2], columns)).unwrap();
    assert!((found.mean - 0.788_366_975_886_883_5).abs() < 1e-12 && found.seeds == 3);
    assert!(is_near(found, 0.755_014, 0.824_125), "{found:?}");
}

#[test]
fn the_same_question_has_the_same_answer_whatever_was_asked_before() {
    let sample = one_seed(scores());
    let first = of_three_classes().summarise(&sample);
    let other = of_three_classes();
    other.summarise(&one_seed(scores().into_iter().rev().collect()));
    let half = one_seed(scores()).only(|image| image % 2 == 0);
    let of_half = other.summarise(&half).unwrap();
    assert_eq!((of_half.images, other.summarise(&half)), (30, Some(of_half)));
    assert_eq!(other.summarise(&sample), first);
    // The same scores for other images, or with a second seed, are a different question.
    assert_ne!(images((0..60).map(|_| String::new())).summarise(&sample), first);
    assert_ne!(other.summarise(&Sample::new(vec![0, 1], vec![scores(), scores()])), first);
}

/// The process shares tables and summaries, so this test makes its own tables.
#[test]
fn any_number_of_threads_and_any_room_give_the_same_draws_and_means() {
    let threads = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
    let (alone, three) = (threads(1), threads(3));
    for count in [60, NEAR + 1] {
        let images: Vec<_> = (0..count).map(|i| (format!("{i}.jpg"), (i % 3).to_string())).collect();
        let sample = one_seed((0..count).map(|i| scores()[i % 60]).collect());
        let drawn = |room| Table::new(images.iter(), [1; 32]).with_draws(room);
        let means = |table: &Table| deviations(table, [&sample], &(0..count).collect::<Vec<_>>(), [0.0]);
        let [kept, made] = [KEPT, 0].map(drawn);
        assert!(kept.kept.is_some() && made.kept.is_none() && made.drawn(7) != made.drawn(8));
        assert!([&alone, &three].map(|pool| pool.install(|| drawn(KEPT)).kept == kept.kept) == [true; 2]);
        let first = alone.install(|| means(&kept));
        assert!(first == three.install(|| means(&kept)) && first == three.install(|| means(&made)));
    }
}

#[test]
fn tables_that_no_report_uses_make_way() {
    let images: Vec<_> = (0..6).map(|i: u32| (format!("{i}.jpg"), String::new())).collect();
    let table = |name: u8| Arc::new(Table::new(images.iter(), [name; 32]).with_draws(KEPT));
    let used = table(1);
    let each = used.draws();
    let mut tables: BTreeMap<_, _> = [([1; 32], Arc::clone(&used)), ([2; 32], table(2))].into();
    assert_eq!((room_for(each, &mut tables, 3 * each), tables.len()), (each, 2));
    assert_eq!((room_for(each, &mut tables, 2 * each), tables.len()), (each, 1));
    assert_eq!((room_for(2 * each, &mut tables, 2 * each), tables.contains_key(&[1; 32])), (each, true));
}

#[test]
fn what_has_no_spread_has_an_interval_of_one_point() {
    let resampler = of_three_classes();
    let found = resampler.summarise(&one_seed(vec![0.25; 60])).unwrap();
    assert_eq!((found.mean, found.low, found.high), (0.25, 0.25, 0.25));
    let found = resampler.summarise(&one_seed(vec![0.5; 60]).only(|image| image == 7)).unwrap();
    assert_eq!((found.low, found.high, found.images), (0.5, 0.5, 1));
    assert!(resampler.summarise(&one_seed(vec![f64::NAN; 60])).is_none());
}

/// Returns a uniform random number in 0..1.
fn uniform(generator: &mut ChaCha8Rng) -> f64 {
    f64::from(generator.next_u32()) / f64::from(u32::MAX)
}

/// Draws 200 samples of skewed scores, with 12 classes of 2 to 4 images. About 95 % of the intervals hold the true
/// mean. With as many draws as images in a class it would be 87 %.
#[test]
fn intervals_hold_the_true_mean_as_often_as_they_say() {
    let classes: Vec<usize> = (0..12).flat_map(|class| vec![class; 2 + class % 3]).collect();
    let truth = classes.iter().map(|&class| 0.5 + 0.02 * class as f64).sum::<f64>() / classes.len() as f64;
    let mut generator = ChaCha8Rng::from_seed([3; 32]);
    let resampler = images(classes.iter().map(|class| format!("{class:02}")));
    let held = (0..200).filter(|_| {
        // The square of a uniform number has the mean 1/3.
        let noise = |generator: &mut ChaCha8Rng| 0.3 * (1.0 / 3.0 - uniform(generator).powi(2));
        let score = |class: &usize| 0.5 + 0.02 * *class as f64 + noise(&mut generator);
        let found = resampler.summarise(&one_seed(classes.iter().map(score).collect())).unwrap();
        found.low <= truth && truth <= found.high
    });
    let held = held.count();
    assert!((180..=198).contains(&held), "{held} of 200");
}

#[test]
fn quantiles_lie_between_neighbours() {
    assert_eq!(quantile(&mut [2.0, 0.0, 1.0], 0.25), 0.5);
    assert_eq!(quantile(&mut [4.0], 0.975), 4.0);
    assert_eq!(quantile(&mut [3.0, 1.0, 2.0], 1.0), 3.0);
}

#[test]
fn questions_that_are_answered_together_have_the_answers_that_they_have_alone() {
    let of = |offset: f64| one_seed(scores().iter().map(|v| v * (1.0 + offset)).collect());
    let two_seeds =
        |offset: f64| Sample::new(vec![0, 1], vec![scores(), scores().iter().map(|v| v + offset).collect()]);
    let mut asked: Vec<Sample> = (0..7).map(|i| of(f64::from(i) / 16.0)).collect();
    asked.extend([
        of(0.5).only(|image| image % 2 == 0),
        of(0.5).only(|image| image == 3),
        one_seed(vec![f64::NAN; 60]),
    ]);
    asked.extend((1..4).map(|i| two_seeds(f64::from(i) / 8.0)));
    asked.push(of(0.0));
    let resampler = of_three_classes();
    let together = resampler.summarise_all(&asked.iter().collect::<Vec<_>>());
    for (sample, found) in asked.iter().zip(&together) {
        let images = sample.images();
        let alone = (images.len() > 1).then(|| {
            let mean = mean(&sample.defined()).unwrap();
            let rows = deviations(&resampler.table(&images), [sample], &images, [mean]);
            ends(&mut rows.into_iter().flatten().collect::<Vec<_>>(), mean)
        });
        match (alone, found) {
            (Some(alone), Some(found)) => {
                assert_eq!((found.low, found.high, found.images), (alone.0, alone.1, images.len()));
            }
            (None, Some(found)) => assert_eq!((found.low, found.images), (found.high, 1)),
            (None, None) => assert!(images.is_empty()),
            (Some(_), None) => panic!("an answer is missing"),
        }
    }
    assert_eq!(together.iter().filter(|found| found.is_none()).count(), 1);
}
