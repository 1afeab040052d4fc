//! The manual of all options this server has, from their declarations.

use std::fmt::Write as _;

use crate::catalogue::{Catalogue, Known, Options};
use crate::declare::Declarations;

#[cfg(test)]
mod tests;

/// Options, listeners and modules as Markdown.
pub fn manual(declarations: &Declarations<'_>) -> String {
    let catalogue = Catalogue::new(declarations);
    let mut text = String::from(
        "# Configuration\n\nWhat can stand in the configuration file. Generated from the declarations of the \
         options.\n",
    );
    section(&mut text, "Top-level options", "", &catalogue.toplevel, 2);
    text.push_str("\n## Listeners\n\nEntries of `listen`, each with `module` and `port`.\n");
    for (name, options) in catalogue.listeners.iter().filter(|(_, options)| options.built) {
        section(&mut text, &format!("`{name}`"), options.doc, options, 3);
    }
    text.push_str("\n## Modules\n\nEntries of `modules`.\n");
    for (name, options) in catalogue.modules.iter().filter(|(_, options)| options.built) {
        section(&mut text, &format!("`{name}`"), options.doc, options, 3);
    }
    missing(&mut text, &catalogue);
    text
}

fn section(text: &mut String, title: &str, doc: &str, options: &Options, level: usize) {
    let marks = "#".repeat(level);
    let _ = write!(text, "\n{marks} {title}\n");
    if !doc.is_empty() {
        let _ = write!(text, "\n{doc}\n");
    }
    let built: Vec<&Known> = options.list.iter().filter(|known| known.built).collect();
    if built.is_empty() {
        return;
    }
    text.push('\n');
    for known in built {
        let _ = writeln!(text, "- **`{}`** ({}) — {}", known.name, facts(known, level), known.doc);
        for nested in &known.nested {
            let kind =
                crate::kind::Type::parse(nested.kind).map_or_else(|error| error.0, |kind| kind.to_string());
            let default = default(nested.default);
            let _ = writeln!(text, "  - `{}` ({kind}{default}) — {}", nested.name, nested.doc);
        }
    }
}

fn facts(known: &Known, level: usize) -> String {
    let kind = match known.notation.starts_with("map; see") {
        true => "a map of names to rules".to_owned(),
        false => known.kind.to_string(),
    };
    let mut facts = format!("{kind}{}", default(known.default_text));
    if level == 2 && !known.per_host {
        facts.push_str("; the same for all hosts");
    }
    facts
}

fn default(text: &str) -> String {
    match text {
        "" | "unset" => String::new(),
        "required" => "; required".to_owned(),
        text => match text.strip_prefix("= toplevel ") {
            Some(option) => format!("; default: the top-level `{option}`"),
            None => format!("; default: `{text}`"),
        },
    }
}

/// What ejabberd has and this server does not yet.
fn missing(text: &mut String, catalogue: &Catalogue) {
    let mut list = |title: &str, names: Vec<String>| {
        if !names.is_empty() {
            let _ = write!(text, "\n{title}: {}.\n", names.join(", "));
        }
    };
    let name = |name: &&str| format!("`{name}`");
    let absent = |options: &Options| -> Vec<String> {
        options.list.iter().filter(|known| !known.built).map(|known| format!("`{}`", known.name)).collect()
    };
    let modules =
        catalogue.modules.iter().filter(|(_, options)| !options.built).map(|(module, _)| name(module));
    let modules: Vec<String> = modules.collect();
    let listeners: Vec<String> = catalogue
        .listeners
        .iter()
        .filter(|(_, options)| !options.built)
        .map(|(module, _)| name(module))
        .collect();
    let toplevel = absent(&catalogue.toplevel);
    if !(modules.is_empty() && listeners.is_empty() && toplevel.is_empty()) {
        list(
            "\n## Known and not supported yet\n\nThese are accepted with a warning and have no effect.\n\nTop-level options",
            toplevel,
        );
    }
    list("Listeners", listeners);
    list("Modules", modules);
    let scopes = catalogue.listeners.iter().chain(&catalogue.modules).filter(|(_, options)| options.built);
    for (scope, options) in scopes {
        list(&format!("Options of `{scope}`"), absent(options));
    }
}
