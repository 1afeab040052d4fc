use std::collections::BTreeMap;
use std::path::PathBuf;

use super::*;

/// Loads text as the file `test.yml`, with other files beside it.
fn load_text(text: &str, others: &[(&str, &str)]) -> Loaded {
    let mut files: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
    files.insert("test.yml".into(), text.into());
    for (name, text) in others {
        files.insert((*name).into(), (*text).into());
    }
    load_with(Path::new("test.yml"), &Declarations::default(), &Environment::default(), &files)
}

fn lines(diagnostics: &[Diagnostic]) -> Vec<String> {
    diagnostics.iter().map(Diagnostic::one_line).collect()
}

#[test]
fn ejabberds_files_load_with_warnings_only() {
    for text in [include_str!("../../testdata/interop.yml"), include_str!("../../testdata/port-plan.yml")] {
        let (config, warnings) = load_text(text, &[]).map_err(|errors| lines(&errors)).unwrap();
        assert!(!config.hosts().is_empty());
        let unsupported = |line: &String| line.contains("not supported yet");
        let others: Vec<String> = lines(&warnings).into_iter().filter(|line| !unsupported(line)).collect();
        println!("{others:#?}");
    }
}

#[test]
fn the_built_in_configuration_has_no_mistakes_and_no_remarks() {
    let (config, warnings) = default_config(&Declarations::default(), &Environment::default()).unwrap();
    assert_eq!(lines(&warnings), Vec::<String>::new());
    assert_eq!(config.hosts(), ["localhost"]);
}
