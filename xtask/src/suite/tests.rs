use super::{PARTS, chosen};

fn names(arguments: &[&str]) -> Option<Vec<&'static str>> {
    let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    chosen(&arguments).ok().map(|parts| parts.iter().map(|part| part.name).collect())
}

#[test]
fn parts_are_chosen_by_name() {
    assert_eq!(names(&[]).map(|all| all.len()), Some(PARTS.len()));
    assert_eq!(names(&["--only", "unit,fmt"]), Some(vec!["unit", "fmt"]));
    assert_eq!(names(&["--only", "nonsense"]), None);
    assert_eq!(names(&["unit"]), None);
}
