//! Writes and reads an [`ImageRow`] by the names of its columns. This is coded by hand because the columns of the metrics
//! follow from their list.

use super::{ImageRow, SCORES, Scores};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, IgnoredAny, MapAccess, Visitor},
    ser::SerializeStruct as _,
};
use std::fmt;

impl Serialize for ImageRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_struct("ImageRow", Self::COLUMNS.len())?;
        let [image, group, split, predictor, condition, batch] = Self::PLACE;
        row.serialize_field(image, &self.image)?;
        row.serialize_field(group, &self.group)?;
        row.serialize_field(split, &self.split)?;
        row.serialize_field(predictor, &self.predictor)?;
        row.serialize_field(condition, &self.condition)?;
        row.serialize_field(batch, &self.batch)?;
        for (name, score) in SCORES.iter().zip(&self.scores.0) {
            row.serialize_field(name, score)?;
        }
        row.end()
    }
}

impl<'de> Deserialize<'de> for ImageRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_struct("ImageRow", &Self::COLUMNS, Columns)
    }
}

struct Columns;

impl<'de> Visitor<'de> for Columns {
    type Value = ImageRow;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row of per_image.csv")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ImageRow, A::Error> {
        let mut words: [Option<String>; 5] = [const { None }; 5];
        let mut batch = None;
        let mut scores = Scores::default();
        while let Some(column) = map.next_key()? {
            match column {
                Column::Word(at) => words[at] = Some(map.next_value()?),
                Column::Batch => batch = map.next_value()?,
                Column::Score(at) => scores.0[at] = map.next_value()?,
                Column::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let mut word = |at: usize| words[at].take().ok_or_else(|| A::Error::missing_field(ImageRow::PLACE[at]));
        Ok(ImageRow {
            image: word(0)?,
            group: word(1)?,
            split: word(2)?,
            predictor: word(3)?,
            condition: word(4)?,
            batch,
            scores,
        })
    }
}

/// The content of a column, and its index among the columns of its kind.
enum Column {
    Word(usize),
    Batch,
    Score(usize),
    Other,
}

impl<'de> Deserialize<'de> for Column {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(Name)
    }
}

struct Name;

impl Visitor<'_> for Name {
    type Value = Column;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a column")
    }

    /// Accepts a name as JSON gives it.
    fn visit_str<E: Error>(self, name: &str) -> Result<Column, E> {
        self.visit_bytes(name.as_bytes())
    }

    /// Accepts a name as CSV gives it.
    fn visit_bytes<E: Error>(self, name: &[u8]) -> Result<Column, E> {
        let place = |names: &[&str]| names.iter().position(|known| known.as_bytes() == name);
        let [words @ .., batch] = &ImageRow::PLACE;
        Ok(if name == batch.as_bytes() {
            Column::Batch
        } else if let Some(at) = place(words) {
            Column::Word(at)
        } else {
            place(&SCORES).map_or(Column::Other, Column::Score)
        })
    }
}
