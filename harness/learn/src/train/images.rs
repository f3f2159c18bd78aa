//! The training images of a stage, and the order in which an epoch visits them.

use harness_images::augment::Visit;
use harness_record::random;

/// The training images of a stage.
#[derive(Debug, Clone, Copy)]
pub struct TrainingImages<'a> {
    /// Their places in the data set.
    pub places: &'a [u32],
    /// Number of images that an epoch visits. If there are fewer images, an epoch goes through them several times. So arms
    /// with different numbers of images take equally many steps.
    pub an_epoch: u32,
}

impl TrainingImages<'_> {
    /// The images of an epoch in random order. `words` seed the order.
    ///
    /// Each time through, the images are in another order, and none comes again before all were visited.
    pub(super) fn visits(&self, words: &[&str]) -> Vec<Visit> {
        let wanted = if self.places.is_empty() { 0 } else { self.an_epoch as usize };
        let mut visits = Vec::with_capacity(wanted);
        for earlier in 0.. {
            let missing = wanted - visits.len();
            if missing == 0 {
                break;
            }
            let again = earlier.to_string();
            let own: &[&str] = if earlier == 0 { &[] } else { &["again", &again] };
            let order = random::shuffled(self.places.len() as u32, &mut random::generator(&[words, own].concat()));
            let visit = |i: u32| Visit { place: self.places[i as usize], earlier };
            visits.extend(order.into_iter().take(missing).map(visit));
        }
        visits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(images: TrainingImages<'_>, words: &[&str]) -> Vec<u32> {
        images.visits(words).into_iter().map(|visit| visit.place).collect()
    }

    #[test]
    fn a_long_epoch_visits_all_images_before_any_comes_again() {
        let images = TrainingImages { places: &[10, 11, 12, 13], an_epoch: 10 };
        let visits = images.visits(&["a"]);
        assert_eq!(visits.len(), 10);
        for (times, round) in visits.chunks(4).enumerate() {
            let mut seen: Vec<u32> = round.iter().map(|visit| visit.place).collect();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), round.len());
            assert!(round.iter().all(|visit| visit.earlier == times as u32));
        }
        // A longer epoch begins like a shorter one, and every round has its own order.
        let once = places(TrainingImages { an_epoch: 4, ..images }, &["a"]);
        assert_eq!(places(images, &["a"])[..4], once);
        let long = places(TrainingImages { an_epoch: 40, ..images }, &["a"]);
        assert!(long.chunks(4).any(|round| round != &once[..]));
        assert_ne!(long, places(TrainingImages { an_epoch: 40, ..images }, &["b"]));
    }

    #[test]
    fn no_images_make_no_visits() {
        assert!(TrainingImages { places: &[], an_epoch: 3 }.visits(&["a"]).is_empty());
    }
}
