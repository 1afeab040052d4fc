use std::collections::BTreeSet;

use nightjar_config::catalogue::Catalogue;

use crate::home::Home;
use crate::node::{read_config, with_declarations};

#[test]
fn declarations_mean_something() {
    let problems = with_declarations(Catalogue::check);
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn nothing_is_declared_twice() {
    with_declarations(|declarations| {
        // mod_mqtt is a module and a listener.
        for specs in [declarations.modules, declarations.listeners] {
            let mut seen = BTreeSet::new();
            for spec in specs {
                assert!(seen.insert(spec.name), "{}", spec.name);
            }
        }
        let mut seen = BTreeSet::new();
        for option in declarations.toplevel {
            assert!(seen.insert(option.name), "{}", option.name);
        }
    });
}

#[test]
fn the_built_in_configuration_is_understood() {
    let home = Home::locate(Some("/nonexistent".into()));
    let (config, remarks) = read_config(None, &home).unwrap();
    assert!(remarks.is_empty(), "{remarks:#?}");
    assert_eq!(config.hosts().len(), 1);
    assert!(!config.listeners().is_empty());
}
