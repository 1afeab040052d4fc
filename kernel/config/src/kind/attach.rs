//! Types of nested options (`welcome_message.subject`, `services[].port`) put into their option's type.

use super::{DefaultValue, Field, Type};

impl Type {
    /// Puts the type of a nested option in its place: `path` is the way below this option in the notation of
    /// the tables: `*` for any key, `[]` for the members of a list. Returns false when the option's own type
    /// has no such place.
    pub fn attach(&mut self, path: &str, kind: Type, default: DefaultValue) -> bool {
        self.put(&steps(path), kind, default)
    }

    fn put(&mut self, steps: &[&str], kind: Type, default: DefaultValue) -> bool {
        let Some((step, rest)) = steps.split_first() else {
            *self = kind;
            return true;
        };
        match self {
            Type::Either(kinds) => kinds.iter_mut().any(|one| one.put(steps, kind.clone(), default.clone())),
            Type::NonEmpty(inner) => inner.put(steps, kind, default),
            Type::List { item, .. } if *step == "[]" => item.put(rest, kind, default),
            Type::Map { value, .. } if *step == "*" => {
                // A map of anything becomes a map of maps as soon as fields are known.
                if matches!(**value, Type::Any) && !rest.is_empty() {
                    **value = Type::Fields(Vec::new());
                }
                value.put(rest, kind, default)
            }
            Type::Map { value, .. } if matches!(**value, Type::Any) => {
                *self = Type::Fields(Vec::new());
                self.put(steps, kind, default)
            }
            // The listener tables write `hosts.password` for `hosts.*.password`.
            Type::Map { value, .. } => value.put(steps, kind, default),
            Type::Fields(fields) if !matches!(*step, "*" | "[]") => {
                put_field(fields, step, rest, kind, default)
            }
            _ => false,
        }
    }
}

fn put_field(fields: &mut Vec<Field>, name: &str, rest: &[&str], kind: Type, default: DefaultValue) -> bool {
    let known = fields.iter_mut().find(|field| field.name == *name);
    match (known, rest.is_empty()) {
        (Some(field), true) => {
            // Fields that were attached before their parent was described stay.
            if !matches!((&field.kind, &kind), (Type::Fields(_), Type::Map { .. })) {
                field.kind = kind;
            }
            field.default = default;
            true
        }
        (Some(field), false) => field.kind.put(rest, kind, default),
        (None, true) => {
            fields.push(Field { name: name.into(), kind, default });
            true
        }
        (None, false) => {
            let mut parent = Type::any_map();
            let done = parent.put(rest, kind, default);
            fields.push(Field { name: name.into(), kind: parent, default: DefaultValue::Unset });
            done
        }
    }
}

/// `a[].b.*` into `a`, `[]`, `b`, `*`.
fn steps(path: &str) -> Vec<&str> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        match part.strip_suffix("[]") {
            Some(name) => steps.extend([name, "[]"]),
            None => steps.push(part),
        }
    }
    steps.retain(|step| !step.is_empty());
    steps
}
