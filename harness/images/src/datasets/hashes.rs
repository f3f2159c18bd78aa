//! SHA-256 of a data set's files, remembered from one start to the next.
//!
//! A file whose size and modification time are the remembered ones is not read again. A file that was changed moments
//! ago is not remembered, because it could change again with the same size and time. (Git has the same rule.)

use super::{
    DataError,
    folder::Folder,
    known::{FileHash, Known, Verdict, Wanted},
    pack::Packed,
};
use crate::pixels::{self, Picture};
use harness_record::{digest, files, monitor::Monitor};
use rayon::prelude::*;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

const LIMIT: u64 = 1 << 30;

/// A file is remembered only if it was changed longer ago than this. It is more than the coarsest clock of a file
/// system (FAT: 2 s).
const SETTLED: Duration = Duration::from_secs(3);

/// Digest of a picture's pixels, or why a file is no picture.
pub(super) type Shown = Result<String, String>;

/// Remembered knowledge about one folder's files.
#[derive(Debug)]
pub(super) struct Hashes<'a> {
    folder: &'a Folder,
    path: PathBuf,
    entries: BTreeMap<String, Known>,
    changed: bool,
}

impl<'a> Hashes<'a> {
    /// Opens the cache's file for `folder`. It is empty if the file is missing or damaged. A folder in a pack has the
    /// information of the pack.
    pub(super) fn open(cache: &Path, folder: &'a Folder) -> Self {
        let key = digest::of_bytes(folder.real().as_os_str().as_encoded_bytes());
        // Another version of the decoder may find other files damaged.
        let path = cache.join("hashes").join(format!("{}-v{}.json", &key[..16], pixels::VERSION));
        let remembered = || files::read(&path, LIMIT).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let entries = folder.packed().map(Packed::known).or_else(remembered).unwrap_or_default();
        Self { folder, path, entries, changed: false }
    }

    /// Writes the remembered information, if there is anything new.
    pub(super) fn save(&self) -> Result<(), DataError> {
        if self.changed {
            let bytes = serde_json::to_vec(&self.entries)
                .map_err(|source| harness_record::RecordError::Json { path: self.path.clone(), source })?;
            files::write(&self.path, &bytes)?;
        }
        Ok(())
    }

    /// SHA-256 of each of `names`, in that order.
    pub(super) fn of(&mut self, names: &[String], monitor: &dyn Monitor) -> Result<Vec<FileHash>, DataError> {
        let entries = self.update(names, Wanted::Hash, "hashing files", monitor)?;
        Ok(names.iter().zip(entries).map(|(name, e)| FileHash { name: name.clone(), sha256: e.sha256 }).collect())
    }

    /// SHA-256 of each of `names`, in that order. For a file that is not a picture, the reason.
    pub(super) fn checked(
        &mut self,
        names: &[String],
        monitor: &dyn Monitor,
    ) -> Result<Vec<(FileHash, Option<String>)>, DataError> {
        let entries = self.update(names, Wanted::Verdict, "checking pictures", monitor)?;
        let pair = |(name, entry): (&String, Known)| {
            let damage = if let Verdict::Damaged(reason) = entry.verdict { Some(reason) } else { None };
            (FileHash { name: name.clone(), sha256: entry.sha256 }, damage)
        };
        Ok(names.iter().zip(entries).map(pair).collect())
    }

    /// SHA-256 of each of `names`, in that order, and the digest of its pixels.
    pub(super) fn with_pixels(
        &mut self,
        names: &[String],
        monitor: &dyn Monitor,
    ) -> Result<Vec<(FileHash, Shown)>, DataError> {
        let entries = self.update(names, Wanted::Pixels, "comparing pictures", monitor)?;
        let pair = |(name, entry): (&String, Known)| {
            let pixels = match (entry.verdict, entry.pixels) {
                (Verdict::Damaged(reason), _) => Err(reason),
                (_, pixels) => Ok(pixels.unwrap_or_default()),
            };
            (FileHash { name: name.clone(), sha256: entry.sha256 }, pixels)
        };
        Ok(names.iter().zip(entries).map(pair).collect())
    }

    /// All information about `pictures`, and digests of `others`, in a form that another machine can use.
    pub(super) fn all_of(
        &mut self,
        pictures: &[String],
        others: &[String],
        monitor: &dyn Monitor,
    ) -> Result<Vec<(String, Known)>, DataError> {
        let mut entries = self.update(pictures, Wanted::Pixels, "checking pictures", monitor)?;
        entries.extend(self.update(others, Wanted::Hash, "hashing files", monitor)?);
        let names = pictures.iter().chain(others).cloned();
        Ok(names.zip(entries.into_iter().map(Known::portable)).collect())
    }

    fn update(
        &mut self,
        names: &[String],
        wanted: Wanted,
        what: &str,
        monitor: &dyn Monitor,
    ) -> Result<Vec<Known>, DataError> {
        let folder = self.folder;
        if let Some(packed) = folder.packed() {
            let known = |name: &String| self.entries.get(name).filter(|entry| entry.knows(wanted)).cloned();
            return names.iter().map(|name| known(name).ok_or_else(|| packed.lacks(name))).collect();
        }
        let stats: Vec<(u64, u64)> = names.par_iter().map(|name| stat(&folder.file(name))).collect::<Result<_, _>>()?;
        let known = |name: &String, &(size, changed): &(u64, u64)| {
            let entry = self.entries.get(name)?;
            let fits = entry.size == size && entry.changed == changed && entry.knows(wanted);
            fits.then(|| entry.clone())
        };
        let mut found: Vec<Option<Known>> = names.iter().zip(&stats).map(|(name, stat)| known(name, stat)).collect();
        let missing: Vec<usize> = (0..names.len()).filter(|&i| found[i].is_none()).collect();
        if !missing.is_empty() {
            let now = nanoseconds(SystemTime::now());
            monitor.begin(what, missing.len() as u64);
            let read: Vec<Known> = missing
                .par_iter()
                .map(|&i| {
                    if monitor.stopped() {
                        return Err(DataError::Interrupted);
                    }
                    let (size, changed) = stats[i];
                    let entry = read(&folder.file(&names[i]), size, changed, wanted)?;
                    monitor.advance(1);
                    Ok(entry)
                })
                .collect::<Result<_, _>>()?;
            monitor.end();
            for (i, entry) in missing.into_iter().zip(read) {
                if entry.changed.saturating_add(SETTLED.as_nanos() as u64) < now {
                    self.entries.insert(names[i].clone(), entry.clone());
                    self.changed = true;
                }
                found[i] = Some(entry);
            }
        }
        Ok(found.into_iter().flatten().collect())
    }
}

fn stat(path: &Path) -> Result<(u64, u64), DataError> {
    let metadata = fs::metadata(path).map_err(DataError::io("look at", path))?;
    let changed = metadata.modified().map_err(DataError::io("look at", path))?;
    Ok((metadata.len(), nanoseconds(changed)))
}

fn nanoseconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as u64)
}

fn read(path: &Path, size: u64, changed: u64, wanted: Wanted) -> Result<Known, DataError> {
    if size > pixels::MAX_BYTES {
        let verdict = Verdict::Damaged(pixels::DecodeError::TooManyBytes(size).to_string());
        return Ok(Known { size, changed, sha256: digest::of_file(path)?, verdict, pixels: None });
    }
    let bytes = files::read(path, pixels::MAX_BYTES)?;
    let (verdict, pixels) = match (wanted != Wanted::Hash).then(|| pixels::decode(&bytes)) {
        None => (Verdict::Untried, None),
        Some(Ok(picture)) => (Verdict::Good, (wanted == Wanted::Pixels).then(|| of_pixels(&picture))),
        Some(Err(error)) => (Verdict::Damaged(error.to_string()), None),
    };
    Ok(Known { size, changed, sha256: digest::of_bytes(&bytes), verdict, pixels })
}

/// Digest of a picture's pixels. It is the same for every file that decodes to the same pixels.
pub(super) fn of_pixels(picture: &Picture) -> String {
    let Picture { width, height, data } = picture;
    digest::of_bytes(format!("{width} {height} {}", digest::of_bytes(data)).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use harness_record::monitor::Silent;
    use std::fs::File;

    fn write(path: &Path, content: &str, age: Duration) {
        fs::write(path, content).unwrap();
        File::options().write(true).open(path).unwrap().set_modified(SystemTime::now() - age).unwrap();
    }

    #[test]
    fn a_file_is_read_again_only_when_its_size_or_time_changed() {
        let home = tempfile::tempdir().unwrap();
        let (data, cache) = (home.path().join("data"), home.path().join("cache"));
        fs::create_dir_all(data.join("set")).unwrap();
        let folder = Folder::open(&data, "set", "set").unwrap().unwrap();
        let file = data.join("set/a");
        let hash = || {
            let mut hashes = Hashes::open(&cache, &folder);
            let found = hashes.of(&["a".to_owned()], &Silent).unwrap();
            hashes.save().unwrap();
            found[0].sha256.clone()
        };
        let hour = Duration::from_hours(1);
        write(&file, "one", hour);
        let time = fs::metadata(&file).unwrap().modified().unwrap();
        assert_eq!(hash(), digest::of_bytes(b"one"));
        // The size and time are the same, so the file is not read and the remembered digest is returned.
        fs::write(&file, "two").unwrap();
        File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
        assert_eq!(hash(), digest::of_bytes(b"one"));
        write(&file, "two", 2 * hour);
        assert_eq!(hash(), digest::of_bytes(b"two"));
        // The file was changed too recently to be remembered.
        write(&file, "six", Duration::ZERO);
        let time = fs::metadata(&file).unwrap().modified().unwrap();
        assert_eq!(hash(), digest::of_bytes(b"six"));
        fs::write(&file, "ten").unwrap();
        File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
        assert_eq!(hash(), digest::of_bytes(b"ten"));
    }

    #[test]
    fn a_damaged_memory_is_forgotten() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join("set")).unwrap();
        write(&home.path().join("set/a"), "one", Duration::from_mins(1));
        let folder = Folder::open(home.path(), "set", "set").unwrap().unwrap();
        let cache = home.path().join("cache");
        let mut hashes = Hashes::open(&cache, &folder);
        hashes.of(&["a".to_owned()], &Silent).unwrap();
        hashes.save().unwrap();
        fs::write(&hashes.path, "{").unwrap();
        let found = Hashes::open(&cache, &folder).checked(&["a".to_owned()], &Silent).unwrap();
        assert_eq!(found[0].1.as_deref(), Some("not a JPEG, PNG, GIF, BMP or WebP file"));
    }
}
