//! Makes batches in the host's memory, or on the GPU if it holds the pictures.

use super::{Batch, TrainError, ahead::with_one_ahead, batch::assembled};
use crate::ops::Resident;
use candle_core::{Device, Result};
use harness_images::{
    augment::{Drawn, Table, Target},
    datasets::Pictures,
};
use harness_record::monitor::Monitor;
use rayon::prelude::*;

/// A stage's pictures may take one part in this many of a GPU's free memory.
const PARTS: u64 = 4;

/// Makes the batches of a stage.
#[derive(Debug)]
pub struct Feed<'a> {
    pictures: &'a Pictures,
    /// The pictures on the network's device, kept there for the whole stage.
    resident: Option<Resident>,
}

impl<'a> Feed<'a> {
    /// A feed with the pictures in the host's memory.
    pub fn of_host(pictures: &'a Pictures) -> Self {
        Self { pictures, resident: None }
    }

    /// A feed with the pictures on `device`, if it is a GPU with enough memory, else in the host's memory.
    pub fn new(pictures: &'a Pictures, device: &Device, monitor: &dyn Monitor) -> Result<Self> {
        let mut feed = Self::of_host(pictures);
        if device.is_cpu() {
            return Ok(feed);
        }
        let stay = |why: &str| monitor.log(&format!("the pictures stay in the host's memory: {why}"));
        let Some(free) = Resident::free_memory(device)? else {
            stay("only a binary built with `--features cudnn` makes batches on the GPU");
            return Ok(feed);
        };
        let (bytes, most) = ((pictures.rgb.len() + pictures.classes.len()) as u64, free / PARTS);
        if bytes > most {
            let size = |bytes: u64| format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30));
            stay(&format!(
                "they need {}; of the {} free on the GPU, a stage may use at most {}",
                size(bytes),
                size(free),
                size(most)
            ));
            return Ok(feed);
        }
        let side = pictures.size as usize;
        match Resident::upload(&pictures.rgb, &pictures.classes, side, device) {
            Ok(resident) => feed.resident = Some(resident),
            // Another process may have taken the memory in the meantime.
            Err(error) => stay(&format!("they could not be copied to the GPU ({error})")),
        }
        Ok(feed)
    }

    /// Passes the batches of an epoch to `each`, in the order of `steps`; `draw` draws their images. In the host's memory, the
    /// next batch is made while `each` works on the current one. On the GPU, all draws are transferred at once first, and each
    /// batch is made by one launch that nobody waits for.
    pub(super) fn each<'s, P: Sync + 's>(
        &self,
        epoch: u32,
        steps: impl Iterator<Item = &'s [P]> + Send,
        target: Target,
        draw: impl Fn(&[P]) -> Vec<Drawn> + Sync + Send,
        mut each: impl FnMut(Batch) -> std::result::Result<(), TrainError>,
    ) -> std::result::Result<(), TrainError> {
        let Some(resident) = &self.resident else {
            return with_one_ahead(steps, |images| Ok(assembled(self.pictures, &draw(images), target, epoch)?), each);
        };
        let steps: Vec<&[P]> = steps.collect();
        let drawn: Vec<Vec<Drawn>> = steps.into_par_iter().map(draw).collect();
        let table = resident.table(&Table::of(drawn.iter().flatten()))?;
        let mut first = 0;
        for images in &drawn {
            let (images, target) = resident.batch(&table, first..first + images.len(), target)?;
            first += images.dim(0)?;
            each(Batch { epoch, images, target })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{self, DeviceChoice};
    use harness_images::{
        augment::{AugmentationSpec, DistortionSpec},
        datasets::{Item, Part},
    };
    use harness_record::monitor::Silent;
    use std::sync::Mutex;

    /// Records the lines of the log.
    #[derive(Default)]
    struct Log(Mutex<Vec<String>>);

    impl Monitor for Log {
        fn begin(&self, _: &str, _: u64) {}
        fn advance(&self, _: u64) {}
        fn note(&self, _: &str) {}
        fn end(&self) {}
        fn log(&self, line: &str) {
            self.0.lock().unwrap().push(line.to_owned());
        }
        fn stopped(&self) -> bool {
            false
        }
    }

    fn pictures(count: usize, side: usize) -> Pictures {
        let item = |i| Item { name: format!("{i}"), group: "pet".into(), part: Part::Trainval };
        let pixels = count * side * side;
        Pictures {
            size: side as u32,
            digest: "test".into(),
            items: (0..count).map(item).collect(),
            rgb: (0..3 * pixels).map(|i| (i * i % 251) as u8).collect::<Vec<_>>().into(),
            classes: (0..pixels).map(|i| (i * 7 % 3) as u8).collect::<Vec<_>>().into(),
            left_out: Vec::new(),
        }
    }

    /// The bytes of all batches of 4 of 10 images.
    fn batches(feed: &Feed<'_>, target: Target, draw: &(dyn Fn(&[u32]) -> Vec<Drawn> + Sync)) -> Vec<Vec<u8>> {
        let places: Vec<u32> = (0..10).rev().collect();
        let mut all = Vec::new();
        let bytes = |tensor: &candle_core::Tensor| -> Vec<u8> {
            let tensor = tensor.to_device(&Device::Cpu).unwrap().flatten_all().unwrap();
            match target {
                Target::Classes if tensor.dtype() == candle_core::DType::U8 => tensor.to_vec1().unwrap(),
                _ => tensor.to_vec1::<f32>().unwrap().into_iter().flat_map(f32::to_le_bytes).collect(),
            }
        };
        let each = |batch: Batch| {
            all.extend([bytes(&batch.images), bytes(&batch.target)]);
            Ok(())
        };
        feed.each(1, places.chunks(4), target, draw, each).unwrap();
        all
    }

    #[test]
    fn batches_on_the_gpu_are_those_of_the_host() {
        let gpu = match device::select(DeviceChoice::Cuda(0)) {
            Ok(chosen) => chosen.device,
            Err(error) => return println!("not checked: {error}"),
        };
        let pictures = pictures(10, 24);
        let (host, feed) = (Feed::of_host(&pictures), Feed::new(&pictures, &gpu, &Silent).unwrap());
        assert_eq!(feed.resident.is_some(), cfg!(feature = "cudnn"));
        let mix = r#"{"mix": {"of": ["none", {"mask": {}}, {"rotate": {}}, {"jitter": {}}, {"greyscale": {}}],
                     "draw": "per-image"}}"#;
        for json in [r#""none""#, mix] {
            let spec: DistortionSpec = serde_json::from_str(json).unwrap();
            let draw = |places: &[u32]| spec.draw(24, places, 3, 1);
            assert!(batches(&feed, Target::Images, &draw) == batches(&host, Target::Images, &draw), "{json}");
        }
        for json in ["[]", r#"[{"flip": {}}, {"crop": {}}, {"jitter": {}}]"#] {
            let spec: AugmentationSpec = serde_json::from_str(json).unwrap();
            let draw = |places: &[u32]| spec.draw(24, places, 3, 1);
            assert!(batches(&feed, Target::Classes, &draw) == batches(&host, Target::Classes, &draw), "{json}");
        }
    }

    #[test]
    fn pictures_of_the_cpu_stay_without_a_word() {
        let (pictures, log) = (pictures(2, 8), Log::default());
        assert!(Feed::new(&pictures, &Device::Cpu, &log).unwrap().resident.is_none());
        assert!(log.0.into_inner().unwrap().is_empty());
    }
}
