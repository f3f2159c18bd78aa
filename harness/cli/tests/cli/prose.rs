//! `validate --prose`: figures typed in the text of templates.

use crate::studio::Studio;
use std::fs;

#[test]
fn no_figure_is_typed_in_a_template_of_the_project() {
    let studio = Studio::new();
    let templates = |folder: &str| {
        let files = fs::read_dir(studio.path(folder)).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        files.filter(|name| name.ends_with(".md.j2")).count()
    };
    let all = templates("templates") + templates("templates/partials");
    let said = studio.run(&["validate", "--prose"]).ended(0);
    said.answers(" specs, ").answers(&format!(" manifests and {all} templates checked: no problem found"));
    let without = studio.run(&["validate"]).ended(0);
    assert!(!without.stdout.contains("template"), "{}", without.stdout);
    // Names ask for templates alone.
    let said = studio.run(&["validate", "--prose", "blurring"]).ended(0);
    assert!(!said.stdout.contains("spec"), "{}", said.stdout);
    for name in ["templates/partials/results.md.j2", "partials/results.md.j2"] {
        let said = studio.run(&["validate", "--prose", name]).ended(0);
        assert_eq!(said.stdout, "1 template checked: no problem found\n");
    }
}

#[test]
fn a_typed_figure_is_shown_where_it_stands() {
    let studio = Studio::new();
    let path = studio.path("templates/partials/claims.md.j2");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}\r\nThe gain is 0.012, as expected.\r\n")).unwrap();
    let line = text.lines().count() + 2;
    for arguments in [&["validate", "--prose"][..], &["validate", "--prose", "blurring"]] {
        let said = studio.run(arguments).ended(3).tells("a figure is typed, not computed: `0.012`");
        said.tells(&format!("templates/partials/claims.md.j2:{line}:13"))
            .tells("| The gain is 0.012, as expected.")
            .tells("|             ^^^^^\n")
            .tells("help: let a function print it");
    }
    let json = studio.run(&["validate", "--json", "--prose"]).ended(3).json();
    assert_eq!((&json[0]["span"]["line"], &json[0]["span"]["width"]), (&line.into(), &5.into()), "{json}");
    // Neither a plain check nor other templates look at it.
    studio.run(&["validate"]).ended(0);
    studio.run(&["validate", "--prose", "partials/results.md.j2"]).ended(0);
}

#[test]
fn wrong_names_and_broken_templates() {
    let studio = Studio::new();
    studio.run(&["validate", "--prose", "bluring"]).ended(3).tells("did you mean `blurring`?");
    studio
        .run(&["validate", "--prose", "partials/result.md.j2"])
        .ended(3)
        .tells("did you mean `partials/results.md.j2`?");
    studio
        .run(&["validate", "--prose", "../blurring"])
        .ended(3)
        .tells("no study and no template is called `../blurring`");
    fs::write(studio.path("templates/blurring.md.j2"), "one\n{% if %}\n").unwrap();
    studio.run(&["validate", "--prose"]).ended(3).tells("templates/blurring.md.j2:2");
    fs::write(studio.path("templates/blurring.md.j2"), vec![b'x'; (1 << 20) + 1]).unwrap();
    studio.run(&["validate", "--prose"]).ended(3).tells("templates/blurring.md.j2");
}
