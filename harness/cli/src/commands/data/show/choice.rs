//! Chooses the pictures of the contact sheet.

use harness_images::datasets::{Item, Pictures};
use harness_record::random::{generator, shuffled};
use harness_report::contact::Tile;
use std::collections::{BTreeMap, VecDeque};

/// Picks at most `wanted` pictures at random, as evenly over the classes as possible; pictures with trimaps come first.
/// The result is sorted by class, then in the order of the data set. The same data set always gives the same pictures.
pub(super) fn tiles(pictures: &[Pictures], wanted: usize) -> Vec<Tile> {
    let all: Vec<(&Pictures, usize)> =
        pictures.iter().flat_map(|set| (0..set.items.len()).map(move |i| (set, i))).collect();
    let candidates: Vec<(&Item, bool)> = all.iter().map(|&(set, i)| (&set.items[i], !set.classes.is_empty())).collect();
    chosen(&candidates, wanted).into_iter().map(|n| tile(all[n].0, all[n].1)).collect()
}

/// Indices of the chosen among `candidates`. A candidate is an item and a flag that is true if it has a trimap.
fn chosen(candidates: &[(&Item, bool)], wanted: usize) -> Vec<usize> {
    let mut classes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (n, (item, _)) in candidates.iter().enumerate() {
        classes.entry(&item.group).or_default().push(n);
    }
    // The order of the classes is drawn, too: it decides which of them get one picture more than others.
    let order = shuffled(classes.len() as u32, &mut generator(&["contact sheet", "classes"]));
    let queues: Vec<VecDeque<usize>> = classes
        .iter()
        .map(|(class, members)| {
            let order = shuffled(members.len() as u32, &mut generator(&["contact sheet", "class", class]));
            let mut queue: Vec<usize> = order.into_iter().map(|i| members[i as usize]).collect();
            queue.sort_by_key(|&n| !candidates[n].1);
            queue.into()
        })
        .collect();
    let mut queues: Vec<VecDeque<usize>> = order.into_iter().map(|i| queues[i as usize].clone()).collect();
    let mut taken = Vec::new();
    while taken.len() < wanted.min(candidates.len()) {
        let round: Vec<usize> = queues.iter_mut().filter_map(VecDeque::pop_front).collect();
        taken.extend(round.into_iter().take(wanted - taken.len()));
    }
    taken.sort_by_key(|&n| (&candidates[n].0.group, n));
    taken
}

/// Makes a tile of one picture of a set.
fn tile(set: &Pictures, i: usize) -> Tile {
    let pixels = set.size as usize * set.size as usize;
    let Item { group, part, .. } = &set.items[i];
    Tile {
        class: group.clone(),
        part: part.name().to_owned(),
        rgb: set.rgb[i * pixels * 3..][..pixels * 3].to_vec(),
        classes: (!set.classes.is_empty()).then(|| set.classes[i * pixels..][..pixels].to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use harness_images::datasets::Part;

    fn groups(counts: &[(&str, usize)], wanted: usize) -> Vec<String> {
        let items: Vec<Item> = counts
            .iter()
            .flat_map(|&(group, n)| (0..n).map(move |i| (group, i)))
            .map(|(group, i)| Item { name: format!("{group}/{i}"), group: group.into(), part: Part::Test })
            .collect();
        let candidates: Vec<(&Item, bool)> = items.iter().map(|item| (item, item.name.ends_with('1'))).collect();
        let first = chosen(&candidates, wanted);
        assert_eq!(first, chosen(&candidates, wanted));
        first.into_iter().map(|n| items[n].name.clone()).collect()
    }

    #[test]
    fn classes_have_as_many_as_they_can() {
        let names = groups(&[("a", 9), ("b", 1), ("c", 9)], 7);
        let of = |class: &str| names.iter().filter(|name| name.starts_with(class)).count();
        assert_eq!((of("a"), of("b"), of("c")), (3, 1, 3));
        assert_eq!(groups(&[("a", 2), ("b", 1)], 100), ["a/0", "a/1", "b/0"]);
    }

    #[test]
    fn those_with_trimaps_come_first() {
        assert_eq!(groups(&[("a", 9), ("b", 5)], 2), ["a/1", "b/1"]);
    }

    #[test]
    fn the_classes_of_a_small_sheet_are_not_the_first_ones() {
        let classes: Vec<String> = (0..30).map(|n| format!("{n:02}")).collect();
        let counts: Vec<(&str, usize)> = classes.iter().map(|class| (class.as_str(), 2)).collect();
        let names = groups(&counts, 5);
        assert!(names.len() == 5 && names.iter().any(|name| name.as_str() > "15"), "{names:?}");
    }
}
