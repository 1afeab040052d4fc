use super::{Fragment, page, with_release};
use std::path::PathBuf;

fn fragment(section: &'static str, text: &str) -> Fragment {
    Fragment { path: PathBuf::new(), section, text: text.to_owned() }
}

#[test]
fn fragments_are_grouped_in_the_order_of_sections() {
    let fragments =
        [fragment("Fixed", "One.\n"), fragment("Added", "Two\nlines.\n"), fragment("Fixed", "Three.")];
    let wanted = "## 1.0\n\n### Added\n\n- Two\n  lines.\n\n### Fixed\n\n- One.\n- Three.\n";
    assert_eq!(page("1.0", &fragments).unwrap(), wanted);
}

#[test]
fn a_release_goes_above_the_older_ones() {
    assert_eq!(with_release("# Changelog\n", "## 1\n"), "# Changelog\n\n## 1\n");
    assert_eq!(
        with_release("# Changelog\n\nWords.\n\n## 1\n", "## 2\n"),
        "# Changelog\n\nWords.\n\n## 2\n\n## 1\n"
    );
}
