//! Pictures of tested images, as the run that a gallery shows wrote them: two sheets of tiles, and a description of
//! each tile.

use super::{
    runs::{RunFolder, Runs},
    spec::GallerySpec,
};
use crate::error::ReportError;
use harness_record::{
    rows::PictureRow,
    run::file,
    table,
    vocabulary::{PictureSheet, Stage},
};
use std::path::{Path, PathBuf};

/// The pictures of one run.
#[derive(Debug)]
pub(crate) struct Pictures {
    /// The folder of the run.
    pub(crate) folder: PathBuf,
    pub(crate) rows: Vec<PictureRow>,
    /// The PNG files, one for each [`PictureSheet`].
    pub(crate) sheets: [Vec<u8>; 2],
}

impl Pictures {
    /// Reads the pictures of the run that a gallery shows. Returns `None` if the run is missing or wrote no pictures.
    pub(crate) fn read(data: &Path, runs: &Runs, gallery: &GallerySpec) -> Result<Option<Self>, ReportError> {
        let shown = runs.of(&gallery.arm, Stage::Evaluate, Some(gallery.protocol)).next();
        let Some((place, _)) = shown else { return Ok(None) };
        let folder = RunFolder::open(data, place)?;
        if !folder.wrote(file::PICTURES) {
            return Ok(None);
        }
        let path = folder.path.join(file::PICTURES);
        let rows = table::parse(&path, &folder.bytes(file::PICTURES)?)?;
        let [images, masks] = PictureSheet::ALL.map(|sheet| folder.bytes(sheet.name()));
        Ok(Some(Self {
            rows: rows.into_iter().map(|line| line.row).collect(),
            sheets: [images?, masks?],
            folder: folder.path,
        }))
    }

    /// Returns the bytes of a sheet.
    pub(crate) fn sheet(&self, sheet: PictureSheet) -> &[u8] {
        let [images, masks] = &self.sheets;
        match sheet {
            PictureSheet::Images => images,
            PictureSheet::Masks => masks,
        }
    }
}
