use super::{Package, Rules, duplicates, licence_complaint, source_complaint};

const RULES: &str = r#"
# [licenses] in a comment
[licenses]
allow = [
    "MIT",
    "Apache-2.0", # a word
    "Apache-2.0 WITH LLVM-exception",
]
[bans]
multiple-versions = "deny"
skip = [
    { name = "syn" },
]
deny = [
    { name = "openssl" },
]
"#;

fn package(name: &str, version: &str, licence: Option<&str>, source: Option<&str>) -> Package {
    Package {
        name: name.to_owned(),
        version: version.to_owned(),
        licence: licence.map(str::to_owned),
        source: source.map(str::to_owned),
    }
}

#[test]
fn rules_are_read() {
    let rules = Rules::read(RULES);
    assert_eq!(rules.licences, ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"]);
    assert_eq!(rules.duplicates, ["syn"]);
    assert_eq!(rules.banned, ["openssl"]);
}

#[test]
fn licences_are_weighed() {
    let rules = Rules::read(RULES);
    for (licence, allowed) in [
        (Some("MIT"), true),
        (Some("MIT OR GPL-3.0-only"), true),
        (Some("MIT/Apache-2.0"), true),
        (Some("MIT AND GPL-3.0-only"), false),
        (Some("Apache-2.0 WITH LLVM-exception"), true),
        (Some("GPL-3.0-only"), false),
        (Some("no such words"), false),
        (None, false),
    ] {
        let complaint = licence_complaint(&rules, &package("p", "1.0.0", licence, None));
        assert_eq!(complaint.is_none(), allowed, "{licence:?}: {complaint:?}");
    }
}

#[test]
fn sources_and_banned_packages_are_seen() {
    let rules = Rules::read(RULES);
    for (name, source, allowed) in [
        ("p", None, true),
        ("p", Some("registry+x"), true),
        ("p", Some("git+https://example.org/p"), false),
        ("openssl", Some("registry+x"), false),
    ] {
        assert_eq!(
            source_complaint(&rules, &package(name, "1.0.0", None, source)).is_none(),
            allowed,
            "{name} {source:?}"
        );
    }
}

#[test]
fn duplicates_are_seen_and_the_list_only_shrinks() {
    let rules = Rules::read(RULES);
    let twice = |name: &str| [package(name, "1.0.0", None, None), package(name, "2.0.0", None, None)];
    assert!(duplicates(&rules, &twice("syn")).is_empty());
    let complaints = duplicates(&rules, &twice("rand"));
    assert_eq!(complaints.len(), 2, "{complaints:?}");
    assert!(complaints[0].contains("rand is in the tree 2 times: 1.0.0, 2.0.0"));
    assert!(complaints[1].contains("syn is no duplicate any more"));
}
