//! Pages of a Parquet file from an untrusted source.
//!
//! The crate allocates the memory that a file claims to need: for a page, its unpacked size according to its header;
//! for a dictionary or for lengths, the claimed number of values. So the crate is told that pages are not compressed,
//! and the pages are unpacked and checked here.

use bytes::Bytes;
use parquet::{
    basic::{Compression, Encoding},
    column::page::{Page, PageMetadata, PageReader},
    errors::{ParquetError, Result},
    file::{
        metadata::{ColumnChunkMetaData, RowGroupMetaData},
        serialized_reader::SerializedPageReader,
    },
};
use std::sync::Arc;

/// Maximum size of a page, in bytes. Writers make pages of about 1 MiB.
const PAGE: usize = 64 << 20;
/// Maximum size of a column's pages in one row group, in bytes.
const CHUNK: usize = 1 << 30;

/// The pages of one column in one row group, each unpacked and bounded.
pub(super) struct Pages {
    packed: SerializedPageReader<Bytes>,
    is_snappy: bool,
    /// Maximum number of values in a page.
    values: usize,
    /// Number of bytes that the remaining pages may have.
    left: usize,
}

impl Pages {
    /// The pages of the column `column` in the row group `group` of `file`, with at most `values` values per page.
    pub(super) fn new(file: &Bytes, group: &RowGroupMetaData, column: usize, values: usize) -> Result<Self> {
        let chunk = group.columns().get(column).ok_or_else(|| refused("a group of rows lacks a column"))?;
        let is_snappy = match chunk.compression() {
            Compression::UNCOMPRESSED => false,
            Compression::SNAPPY => true,
            other => return Err(refused(&format!("it is compressed as {other}; expected SNAPPY or UNCOMPRESSED"))),
        };
        let plain = as_if_plain(chunk)?;
        let rows = usize::try_from(group.num_rows())?;
        let packed = SerializedPageReader::new(Arc::new(file.clone()), &plain, rows, None)?;
        Ok(Self { packed, is_snappy, values, left: CHUNK })
    }

    fn unpacked(&mut self, page: Page) -> Result<Page> {
        if page.num_values() as usize > self.values {
            return Err(refused(&format!("a page has {} values, at most {} are read", page.num_values(), self.values)));
        }
        Ok(match page {
            Page::DataPage { buf, num_values, encoding, def_level_encoding, rep_level_encoding, statistics } => {
                simple(&[encoding], &[Encoding::PLAIN, Encoding::PLAIN_DICTIONARY, Encoding::RLE_DICTIONARY])?;
                simple(&[def_level_encoding], &[Encoding::RLE])?;
                let buf = self.bytes(buf)?;
                Page::DataPage { buf, num_values, encoding, def_level_encoding, rep_level_encoding, statistics }
            }
            Page::DictionaryPage { buf, num_values, encoding, is_sorted } => {
                simple(&[encoding], &[Encoding::PLAIN, Encoding::PLAIN_DICTIONARY])?;
                Page::DictionaryPage { buf: self.bytes(buf)?, num_values, encoding, is_sorted }
            }
            Page::DataPageV2 { .. } => return Err(refused("its pages are of version 2; expected version 1")),
        })
    }

    fn bytes(&mut self, packed: Bytes) -> Result<Bytes> {
        let external = |error| ParquetError::External(Box::new(error));
        let length = if self.is_snappy { snap::raw::decompress_len(&packed).map_err(external)? } else { packed.len() };
        if length > PAGE.min(self.left) {
            return Err(refused(&format!("a page has {length} bytes, at most {} are read", PAGE.min(self.left))));
        }
        self.left -= length;
        if !self.is_snappy {
            return Ok(packed);
        }
        Ok(snap::raw::Decoder::new().decompress_vec(&packed).map_err(external)?.into())
    }
}

/// The same column, declared to the crate as uncompressed.
fn as_if_plain(chunk: &ColumnChunkMetaData) -> Result<ColumnChunkMetaData> {
    chunk.clone().into_builder().set_compression(Compression::UNCOMPRESSED).build()
}

/// Refuses encodings whose decoders allocate as much memory as the file claims.
fn simple(found: &[Encoding], known: &[Encoding]) -> Result<()> {
    match found.iter().find(|encoding| !known.contains(encoding)) {
        Some(other) => Err(refused(&format!("a page is encoded as {other}, which is not supported"))),
        None => Ok(()),
    }
}

fn refused(why: &str) -> ParquetError {
    ParquetError::General(why.to_owned())
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.packed.get_next_page()?.map(|page| self.unpacked(page)).transpose()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        Err(refused("pages are read one after the other"))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        Err(refused("pages are read one after the other"))
    }
}
