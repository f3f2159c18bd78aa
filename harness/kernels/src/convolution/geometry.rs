//! The sizes of a convolution.

/// The geometric relation between an image and the map that a convolution computes from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Number of channels of the image.
    pub channels: usize,
    /// Height and width of the image, in pixels.
    pub image: (usize, usize),
    /// Number of channels of the map.
    pub filters: usize,
    /// Height and width of the map.
    pub map: (usize, usize),
    /// Height and width of the kernel.
    pub kernel: (usize, usize),
    /// Stride of the kernel, in pixels of the image.
    pub stride: usize,
    /// Zeros around the image, in pixels.
    pub padding: usize,
}

impl Geometry {
    /// Number of elements of one image.
    pub fn image_len(&self) -> usize {
        self.channels * self.image.0 * self.image.1
    }

    /// Number of elements of one map.
    pub fn map_len(&self) -> usize {
        self.filters * self.map.0 * self.map.1
    }

    /// Number of elements under the kernel in one channel.
    pub fn taps(&self) -> usize {
        self.kernel.0 * self.kernel.1
    }

    /// Number of elements of the weight, `[filters, channels, kernel]`.
    pub fn weight_len(&self) -> usize {
        self.filters * self.channels * self.taps()
    }

    /// Number of images in `images`, whose length must fit.
    pub(crate) fn batch_of_images(&self, images: &[f32]) -> usize {
        whole(images.len(), self.image_len(), "images")
    }

    /// Number of maps in `maps`, whose length must fit.
    pub(crate) fn batch_of_maps(&self, maps: &[f32]) -> usize {
        whole(maps.len(), self.map_len(), "maps")
    }

    pub(crate) fn check_weight(&self, weight: &[f32]) {
        assert_eq!(weight.len(), self.weight_len(), "the weight does not fit the convolution {self:?}");
    }
}

fn whole(length: usize, one: usize, what: &str) -> usize {
    assert!(one > 0 && length.is_multiple_of(one), "{length} elements are not a whole number of {what} of {one}");
    length / one
}
