use super::*;
use std::path::PathBuf;

const BODY: &[u8] = b"weights of a network";

fn manifests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data-manifests")
}

fn encoder() -> InitSpec {
    serde_json::from_value(serde_json::json!({"encoder": {"weights": "resnet34-imagenet"}})).unwrap()
}

#[test]
fn what_is_not_there_is_named_with_its_place() {
    let data = tempfile::tempdir().unwrap();
    let error = locate(&encoder(), data.path(), &manifests()).unwrap_err();
    assert_eq!(error.code(), 4);
    let text = error.to_string();
    let path = |file: &str| data.path().join("weights").join(file).display().to_string();
    for part in [
        "fetch https://huggingface.co/timm/resnet34.tv_in1k/resolve/c983eba7f5e69bc3548a626d1b0b0b914e5de3a6/\
         model.safetensors\n"
            .to_owned(),
        format!("and put it at {}", path("resnet34-imagenet.safetensors")),
        "or fetch https://download.pytorch.org/models/resnet34-b627a593.pth\n".to_owned(),
        format!("and put it at {}", path("resnet34-imagenet.pth")),
    ] {
        assert!(text.contains(&part), "{part}\nin\n{text}");
    }
    let other: InitSpec = serde_json::from_value(serde_json::json!({"encoder": {"weights": "cifar-10"}})).unwrap();
    let error = locate(&other, data.path(), &manifests()).unwrap_err();
    assert!(error.to_string().contains("does not describe weights"), "{error}");
}

#[test]
fn a_file_put_there_by_hand_is_taken_if_it_is_right() {
    let data = tempfile::tempdir().unwrap();
    let place = data.path().join("weights");
    std::fs::create_dir(&place).unwrap();
    std::fs::write(place.join("resnet34-imagenet.pth"), BODY).unwrap();
    let error = locate(&encoder(), data.path(), &manifests()).unwrap_err();
    assert_eq!(error.code(), 4);
    let text = error.to_string();
    assert!(text.contains("the manifest says b627a593") && text.contains("damaged"), "{text}");
    // The preferred format has no digest in the manifest, so any file is taken; its digest goes into the stages' keys.
    let path = place.join("resnet34-imagenet.safetensors");
    std::fs::write(&path, BODY).unwrap();
    let found = locate(&encoder(), data.path(), &manifests()).unwrap();
    assert_eq!(found, Some(Located { path, sha256: digest::of_bytes(BODY) }));
}

#[test]
fn files_of_a_spec_are_held_against_their_digest() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let find = |json: serde_json::Value| {
        let init: InitSpec = serde_json::from_value(json).unwrap();
        locate(&init, data, Path::new("no manifests"))
    };
    assert_eq!(find(serde_json::json!("random")).unwrap(), None);
    let missing = find(serde_json::json!({"checkpoint": {"file": "net.pt"}})).unwrap_err();
    assert_eq!(missing.code(), 4);
    assert!(missing.to_string().contains("--data-dir"), "{missing}");
    std::fs::write(data.join("net.pt"), BODY).unwrap();
    let sha256 = digest::of_bytes(BODY);
    let found = Some(Located { path: data.join("net.pt"), sha256: sha256.clone() });
    assert_eq!(find(serde_json::json!({"checkpoint": {"file": "net.pt"}})).unwrap(), found);
    assert_eq!(
        find(serde_json::json!({"encoder": {"file": "net.pt", "sha256": sha256.to_uppercase()}})).unwrap(),
        found
    );
    let other = find(serde_json::json!({"checkpoint": {"file": "net.pt", "sha256": "0".repeat(64)}})).unwrap_err();
    assert!(other.to_string().contains("the spec says 000"), "{other}");
}
