//! Tests weights on disk: our own files, PyTorch's, damaged ones, and a ResNet-34 for LinkNet's encoder.
//!
//! PyTorch wrote the files under `tests/weights/`: `reference/golden.py` makes them. `vqvae.pt` is an archive, `segnet.pt` has
//! the plain format from before PyTorch 1.6, and `linknet.pt` is an archive of half floats under `state_dict`, with `module.`
//! before each name.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use candle_core::{DType, Device, Tensor};
use harness_learn::{
    models::{LinknetSpec, Mode, Model, ModelSpec, Normalise, Role, SegnetSpec, VqvaeSpec, read_header, save_tensors},
    ops,
};
use safetensors::SafeTensors;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

fn vqvae() -> ModelSpec {
    ModelSpec::Vqvae(VqvaeSpec { width: 4, depth: 1, inner: 4, dim: 4, codes: 8, ..VqvaeSpec::default() })
}

/// Every network, with few channels, and an image size that it takes.
fn every_model() -> [(ModelSpec, usize); 3] {
    [
        (vqvae(), 16),
        (ModelSpec::Segnet(SegnetSpec { width: 2 }), 21),
        (ModelSpec::Linknet(LinknetSpec { width: 4 }), 64),
    ]
}

fn new(spec: &ModelSpec, seed: u64) -> Model {
    Model::new(spec, seed, &Device::Cpu).unwrap()
}

fn images(size: usize) -> Tensor {
    let values: Vec<f32> = (0..2 * 3 * size * size).map(|i| (i * 2_654_435_761 % 1009) as f32 / 1009.0).collect();
    Tensor::from_vec(values, (2, 3, size, size), &Device::Cpu).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_dtype(DType::F32).unwrap().to_vec1().unwrap()
}

fn output(model: &Model, x: &Tensor) -> Vec<f32> {
    values(&model.forward(x, Mode::Evaluate).unwrap().channels)
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/weights").join(name)
}

#[test]
fn every_model_keeps_the_shape_and_trains_all_of_itself() {
    for (spec, size) in every_model() {
        let (model, name) = (new(&spec, 0), spec.name());
        assert_eq!(spec.check(), Ok(()));
        spec.check_size(size as u32).unwrap();
        assert!(ModelSpec::NAMES.contains(&name));
        let target = Tensor::zeros((2, size, size), DType::U8, &Device::Cpu).unwrap();
        let (loss, tape) = ops::record(|| {
            let out = model.forward(&images(size), Mode::Train).unwrap();
            assert_eq!(out.channels.dims(), [2, 3, size, size], "{name}");
            out.loss(&ops::cross_entropy(&out.channels, &target).unwrap()).unwrap()
        });
        let gradients = tape.gradients(&loss).unwrap();
        for (parameter, entry) in model.state().iter().filter(|(_, e)| e.role == Role::Parameter) {
            let gradient =
                gradients.get(entry.var.as_tensor()).unwrap_or_else(|| panic!("{name}: none for {parameter}"));
            assert!(values(gradient).iter().all(|g| g.is_finite()), "{name}: {parameter}");
            assert!(values(gradient).iter().any(|&g| g != 0.0), "{name}: {parameter}");
        }
    }
}

#[test]
fn buffers_get_no_gradient_and_only_training_moves_them() {
    for (spec, size) in every_model() {
        let model = new(&spec, 0);
        let buffers = || -> Vec<Vec<f32>> {
            model.state().values().filter(|e| e.role == Role::Buffer).map(|e| values(e.var.as_tensor())).collect()
        };
        let before = buffers();
        let (out, tape) = ops::record(|| model.forward(&images(size), Mode::Evaluate).unwrap().channels);
        let gradients = tape.gradients_along(&out, &out.detach()).unwrap();
        let buffer =
            model.state().values().find(|e| e.role == Role::Buffer && gradients.get(e.var.as_tensor()).is_some());
        assert!(buffer.is_none(), "{}", spec.name());
        assert!(buffers() == before, "{}", spec.name());
        model.forward(&images(size), Mode::Train).unwrap();
        assert!(buffers() != before, "{}", spec.name());
    }
}

#[test]
fn what_is_saved_and_loaded_gives_the_same_output() {
    let saved = tempfile::NamedTempFile::new().unwrap();
    let normalise = Some(Normalise { mean: 0.5, std: 0.25 });
    for (spec, size) in every_model() {
        let (first, x) = (new(&spec, 1), images(size));
        first.forward(&x, Mode::Train).unwrap(); // moves the buffers away from their first values
        first.save(saved.path(), size as u32, normalise).unwrap();
        let header = read_header(saved.path()).unwrap().unwrap();
        assert_eq!((&header.model, header.size, header.normalise), (&spec, size as u32, normalise));
        let second = new(&spec, 2);
        assert!(output(&first, &x) != output(&second, &x), "{}", spec.name());
        second.load(saved.path()).unwrap();
        assert!(output(&first, &x) == output(&second, &x), "{}", spec.name());
        // Further training is the same, too: counters and buffers were saved.
        for model in [&first, &second] {
            model.forward(&x, Mode::Train).unwrap();
        }
        assert!(output(&first, &x) == output(&second, &x), "{}", spec.name());
    }
}

#[test]
fn state_dicts_of_pytorch_give_its_outputs() {
    for name in ModelSpec::NAMES {
        let bytes = std::fs::read(file(&format!("{name}.safetensors"))).unwrap();
        let metadata = SafeTensors::read_metadata(&bytes).unwrap().1.metadata().clone().unwrap();
        let options: serde_json::Value = serde_json::from_str(&metadata["options"]).unwrap();
        let spec: ModelSpec = serde_json::from_value(serde_json::json!({ name: options })).unwrap();
        let reference = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).unwrap();
        let model = new(&spec, 0);
        assert_eq!(read_header(&file(&format!("{name}.pt"))).unwrap(), None);
        model.load(&file(&format!("{name}.pt"))).unwrap();
        let x = (reference["image"].to_dtype(DType::F32).unwrap() / 255.0).unwrap();
        let mut out = model.forward(&x, Mode::Evaluate).unwrap().channels;
        if name == "segnet" {
            out = ops::divide_by_maximum(&out).unwrap();
        }
        let worst = values(&out).iter().zip(values(&reference["output"])).fold(0f32, |w, (x, y)| w.max((x - y).abs()));
        println!("{name}: largest difference {worst:.1e}");
        assert!(worst <= 1e-5, "{name}: {worst:e}");
    }
}

/// PyTorch does not save the number of the codebook's updates. It is recovered from the averages, so training resumes
/// as if it had never been saved.
#[test]
fn training_goes_on_from_a_state_dict_as_if_never_saved() {
    let (model, x) = (new(&vqvae(), 0), images(16));
    model.load(&file("vqvae.pt")).unwrap();
    // reference/golden.py trained it for 40 batches. Its buffers are rounded to half floats.
    let saved = tempfile::NamedTempFile::new().unwrap();
    model.save(saved.path(), 16, None).unwrap();
    assert_eq!(read_header(saved.path()).unwrap().unwrap().counters["vq.pushes"], 40);
    let tensors: BTreeMap<String, Tensor> =
        model.state().iter().map(|(name, entry)| (name.clone(), entry.var.as_tensor().copy().unwrap())).collect();
    let foreign = tempfile::NamedTempFile::new().unwrap();
    save_tensors(foreign.path(), &tensors).unwrap();
    let second = new(&vqvae(), 9);
    second.load(foreign.path()).unwrap();
    for model in [&model, &second] {
        model.forward(&x, Mode::Train).unwrap();
    }
    assert!(output(&model, &x) == output(&second, &x));
}

#[test]
fn prefixes_of_wrappers_do_not_matter() {
    let (first, x) = (new(&vqvae(), 1), images(16));
    let (saved, second) = (tempfile::NamedTempFile::new().unwrap(), new(&vqvae(), 2));
    let named = |name: &dyn Fn(&str) -> String| -> BTreeMap<String, Tensor> {
        first.state().iter().map(|(n, e)| (name(n), e.var.as_tensor().clone())).collect()
    };
    save_tensors(saved.path(), &named(&|n| format!("module._orig_mod.{n}"))).unwrap();
    second.load(saved.path()).unwrap();
    assert!(output(&first, &x) == output(&second, &x));
    // One name lacks the prefix, so it is not a wrapper's.
    let mixed = named(&|n| if n == "vq.e_i_ts" { n.to_owned() } else { format!("module.{n}") });
    save_tensors(saved.path(), &mixed).unwrap();
    let text = second.load(saved.path()).unwrap_err().to_string();
    assert!(
        text.contains("missing: decoder.conv.bias") && text.contains("unknown: module.decoder.conv.bias"),
        "{text}"
    );
}

#[test]
fn another_networks_state_dict_is_refused_with_a_list() {
    let text = new(&vqvae(), 0).load(&file("segnet.pt")).unwrap_err().to_string();
    assert!(text.contains("segnet.pt does not fit the model vqvae"), "{text}");
    assert!(text.contains("missing: vq.e_i_ts [4, 8]") && text.contains("unknown: uc_1.seq.0.weight"), "{text}");
    assert!(!text.contains("num_batches_tracked"), "{text}");
}

/// A file that is cut short anywhere or has any byte changed is read or rejected. Nothing panics.
#[test]
fn damaged_files_are_errors() {
    let damaged = tempfile::NamedTempFile::new().unwrap();
    let refused = |model: &Model, bytes: &[u8]| {
        std::fs::write(damaged.path(), bytes).unwrap();
        model.load(damaged.path()).is_err()
    };
    let models = [(vqvae(), "vqvae.pt", 600), (ModelSpec::Segnet(SegnetSpec { width: 2 }), "segnet.pt", 4000)];
    for (spec, name, step) in models {
        let (model, whole) = (new(&spec, 0), std::fs::read(file(name)).unwrap());
        for end in (0..whole.len()).step_by(step) {
            assert!(refused(&model, &whole[..end]), "{name} cut at {end}");
        }
        let mut count = 0;
        for place in (0..whole.len()).step_by(step / 20) {
            let mut bytes = whole.clone();
            bytes[place] ^= 0xff;
            count += usize::from(refused(&model, &bytes));
        }
        assert!(count > 0, "{name}: no change was noticed");
        assert!(!refused(&model, &whole), "{name}");
    }
    let error = new(&vqvae(), 0).load(Path::new("none.pt")).unwrap_err().to_string();
    assert!(error.contains("none.pt"), "{error}");
}

/// A ResNet-34 under torchvision's names, each tensor filled with its own number.
fn resnet(model: &Model) -> BTreeMap<String, Tensor> {
    let theirs = |name: &str| match name.split_once('.').unwrap() {
        ("conv", rest) => Some(format!("conv1.{rest}")),
        ("bn", rest) => Some(format!("bn1.{rest}")),
        (first, rest) => first.strip_prefix("encoder").map(|number| format!("layer{number}.{rest}")),
    };
    let named = model.state().iter().filter_map(|(name, entry)| Some((theirs(name)?, entry)));
    let mut tensors: BTreeMap<String, Tensor> = named
        .enumerate()
        .map(|(i, (name, entry))| (name, Tensor::full(i as f32, entry.var.dims(), &Device::Cpu).unwrap()))
        .collect();
    tensors.insert("fc.weight".to_owned(), Tensor::zeros((10, 32), DType::F32, &Device::Cpu).unwrap());
    tensors.insert("fc.bias".to_owned(), Tensor::zeros(10, DType::F32, &Device::Cpu).unwrap());
    tensors.insert("bn1.num_batches_tracked".to_owned(), Tensor::zeros(1, DType::F32, &Device::Cpu).unwrap());
    tensors
}

#[test]
fn an_encoder_is_loaded_and_the_decoder_left() {
    let spec = ModelSpec::Linknet(LinknetSpec { width: 4 });
    let (model, untouched) = (new(&spec, 0), new(&spec, 0));
    let tensors = resnet(&model);
    // 36 convolutions and 36 batch norms of four tensors each, as in torchvision's resnet34 without `fc` and counters.
    assert_eq!(tensors.len() - 3, 36 * 5);
    let saved = tempfile::NamedTempFile::new().unwrap();
    save_tensors(saved.path(), &tensors).unwrap();
    model.load_encoder(saved.path()).unwrap();
    let value = |model: &Model, name: &str| values(model.state()[name].var.as_tensor());
    let theirs = |name: &str| values(&tensors[name]);
    assert_eq!(value(&model, "conv.weight"), theirs("conv1.weight"));
    assert_eq!(value(&model, "bn.running_var"), theirs("bn1.running_var"));
    assert_eq!(value(&model, "encoder4.0.downsample.1.running_mean"), theirs("layer4.0.downsample.1.running_mean"));
    assert_eq!(value(&model, "encoder3.5.conv2.weight"), theirs("layer3.5.conv2.weight"));
    for name in model.state().keys().filter(|name| name.starts_with("decoder") || name.starts_with("final")) {
        assert!(value(&model, name) == value(&untouched, name), "{name}");
    }
}

#[test]
fn an_encoder_that_does_not_fit_is_refused_with_a_list() {
    let (model, saved) =
        (new(&ModelSpec::Linknet(LinknetSpec { width: 4 }), 0), tempfile::NamedTempFile::new().unwrap());
    let mut tensors = resnet(&model);
    tensors.remove("layer2.3.bn1.bias");
    tensors.insert("conv1.weight".to_owned(), Tensor::zeros((4, 3, 3, 3), DType::F32, &Device::Cpu).unwrap());
    tensors.insert("layer1.3.conv1.weight".to_owned(), Tensor::zeros(1, DType::F32, &Device::Cpu).unwrap());
    save_tensors(saved.path(), &tensors).unwrap();
    let before = values(model.state()["encoder1.0.conv1.weight"].var.as_tensor());
    let text = model.load_encoder(saved.path()).unwrap_err().to_string();
    for part in [
        "missing: encoder2.3.bn1.bias [8]",
        "shape: conv.weight is [4, 3, 3, 3], expected [4, 3, 7, 7]",
        "unknown: encoder1.3.conv1.weight",
    ] {
        assert!(text.contains(part), "{part}\nin\n{text}");
    }
    assert!(values(model.state()["encoder1.0.conv1.weight"].var.as_tensor()) == before);
    let text = new(&vqvae(), 0).load_encoder(saved.path()).unwrap_err().to_string();
    assert!(text.contains("vqvae has no encoder"), "{text}");
}

#[test]
fn sizes_that_cannot_be_are_refused() {
    let sizes = |spec: &ModelSpec| -> Vec<u32> { (1..=2100).filter(|&s| spec.check_size(s).is_ok()).collect() };
    let [(vqvae, _), (segnet, _), (linknet, _)] = every_model();
    assert!(sizes(&vqvae).iter().eq((8..=2048).step_by(4).collect::<Vec<_>>().iter()));
    assert!(sizes(&segnet).into_iter().eq(16..=2048));
    assert!(sizes(&linknet).into_iter().eq((32..=2048).step_by(32)));
    for (spec, field) in [
        (ModelSpec::Segnet(SegnetSpec { width: 0 }), "segnet.width"),
        (ModelSpec::Linknet(LinknetSpec { width: 6 }), "linknet.width"),
        (ModelSpec::Linknet(LinknetSpec { width: 0 }), "linknet.width"),
    ] {
        assert_eq!(spec.check().unwrap_err().0, field);
    }
}
