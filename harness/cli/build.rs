//! Notes in the program which commit it is built from, and whether its sources differ from that commit.

#[path = "src/git.rs"]
mod git;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The root of the repository.
const ROOT: &str = "../..";

/// The files that the program is built from, for `git status`.
const SOURCES: [&str; 9] = [
    "--",
    "Cargo.toml",
    "Cargo.lock",
    "harness/*/Cargo.toml",
    "harness/*/build.rs",
    "harness/*/src/*",
    "harness/*/assets/*",
    // Settings of the compiler. After most changes of them cargo runs this script again by itself.
    ".cargo/*",
    "rust-toolchain*",
];

fn main() -> io::Result<()> {
    let root = Path::new(ROOT);
    // A copy of the sources can lie in a repository that does not hold them.
    let held = git::git(root, &["cat-file", "-e", "HEAD:./harness/cli/Cargo.toml"]).is_some();
    let (commit, dirty) = if held { git::state(root, &SOURCES) } else { (None, None) };
    println!("cargo::rustc-env=HARNESS_BUILT_COMMIT={}", commit.unwrap_or_default());
    let dirty = dirty.map_or("unknown", |dirty| if dirty { "true" } else { "false" });
    println!("cargo::rustc-env=HARNESS_BUILT_DIRTY={dirty}");
    for path in watched(root)? {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    Ok(())
}

/// The files and folders whose change can change what is noted.
///
/// The index is not one of them. What is built is what is on disk, so `git add` makes no difference to it.
fn watched(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = vec![root.join("Cargo.toml"), root.join("Cargo.lock")];
    for entry in fs::read_dir(root.join("harness"))? {
        let folder = entry?.path();
        paths.extend(["Cargo.toml", "build.rs", "src", "assets"].map(|name| folder.join(name)));
    }
    let path = |name: &str| git::git(root, &["rev-parse", "--git-path", name]).map(|path| root.join(path));
    paths.extend(path("HEAD"));
    if let Some(file) = git::git(root, &["symbolic-ref", "--quiet", "HEAD"]).and_then(|branch| path(&branch)) {
        // A branch that git has packed has no file of its own. The next commit makes it, in this folder.
        paths.extend(file.ancestors().find(|path| path.exists()).map(Path::to_owned));
    }
    // Repositories of the newer form keep all branches here.
    let tables = git::git(root, &["rev-parse", "--git-common-dir"]);
    paths.extend(tables.map(|folder| root.join(folder).join("reftable/tables.list")));
    // For cargo a missing file has always changed.
    paths.retain(|path| path.exists());
    Ok(paths)
}
