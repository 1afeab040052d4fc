//! A JSON schema of the configuration file, for editors (JSON Schema 2020-12).

use serde_json::{Map, Value, json};

use crate::catalogue::{Catalogue, Known, Options};
use crate::declare::Declarations;
use crate::kind::{DefaultValue, TextKind, Type};

#[cfg(test)]
mod tests;

/// The schema as JSON text.
pub fn json_schema(declarations: &Declarations<'_>) -> String {
    let catalogue = Catalogue::new(declarations);
    let mut schema = object(&catalogue.toplevel);
    let host = host_options(&catalogue);
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.insert("listen".to_owned(), json!({ "type": "array", "items": listeners(&catalogue) }));
        properties.insert("modules".to_owned(), modules(&catalogue));
        for option in ["host_config", "append_host_config"] {
            properties
                .insert(option.to_owned(), json!({ "type": "object", "additionalProperties": host.clone() }));
        }
    }
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("title".to_owned(), json!("Nightjar configuration"));
    schema.insert("$defs".to_owned(), definitions());
    serde_json::to_string_pretty(&Value::Object(schema)).unwrap_or_default()
}

fn definitions() -> Value {
    json!({
        "macro": { "type": "string", "pattern": "^(@?)[A-Z_0-9]+(@?)$" },
        "duration": {
            "anyOf": [{ "type": "integer", "minimum": 1 }, { "type": "string", "pattern": "^ *[0-9]+ *[A-Za-z]* *$" }]
        },
        "infinity": { "enum": ["infinity", "infinite", "unlimited"] },
        "bool": { "anyOf": [{ "type": "boolean" }, { "enum": ["on", "off", "yes", "no", "y", "n"] }] },
        "access_rule": { "type": ["string", "array", "object"] },
        "shaper_rule": { "type": ["string", "integer", "array", "object"] }
    })
}

/// The options of one host are those of the top level that may differ from host to host.
fn host_options(catalogue: &Catalogue) -> Value {
    let mut options = (*catalogue.toplevel).clone();
    options.list.retain(|known| known.per_host);
    let mut schema = object(&options);
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.insert("modules".to_owned(), modules(catalogue));
    }
    Value::Object(schema)
}

fn modules(catalogue: &Catalogue) -> Value {
    let named = |(name, options): (&&str, &std::sync::Arc<Options>)| {
        let mut schema = object(options);
        describe(&mut schema, options.doc, options.built);
        ((*name).to_owned(), Value::Object(schema))
    };
    let properties: Map<String, Value> = catalogue.modules.iter().map(named).collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

fn listeners(catalogue: &Catalogue) -> Value {
    let one = |(name, options): (&&str, &std::sync::Arc<Options>)| {
        let mut schema = object(options);
        if let Some(Value::Object(properties)) = schema.get_mut("properties") {
            properties.insert("module".to_owned(), json!({ "const": name }));
        }
        describe(&mut schema, options.doc, options.built);
        Value::Object(schema)
    };
    json!({ "oneOf": catalogue.listeners.iter().map(one).collect::<Vec<Value>>() })
}

fn object(options: &Options) -> Map<String, Value> {
    let property = |known: &Known| {
        let mut schema = kind(&known.kind);
        describe(&mut schema, known.doc, known.built);
        (known.name.to_owned(), Value::Object(schema))
    };
    let properties: Map<String, Value> = options.list.iter().map(property).collect();
    let required = options.list.iter().filter(|known| matches!(known.default, DefaultValue::Required));
    let required: Vec<&str> = required.map(|known| known.name).collect();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), Value::Object(properties));
    schema.insert("additionalProperties".to_owned(), json!(false));
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema
}

fn describe(schema: &mut Map<String, Value>, doc: &str, built: bool) {
    let text = if built { doc.to_owned() } else { format!("Not supported yet. {doc}") };
    if !text.is_empty() {
        schema.insert("description".to_owned(), json!(text));
    }
}

/// The schema of a type; a macro may stand for any single value.
fn kind(kind: &Type) -> Map<String, Value> {
    let schema = match kind {
        Type::Any => json!({}),
        Type::Text(text) => text_schema(text),
        Type::List { .. } | Type::Map { .. } | Type::Fields(_) | Type::NonEmpty(_) | Type::Joined(_) => {
            collection(kind)
        }
        Type::Either(kinds) => {
            json!({ "anyOf": kinds.iter().map(|one| Value::Object(self::kind(one))).collect::<Vec<_>>() })
        }
        single => json!({ "anyOf": [single_schema(single), { "$ref": "#/$defs/macro" }] }),
    };
    match schema {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn single_schema(kind: &Type) -> Value {
    match kind {
        Type::Bool => json!({ "$ref": "#/$defs/bool" }),
        Type::Int { min, max } => {
            let mut schema = Map::from_iter([("type".to_owned(), json!("integer"))]);
            if *min > i64::MIN {
                schema.insert("minimum".to_owned(), json!(min));
            }
            if *max < i64::MAX {
                schema.insert("maximum".to_owned(), json!(max));
            }
            Value::Object(schema)
        }
        Type::Number { min } => json!({ "type": "number", "minimum": min }),
        Type::Octal => json!({ "type": ["string", "integer"] }),
        Type::Zero => json!({ "const": 0 }),
        Type::Duration => json!({ "$ref": "#/$defs/duration" }),
        Type::Infinity => json!({ "$ref": "#/$defs/infinity" }),
        Type::Words(words) => {
            let word = |word: &str| if word == "false" { json!(false) } else { json!(word) };
            json!({ "enum": words.iter().map(|one| word(one)).collect::<Vec<Value>>() })
        }
        Type::AccessRule => json!({ "$ref": "#/$defs/access_rule" }),
        Type::ShaperRule => json!({ "$ref": "#/$defs/shaper_rule" }),
        _ => json!({}),
    }
}

fn text_schema(text: &TextKind) -> Value {
    match text {
        TextKind::Matching(regex) => json!({ "type": "string", "pattern": regex.as_str() }),
        TextKind::UnixPath => json!({ "type": "string", "pattern": "^unix:." }),
        TextKind::Name | TextKind::Path | TextKind::Domain => json!({ "type": "string", "minLength": 1 }),
        _ => json!({ "type": "string" }),
    }
}

fn collection(kind: &Type) -> Value {
    let of = |one: &Type| Value::Object(self::kind(one));
    match kind {
        Type::List { item, or_single: false } => json!({ "type": "array", "items": of(item) }),
        Type::List { item, or_single: true } => {
            json!({ "anyOf": [{ "type": "array", "items": of(item) }, of(item)] })
        }
        Type::Joined(_) => json!({ "type": ["string", "array"] }),
        Type::Map { value, .. } => json!({ "type": "object", "additionalProperties": of(value) }),
        Type::Fields(fields) => {
            let properties: Map<String, Value> =
                fields.iter().map(|field| (field.name.as_str().to_owned(), of(&field.kind))).collect();
            json!({ "type": "object", "properties": properties, "additionalProperties": false })
        }
        Type::NonEmpty(inner) => of(inner),
        _ => json!({}),
    }
}
