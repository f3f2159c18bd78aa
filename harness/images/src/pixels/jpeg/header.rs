//! The markers and tables of a JPEG up to its first coefficients, as far as they are usual.

use super::{super::decode::check_size, baseline::Unusual, huffman::Codes, planes::Subsampling, transform::BLOCK};

/// Places of a block's coefficients in the order in which they are stored: from the upper left to the lower right, in zigzag.
pub(super) const ZIGZAG: [u8; BLOCK] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
];

/// All that stands before the coefficients.
pub(super) struct Header {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) components: Vec<Component>,
    pub(super) subsampling: Subsampling,
    /// Minimal coded units between two restarts; 0 if there are none.
    pub(super) restart: usize,
    /// Where the coefficients begin.
    pub(super) scan: usize,
}

/// A component's factors and codes.
pub(super) struct Component {
    /// Blocks of a minimal coded unit, along and across.
    pub(super) blocks: (usize, usize),
    /// Factors of the coefficients, by row and column.
    pub(super) factors: [i32; BLOCK],
    /// Codes of the first coefficient, as the difference from the block before.
    pub(super) first: Codes,
    pub(super) others: Codes,
}

/// Tables and markers as they come in.
#[derive(Default)]
struct Tables {
    factors: [Option<[i32; BLOCK]>; 4],
    /// For the first coefficients, then for the others.
    codes: [[Option<CodeTable>; 4]; 2],
    restart: usize,
}

/// The number of codes of each length, and their symbols.
struct CodeTable {
    counts: [u8; 16],
    symbols: Vec<u8>,
}

/// The head of a frame.
struct Frame {
    width: usize,
    height: usize,
    components: Vec<FrameComponent>,
}

struct FrameComponent {
    name: u8,
    /// Blocks of a minimal coded unit, along and across.
    blocks: (usize, usize),
    /// Place of its factors.
    factors: usize,
}

fn word(bytes: &[u8]) -> Result<usize, Unusual> {
    bytes.first_chunk::<2>().map(|&word| usize::from(u16::from_be_bytes(word))).ok_or(Unusual)
}

impl Header {
    /// Reads all up to the coefficients of the first scan.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Unusual> {
        let mut tables = Tables::default();
        let mut frame = None;
        let mut rest = bytes.strip_prefix(&[0xff, 0xd8]).ok_or(Unusual)?;
        loop {
            let &[0xff, marker, ..] = rest else { return Err(Unusual) };
            let length = word(&rest[2..])?;
            let segment = rest.get(4..2 + length).ok_or(Unusual)?;
            rest = &rest[2 + length..];
            match marker {
                0xc0 | 0xc1 if frame.is_none() => frame = Some(Frame::read(segment)?),
                0xc4 => tables.read_codes(segment)?,
                0xda => return tables.header(&frame.ok_or(Unusual)?, segment, bytes.len() - rest.len()),
                0xdb => tables.read_factors(segment)?,
                0xdd if segment.len() == 2 => tables.restart = word(segment)?,
                // Adobe's marker for colours that are not luma and chroma.
                0xee if segment.starts_with(b"Adobe") && segment.get(11) != Some(&1) => return Err(Unusual),
                0xe0..=0xef | 0xfe => {}
                _ => return Err(Unusual),
            }
        }
    }
}

impl Frame {
    fn read(segment: &[u8]) -> Result<Self, Unusual> {
        let (head, components) = segment.split_first_chunk::<6>().ok_or(Unusual)?;
        let (height, width) = (word(&head[1..])?, word(&head[3..])?);
        let components: Vec<_> = components
            .as_chunks::<3>()
            .0
            .iter()
            .map(|&[name, blocks, factors]| FrameComponent {
                name,
                blocks: (usize::from(blocks >> 4), usize::from(blocks & 15)),
                factors: usize::from(factors),
            })
            .collect();
        if head[0] != 8 || usize::from(head[5]) != components.len() || segment.len() != 6 + 3 * components.len() {
            return Err(Unusual);
        }
        check_size(width as u32, height as u32).map_err(|_| Unusual)?;
        Ok(Self { width, height, components })
    }

    fn subsampling(&self) -> Result<Subsampling, Unusual> {
        // Luma and chroma have the names 1, 2 and 3.
        let named: Vec<_> = self.components.iter().map(|component| (component.name, component.blocks)).collect();
        match *named {
            [(_, (1, 1))] | [(1, (1, 1)), (2, (1, 1)), (3, (1, 1))] => Ok(Subsampling::None),
            // libjpeg does not interpolate chroma of one or two columns.
            _ if self.width <= 4 => Err(Unusual),
            [(1, (2, 1)), (2, (1, 1)), (3, (1, 1))] => Ok(Subsampling::Columns),
            [(1, (2, 2)), (2, (1, 1)), (3, (1, 1))] => Ok(Subsampling::Both),
            _ => Err(Unusual),
        }
    }
}

impl Tables {
    fn read_factors(&mut self, mut segment: &[u8]) -> Result<(), Unusual> {
        while let Some((&place, rest)) = segment.split_first() {
            let (factors, rest) = rest.split_first_chunk::<BLOCK>().ok_or(Unusual)?;
            // The upper half of `place` is not 0 if factors have 16 bits.
            *self.factors.get_mut(usize::from(place)).ok_or(Unusual)? = Some(by_row_and_column(factors));
            segment = rest;
        }
        Ok(())
    }

    fn read_codes(&mut self, mut segment: &[u8]) -> Result<(), Unusual> {
        while let Some((&place, rest)) = segment.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>().ok_or(Unusual)?;
            let count = counts.iter().map(|&n| usize::from(n)).sum();
            let (symbols, rest) = rest.split_at_checked(count).filter(|_| count <= 256).ok_or(Unusual)?;
            let kind = self.codes.get_mut(usize::from(place >> 4)).ok_or(Unusual)?;
            *kind.get_mut(usize::from(place & 15)).ok_or(Unusual)? =
                Some(CodeTable { counts: *counts, symbols: symbols.to_vec() });
            segment = rest;
        }
        Ok(())
    }

    /// Codes of one kind: 0 for first coefficients, 1 for the others.
    fn codes(&self, kind: usize, place: u8) -> Result<Codes, Unusual> {
        let table = self.codes[kind].get(usize::from(place)).and_then(Option::as_ref).ok_or(Unusual)?;
        if kind == 0 && table.symbols.iter().any(|&symbol| symbol > 15) {
            return Err(Unusual);
        }
        Codes::new(&table.counts, &table.symbols)
    }

    /// The header, from the frame and the head of its scan.
    fn header(&self, frame: &Frame, scan: &[u8], start: usize) -> Result<Header, Unusual> {
        let n = frame.components.len();
        // One scan of all components and coefficients.
        if scan.len() != 4 + 2 * n || usize::from(scan[0]) != n || scan[1 + 2 * n..] != [0, 63, 0] {
            return Err(Unusual);
        }
        let component = |(component, &[name, codes]): (&FrameComponent, &[u8; 2])| {
            if name != component.name {
                return Err(Unusual);
            }
            Ok(Component {
                blocks: component.blocks,
                factors: self.factors.get(component.factors).copied().flatten().ok_or(Unusual)?,
                first: self.codes(0, codes >> 4)?,
                others: self.codes(1, codes & 15)?,
            })
        };
        let components = frame.components.iter().zip(scan[1..].as_chunks::<2>().0).map(component);
        Ok(Header {
            width: frame.width,
            height: frame.height,
            components: components.collect::<Result<_, _>>()?,
            subsampling: frame.subsampling()?,
            restart: self.restart,
            scan: start,
        })
    }
}

fn by_row_and_column(zigzag: &[u8; BLOCK]) -> [i32; BLOCK] {
    let mut factors = [0; BLOCK];
    for (&place, &factor) in ZIGZAG.iter().zip(zigzag) {
        factors[usize::from(place)] = i32::from(factor);
    }
    factors
}
