//! Cats and dogs: the species of a breed.

/// Species of a test image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Species {
    Cat,
    Dog,
}

impl Species {
    /// Names, as templates write them.
    pub(crate) const NAMES: [&'static str; 2] = ["cat", "dog"];

    /// The species of that name.
    pub(crate) fn find(name: &str) -> Option<Self> {
        match name {
            "cat" => Some(Self::Cat),
            "dog" => Some(Self::Dog),
            _ => None,
        }
    }

    /// The species of a breed by the rule of the Oxford-IIIT Pet data set: breeds of cats begin with a capital letter,
    /// breeds of dogs do not. `None` where there is no name.
    pub(crate) fn of_breed(breed: &str) -> Option<Self> {
        let first = breed.chars().next()?;
        Some(if first.is_uppercase() { Self::Cat } else { Self::Dog })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breeds_of_cats_begin_with_a_capital() {
        assert_eq!(Species::of_breed("Maine_Coon"), Some(Species::Cat));
        assert_eq!(Species::of_breed("english_cocker_spaniel"), Some(Species::Dog));
        assert_eq!(Species::of_breed(""), None);
    }
}
