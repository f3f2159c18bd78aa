//! The limits of pictures, and the errors of their decoders.

/// The most pixels that a picture may have: a few bytes of a file can claim to be a picture that fills the memory.
pub const MAX_PIXELS: u64 = 100_000_000;

/// The most bytes that a file may have.
pub const MAX_BYTES: u64 = 64 << 20;

/// Why bytes are not a picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No bytes at all.
    #[error("the file is empty")]
    Empty,
    /// More than [`MAX_BYTES`].
    #[error("the file has {0} bytes, more than the {MAX_BYTES} that are read")]
    TooManyBytes(u64),
    /// More than [`MAX_PIXELS`].
    #[error("the picture has {0} × {1} pixels, more than the {MAX_PIXELS} that are read")]
    TooManyPixels(u32, u32),
    /// The first bytes are those of no format that is read.
    #[error("not a JPEG, PNG, GIF, BMP or WebP file")]
    UnknownFormat,
    /// The file ends before the picture does.
    #[error("truncated: the file ends before the picture does")]
    Truncated,
    /// The format's decoder refused it.
    #[error("{format}: {reason}")]
    Damaged {
        /// Name of the format, as the first bytes have it.
        format: &'static str,
        /// The decoder's own words.
        reason: String,
    },
    /// A label map with colours, a palette, transparency or another depth.
    #[error("a label map must be greyscale with 8 bits a pixel")]
    NotGrey,
}

/// Refuses pictures of more than [`MAX_PIXELS`], and of none.
pub(super) fn check_size(width: u32, height: u32) -> Result<(), DecodeError> {
    if width == 0 || height == 0 {
        return Err(DecodeError::Damaged { format: "picture", reason: format!("it has {width} × {height} pixels") });
    }
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(DecodeError::TooManyPixels(width, height));
    }
    Ok(())
}
