use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::testing::Folder;

fn with_mode(path: &Path, contents: &str, mode: u32) {
    fs::write(path, contents).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_cookie_is_made_once_and_for_nobody_else() {
    let folder = Folder::new();
    let path = folder.path().join(".erlang.cookie");
    let made = read_or_make(&path, |bytes| bytes.fill(0xab)).unwrap();
    assert_eq!(made.expose(), "ab".repeat(32).as_bytes());
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o400);
    let again = read_or_make(&path, |bytes| bytes.fill(0xcd)).unwrap();
    assert!(again.same_as(made.expose()));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
}

#[test]
fn a_cookie_that_others_may_read_is_refused_with_the_remedy() {
    let folder = Folder::new();
    let path = folder.path().join("cookie");
    for mode in [0o644, 0o440, 0o604, 0o420] {
        with_mode(&path, "SECRET", mode);
        let told = read(&path).unwrap_err().to_string();
        assert!(told.ends_with(&format!("chmod 400 {}", path.display())), "{told}");
    }
    with_mode(&path, "SECRET\n", 0o600);
    assert!(read(&path).unwrap().same_as(b"SECRET"));
}

#[test]
fn what_no_node_can_have_is_refused_without_telling_it() {
    for contents in ["", "\n", "two\nlines", "umläut", "\u{1}", &"x".repeat(256)] {
        let told = check(&Secret::from(contents), "-setcookie").unwrap_err().to_string();
        assert!(told.starts_with("-setcookie holds no cookie"), "{told}");
        assert!(contents.trim().is_empty() || !told.contains(contents), "{told}");
    }
    assert!(check(&Secret::from(" MONSTER \r\n"), "").unwrap().same_as(b"MONSTER"));
}

#[test]
fn the_usual_file_is_erl_s() {
    let folder = Folder::new();
    let home = folder.path();
    assert_eq!(usual_file(home, None), home.join(".erlang.cookie"));
    fs::create_dir_all(home.join(".config/erlang")).unwrap();
    with_mode(&home.join(".config/erlang/.erlang.cookie"), "C", 0o400);
    assert_eq!(usual_file(home, None), home.join(".config/erlang/.erlang.cookie"));
    with_mode(&home.join(".erlang.cookie"), "C", 0o400);
    assert_eq!(usual_file(home, None), home.join(".erlang.cookie"));
}
