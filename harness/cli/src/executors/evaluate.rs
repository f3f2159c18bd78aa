//! Tests a fine-tuned network at every level of blur.

use super::{
    finetune::cut_of,
    origin::Done,
    sitting::{Folder, Sitting, train_failure, write_files},
};
use crate::failure::{Failure, Outcome};
use harness_images::pixels;
use harness_learn::evaluate::{Content, Shown, Test};
use harness_record::{
    files,
    rows::PictureRow,
    run::{RunRecord, file},
    table,
    vocabulary::{Condition, PictureContent, PictureSheet, Purpose, Stage},
};
use harness_study::{plan::Work, study::GALLERY};
use std::time::Instant;

impl Sitting<'_> {
    pub(super) fn evaluate(&self) -> Outcome<Done> {
        let start = Instant::now();
        let settings = &self.stage.settings;
        let Work::Evaluate { protocol, finetune, cut, losses, spec, .. } = &settings.work else {
            return Err(Failure::Run("this stage is not a test".into()));
        };
        let pictures = self.pictures(Purpose::Segmentation)?;
        let split = cut_of(&pictures, cut)?;
        write_files(&self.folder, &split.files(&pictures))?;
        let model = self.model()?;
        self.load_parent(&model, Stage::Finetune, finetune)?;
        let trained = RunRecord::read(&self.workshop.store.run(Stage::Finetune, finetune))?;
        let (epochs, kept_epoch) = (trained.epochs, trained.kept_epoch);
        let test = Test {
            pictures: &pictures,
            train: &split.train,
            test: &split.test,
            spec,
            loss: losses.under(*protocol),
            normalise: settings.normalise,
            protocol: *protocol,
            epoch: kept_epoch,
            gallery: GALLERY,
        };
        let result = test.run(&model, &self.progress).map_err(train_failure)?;
        keep_pictures(&self.folder, &result.gallery, settings.size)?;
        table::write(&self.folder.file(file::PER_IMAGE), &result.images)?;
        table::write(&self.folder.file(file::BASELINES), &result.baselines)?;
        table::write(&self.folder.file(file::CONFUSION), &result.confusion)?;
        table::write(&self.folder.file(file::CALIBRATION), &result.calibration)?;
        table::write(&self.folder.file(file::METRICS), &result.metrics)?;
        Ok(Done { seconds: start.elapsed().as_secs_f64(), parameters: model.parameter_count(), epochs, kept_epoch })
    }
}

/// Writes the pictures of `gallery`, squares with sides of `side` pixels, as two sheets with one row per image.
fn keep_pictures(folder: &Folder, gallery: &[Shown], side: u32) -> Outcome {
    let mut images: Vec<&str> = Vec::new();
    let mut conditions: Vec<Condition> = Vec::new();
    for shown in gallery {
        if !images.contains(&shown.image.as_str()) {
            images.push(&shown.image);
        }
        conditions.extend(shown.condition.filter(|condition| !conditions.contains(condition)));
    }
    let mut colours = Sheet::<3>::new(images.len(), conditions.len(), side as usize);
    let mut masks = Sheet::<1>::new(images.len(), 1 + conditions.len(), side as usize);
    let mut rows = Vec::new();
    for shown in gallery {
        let row = images.iter().position(|&image| image == shown.image).unwrap_or_default();
        let of_condition = conditions.iter().position(|condition| Some(*condition) == shown.condition);
        let of_condition = of_condition.unwrap_or_default();
        let (sheet, column, content) = match &shown.content {
            Content::Image(rgb) => {
                colours.put(row, of_condition, rgb);
                (PictureSheet::Images, of_condition, PictureContent::Image)
            }
            Content::Truth(classes) => {
                masks.put(row, 0, classes);
                (PictureSheet::Masks, 0, PictureContent::Truth)
            }
            Content::Prediction(classes) => {
                masks.put(row, 1 + of_condition, classes);
                (PictureSheet::Masks, 1 + of_condition, PictureContent::Prediction)
            }
        };
        rows.push(PictureRow {
            sheet,
            row: row as u32,
            column: column as u32,
            content,
            condition: shown.condition,
            image: shown.image.clone(),
            group: shown.group.clone(),
        });
    }
    let sheets = [
        (PictureSheet::Images, pixels::encode_rgb(&colours.bytes, colours.dimensions())),
        (PictureSheet::Masks, pixels::encode_grey(&masks.bytes, masks.dimensions())),
    ];
    for (sheet, png) in sheets {
        files::write(&folder.file(sheet.name()), &png.map_err(Failure::run)?)?;
    }
    rows.sort_by_key(|row| (row.sheet, row.row, row.column));
    Ok(table::write(&folder.file(file::PICTURES), &rows)?)
}

/// Square tiles in rows and columns, with `CHANNELS` interleaved bytes per pixel.
struct Sheet<const CHANNELS: usize> {
    columns: usize,
    side: usize,
    bytes: Vec<u8>,
}

impl<const CHANNELS: usize> Sheet<CHANNELS> {
    fn new(rows: usize, columns: usize, side: usize) -> Self {
        Self { columns, side, bytes: vec![0; rows * columns * side * side * CHANNELS] }
    }

    /// Copies a tile of `side * side` pixels to its place.
    fn put(&mut self, row: usize, column: usize, tile: &[u8]) {
        let (line, sheet_line) = (self.side * CHANNELS, self.columns * self.side * CHANNELS);
        for (y, pixels) in tile.chunks_exact(line).enumerate() {
            let start = (row * self.side + y) * sheet_line + column * line;
            self.bytes[start..start + line].copy_from_slice(pixels);
        }
    }

    /// Width and height in pixels.
    fn dimensions(&self) -> (u32, u32) {
        let width = self.columns * self.side;
        (width as u32, (self.bytes.len() / CHANNELS / width.max(1)) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_lie_in_their_row_and_column() {
        let mut sheet = Sheet::<1>::new(2, 3, 2);
        sheet.put(1, 2, &[1, 2, 3, 4]);
        sheet.put(0, 0, &[5, 6, 7, 8]);
        assert_eq!(sheet.dimensions(), (6, 4));
        let rows: Vec<&[u8]> = sheet.bytes.chunks(6).collect();
        assert_eq!(rows, [[5, 6, 0, 0, 0, 0], [7, 8, 0, 0, 0, 0], [0, 0, 0, 0, 1, 2], [0, 0, 0, 0, 3, 4]]);
    }
}
