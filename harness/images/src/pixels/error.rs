//! The limits of pictures, and the errors of their decoders.

/// Maximum number of pixels of a picture. A few bytes of a file can claim a picture that fills the memory.
pub const MAX_PIXELS: u64 = 100_000_000;

/// Maximum size of a file, in bytes.
pub const MAX_BYTES: u64 = 64 << 20;

/// The reason that bytes are not a picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// There are no bytes.
    #[error("the file is empty")]
    Empty,
    /// The file has more than [`MAX_BYTES`].
    #[error("the file has {0} bytes; at most {MAX_BYTES} are read")]
    TooManyBytes(u64),
    /// The picture has more than [`MAX_PIXELS`].
    #[error("the picture has {0} × {1} pixels; at most {MAX_PIXELS} are read")]
    TooManyPixels(u32, u32),
    /// The first bytes are not those of a supported format.
    #[error("not a JPEG, PNG, GIF, BMP or WebP file")]
    UnknownFormat,
    /// The file ends before the picture does.
    #[error("truncated: the file ends before the picture does")]
    Truncated,
    /// The decoder of the format refused the file.
    #[error("{format}: {reason}")]
    Damaged {
        /// Name of the format, detected from the first bytes.
        format: &'static str,
        /// The message of the decoder.
        reason: String,
    },
    /// The label map has colours, a palette, transparency or another depth.
    #[error("a label map must be greyscale with 8 bits per pixel")]
    NotGrey,
}

/// Refuses pictures with more than [`MAX_PIXELS`], or with none.
pub(super) fn check_size(width: u32, height: u32) -> Result<(), DecodeError> {
    if width == 0 || height == 0 {
        return Err(DecodeError::Damaged { format: "picture", reason: format!("it has {width} × {height} pixels") });
    }
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(DecodeError::TooManyPixels(width, height));
    }
    Ok(())
}
