//! Tests that words written as text read back the same.

use super::*;
use std::fmt::Debug;

fn travels<T: Serialize + for<'de> Deserialize<'de> + FromStr + PartialEq + Debug>(value: &T, word: &str) {
    let json = serde_json::to_string(value).unwrap();
    assert_eq!(json, format!("\"{word}\""));
    assert_eq!(serde_json::from_str::<T>(&json).unwrap(), *value);
    assert!(word.parse::<T>().is_ok_and(|parsed| parsed == *value), "{word}");
}

#[test]
fn a_word_is_spelled_the_same_everywhere() {
    for word in Stage::ALL {
        travels(&word, word.name());
    }
    for word in Protocol::ALL {
        travels(&word, word.name());
    }
    for word in Split::ALL {
        travels(&word, word.name());
    }
    for word in Species::ALL {
        travels(&word, word.name());
    }
    for word in PrintedDice::ALL {
        travels(&word, word.name());
    }
    for word in Baseline::ALL {
        travels(&word, word.name());
        travels(&Predictor::Baseline(word), word.name());
    }
    travels(&Predictor::Model, "model");
    travels(&Condition::Clean, "clean");
    travels(&Condition::Blur(25), "blur-25");
    let key = "0123456789abcdef".repeat(4);
    travels(&key.parse::<Key>().unwrap(), &key);
    assert_eq!(key.parse::<Key>().unwrap().short(), "01234567");
}

#[test]
fn what_is_no_word_is_refused_with_the_words_there_are() {
    let error = "fine-tune".parse::<Stage>().unwrap_err();
    assert_eq!(error.to_string(), "`fine-tune` is not a stage; expected pretrain, finetune, evaluate");
    let error = "nobody".parse::<Predictor>().unwrap_err().to_string();
    assert_eq!(
        error,
        "`nobody` is not a predictor; expected model, all-background, majority-class, background-in-unit-range, perfect-in-unit-range"
    );
    for text in ["blur", "blur-", "blur-025", "blur--1", "blur-+5", "Clean", ""] {
        assert!(text.parse::<Condition>().is_err(), "{text}");
    }
    for text in ["", "0123", &"A".repeat(64), &"0".repeat(65), &format!("{}../", "0".repeat(61)), &"é".repeat(32)] {
        assert!(text.parse::<Key>().is_err(), "{text}");
    }
}

#[test]
fn cats_begin_with_a_capital_letter() {
    let breeds = ["Maine_Coon", "english_cocker_spaniel", ""].map(Species::of_breed);
    assert_eq!(breeds, [Some(Species::Cat), Some(Species::Dog), None]);
}
