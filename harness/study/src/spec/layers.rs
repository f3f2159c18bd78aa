//! A study's spec as written in its files: the study, the base it extends and their profiles, and how they are merged.

use super::{
    diagnosis::{Diagnosis, Problems},
    locate::Found,
    merged::{Kind, Layer, Merged},
    overrides::Override,
    path::Path,
    source::Source,
};
use harness_record::suggest::closest;
use serde_json::{Map, Value};
use std::{
    path::{Path as FilePath, PathBuf},
    sync::Arc,
};

/// Profiles that a spec may override. The first one is the spec without any override.
pub const PROFILES: [&str; 3] = ["full", "sample", "demo"];
/// Folder of the studies under the root.
const STUDIES: &str = "studies";
/// Folder of the bases, inside the folder of the studies.
const BASES: &str = "_base";

/// A spec as written: its file and the base it extends.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The study's name, which is its file name without `.yaml`.
    pub name: String,
    file: Document,
    base: Option<Document>,
}

/// One file of a spec.
#[derive(Debug, Clone)]
struct Document {
    source: Arc<Source>,
    /// All fields except `extends` and `profiles`.
    root: Value,
    profiles: Map<String, Value>,
    extends: Option<String>,
}

/// Names of all studies under `root`, sorted.
pub fn names(root: &FilePath) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(root.join(STUDIES))? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).filter(|stem| is_plain(stem));
        if let Some(stem) = stem.filter(|_| path.extension().is_some_and(|ext| ext == "yaml")) {
            names.push(stem.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Path of the file of a study's spec.
pub fn file_of(root: &FilePath, name: &str) -> PathBuf {
    root.join(STUDIES).join(format!("{name}.yaml"))
}

/// Returns true if the name is a plain file stem: letters, digits, `-` and `_`, without separators or dots.
pub fn is_plain(name: &str) -> bool {
    let all = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    name.len() <= 100 && name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(all)
}

impl Spec {
    /// Reads the study `name` of `studies/`.
    pub fn named(root: &FilePath, name: &str) -> Result<Self, Problems> {
        let file = file_of(root, name);
        if !is_plain(name) || !file.exists() {
            let known = names(root).unwrap_or_default();
            let help = match closest(name, &known) {
                Some(name) => format!("did you mean `{name}`? `harness list` names all studies"),
                None => "`harness list` names all studies".to_owned(),
            };
            return Err(Diagnosis::of_file("", format!("there is no study `{name}` in {STUDIES}/")).help(help).into());
        }
        Self::read(root, &file)
    }

    /// Reads a spec's file and the base that it extends, from the folder `_base` beside it. Paths are shown relative to
    /// `root`.
    pub fn read(root: &FilePath, file: &FilePath) -> Result<Self, Problems> {
        let label = |file: &FilePath| file.strip_prefix(root).unwrap_or(file).display().to_string();
        let document = Document::read(file, &label(file))?;
        let base = match &document.extends {
            None => None,
            Some(base) => {
                let path = file.with_file_name(BASES).join(format!("{base}.yaml"));
                if !path.is_file() {
                    let problem = format!("there is no base `{base}`");
                    let known = format!("a file `{}`", label(&path));
                    return Err(document.problem(&Path::default().key("extends"), problem).expected(known).into());
                }
                let base = Document::read(&path, &label(&path))?;
                if base.extends.is_some() {
                    let problem = "a base cannot extend another base";
                    return Err(base.problem(&Path::default().key("extends"), problem).into());
                }
                Some(base)
            }
        };
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, file: document, base })
    }

    /// The files of a study under `root`: its own file and the file of its base.
    pub fn files(&self, root: &FilePath) -> Vec<PathBuf> {
        let base = self.file.extends.as_ref().map(|base| root.join(STUDIES).join(BASES).join(format!("{base}.yaml")));
        [file_of(root, &self.name)].into_iter().chain(base).collect()
    }

    /// The profiles that the spec or its base overrides, and `full`, which always exists.
    pub fn profiles(&self) -> Vec<&'static str> {
        let documents = [Some(&self.file), self.base.as_ref()];
        let has = |name: &str| documents.iter().flatten().any(|document| document.profiles.contains_key(name));
        PROFILES.into_iter().filter(|name| *name == PROFILES[0] || has(name)).collect()
    }

    /// Lays `profile` and then `overrides` (`path=value`) over the spec.
    pub fn merge(&self, profile: &str, overrides: &[String]) -> Result<Merged, Problems> {
        if !self.profiles().contains(&profile) {
            let message = format!("study `{}` has no profile `{profile}`", self.name);
            return Err(Diagnosis::of_file(&self.file.source.label, message).one_of(profile, &self.profiles()).into());
        }
        let mut merged = Merged::new(&self.name);
        let root = Path::default();
        let inside = root.key("profiles").key(profile);
        let whole = |document: &Document| Some(document.root.clone());
        let part = |document: &Document| document.profiles.get(profile).cloned();
        let (file, base) = (Some(&self.file), self.base.as_ref());
        for (kind, document, value, inside) in [
            (Kind::Base, base, base.and_then(whole), &root),
            (Kind::File, file, file.and_then(whole), &root),
            (Kind::BaseProfile, base, base.and_then(part), &inside),
            (Kind::FileProfile, file, file.and_then(part), &inside),
        ] {
            if let (Some(document), Some(value)) = (document, value) {
                let layer = Layer { kind, source: Arc::clone(&document.source), inside: inside.clone(), sets: None };
                merged.lay(&root, value, layer);
            }
        }
        let mut problems = Vec::new();
        for argument in overrides {
            match Override::parse(argument).and_then(|parsed| Ok((parsed.overlay(&merged.value)?, parsed))) {
                Ok(((at, value), parsed)) => {
                    let source = Arc::new(parsed.source);
                    let sets = Some((parsed.path, parsed.span));
                    merged.lay(&at, value, Layer { kind: Kind::Override, source, inside: Path::default(), sets });
                }
                Err(found) => problems.extend(found.into_vec()),
            }
        }
        Problems::none_in(problems)?;
        Ok(merged)
    }
}

impl Document {
    fn read(file: &FilePath, label: &str) -> Result<Self, Problems> {
        let (source, value) = Source::read(file, label)?;
        let root = Path::default();
        let mut document = Self { source: Arc::new(source), root: Value::Null, profiles: Map::new(), extends: None };
        let Value::Object(mut fields) = value else {
            let found = if value.is_null() { "the spec is empty" } else { "the spec is not a mapping" };
            return Err(document.problem(&root, found).expected("a mapping: lines of `name: value`").into());
        };
        let mut problems = Vec::new();
        match fields.remove("extends") {
            None => {}
            Some(Value::String(base)) if is_plain(&base) => document.extends = Some(base),
            Some(_) => problems.push(
                document
                    .problem(&root.key("extends"), "`extends` does not name a base")
                    .expected(format!("the name of a file in {STUDIES}/{BASES}/, without folder and `.yaml`")),
            ),
        }
        match fields.remove("profiles") {
            None | Some(Value::Null) => {}
            Some(Value::Object(profiles)) => document.profiles = profiles,
            Some(_) => problems
                .push(document.problem(&root.key("profiles"), "`profiles` is not a mapping").expected("a mapping")),
        }
        problems.extend(document.check_profiles());
        // An empty override is written `demo:`, which YAML reads as null.
        document.profiles.values_mut().filter(|value| value.is_null()).for_each(|value| *value = Map::new().into());
        document.root = Value::Object(fields);
        Problems::none_in(problems)?;
        Ok(document)
    }

    fn check_profiles(&self) -> Vec<Diagnosis> {
        let mut problems = Vec::new();
        for (name, value) in &self.profiles {
            let path = Path::default().key("profiles").key(name);
            if !PROFILES.contains(&name.as_str()) {
                problems.push(self.problem(&path, format!("unknown profile `{name}`")).one_of(name, &PROFILES));
            }
            if !(value.is_object() || value.is_null()) {
                let problem = self.problem(&path, format!("profile `{name}` is not a mapping"));
                problems.push(problem.expected("a mapping of the fields it overrides"));
            }
            for key in ["extends", "profiles"] {
                if value.get(key).is_some() {
                    let problem = self.problem(&path.key(key), format!("`{key}` inside a profile"));
                    problems.push(problem.help(format!("`{key}` belongs at the top of the file")));
                }
            }
        }
        problems
    }

    fn problem(&self, path: &Path, message: impl Into<String>) -> Diagnosis {
        let found = self.source.positions.find(&path.0);
        let mut diagnosis = self.source.diagnose(found.map(Found::name), message);
        diagnosis.field = Some(path.to_string()).filter(|field| !field.is_empty());
        diagnosis
    }
}
