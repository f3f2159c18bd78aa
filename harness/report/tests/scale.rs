#![allow(clippy::unwrap_used, missing_docs, dead_code)]
mod fixture;
#[test]
fn scale() {
    let d = tempfile::tempdir().unwrap();
    fixture::write(d.path(), &fixture::study(), fixture::Size { images: 3669, epochs: 50, gallery: 6 });
    let t = std::time::Instant::now();
    let files = harness_report::render(d.path(), &std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../templates")).unwrap();
    println!("{:?} {}", t.elapsed(), files.len());
}
