use crate::testing::{lines, load_files};
use crate::{Config, Environment};

fn load(text: &str, others: &[(&str, &str)]) -> Result<(Config, Vec<String>), Vec<String>> {
    load_files(text, others, &Environment::default())
        .map(|(config, remarks)| (config, lines(&remarks)))
        .map_err(|errors| lines(&errors))
}

#[test]
fn files_are_read_in_the_place_that_names_them() {
    for include in ["sub/a.yml", "[sub/a.yml]", "{sub/a.yml: {}}"] {
        let text = format!("hosts: [a]\ninclude_config_file: {include}\nlanguage: de\n");
        let others = [("sub/a.yml", "include_config_file: b.yml\n"), ("sub/b.yml", "hosts: [b]\n")];
        let (config, _) = load(&text, &others).unwrap();
        assert_eq!(config.hosts(), ["a", "b"], "{include}");
    }
}

#[test]
fn macros_of_an_included_file_hold_everywhere() {
    let text = "include_config_file: macros.yml\nhosts: [NAME]\n";
    let (config, _) = load(text, &[("macros.yml", "define_macro:\n  NAME: example.org\n")]).unwrap();
    assert_eq!(config.hosts(), ["example.org"]);
}

#[test]
fn an_included_file_holds_only_what_it_may() {
    let others = [("a.yml", "language: de\nacl: {admin: {user: a@b}}\nloglevel: debug\n")];
    for (filter, language, level) in [
        ("{disallow: [language, acl]}", "en", "debug"),
        ("{allow_only: [language]}", "de", "info"),
        ("{allow_only: [language], disallow: [language]}", "de", "info"),
        ("{}", "de", "debug"),
    ] {
        let text = format!("hosts: [a]\ninclude_config_file: {{a.yml: {filter}}}\n");
        let (config, remarks) = load(&text, &others).unwrap();
        assert_eq!(config.global.text("language"), *language, "{filter}");
        assert_eq!(config.global.text("loglevel"), *level, "{filter}");
        assert_eq!(remarks.is_empty(), filter == "{}", "{remarks:?}");
    }
}

#[test]
fn mistakes_are_reported_in_all_files_at_once() {
    let text = "hosts: [a]\nlanguage: [en]\ninclude_config_file:\n  - a.yml\n  - gone.yml\n  - broken.yml\n  - test.yml\n";
    let errors = load(text, &[("a.yml", "loglevel: loud\n"), ("broken.yml", "a: [\n")]).unwrap_err();
    assert_eq!(errors.len(), 5, "{errors:#?}");
    assert!(errors[0].starts_with("a.yml:1:11: loglevel: `loud` can't stand here; expected none, emergency"));
    assert!(errors[1].starts_with("broken.yml:1:4: this is not YAML"), "{}", errors[1]);
    assert!(errors[2].starts_with("test.yml:2:11: language: a list can't stand here"));
    assert_eq!(errors[3], "test.yml:5:5: include_config_file: gone.yml can't be read: there is no such file");
    assert_eq!(errors[4], "test.yml:7:5: include_config_file: test.yml includes itself");
}

#[test]
fn what_includes_can_not_be_is_refused() {
    for (include, message) in [
        ("", "test.yml:1:20: include_config_file: nothing is named"),
        ("[[a]]", "test.yml:1:23: include_config_file: this names no file"),
        ("{a.yml: {only: [a]}}", "test.yml:1:31: include_config_file.a.yml: unknown option `only`"),
        (
            "{a.yml: {disallow: a}}",
            "test.yml:1:41: include_config_file.a.yml.disallow: a string can't stand here",
        ),
    ] {
        let errors =
            load(&format!("include_config_file: {include}\nhosts: [a]\n"), &[("a.yml", "")]).unwrap_err();
        assert!(errors.iter().any(|line| line.starts_with(message)), "{include}: {errors:?}");
    }
}

#[test]
fn files_that_include_each_other_end() {
    let others: Vec<(String, String)> = (0..300)
        .map(|n| (format!("f{n}.yml"), format!("include_config_file: [f{}.yml, f{}.yml]\n", n + 1, n + 2)))
        .collect();
    let others: Vec<(&str, &str)> = others.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let errors = load("hosts: [a]\ninclude_config_file: f0.yml\n", &others).unwrap_err();
    assert!(errors.iter().any(|line| line.ends_with("more than 256 files are included")), "{errors:?}");
}

#[test]
fn the_old_format_is_recognised() {
    use std::collections::BTreeMap;
    let files = BTreeMap::from([("ejabberd.cfg".into(), b"{hosts, [\"localhost\"]}.\n".to_vec())]);
    let path = std::path::Path::new("ejabberd.cfg");
    let errors = crate::load_with(path, &crate::Declarations::default(), &Environment::default(), &files);
    assert!(lines(&errors.unwrap_err())[0].contains("convert_to_yaml"));
}
