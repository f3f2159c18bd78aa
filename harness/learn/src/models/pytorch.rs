//! Reads state dicts written by `torch.save`: zip archives, and the plain files from before PyTorch 1.6, the format of
//! torchvision's weights.
//!
//! The file is untrusted; see [`super::pickle`]. Nothing is read beyond the file's own bytes, and all tensors together
//! are at most eight times as large as the file.

use super::pickle::{Object, Pickle, Place};
use candle_core::{DType, Device, Tensor};
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    io::{Cursor, Read as _},
    ops::Range,
};

/// The first bytes of the zip format.
const ZIP: &[u8] = b"PK\x03\x04";
/// The first bytes of the older, plain format: a pickle of the number 0x1950a86a20f9469cfc6c.
const PLAIN: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
/// The names under which training programs keep the state dict beside other objects.
const NESTED: [&str; 4] = ["state_dict", "model_state_dict", "model", "net"];
/// The largest number of dimensions of a tensor.
const RANK: usize = 8;

/// Returns true if `bytes` begin like a file of `torch.save`.
pub(super) fn is_pytorch(bytes: &[u8]) -> bool {
    bytes.starts_with(ZIP) || bytes.starts_with(PLAIN)
}

/// The tensors of a state dict by name, as f32.
pub(super) fn read(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>, String> {
    if bytes.starts_with(ZIP) { read_archive(bytes) } else { read_plain(bytes) }
}

fn read_archive(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>, String> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|e| e.to_string())?;
    let names: Vec<String> = archive.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect();
    let folder = names.iter().find_map(|name| name.strip_suffix("data.pkl"));
    let folder = folder.ok_or("the archive holds no `data.pkl`: torch.save did not write it")?.to_owned();
    // Entries are stored uncompressed, so none is larger than the file.
    let mut entry = |name: &str| -> Result<Vec<u8>, String> {
        let file = archive.by_name(&format!("{folder}{name}")).map_err(|e| format!("{name}: {e}"))?;
        let mut data = Vec::new();
        file.take(bytes.len() as u64).read_to_end(&mut data).map_err(|e| format!("{name}: {e}"))?;
        Ok(data)
    };
    if entry("byteorder").is_ok_and(|order| order == b"big") {
        return Err("it was written on a big-endian machine".to_owned());
    }
    let (pickle, _) = Pickle::read(&entry("data.pkl")?)?;
    let infos = state_dict(&pickle)?;
    let mut storages: HashMap<&str, Vec<u8>> = HashMap::new();
    for (_, info) in &infos {
        if !storages.contains_key(info.storage) {
            storages.insert(info.storage, entry(&format!("data/{}", info.storage))?);
        }
    }
    tensors(&infos, bytes.len(), |key| storages.get(key).map(Vec::as_slice))
}

/// Reads five pickles (magic number, version, system, state dict, keys of the storages), then each storage, preceded by its
/// length.
fn read_plain(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>, String> {
    let mut at = PLAIN.len();
    let mut next = || -> Result<Pickle, String> {
        let (pickle, length) = Pickle::read(&bytes[at..])?;
        at += length;
        Ok(pickle)
    };
    next()?;
    next()?;
    let dict = next()?;
    let keys = next()?;
    let infos = state_dict(&dict)?;
    let widths: HashMap<&str, usize> =
        infos.iter().map(|(_, info)| (info.storage, info.kind.size_in_bytes())).collect();
    let mut storages: HashMap<String, Range<usize>> = HashMap::new();
    for &key in keys.list(keys.root()).ok_or("the list of its storages is missing")? {
        let key = keys.text(key).ok_or("a storage has no name")?;
        let width = *widths.get(key).ok_or_else(|| format!("storage {key} belongs to no tensor of the state dict"))?;
        let data = storage_at(bytes, at, width).ok_or("a storage ends too early")?;
        at = data.end;
        storages.insert(key.to_owned(), data);
    }
    tensors(&infos, bytes.len(), |key| storages.get(key).map(|range| &bytes[range.clone()]))
}

/// The byte range of a storage whose length, in elements of `width` bytes, is given at `at`.
fn storage_at(bytes: &[u8], at: usize, width: usize) -> Option<Range<usize>> {
    let length = bytes.get(at..at.checked_add(8)?)?.try_into().ok().map(u64::from_le_bytes)?;
    let start = at + 8;
    let end = usize::try_from(length).ok()?.checked_mul(width)?.checked_add(start)?;
    (end <= bytes.len()).then_some(start..end)
}

/// The element type of one of PyTorch's storage classes.
fn kind(storage: &str) -> Option<DType> {
    Some(match storage {
        "HalfStorage" => DType::F16,
        "BFloat16Storage" => DType::BF16,
        "FloatStorage" => DType::F32,
        "DoubleStorage" => DType::F64,
        "LongStorage" => DType::I64,
        "IntStorage" => DType::I32,
        "ByteStorage" => DType::U8,
        _ => return None,
    })
}

/// The place of a tensor's values.
#[derive(Debug)]
struct Info<'a> {
    storage: &'a str,
    kind: DType,
    offset: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
}

/// The tensors of the state dict in a pickle, by name. Other values are dropped, unless there are only others.
fn state_dict(pickle: &Pickle) -> Result<Vec<(&str, Info<'_>)>, String> {
    let entries = pickle.dict(pickle.root()).ok_or_else(|| {
        let what = match pickle.get(pickle.root()) {
            Object::Call(class, _) => match pickle.get(*class) {
                Object::Global(module, name) => format!("an object of {module}.{name}"),
                _ => "an object".to_owned(),
            },
            _ => "an object that is not a dictionary".to_owned(),
        };
        format!("it holds {what}, not a state dict: write it with torch.save(network.state_dict(), file)")
    })?;
    let own = infos(pickle, entries)?;
    if !own.is_empty() {
        return Ok(own);
    }
    for name in NESTED {
        let inner = entries.iter().find(|(key, _)| pickle.text(*key) == Some(name));
        if let Some(inner) = inner.and_then(|(_, value)| pickle.dict(*value)) {
            let inner = infos(pickle, inner)?;
            if !inner.is_empty() {
                return Ok(inner);
            }
        }
    }
    Err(format!("it contains no tensors, neither directly nor under {}", NESTED.join(", ")))
}

fn infos<'a>(pickle: &'a Pickle, entries: &'a [(Place, Place)]) -> Result<Vec<(&'a str, Info<'a>)>, String> {
    let mut found = Vec::new();
    for &(key, value) in entries {
        let (Some(name), Some(arguments)) = (pickle.text(key), rebuilt(pickle, value)) else { continue };
        found.push((name, info(pickle, arguments).map_err(|why| format!("tensor {name}: {why}"))?));
    }
    Ok(found)
}

/// The arguments from which PyTorch would build a tensor, if the object is one.
fn rebuilt(pickle: &Pickle, place: Place) -> Option<&[Place]> {
    let Object::Call(function, arguments) = pickle.get(place) else { return None };
    let arguments = pickle.tuple(*arguments)?;
    if pickle.is_global(*function, "torch._utils", "_rebuild_tensor_v2") {
        return Some(arguments);
    }
    if !pickle.is_global(*function, "torch._utils", "_rebuild_parameter") {
        return None;
    }
    let Object::Call(function, inner) = pickle.get(*arguments.first()?) else { return None };
    let is_tensor = pickle.is_global(*function, "torch._utils", "_rebuild_tensor_v2");
    if is_tensor { pickle.tuple(*inner) } else { None }
}

fn info<'a>(pickle: &'a Pickle, arguments: &[Place]) -> Result<Info<'a>, String> {
    let malformed = || "PyTorch does not build tensors in this way".to_owned();
    let &[storage, offset, shape, strides, ..] = arguments else { return Err(malformed()) };
    let Object::Persistent(storage) = pickle.get(storage) else { return Err(malformed()) };
    let &[_, class, key, _, _, ..] = pickle.tuple(*storage).ok_or_else(malformed)? else { return Err(malformed()) };
    let Object::Global(_, name) = pickle.get(class) else { return Err(malformed()) };
    let kind = self::kind(name).ok_or_else(|| format!("its type {name} cannot be read as numbers"))?;
    let number = |place: Place| pickle.int(place).and_then(|value| usize::try_from(value).ok()).ok_or_else(malformed);
    let numbers = |place| -> Result<Vec<usize>, String> {
        pickle.tuple(place).ok_or_else(malformed)?.iter().map(|&place| number(place)).collect()
    };
    let (shape, strides) = (numbers(shape)?, numbers(strides)?);
    if shape.len() != strides.len() || shape.len() > RANK {
        return Err(malformed());
    }
    let storage = pickle.text(key).ok_or_else(malformed)?;
    Ok(Info { storage, kind, offset: number(offset)?, shape, strides })
}

fn tensors<'a>(
    infos: &[(&str, Info<'_>)],
    file_size: usize,
    storage: impl Fn(&str) -> Option<&'a [u8]>,
) -> Result<BTreeMap<String, Tensor>, String> {
    let mut left = file_size.saturating_mul(8) / size_of::<f32>();
    let mut tensors = BTreeMap::new();
    for (name, info) in infos {
        let data = storage(info.storage).ok_or_else(|| format!("tensor {name}: its storage is missing"))?;
        let elements = info.elements(data, &mut left).map_err(|why| format!("tensor {name}: {why}"))?;
        let tensor = Tensor::from_raw_buffer(&elements, info.kind, &info.shape, &Device::Cpu);
        let tensor = tensor.and_then(|t| t.to_dtype(DType::F32)).map_err(|e| format!("tensor {name}: {e}"))?;
        tensors.insert((*name).to_owned(), tensor);
    }
    Ok(tensors)
}

impl Info<'_> {
    /// The bytes of the tensor's elements in row-major order. Subtracts their number from `left`.
    fn elements<'a>(&self, data: &'a [u8], left: &mut usize) -> Result<Cow<'a, [u8]>, String> {
        let outside = || "it reaches beyond its storage".to_owned();
        let count = self.shape.iter().try_fold(1usize, |n, &side| n.checked_mul(side)).ok_or_else(outside)?;
        if count == 0 {
            return Ok(Cow::Borrowed(&[]));
        }
        *left = left.checked_sub(count).ok_or("the tensors are far larger than the file: they share storages")?;
        let width = self.kind.size_in_bytes();
        let last = self.shape.iter().zip(&self.strides).try_fold(self.offset, |at, (&side, &stride)| {
            at.checked_add((side - 1).checked_mul(stride)?) //
        });
        let end = last.and_then(|last| last.checked_add(1)?.checked_mul(width)).ok_or_else(outside)?;
        if end > data.len() {
            return Err(outside());
        }
        if self.is_contiguous() {
            return Ok(Cow::Borrowed(&data[self.offset * width..end]));
        }
        let mut elements = Vec::with_capacity(count * width);
        let mut index = vec![0; self.shape.len()];
        for _ in 0..count {
            let at = self.offset + index.iter().zip(&self.strides).map(|(i, stride)| i * stride).sum::<usize>();
            elements.extend_from_slice(&data[at * width..(at + 1) * width]);
            for (i, side) in index.iter_mut().zip(&self.shape).rev() {
                *i += 1;
                if *i < *side {
                    break;
                }
                *i = 0;
            }
        }
        Ok(Cow::Owned(elements))
    }

    fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        self.shape.iter().zip(&self.strides).rev().all(|(&side, &stride)| {
            let fits = side == 1 || stride == expected;
            expected *= side;
            fits
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Vec<u8> {
        [&b"X"[..], &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
    }

    fn numbers(values: &[i32]) -> Vec<u8> {
        let items = values.iter().flat_map(|v| [&b"J"[..], &v.to_le_bytes()].concat());
        [vec![b'('], items.collect(), vec![b't']].concat()
    }

    /// A plain file with one tensor `x`, whose storage holds 0, 1, 2, 3, 4, 5.
    fn file(offset: i32, shape: &[i32], strides: &[i32]) -> Vec<u8> {
        let storage = [
            b"(".to_vec(),
            text("storage"),
            b"ctorch\nFloatStorage\n".to_vec(),
            text("7"),
            text("cpu"),
            b"K\x06NtQ".to_vec(),
        ];
        let tensor = [
            b"ctorch._utils\n_rebuild_tensor_v2\n(".to_vec(),
            storage.concat(),
            [&b"J"[..], &offset.to_le_bytes()].concat(),
            numbers(shape),
            numbers(strides),
            b"\x89}tR".to_vec(),
        ];
        let dict = [b"\x80\x02}".to_vec(), text("x"), tensor.concat(), b"s.".to_vec()].concat();
        let keys = [b"\x80\x02]".to_vec(), text("7"), b"a.".to_vec()].concat();
        let values: Vec<u8> = (0..6).flat_map(|v| (v as f32).to_le_bytes()).collect();
        [PLAIN, b"\x80\x02M\xe9\x03.", b"\x80\x02}.", &dict, &keys, &6u64.to_le_bytes(), &values].concat()
    }

    fn values(offset: i32, shape: &[i32], strides: &[i32]) -> Result<Vec<f32>, String> {
        let tensors = read(&file(offset, shape, strides))?;
        Ok(tensors["x"].flatten_all().unwrap().to_vec1().unwrap())
    }

    #[test]
    fn tensors_are_read_in_their_own_order() {
        assert_eq!(values(0, &[2, 3], &[3, 1]).unwrap(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(values(0, &[3, 2], &[1, 3]).unwrap(), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(values(4, &[2], &[1]).unwrap(), [4.0, 5.0]);
        assert_eq!(values(3, &[], &[]).unwrap(), [3.0]);
        assert_eq!(values(0, &[0, 3], &[3, 1]).unwrap(), [0.0; 0]);
        assert_eq!(values(1, &[3], &[0]).unwrap(), [1.0; 3]);
    }

    #[test]
    fn tensors_beyond_their_storage_or_far_larger_than_the_file_are_refused() {
        let max = i32::MAX;
        for (offset, shape, strides) in [
            (1, &[2, 3][..], &[3, 1][..]),
            (0, &[7], &[1]),
            (max, &[1], &[1]),
            (0, &[2], &[max]),
            (0, &[max, max, max], &[0, 0, 0]),
            (0, &[1_000_000], &[0]),
            (-1, &[1], &[1]),
            (0, &[1], &[-1]),
            (0, &[1, 1], &[1]),
            (0, &[1; 9], &[1; 9]),
        ] {
            values(offset, shape, strides).unwrap_err();
        }
    }

    #[test]
    fn what_holds_no_state_dict_says_so() {
        let module = [PLAIN, b"K\x01.", b"}.", b"cmodels\nVQVAE\n)\x81}b.", b"]."].concat();
        let error = read(&module).unwrap_err();
        assert!(error.contains("an object of models.VQVAE") && error.contains("state_dict()"), "{error}");
        let empty = [PLAIN, b"K\x01.", b"}.", b"}.", b"]."].concat();
        assert!(read(&empty).unwrap_err().contains("no tensors"));
    }
}
