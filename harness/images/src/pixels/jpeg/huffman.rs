//! Huffman codes of a baseline JPEG, and the bits that they are read from.

use super::baseline::Unusual;

/// Bits that are looked up at once; longer codes, which are rare, are searched for.
const LOOKUP: u32 = 10;

/// The bits of an entropy-coded segment without stuffing, the most significant first.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// Place of the byte that is read next.
    next: usize,
    /// Bits that were read and not used, at the upper end.
    buffer: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    /// Bits of `bytes`, whose last [`Self::PADDING`] are zeros and not part of the segment.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, next: 0, buffer: 0, count: 0 }
    }

    /// Zeros that must follow a segment.
    pub(super) const PADDING: usize = 16;

    /// Makes at least 56 bits available, enough for two codes with their values. Behind the end there are zeros.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        let word = self.bytes.get(self.next..).and_then(|rest| rest.first_chunk::<8>());
        self.buffer |= word.map_or(0, |word| u64::from_be_bytes(*word)) >> self.count;
        let read = (63 - self.count) >> 3;
        self.next += read as usize;
        self.count += 8 * read;
    }

    #[inline(always)]
    fn peek(&self, bits: u32) -> usize {
        (self.buffer >> (64 - bits)) as usize
    }

    #[inline(always)]
    fn skip(&mut self, bits: u32) {
        self.buffer <<= bits;
        self.count -= bits;
    }

    /// The next `size` bits, 1 to 11, as a coefficient: the upper half of the numbers is positive (ITU-T T.81, F.2.2.1).
    #[inline(always)]
    fn coefficient(&mut self, size: u32) -> i32 {
        let value = self.peek(size) as i32;
        self.skip(size);
        extended(value, size)
    }

    /// Whether more bits were used than the segment has.
    pub(super) fn overrun(&self) -> bool {
        8 * self.next - self.count as usize > 8 * (self.bytes.len() - Self::PADDING)
    }
}

#[inline(always)]
fn extended(value: i32, size: u32) -> i32 {
    if value < 1 << (size - 1) { value - (1 << size) + 1 } else { value }
}

/// A table of codes.
pub(super) struct Codes {
    /// For each beginning of [`LOOKUP`] bits what it means.
    lookup: Box<[Entry; 1 << LOOKUP]>,
    /// For each length above [`LOOKUP`] one more than its largest code, filled up to 16 bits, and what is to be added to a code to
    /// give the place of its symbol.
    longer: [(usize, isize); 16],
    symbols: Vec<u8>,
}

/// What a beginning means: in the lowest byte how many bits to skip, then the symbol, then in the upper half the coefficient. 0 if the
/// code is longer than the beginning.
#[derive(Clone, Copy, Default)]
struct Entry(u32);

impl Entry {
    /// Whether the beginning holds the coefficient, too, or there is none.
    const WHOLE: u32 = 1 << 7;

    fn new(length: u32, symbol: u8, value: Option<i32>) -> Self {
        let whole = if value.is_some() { Self::WHOLE } else { 0 };
        Self(length | whole | u32::from(symbol) << 8 | (value.unwrap_or(0) as u32) << 16)
    }

    #[inline(always)]
    fn length(self) -> u32 {
        self.0 & 31
    }

    #[inline(always)]
    fn symbol(self) -> u8 {
        (self.0 >> 8) as u8
    }

    #[inline(always)]
    fn value(self) -> i32 {
        self.0 as i32 >> 16
    }
}

impl Codes {
    /// Codes from the number of codes of each length and the symbols in the order of the codes.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Result<Self, Unusual> {
        let mut codes =
            Self { lookup: Box::new([Entry::default(); 1 << LOOKUP]), longer: [(0, 0); 16], symbols: symbols.to_vec() };
        let (mut code, mut place) = (0usize, 0usize);
        for (length, &count) in (1u32..).zip(counts) {
            codes.longer[length as usize - 1].1 = place as isize - code as isize;
            for _ in 0..count {
                let &symbol = symbols.get(place).ok_or(Unusual)?;
                if length <= LOOKUP && code < 1 << length {
                    codes.enter(code, length, symbol);
                }
                code += 1;
                place += 1;
            }
            if code >= 1 << length {
                return Err(Unusual); // no code may be all ones
            }
            codes.longer[length as usize - 1].0 = code << (16 - length);
            code <<= 1;
        }
        Ok(codes)
    }

    /// Enters a code under all beginnings that start with it.
    fn enter(&mut self, code: usize, length: u32, symbol: u8) {
        let size = u32::from(symbol & 15);
        let first = code << (LOOKUP - length);
        for beginning in first..first + (1 << (LOOKUP - length)) {
            let entry = if size == 0 {
                Entry::new(length, symbol, Some(0))
            } else if length + size <= LOOKUP {
                let value = (beginning >> (LOOKUP - length - size)) & ((1 << size) - 1);
                Entry::new(length + size, symbol, Some(extended(value as i32, size)))
            } else {
                Entry::new(length, symbol, None)
            };
            self.lookup[beginning] = entry;
        }
    }

    /// Reads a symbol and the coefficient behind it, whose size are the symbol's lower four bits; 0 if the size is. A size of more
    /// than `most` is unusual.
    #[inline(always)]
    pub(super) fn read(&self, bits: &mut Bits<'_>, most: u32) -> Result<(u8, i32), Unusual> {
        let entry = self.lookup[bits.peek(LOOKUP)];
        bits.skip(entry.length());
        if entry.0 & Entry::WHOLE != 0 {
            return Ok((entry.symbol(), entry.value()));
        }
        let mut symbol = entry.symbol();
        if entry.0 == 0 {
            let (length, longer) = self.longer(bits.peek(16))?;
            bits.skip(length);
            symbol = longer;
        }
        match u32::from(symbol & 15) {
            0 => Ok((symbol, 0)),
            size if size <= most => Ok((symbol, bits.coefficient(size))),
            _ => Err(Unusual),
        }
    }

    /// Length and symbol of the code of more than [`LOOKUP`] bits with which these 16 bits begin. (Takes numbers and not the reader, so
    /// that the reader's state can stay in registers.)
    #[inline(never)]
    fn longer(&self, beginning: usize) -> Result<(u32, u8), Unusual> {
        for length in LOOKUP + 1..=16 {
            let (end, offset) = self.longer[length as usize - 1];
            if beginning < end {
                let place = (beginning >> (16 - length)).checked_add_signed(offset).ok_or(Unusual)?;
                return self.symbols.get(place).map(|&symbol| (length, symbol)).ok_or(Unusual);
            }
        }
        Err(Unusual)
    }
}
