use super::*;

/// `line:column+width text` of everything that is found.
fn found(source: &str) -> Vec<String> {
    let part = |f: &Finding| -> String { f.source_line.chars().skip(f.column - 1).take(f.width).collect() };
    findings(source).iter().map(|f| format!("{}:{}+{} {}", f.line, f.column, f.width, part(f))).collect()
}

#[test]
fn what_is_typed_is_found_where_it_stands() {
    assert_eq!(found("Dice is 0.864, over 3,669 images.\n"), ["1:9+5 0.864", "1:21+5 3,669"]);
    assert_eq!(found("# A\n\nβ fell by \u{2212}11.10 % to\n½ of it.\n"), ["3:12+5 11.10", "4:1+1 ½"]);
    assert_eq!(found("one\r\ntwo 2\r\n\r\n* three 3\r\n"), ["2:5+1 2", "4:9+1 3"]);
    assert_eq!(found("| Arm | Dice |\n| --- | --- |\n| SSL | 0.5 |\n"), ["3:9+3 0.5"]);
    assert_eq!(found("## Results of 2024\n\n> quoted 1\n\n<b>2</b>\n"), ["1:15+4 2024", "3:10+1 1", "5:4+1 2"]);
    assert_eq!(
        found("3D, 4th, 3×3, p<0.05, x=1"),
        ["1:1+2 3D", "1:5+3 4th", "1:10+1 3", "1:12+1 3", "1:17+4 0.05", "1:25+1 1"]
    );
    assert_eq!(found("**0.5** and [0.6](a.md) and ![0.7](a.png)"), ["1:3+3 0.5", "1:14+3 0.6", "1:31+3 0.7"]);
}

#[test]
fn names_code_addresses_and_numbers_of_lists_are_no_figures() {
    for right in [
        "blur-0, blur_25, CIFAR-10, ResNet-34, H200, f32, d_z, metrics2.csv, px²",
        "see `0.864` and ``a ` 1``",
        "```\n0.864\n```\n",
        "~~~ text 1\n{{ x }} 0.864\n~~~\n",
        "[rows](data/metrics.csv#L12) and <https://example.org/10> and https://example.org/a.10/b",
        "1. first\n2. second\n",
        "[a]: data/1.csv\n\nSee [a].\n",
    ] {
        assert_eq!(found(right), Vec::<String>::new(), "{right}");
    }
    // What only looks like it.
    assert_eq!(found("p0.05 and -5"), ["1:4+2 05", "1:12+1 5"]);
    assert_eq!(found("a `b 0.1\n\nc` 0.2"), ["1:6+3 0.1", "3:4+3 0.2"]);
    assert_eq!(found("in 5. 6"), ["1:4+1 5", "1:7+1 6"]);
}

#[test]
fn tags_are_looked_over_unless_they_print_a_constant() {
    for right in [
        "{{ value(\"ssl@blur-0.dice\", \"corrected\") }}",
        "{% set seen = namespace(run=0) %}{{ seen.run }}",
        "{% if x > 0.5 %}more{% elif x == \"}} 0.5\" %}less{% endif %}",
        "{{ f(\n  1,\n  \"2\"\n) }}",
        "{#- 0.864\n0.865 -#}",
        "{{ \"text\" }}",
        "{{ list[0] }}",
    ] {
        assert_eq!(found(right), Vec::<String>::new(), "{right}");
    }
    assert_eq!(found("Dice: {{ 0.864 }}"), ["1:7+11 {{ 0.864 }}"]);
    assert_eq!(found("{{ \"0.864\" | safe }}"), ["1:1+20 {{ \"0.864\" | safe }}"]);
    assert_eq!(found("{{- 0.8 ~ '64' -}}").len(), 1);
    // Beside, between and behind tags.
    assert_eq!(found("{{ x }}0.5{{ y }} 1{% if z %} 2{% endif %}"), ["1:8+3 0.5", "1:19+1 1", "1:31+1 2"]);
    assert_eq!(found("{% if z %}\n{% for\n  x in y %}\n  7 {{ f(\n\"8\") }} 9\n{% endfor %}"), ["4:3+1 7", "5:9+1 9"]);
    assert_eq!(found("{% raw %}{{ 0.5 }}{% endraw %}"), ["1:13+3 0.5"]);
    assert_eq!(found("{%- macro m() -%} 3 {%- endmacro -%}"), ["1:19+1 3"]);
    // A tag at the start does not make the line code, nor does indentation in a loop.
    assert_eq!(found("{{ aaaaaaaaaaa }} 0.5\n\n{% for x in y %}\n    0.6\n{% endfor %}"), ["1:19+3 0.5", "4:5+3 0.6"]);
}

#[test]
fn a_template_says_where_and_why_digits_are_allowed() {
    let region = "{#- digits: citations -#}\nVolume 83, 1988.\n{# digits: end #}\n";
    assert_eq!(found(region), Vec::<String>::new());
    assert_eq!(
        found(&format!("1\n{region}2 {{# digits: why #}} 3 {{{{ 4 }}}} {{#- digits: end #}} 5\n")),
        ["1:1+1 1", "5:1+1 2", "5:50+1 5"]
    );
    let messages = |source: &str| findings(source).into_iter().map(|f| (f.line, f.message)).collect::<Vec<_>>();
    let of = |line, message: &str| (line, message.to_owned());
    assert_eq!(messages("a\n{# digits: end #}"), [of(2, "this ends a text with digits that did not begin")]);
    assert_eq!(
        messages("{# digits: #} 1"),
        [of(1, "it is not said why digits are allowed here"), of(1, "a figure is typed, not computed: `1`")]
    );
    assert_eq!(
        messages("{# digits: a #}1\n2\n"),
        [
            of(1, "the text in which digits are allowed has no end"),
            of(1, "a figure is typed, not computed: `1`"),
            of(2, "a figure is typed, not computed: `2`")
        ]
    );
    assert_eq!(
        messages("{# digits: a #}\n{# digits: b #}\n1{# digits: end #}"),
        [of(2, "digits are allowed here already, and that has no end yet")]
    );
}

#[test]
fn very_many_findings_are_counted() {
    let found = findings(&"1 ".repeat(100_000));
    assert_eq!(found.len(), MOST);
    assert!(found[MOST - 1].message.ends_with("`1`; 99980 more follow in this file"), "{}", found[MOST - 1].message);
    // Neither deep nesting nor tags without end take long.
    assert!(findings(&"{{".repeat(100_000)).is_empty());
    assert!(findings(&"{% raw %}".repeat(50_000)).is_empty());
    assert!(findings(&"> ".repeat(10_000)).is_empty());
    assert!(findings(&"a1.".repeat(100_000)).is_empty());
}

#[test]
fn a_study_has_the_templates_that_it_includes() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    std::fs::create_dir(folder.path().join("partials")).unwrap();
    write("study.md.j2", "general");
    write("own.md.j2", "{% include \"partials/a.md.j2\" %}{%- import 'partials/b.md.j2' as b -%}{% include name %}");
    write("partials/a.md.j2", "{% from \"partials/b.md.j2\" import x %}{% include [\"own.md.j2\", \"c.md.j2\"] %}5");
    write("partials/b.md.j2", "{% macro x() %}6{% endmacro %}");
    let of = |study: &str| templates_of(folder.path(), study).unwrap();
    assert_eq!(of("own"), ["own.md.j2", "partials/a.md.j2", "partials/b.md.j2", "c.md.j2"]);
    assert_eq!(of("other"), ["study.md.j2"]);
    assert_eq!(of("../own"), ["study.md.j2"]);
    assert_eq!(templates(folder.path()).unwrap().len(), 4);
    assert_eq!(check(folder.path(), "partials/b.md.j2").unwrap().len(), 1);
    let message = |name: &str| check(folder.path(), name).unwrap_err().to_string();
    assert!(message("c.md.j2").ends_with("c.md.j2: there is no such template"), "{}", message("c.md.j2"));
    write("bad.md.j2", "one\n{% if %}\n");
    assert!(message("bad.md.j2").contains("bad.md.j2:2: "), "{}", message("bad.md.j2"));
}
