//! Checks the footer of a Parquet file before the `parquet` crate reads it.
//!
//! The footer describes the columns of the table and their positions in Thrift's compact protocol. The crate allocates
//! as many columns as the file claims, and follows nested columns to any depth, so a bad file could exhaust memory and
//! stack. Both are bounded here. The crate checks everything else.

/// Maximum number of columns of a table, and of columns nested directly in one column.
const COLUMNS: u64 = 100;
/// Maximum depth of nested structures and lists.
const DEPTH: usize = 24;

/// True if the crate needs little memory and time to read `foot`.
pub(super) fn is_bounded(foot: &[u8]) -> bool {
    Foot { rest: foot }.structure(Subject::Foot, 0).is_some()
}

/// The subject of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Subject {
    Foot,
    Columns,
    /// The number of columns nested in one column.
    Children,
    Other,
}

impl Subject {
    /// The subject of the field `id` in a structure about this subject, by the field numbers of Parquet's
    /// specification.
    fn field(self, id: i64) -> Self {
        match (self, id) {
            (Self::Foot, 2) => Self::Columns,
            (Self::Columns, 5) => Self::Children,
            _ => Self::Other,
        }
    }
}

/// Each method skips the element that it is named after. It returns `None` if that element is invalid or exceeds a
/// bound.
struct Foot<'a> {
    rest: &'a [u8],
}

impl Foot<'_> {
    fn structure(&mut self, place: Subject, depth: usize) -> Option<()> {
        let mut id = 0;
        loop {
            let head = self.byte()?;
            let kind = head & 15;
            if kind == 0 {
                return Some(());
            }
            id = match head >> 4 {
                0 => signed(self.number()?),
                step => id + i64::from(step),
            };
            if !(0..=i64::from(i16::MAX)).contains(&id) {
                return None;
            }
            self.value(kind, place.field(id), depth)?;
        }
    }

    fn value(&mut self, kind: u8, place: Subject, depth: usize) -> Option<()> {
        match kind {
            1 | 2 => Some(()), // true and false, as a field
            3 => self.pass(1),
            4..=6 => {
                let number = signed(self.number()?);
                let fits = place != Subject::Children || u64::try_from(number).is_ok_and(|number| number <= COLUMNS);
                fits.then_some(())
            }
            7 => self.pass(8),
            8 => {
                let length = self.number()?;
                self.pass(length)
            }
            9 | 10 => self.list(place, depth + 1),
            12 if depth < DEPTH => self.structure(place, depth + 1),
            _ => None, // no other types occur in footers
        }
    }

    fn list(&mut self, place: Subject, depth: usize) -> Option<()> {
        let head = self.byte()?;
        let length = match head >> 4 {
            15 => self.number()?,
            short => u64::from(short),
        };
        let kind = head & 15;
        // A list of values that take no bytes could claim any length.
        if depth >= DEPTH || kind <= 2 || (place == Subject::Columns && length > COLUMNS) {
            return None;
        }
        (0..length).try_for_each(|_| self.value(kind, place, depth))
    }

    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }

    fn pass(&mut self, bytes: u64) -> Option<()> {
        self.rest = self.rest.get(usize::try_from(bytes).ok()?..)?;
        Some(())
    }

    /// An unsigned number with seven bits per byte, the lowest first.
    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 127) << shift;
            if byte & 128 == 0 {
                return Some(number);
            }
        }
        None
    }
}

/// The signed number whose sign is stored in the lowest bit.
fn signed(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A footer whose table has this many elements, each with so many nested columns.
    fn foot(elements: u8, children: &[u8]) -> Vec<u8> {
        let element = [&[0x55][..], children, &[0]].concat();
        [&[0x15, 2, 0x19, 0xfc, elements][..], &element.repeat(usize::from(elements)), &[0]].concat()
    }

    #[test]
    fn what_a_foot_claims_is_bounded() {
        assert!(is_bounded(&foot(3, &[4])) && is_bounded(&foot(100, &[0xc8, 1])));
        assert!(!is_bounded(&foot(101, &[2])), "too many elements");
        assert!(!is_bounded(&foot(3, &[0xca, 1])), "101 columns in one");
        assert!(!is_bounded(&foot(3, &[0xfe, 0xff, 0xff, 0xff, 0x0f])), "2147483647 columns in one");
        assert!(!is_bounded(&foot(3, &[1])), "fewer than none");
        // Nested structures, nested lists, a list longer than the data, and a list of values that take no bytes.
        let deep = |head: &[u8]| [&head.repeat(30)[..], &[0; 40]].concat();
        for bad in [deep(&[0x1c]), deep(&[0x19, 0x19]), vec![0x19, 0x95, 2, 0], vec![0x19, 0xf1, 0xff, 0xff, 3, 0]] {
            assert!(!is_bounded(&bad), "{bad:?}");
        }
        let whole = foot(3, &[4]);
        assert!((0..whole.len()).all(|end| !is_bounded(&whole[..end])));
    }
}
