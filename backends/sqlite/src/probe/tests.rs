use std::fs;
use std::path::PathBuf;

use super::*;
use crate::{SqliteOptions, open};

const LIMIT: Duration = Duration::from_secs(10);

/// The file of a fresh database, in a folder that vanishes with the value.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("nightjar-probe-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("nightjar.db");
        drop(open(&SqliteOptions::new(&path)).unwrap());
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.0.parent().unwrap());
    }
}

#[test]
fn a_sound_file_has_nothing_wrong() {
    let file = File::new("sound");
    assert_eq!(probe(&file.0, LIMIT).unwrap(), None);
}

#[test]
fn a_damaged_file_is_told_from_one_that_is_not_there() {
    let file = File::new("damaged");
    let mut bytes = fs::read(&file.0).unwrap();
    // Everything but the first page, which says what the file is.
    bytes.iter_mut().skip(4096).for_each(|byte| *byte = 0xA5);
    fs::write(&file.0, &bytes).unwrap();
    assert!(probe(&file.0, LIMIT).unwrap().is_some());
    fs::write(&file.0, "This is no database, whatever its name may say about it.").unwrap();
    assert!(probe(&file.0, LIMIT).unwrap().is_some());
    assert!(probe(&file.0.with_file_name("none.db"), LIMIT).is_err());
}
