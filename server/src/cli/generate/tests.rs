use std::fs;

use clap::CommandFactory as _;

use super::{Arguments, What, run};
use crate::cli::Cli;
use crate::testing::Folder;

#[test]
fn pages_and_completion_know_every_option_and_nothing_hidden() {
    let folder = Folder::new();
    for what in [What::Man, What::Completion] {
        let arguments = Arguments { what, folder: folder.path().join("made") };
        assert_eq!(run(&arguments, Cli::command()), std::process::ExitCode::SUCCESS);
    }
    let read = |name: &str| fs::read_to_string(folder.path().join("made").join(name)).unwrap();
    let start = read("nightjar-start.1");
    assert!(start.contains("no\\-sandbox") && start.contains("NIGHTJAR_USER"), "{start}");
    assert!(read("ejabberdctl.8").contains("nightjar-ctl.1"));
    for name in ["nightjar.bash", "_nightjar", "nightjar.fish"] {
        assert!(read(name).contains("allow-exposed-files"), "{name}");
    }
    assert!(!folder.path().join("made/nightjar-generate.1").exists());
}
