use std::fs;

use super::Rotating;
use crate::testing::Folder;

/// Writes these lines with these limits; tells the contents of the files, newest first.
fn files(size_max: Option<u64>, kept: u64, lines: &[&str]) -> Vec<String> {
    let folder = Folder::new();
    let path = folder.path().join("a.log");
    let mut file = Rotating::open(path.clone()).unwrap();
    (file.size_max, file.kept) = (size_max, kept);
    for line in lines {
        file.write(line.as_bytes()).unwrap();
    }
    let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    names.iter().map(|name| fs::read_to_string(name).unwrap()).collect()
}

#[test]
fn full_files_are_renamed_and_old_ones_removed() {
    assert_eq!(files(Some(3), 1, &["aa", "bb", "cc"]), ["cc", "bb"]);
    assert_eq!(files(Some(3), 2, &["aa", "bb", "cc", "dd"]), ["dd", "cc", "bb"]);
    assert_eq!(files(Some(3), 0, &["aa", "bb"]), ["bb"]);
    assert_eq!(files(None, 1, &["aa", "bb"]), ["aabb"]);
    // A line larger than a file gets one of its own.
    assert_eq!(files(Some(1), 1, &["aa"]), ["aa"]);
}

#[test]
fn a_file_renamed_by_others_is_opened_anew() {
    let folder = Folder::new();
    let path = folder.path().join("a.log");
    let mut file = Rotating::open(path.clone()).unwrap();
    file.write(b"old").unwrap();
    fs::rename(&path, folder.path().join("b.log")).unwrap();
    file.reopen().unwrap();
    file.write(b"new").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
}
