use super::*;
use crate::diagnostic::Report;
use crate::node::Place;

fn every_option() -> Vec<(String, Known)> {
    let catalogue = &*TABLES;
    let mut all = Vec::new();
    let scopes = catalogue.modules.iter().chain(&catalogue.listeners).map(|(name, options)| (*name, options));
    for (scope, options) in [("", &catalogue.toplevel)].into_iter().chain(scopes) {
        for known in &options.list {
            all.push((format!("{scope} {}", known.name), known.clone()));
        }
    }
    all
}

#[test]
fn knows_everything_in_the_tables() {
    let catalogue = &*TABLES;
    assert_eq!(catalogue.toplevel.list.len(), 177);
    assert_eq!(catalogue.modules.len(), 70);
    assert_eq!(catalogue.modules.values().map(|module| module.list.len()).sum::<usize>(), 412);
    let nested: usize =
        catalogue.modules.values().flat_map(|module| &module.list).map(|known| known.nested.len()).sum();
    assert_eq!(nested, 71);
    assert_eq!(catalogue.listeners.len(), 9);
    let own = catalogue.handlers.keys().filter(|name| name.starts_with("nightjar_")).count();
    assert_eq!(catalogue.handlers.len() - own, 18);
}

#[test]
fn every_type_in_the_tables_means_something() {
    let tables = [(TOPLEVEL, 1), (MODULE_OPTIONS, 2), (LISTENERS, 2)];
    for (table, column) in tables {
        for row in rows(table) {
            let notation = cell(&row, column);
            assert!(Type::parse(notation).is_ok(), "{row:?}");
        }
    }
    // A single word that is no type would be taken for the only value allowed.
    for (name, known) in every_option() {
        let lone = matches!(&known.kind, Type::Words(words) if words.len() == 1);
        assert!(!lone || known.notation == "mnesia", "{name}: {}", known.notation);
    }
}

#[test]
fn every_default_in_the_tables_has_its_type() {
    for (name, known) in every_option() {
        let DefaultValue::Yaml(node) = &known.default else { continue };
        if known.default_text.contains('@') {
            continue;
        }
        let mut report = Report::default();
        known.kind.check(node, &Place::TOP.key(known.name), &mut report);
        let errors: Vec<String> =
            report.finish().err().into_iter().flatten().map(|error| error.one_line()).collect();
        assert!(errors.is_empty(), "{name}: {} = {:?}: {errors:?}", known.notation, known.default_text);
    }
}

#[test]
fn nested_options_stand_in_their_place() {
    let options = TABLES.modules.get("mod_stun_disco").unwrap();
    let kind = options.get("services").unwrap().kind.to_string();
    assert_eq!(kind, "a list of: a map with host, port, type, transport, restricted");
    let options = TABLES.listeners.get("ejabberd_service").unwrap();
    let kind = options.get("hosts").unwrap().kind.to_string();
    assert_eq!(kind, "a map of a domain to a map with password");
}

#[test]
fn reads_what_modules_need() {
    let needs = |module: &str| TABLES.modules.get(module).unwrap().needs.clone();
    assert_eq!(needs("mod_announce"), [Need { module: "mod_adhoc", plugin: None }]);
    assert_eq!(needs("mod_avatar").len(), 3);
    assert_eq!(needs("mod_pubsub"), [Need { module: "mod_caps", plugin: Some("pep") }]);
    assert_eq!(needs("mod_antispam"), []);
}

#[test]
fn the_cores_declarations_are_right() {
    assert_eq!(Catalogue::check(&Declarations::default()), Vec::<String>::new());
    let wrong = crate::ModuleSpec {
        name: "mod_ping",
        options: &[
            OptionSpec { name: "interval", kind: "bool", default: "often", doc: "" },
            OptionSpec { name: "other", kind: "[strange!]", default: "unset", doc: "" },
        ],
        doc: "",
    };
    let declarations = Declarations { modules: &[&wrong], ..Declarations::default() };
    assert_eq!(Catalogue::check(&declarations).len(), 2);
}
