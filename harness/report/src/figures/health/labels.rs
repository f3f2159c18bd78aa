//! Labels of arms that speak of balance and contradict the counts.

use super::{Finding, Severity, Undermines, joined};
use crate::{
    figures::{data::Data, trained::TrainedOn},
    inputs::study::ArmInput,
    markdown::{count, escape},
};

/// Counts of species are balanced if the larger is at most so many times the smaller.
const BALANCED: f64 = 1.5;

pub(super) fn look(data: &Data) -> Result<Vec<Finding>, &'static str> {
    let counted: Vec<_> = data.study.arms.iter().filter_map(|arm| Some((arm, data.trained_on(&arm.name)?))).collect();
    if counted.is_empty() {
        return Err("the training images were not counted by breed");
    }
    let wrong = counted.iter().filter_map(|(arm, on)| contradicted(arm, on)).collect::<Vec<_>>();
    if wrong.is_empty() {
        return Ok(Vec::new());
    }
    let found = format!("The numbers of training images contradict what arms are called: {}.", joined(&wrong));
    Ok(vec![Finding { severity: Severity::Warns, found, undermines: Undermines::Nothing }])
}

/// Returns what the counts say about an arm whose label or description says otherwise.
fn contradicted(arm: &ArmInput, on: &TrainedOn) -> Option<String> {
    let words = format!("{} {}", arm.label, arm.description).to_lowercase();
    let (fewer, more) = (on.cats.min(on.dogs) as f64, on.cats.max(on.dogs) as f64);
    let is_balanced = more <= BALANCED * fewer;
    let says_imbalanced = ["imbalanc", "unbalanc", "not balanc"].iter().any(|word| words.contains(word));
    let says = match (says_imbalanced, words.contains("balanc")) {
        (true, _) if is_balanced => "imbalanced",
        (false, true) if !is_balanced => "balanced",
        _ => return None,
    };
    let label = escape(&arm.label);
    let [cats, dogs] = [on.cats, on.dogs].map(count);
    Some(format!("{label}, said to be {says}, was fine-tuned on {cats} images of cats and {dogs} of dogs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_contradict_words_on_balance() {
        let contradicted = |label: &str, description: &str, cats, dogs| {
            let (label, description) = (label.to_owned(), description.to_owned());
            let arm = ArmInput { name: "a".into(), label, description, model: "vqvae".into(), published: None };
            super::contradicted(&arm, &TrainedOn { images: cats + dogs, breeds: 2, cats, cat_breeds: 1, dogs })
        };
        let said = "Imbalanced, said to be imbalanced, was fine-tuned on 85 images of cats and 78 of dogs";
        assert_eq!(contradicted("Imbalanced", "", 85, 78).as_deref(), Some(said));
        assert_eq!(contradicted("Imbalanced", "", 40, 78), None);
        assert!(contradicted("A", "An unbalanced set.", 75, 50).is_some());
        assert!(contradicted("Balanced", "", 162, 78).is_some());
        assert_eq!(contradicted("Balanced", "", 78, 85), None);
        assert_eq!(contradicted("Default", "All labels.", 162, 78), None);
    }
}
