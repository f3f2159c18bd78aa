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
        let (mut image, mut group, mut split, mut predictor, mut condition) = (None, None, None, None, None);
        let mut batch = None;
        let mut scores = Scores::default();
        while let Some(column) = map.next_key()? {
            match column {
                Column::Place(0) => image = Some(map.next_value()?),
                Column::Place(1) => group = Some(map.next_value()?),
                Column::Place(2) => split = Some(map.next_value()?),
                Column::Place(3) => predictor = Some(map.next_value()?),
                Column::Place(4) => condition = Some(map.next_value()?),
                Column::Place(_) => batch = map.next_value()?,
                Column::Score(at) => scores.0[at] = map.next_value()?,
                Column::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let missing = |at: usize| move || A::Error::missing_field(ImageRow::PLACE[at]);
        Ok(ImageRow {
            image: image.ok_or_else(missing(0))?,
            group: group.ok_or_else(missing(1))?,
            split: split.ok_or_else(missing(2))?,
            predictor: predictor.ok_or_else(missing(3))?,
            condition: condition.ok_or_else(missing(4))?,
            batch,
            scores,
        })
    }
}

/// The content of a column, and its index among the columns of its kind.
enum Column {
    /// Its index in [`ImageRow::PLACE`].
    Place(usize),
    /// Its index in [`SCORES`].
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
        Ok(match (place(&ImageRow::PLACE), place(&SCORES)) {
            (Some(at), _) => Column::Place(at),
            (None, Some(at)) => Column::Score(at),
            (None, None) => Column::Other,
        })
    }
}
