//! The collection of all manifests.

use super::{Manifest, Origin};

/// All manifests, sorted by name.
#[derive(Debug, Clone, Default)]
pub struct Catalogue(Vec<Manifest>);

impl Catalogue {
    /// Creates a collection of these manifests.
    pub fn new(mut manifests: Vec<Manifest>) -> Self {
        manifests.sort_by(|a, b| a.name.cmp(&b.name));
        Self(manifests)
    }

    /// All of them.
    pub fn all(&self) -> &[Manifest] {
        &self.0
    }

    /// Their names.
    pub fn names(&self) -> Vec<&str> {
        self.0.iter().map(|manifest| manifest.name.as_str()).collect()
    }

    /// The manifest with this name.
    pub fn get(&self, name: &str) -> Option<&Manifest> {
        self.0.iter().find(|manifest| manifest.name == name)
    }

    /// The manifest whose folder is, or contains, the folder `folder` below the data folder.
    pub fn of_folder(&self, folder: &str) -> Option<&Manifest> {
        let owners = self.0.iter().filter(|manifest| {
            let stored = !matches!(manifest.origin, Origin::BuiltIn | Origin::Composed(_));
            stored && manifest.owns_folder() && is_below(folder, manifest.folder())
        });
        owners.max_by_key(|manifest| manifest.folder().len())
    }

    /// The manifests that a manifest is composed of, down to those that are not composed; the manifest itself if it is not
    /// composed. Missing ones are skipped: [`Catalogue::check`] names them.
    pub fn leaves<'a>(&'a self, manifest: &'a Manifest) -> Vec<&'a Manifest> {
        let (mut leaves, mut open, mut seen) = (Vec::new(), vec![manifest], Vec::new());
        while let Some(manifest) = open.pop() {
            if seen.contains(&&manifest.name) {
                continue;
            }
            seen.push(&manifest.name);
            match &manifest.origin {
                Origin::Composed(parts) => {
                    open.extend(parts.iter().rev().filter_map(|part| self.get(&part.manifest)));
                }
                _ => leaves.push(manifest),
            }
        }
        leaves
    }

    /// Checks the relations between manifests. Each problem names the manifest, the field and the expected value. Parts
    /// named in `unread`, which are manifests that exist but cannot be read, are not checked.
    pub fn check(&self, unread: &[&str]) -> Vec<(&Manifest, String, String)> {
        let mut wrong = Vec::new();
        for manifest in &self.0 {
            let Origin::Composed(parts) = &manifest.origin else { continue };
            for (i, part) in parts.iter().enumerate().filter(|(_, part)| !unread.contains(&part.manifest.as_str())) {
                let mut expect = |field: String, expected: String| {
                    wrong.push((manifest, format!("origin.composed[{i}].{field}"), expected));
                };
                match self.get(&part.manifest) {
                    None => expect("manifest".to_owned(), one_of(&self.names())),
                    Some(other) if matches!(other.origin, Origin::Composed(_)) => {
                        expect("manifest".to_owned(), "a manifest that is not composed itself".to_owned());
                    }
                    Some(other) => {
                        let splits: Vec<&str> = other.splits.iter().map(|split| split.name.as_str()).collect();
                        let classes: Vec<&str> = other.classes.iter().map(String::as_str).collect();
                        for (field, given, known) in
                            [("splits", &part.splits, &splits), ("classes", &part.classes, &classes)]
                        {
                            for (j, _) in given.iter().enumerate().filter(|(_, name)| !known.contains(&name.as_str())) {
                                expect(format!("{field}[{j}]"), one_of(known));
                            }
                        }
                    }
                }
            }
        }
        wrong
    }
}

/// Returns true if the folder `folder` is `other` or lies below it. Both are relative to the same folder, with `/` as
/// separator.
pub fn is_below(folder: &str, other: &str) -> bool {
    let parts = |path: &str| -> Vec<String> {
        path.split('/').filter(|part| !part.is_empty() && *part != ".").map(str::to_owned).collect()
    };
    parts(folder).starts_with(&parts(other))
}

fn one_of(names: &[&str]) -> String {
    match names {
        [] => "nothing: there are none".to_owned(),
        names => format!("one of: `{}`", names.join("`, `")),
    }
}
