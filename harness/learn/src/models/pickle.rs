//! Reads the part of Python's pickle format (protocol 2) that `torch.save` uses for state dicts. It never calls anything.
//!
//! The file is untrusted. candle's reader panics on short tuples, copies referenced objects (so a few hundred bytes
//! can fill any memory), and omits tensors that it cannot read. Here all objects lie in one list and refer to each other by
//! index: there is at most one per byte read, none is copied, and dropping them does not recurse.

use std::collections::HashMap;

/// The largest pickle that is read, in bytes. A state dict takes about 200 bytes per tensor.
const LIMIT: usize = 8 << 20;

/// Index of an object.
pub(super) type Place = usize;

/// A Python object.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Object {
    Int(i64),
    Text(String),
    /// A class or function, by module and name.
    Global(String, String),
    Tuple(Vec<Place>),
    List(Vec<Place>),
    /// Keys and values. Further state of an ordered dictionary is dropped.
    Dict(Vec<(Place, Place)>),
    /// The result of calling the first object with the second.
    Call(Place, Place),
    /// An object stored outside the pickle, under this name.
    Persistent(Place),
    /// Anything that tensors are not made of.
    Other,
}

/// An unpickled object and everything that it refers to.
#[derive(Debug)]
pub(super) struct Pickle {
    objects: Vec<Object>,
    root: Place,
}

impl Pickle {
    /// Reads one pickle from the start of `bytes`; also returns its length.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, usize), String> {
        let mut machine = Machine { input: &bytes[..bytes.len().min(LIMIT)], at: 0, ..Machine::default() };
        while machine.step()? {}
        let root = machine.pop()?;
        Ok((Self { objects: machine.objects, root }, machine.at))
    }

    pub(super) fn root(&self) -> Place {
        self.root
    }

    pub(super) fn get(&self, place: Place) -> &Object {
        &self.objects[place]
    }

    pub(super) fn int(&self, place: Place) -> Option<i64> {
        if let Object::Int(value) = self.get(place) { Some(*value) } else { None }
    }

    pub(super) fn text(&self, place: Place) -> Option<&str> {
        if let Object::Text(text) = self.get(place) { Some(text) } else { None }
    }

    pub(super) fn tuple(&self, place: Place) -> Option<&[Place]> {
        if let Object::Tuple(items) = self.get(place) { Some(items) } else { None }
    }

    pub(super) fn list(&self, place: Place) -> Option<&[Place]> {
        if let Object::List(items) = self.get(place) { Some(items) } else { None }
    }

    pub(super) fn dict(&self, place: Place) -> Option<&[(Place, Place)]> {
        if let Object::Dict(items) = self.get(place) { Some(items) } else { None }
    }

    /// Returns true if the object is the class or function `module.name`.
    pub(super) fn is_global(&self, place: Place, module: &str, name: &str) -> bool {
        matches!(self.get(place), Object::Global(m, n) if m == module && n == name)
    }
}

/// The stack machine of pickle.
#[derive(Default)]
struct Machine<'a> {
    input: &'a [u8],
    at: usize,
    objects: Vec<Object>,
    stack: Vec<Place>,
    /// The stack heights at the open marks.
    marks: Vec<usize>,
    memo: HashMap<u32, Place>,
}

impl Machine<'_> {
    /// Executes one instruction; returns false at the end.
    fn step(&mut self) -> Result<bool, String> {
        let start = self.at;
        match self.byte()? {
            0x80 => drop(self.byte()?), // the protocol's version
            b'.' => return Ok(false),
            b'(' => self.marks.push(self.stack.len()),
            b'c' => {
                let module = self.line()?;
                let name = self.line()?;
                self.push(Object::Global(module, name));
            }
            b'N' | 0x88 | 0x89 => self.push(Object::Other), // None, True, False
            b'J' => self.integer::<4>(|bytes| i32::from_le_bytes(bytes).into())?,
            b'K' => self.integer::<1>(|[byte]| byte.into())?,
            b'M' => self.integer::<2>(|bytes| u16::from_le_bytes(bytes).into())?,
            0x8a => self.long()?,
            b'G' => {
                self.take(8)?;
                self.push(Object::Other); // a float
            }
            b'X' => {
                let length = u32::from_le_bytes(self.array()?) as usize;
                let text = std::str::from_utf8(self.take(length)?).map_err(|_| "a text is not UTF-8")?.to_owned();
                self.push(Object::Text(text));
            }
            b')' => self.push(Object::Tuple(Vec::new())),
            0x85 => self.tuple(1)?,
            0x86 => self.tuple(2)?,
            0x87 => self.tuple(3)?,
            b't' => {
                let items = self.pop_to_mark()?;
                self.push(Object::Tuple(items));
            }
            b']' => self.push(Object::List(Vec::new())),
            b'a' => {
                let item = self.pop()?;
                self.append(&[item])?;
            }
            b'e' => {
                let items = self.pop_to_mark()?;
                self.append(&items)?;
            }
            b'}' => self.push(Object::Dict(Vec::new())),
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set_items(&[key, value])?;
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.set_items(&items)?;
            }
            b'R' | 0x81 => self.call()?,
            b'b' => drop(self.pop()?), // an object's own state
            b'Q' => {
                let name = self.pop()?;
                self.push(Object::Persistent(name));
            }
            b'q' => {
                let [key] = self.array()?;
                self.remember(key.into())?;
            }
            b'r' => {
                let key = u32::from_le_bytes(self.array()?);
                self.remember(key)?;
            }
            b'h' => {
                let [key] = self.array()?;
                self.recall(key.into())?;
            }
            b'j' => {
                let key = u32::from_le_bytes(self.array()?);
                self.recall(key)?;
            }
            other => return Err(format!("instruction {other:#04x} at byte {start} does not occur in state dicts")),
        }
        Ok(true)
    }

    fn take(&mut self, count: usize) -> Result<&[u8], String> {
        let end = self.at.checked_add(count).filter(|&end| end <= self.input.len());
        let end = end.ok_or("the pickle ends too early")?;
        let taken = &self.input[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn byte(&mut self) -> Result<u8, String> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    fn line(&mut self) -> Result<String, String> {
        let length = self.input[self.at..].iter().position(|&b| b == b'\n').ok_or("the pickle ends too early")?;
        let line = String::from_utf8_lossy(self.take(length)?).trim_end_matches('\r').to_owned();
        self.take(1)?;
        Ok(line)
    }

    fn integer<const N: usize>(&mut self, read: impl Fn([u8; N]) -> i64) -> Result<(), String> {
        let value = read(self.array()?);
        self.push(Object::Int(value));
        Ok(())
    }

    /// Reads an integer whose first byte gives its length in bytes. Bytes beyond 64 bits are not needed here.
    fn long(&mut self) -> Result<(), String> {
        let length = self.byte()? as usize;
        let bytes = self.take(length)?;
        let negative = bytes.last().is_some_and(|b| b & 0x80 != 0);
        let mut wide = [if negative { 0xff } else { 0 }; 8];
        let object = if length <= 8 {
            wide[..length].copy_from_slice(bytes);
            Object::Int(i64::from_le_bytes(wide))
        } else {
            Object::Other
        };
        self.push(object);
        Ok(())
    }

    fn push(&mut self, object: Object) {
        self.stack.push(self.objects.len());
        self.objects.push(object);
    }

    /// Pops the topmost object, but none from below an open mark.
    fn pop(&mut self) -> Result<Place, String> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err("the pickle takes an object that does not exist".to_owned());
        }
        self.stack.pop().ok_or_else(|| "the pickle takes an object that does not exist".to_owned())
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Place>, String> {
        let height = self.marks.pop().ok_or("the pickle closes a tuple that is not open")?;
        Ok(self.stack.split_off(height.min(self.stack.len())))
    }

    fn tuple(&mut self, length: usize) -> Result<(), String> {
        let mut items = Vec::with_capacity(length);
        for _ in 0..length {
            items.push(self.pop()?);
        }
        items.reverse();
        self.push(Object::Tuple(items));
        Ok(())
    }

    fn append(&mut self, items: &[Place]) -> Result<(), String> {
        let top = self.top()?;
        if let Object::List(list) = &mut self.objects[top] {
            list.extend_from_slice(items);
        }
        Ok(())
    }

    fn set_items(&mut self, items: &[Place]) -> Result<(), String> {
        let top = self.top()?;
        // Other objects that take items, such as counters, hold no tensors.
        if let Object::Dict(entries) = &mut self.objects[top] {
            if !items.len().is_multiple_of(2) {
                return Err("a key has no value".to_owned());
            }
            entries.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1])));
        }
        Ok(())
    }

    fn call(&mut self) -> Result<(), String> {
        let (arguments, callable) = (self.pop()?, self.pop()?);
        let is_dict =
            matches!(&self.objects[callable], Object::Global(m, n) if m == "collections" && n == "OrderedDict");
        self.push(if is_dict { Object::Dict(Vec::new()) } else { Object::Call(callable, arguments) });
        Ok(())
    }

    fn top(&self) -> Result<Place, String> {
        self.stack.last().copied().ok_or_else(|| "the pickle takes an object that does not exist".to_owned())
    }

    fn remember(&mut self, key: u32) -> Result<(), String> {
        let top = self.top()?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn recall(&mut self, key: u32) -> Result<(), String> {
        let place = *self.memo.get(&key).ok_or("the pickle refers to an object that does not exist")?;
        self.stack.push(place);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_python_writes_is_read() {
        // pickle.dumps({'a': (1, 70000, -2), 'b': 'ü'}, protocol=2)
        let bytes = b"\x80\x02}q\x00(X\x01\x00\x00\x00aq\x01K\x01Jp\x11\x01\x00J\xfe\xff\xff\xff\x87q\x02X\x01\x00\x00\x00bq\x03X\x02\x00\x00\x00\xc3\xbcq\x04u.more";
        let (pickle, length) = Pickle::read(bytes).unwrap();
        assert_eq!(length, bytes.len() - 4);
        let entries = pickle.dict(pickle.root()).unwrap();
        assert_eq!(pickle.text(entries[0].0), Some("a"));
        let numbers: Vec<_> = pickle.tuple(entries[0].1).unwrap().iter().map(|&p| pickle.int(p).unwrap()).collect();
        assert_eq!((numbers, pickle.text(entries[1].1)), (vec![1, 70_000, -2], Some("ü")));
    }

    #[test]
    fn damage_is_an_error_and_never_a_panic() {
        let wrong: [&[u8]; 12] = [
            b"",
            b".",
            b"\x80",
            b"X\xff\xff\xff\xff",
            b"(\x85.",
            b"t.",
            b"h\x00.",
            b"}(K\x01u.",
            b"R.",
            b"cos",
            b"\x8a\xff",
            b"\xff.",
        ];
        for bytes in wrong {
            Pickle::read(bytes).unwrap_err();
        }
    }

    #[test]
    fn nested_and_repeated_objects_take_no_more_than_their_bytes() {
        // Each tuple holds the previous one twice. Copied, they would be 2^1000 objects.
        let mut bytes = vec![b')'];
        for _ in 0..1000 {
            bytes.extend(b"q\x00h\x00h\x00\x86");
        }
        bytes.push(b'.');
        let (pickle, _) = Pickle::read(&bytes).unwrap();
        assert_eq!(pickle.objects.len(), 1001);
        let mut deep = vec![b')'];
        deep.resize(1_000_000, 0x85);
        deep.push(b'.');
        drop(Pickle::read(&deep).unwrap());
    }
}
