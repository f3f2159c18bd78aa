//! Finds and reads packs. They are untrusted: anything wrong in a pack is an error that names it.

use super::{ENDING, Entry, FORMAT, Held, INDEX, INDEX_LIMIT, INDEX_SUM, Index, Member, WHOLE_LIMIT};
use crate::{
    datasets::{
        DataError,
        known::{FileHash, Kind, Known},
    },
    pixels,
};
use harness_record::digest;
use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

/// Maximum number of members of a pack.
const MEMBERS: usize = 4_000_000;

/// A data set's folder that lies in one pack, or in several of different sizes.
#[derive(Debug)]
pub(in crate::datasets) struct Packed {
    /// Name of the folder below the data folder.
    folder: String,
    packs: Vec<Pack>,
}

#[derive(Debug)]
struct Pack {
    path: PathBuf,
    index: Index,
    /// Offset and length of each member, in bytes.
    members: HashMap<String, (u64, u64)>,
}

/// Opens the packs that hold this folder: `data_dir` itself, if it is a file, or the packs in it. Returns `None` if no
/// pack holds the folder. It is an error if `data_dir` is a pack and does not hold it.
pub(in crate::datasets) fn open(data_dir: &Path, folder: &str) -> Result<Option<Packed>, DataError> {
    let (packs, others): (Vec<Pack>, Vec<Pack>) =
        all(data_dir)?.into_iter().partition(|pack| pack.index.folders.contains_key(folder));
    if let ([], [other], true) = (&packs[..], &others[..], data_dir.is_file()) {
        let held: Vec<&str> = other.index.folders.keys().map(String::as_str).collect();
        return Err(other.wrong(format!("{folder} is not in it; it contains {}", held.join(", "))));
    }
    Ok((!packs.is_empty()).then(|| Packed { folder: folder.to_owned(), packs }))
}

fn all(data_dir: &Path) -> Result<Vec<Pack>, DataError> {
    candidates(data_dir)?.iter().map(|path| Pack::open(path)).collect()
}

/// Folders of data sets that are packed below `data_dir`, or in `data_dir` if that is a pack, each with its sizes in pixels.
pub fn packed(data_dir: &Path) -> Result<BTreeMap<String, Vec<u32>>, DataError> {
    let mut sizes: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for pack in all(data_dir)? {
        for folder in pack.index.folders.into_keys() {
            sizes.entry(folder).or_default().push(pack.index.size);
        }
    }
    Ok(sizes)
}

/// Returns true if the data set's folder is read from packs below `data_dir`. Fails if no pack of that folder has this
/// size.
pub fn packed_at(data_dir: &Path, folder: &str, size: u32) -> Result<bool, DataError> {
    let packed = if data_dir.join(folder).is_dir() { None } else { open(data_dir, folder)? };
    match packed {
        None => Ok(false),
        Some(packed) if packed.packs.iter().any(|pack| pack.index.size == size) => Ok(true),
        Some(packed) => Err(packed.other_sizes(size)),
    }
}

fn candidates(data_dir: &Path) -> Result<Vec<PathBuf>, DataError> {
    if data_dir.is_file() {
        return Ok(vec![data_dir.to_owned()]);
    }
    if !data_dir.is_dir() {
        return Ok(Vec::new());
    }
    let io = || DataError::io("list", data_dir);
    let mut found = Vec::new();
    for entry in fs::read_dir(data_dir).map_err(io())? {
        let path = entry.map_err(io())?.path();
        if path.extension().is_some_and(|x| x == ENDING) && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

impl Packed {
    fn first(&self) -> &Pack {
        &self.packs[0] // there is no `Packed` without one
    }

    fn entries(&self) -> &BTreeMap<String, Entry> {
        self.first().entries(&self.folder)
    }

    /// Its path, for messages.
    pub(in crate::datasets) fn path(&self) -> &Path {
        &self.first().path
    }

    pub(in crate::datasets) fn kind(&self, name: &str) -> Option<Kind> {
        self.entries().get(name).map(|entry| entry.kind)
    }

    /// Names and kinds of the entries of a sub-folder (`""`: the folder itself), sorted.
    pub(in crate::datasets) fn list(&self, below: &str) -> Vec<(String, Kind)> {
        let prefix = if below.is_empty() { String::new() } else { format!("{below}/") };
        let here = |(name, entry): (&String, &Entry)| {
            let rest = name.strip_prefix(&prefix)?;
            (!rest.contains('/')).then(|| (rest.to_owned(), entry.kind))
        };
        let mut entries: Vec<_> = self.entries().iter().filter_map(here).collect();
        entries.sort();
        entries
    }

    /// Knowledge about the original files.
    pub(in crate::datasets) fn known(&self) -> BTreeMap<String, Known> {
        let known = |(name, entry): (&String, &Entry)| Some((name.clone(), entry.known.clone()?));
        self.entries().iter().filter_map(known).collect()
    }

    /// Reads a list or record file of at most `limit` bytes.
    pub(in crate::datasets) fn whole(&self, name: &str, limit: u64) -> Result<Vec<u8>, DataError> {
        let pack = self.first();
        match pack.held(&self.folder, name) {
            Some(Held::Whole(member)) => pack.member(member, limit.min(WHOLE_LIMIT)),
            _ => Err(pack.lacks(name)),
        }
    }

    /// Reads `length` bytes of a list or record file, from `offset` on. Callers check the digest of the part that they
    /// read.
    pub(in crate::datasets) fn range(&self, name: &str, offset: u64, length: usize) -> Result<Vec<u8>, DataError> {
        let pack = self.first();
        let Some(Held::Whole(member)) = pack.held(&self.folder, name) else { return Err(pack.lacks(name)) };
        let &(start, all) = pack.members.get(&member.name).ok_or_else(|| pack.lacks(name))?;
        if offset.checked_add(length as u64).is_none_or(|end| end > all) {
            return Err(pack.wrong(format!("{name} ends too early")));
        }
        pack.at(start + offset, length)
    }

    /// The error for a missing file.
    pub(in crate::datasets) fn lacks(&self, name: &str) -> DataError {
        self.first().lacks(name)
    }

    /// `[size, size, 3]` bytes of a picture, or the reason that there are none.
    pub(in crate::datasets) fn picture(
        &self,
        file: &FileHash,
        size: u32,
    ) -> Result<Result<Vec<u8>, String>, DataError> {
        let pack = self.sized(file, size)?;
        let member = match pack.held(&self.folder, &file.name) {
            Some(Held::Picture(member)) => member,
            Some(Held::Damaged(reason)) => return Ok(Err(reason.clone())),
            _ => return Err(pack.lacks(&file.name)),
        };
        Ok(Ok(pack.raster(member)?))
    }

    /// `[size, size]` labels of a trimap, or the reason that there are none.
    pub(in crate::datasets) fn trimap(&self, file: &FileHash, size: u32) -> Result<Result<Vec<u8>, String>, DataError> {
        let pack = self.sized(file, size)?;
        let member = match pack.held(&self.folder, &file.name) {
            Some(Held::Trimap(member)) => member,
            Some(Held::Damaged(reason)) => return Ok(Err(reason.clone())),
            _ => return Err(pack.lacks(&file.name)),
        };
        let labels = pack.raster(member)?;
        let (labels, _) = labels.as_chunks::<3>();
        if let Some([r, g, b]) = labels.iter().find(|[r, g, b]| r != g || g != b || !(1..=3).contains(r)) {
            return Err(
                pack.wrong(format!("{} has a pixel {r}, {g}, {b}; expected 1, 2 or 3 in all channels", member.name))
            );
        }
        Ok(Ok(labels.iter().map(|[label, ..]| *label).collect()))
    }

    /// The pack of this size that has a file with this digest.
    fn sized(&self, file: &FileHash, size: u32) -> Result<&Pack, DataError> {
        let fits = |pack: &&Pack| {
            let known = pack.entries(&self.folder).get(&file.name).and_then(|entry| entry.known.as_ref());
            pack.index.size == size && known.is_some_and(|known| known.sha256 == file.sha256)
        };
        self.packs.iter().find(fits).ok_or_else(|| self.other_sizes(size))
    }

    fn other_sizes(&self, size: u32) -> DataError {
        let sizes: Vec<String> = self.packs.iter().map(|pack| format!("{} px", pack.index.size)).collect();
        let names: Vec<String> = self.packs.iter().map(|pack| pack.path.display().to_string()).collect();
        let (names, sizes) = (names.join(" and "), sizes.join(" and "));
        let reason = format!("{} at {size} px is not packed; {names} has pictures of {sizes}", self.folder);
        self.first().wrong(reason)
    }
}

impl Pack {
    fn open(path: &Path) -> Result<Self, DataError> {
        let wrong = |reason: String| DataError::Pack { path: path.to_owned(), reason };
        let members = scan(path).map_err(|error| wrong(format!("not a complete tar file: {error}")))?;
        let mut pack = Self { path: path.to_owned(), index: Index::default(), members };
        let text = pack.bytes(INDEX, INDEX_LIMIT)?;
        let sum = pack.bytes(INDEX_SUM, 1024)?;
        if !sum.starts_with(digest::of_bytes(&text).as_bytes()) {
            return Err(wrong(format!("{INDEX} does not have the SHA-256 of {INDEX_SUM}: it is damaged")));
        }
        pack.index = serde_json::from_slice(&text).map_err(|error| wrong(format!("{INDEX}: {error}")))?;
        let (format, decoder) = (pack.index.format, pack.index.decoder);
        if (format, decoder) != (FORMAT, pixels::VERSION) {
            return Err(wrong(format!(
                "made by another version of harness (format {format}, pixels {decoder}; this one reads format {FORMAT}, pixels {})",
                pixels::VERSION
            )));
        }
        Ok(pack)
    }

    fn entries(&self, folder: &str) -> &BTreeMap<String, Entry> {
        static NONE: BTreeMap<String, Entry> = BTreeMap::new();
        self.index.folders.get(folder).unwrap_or(&NONE)
    }

    fn held(&self, folder: &str, name: &str) -> Option<&Held> {
        self.entries(folder).get(name)?.held.as_ref()
    }

    /// The content of a member. Fails if its digest differs from the index.
    fn member(&self, member: &Member, limit: u64) -> Result<Vec<u8>, DataError> {
        let bytes = self.bytes(&member.name, limit)?;
        if digest::of_bytes(&bytes) != member.sha256 {
            return Err(self.wrong(format!("{} does not have the SHA-256 of the index: it is damaged", member.name)));
        }
        Ok(bytes)
    }

    fn bytes(&self, name: &str, limit: u64) -> Result<Vec<u8>, DataError> {
        let &(offset, length) = self.members.get(name).ok_or_else(|| self.wrong(format!("{name} is not in it")))?;
        if length > limit {
            return Err(self.wrong(format!("{name} has {length} bytes; at most {limit} are read")));
        }
        self.at(offset, length as usize)
    }

    fn at(&self, offset: u64, length: usize) -> Result<Vec<u8>, DataError> {
        let mut file = File::open(&self.path).map_err(DataError::io("open", &self.path))?;
        let mut bytes = vec![0; length];
        let read = file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(&mut bytes));
        read.map_err(DataError::io("read", &self.path))?;
        Ok(bytes)
    }

    /// `[size, size, 3]` bytes of a member.
    fn raster(&self, member: &Member) -> Result<Vec<u8>, DataError> {
        let (name, size) = (&member.name, self.index.size);
        let picture = pixels::decode(&self.member(member, pixels::MAX_BYTES)?);
        let picture = picture.map_err(|error| self.wrong(format!("{name}: {error}")))?;
        if (picture.width, picture.height) != (size, size) {
            let (width, height) = (picture.width, picture.height);
            return Err(self.wrong(format!("{name} has {width} × {height} pixels; expected {size} × {size}")));
        }
        Ok(picture.data)
    }

    fn lacks(&self, name: &str) -> DataError {
        self.wrong(format!("it does not contain {name}, which was not read where it was packed"))
    }

    fn wrong(&self, reason: String) -> DataError {
        DataError::Pack { path: self.path.clone(), reason }
    }
}

/// Finds the members of a tar file. Only their headers are read.
fn scan(path: &Path) -> io::Result<HashMap<String, (u64, u64)>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut archive = tar::Archive::new(file);
    let mut members = HashMap::new();
    for member in archive.entries_with_seek()? {
        let member = member?;
        let refuse = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why);
        if !member.header().entry_type().is_file() {
            return Err(refuse("it has members that are not files"));
        }
        let name = String::from_utf8(member.path_bytes().into_owned()).map_err(|_| refuse("a name is not Unicode"))?;
        let (offset, size) = (member.raw_file_position(), member.size());
        if offset.checked_add(size).is_none_or(|end| end > length) {
            return Err(refuse("it ends too early"));
        }
        if members.len() >= MEMBERS || members.insert(name, (offset, size)).is_some() {
            return Err(refuse("it has too many members, or one of them twice"));
        }
    }
    Ok(members)
}
