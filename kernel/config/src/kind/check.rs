//! Whether a node of the file is a value of a type.

use std::collections::HashSet;

use nightjar_text::Text;

use super::{DefaultValue, Field, TextKind, Type};
use crate::access::{read_access, read_shaper};
use crate::diagnostic::{Diagnostic, Report};
use crate::nearest::nearest;
use crate::node::{Content, Entry, Node, Place};
use crate::secret::is_secret;
use crate::units::{self, DurationError};
use crate::value::Value;

impl Type {
    /// The value a node stands for. Whatever is wrong with it goes to the report.
    pub fn check(&self, node: &Node, place: &Place<'_>, report: &mut Report) -> Option<Value> {
        match self {
            Type::Any => Some(Value::untyped(node)),
            Type::AccessRule => read_access(node, place, report).map(Value::Access),
            Type::ShaperRule => read_shaper(node, place, report).map(Value::Shaper),
            Type::List { item, or_single } => check_list(self, item, *or_single, node, place, report),
            Type::Joined(separator) => check_joined(self, *separator, node, place, report),
            Type::Map { key, value } => check_map(self, key, value, node, place, report),
            Type::Fields(fields) => check_fields(self, fields, node, place, report),
            Type::Either(kinds) => check_either(self, kinds, node, place, report),
            Type::NonEmpty(kind) => {
                let value = kind.check(node, place, report)?;
                let empty = match &value {
                    Value::Text(text) => text.is_empty(),
                    Value::List(items) => items.is_empty(),
                    Value::Map(entries) => entries.is_empty(),
                    _ => false,
                };
                if empty {
                    report.push(self.mismatch(node, place, ""));
                    return None;
                }
                Some(value)
            }
            _ => match self.scalar(node) {
                Ok(value) => Some(value),
                Err(reason) => {
                    report.push(self.mismatch(node, place, &reason));
                    None
                }
            },
        }
    }

    /// Single values; the error says why not, or nothing when that is plain.
    fn scalar(&self, node: &Node) -> Result<Value, String> {
        let plain = String::new;
        let scalar = node.scalar().ok_or_else(plain)?;
        let text = &scalar.text;
        match self {
            Type::Bool => units::boolean(text).map(Value::Bool).ok_or_else(plain),
            Type::Int { min, max } => {
                let number = node.as_int().ok_or_else(plain)?;
                if (*min..=*max).contains(&number) { Ok(Value::Int(number)) } else { Err(plain()) }
            }
            Type::Number { min } => match text.parse::<f64>() {
                Ok(number) if !scalar.quoted && number.is_finite() && number >= *min => {
                    Ok(Value::Number(number))
                }
                _ => Err(plain()),
            },
            Type::Octal => i64::from_str_radix(text.strip_prefix("0o").unwrap_or(text), 8)
                .ok()
                .filter(|mode| *mode >= 0)
                .map(Value::Int)
                .ok_or_else(plain),
            Type::Zero if node.as_int() == Some(0) => Ok(Value::Duration(std::time::Duration::ZERO)),
            Type::Infinity if units::is_infinity(text) => Ok(Value::Infinity),
            Type::Words(words) => {
                let known = words.iter().find(|word| *word == text);
                known.map(|word| Value::Text(word.clone())).ok_or_else(plain)
            }
            Type::Duration => units::duration(text).map(Value::Duration).map_err(|error| match error {
                DurationError::NotANumber => String::new(),
                DurationError::NotPositive => "it has to be greater than 0".to_owned(),
                DurationError::UnknownUnit(unit) => format!("`{unit}` is no unit of time"),
                DurationError::TooShort => "it is shorter than a second".to_owned(),
                DurationError::TooLong => "it is too long".to_owned(),
            }),
            Type::Text(kind) => {
                let number = !matches!(kind, TextKind::Network | TextKind::Path) && node.as_int().is_some();
                if number { Err(plain()) } else { kind.check(text) }
            }
            _ => Err(plain()),
        }
    }

    /// The remark that a node is no value of this type.
    pub(crate) fn mismatch(&self, node: &Node, place: &Place<'_>, reason: &str) -> Diagnostic {
        let secret = place.last_key().is_some_and(is_secret);
        let mut message = match node.as_str() {
            Some(text) if !text.is_empty() && !secret => format!("`{}` can't stand here", shorten(text)),
            _ => format!("{} can't stand here", node.describe()),
        };
        if !reason.is_empty() && !secret {
            message.push_str(": ");
            message.push_str(reason);
        }
        let mut error = Diagnostic::error(&node.at, place, message).expected(self.to_string());
        if secret {
            error = error.without_source();
        }
        match self.hint(node, secret) {
            Some(hint) => error.suggest(hint),
            None => error,
        }
    }

    /// What was probably meant.
    fn hint(&self, node: &Node, secret: bool) -> Option<String> {
        if node.is_null() && self.takes(&Content::Map(Vec::new())) {
            return Some("write `{}` for an empty map".to_owned());
        }
        if node.is_null() && self.takes(&Content::List(Vec::new())) {
            return Some("write `[]` for an empty list".to_owned());
        }
        let scalar = node.scalar().filter(|_| !secret)?;
        let number = units::integer(&scalar.text);
        match (number, self.wants_number(), scalar.quoted) {
            (Some(_), true, true) => return Some("remove the quotes: this is a number".to_owned()),
            (Some(_), false, false) => return Some(format!("put it in quotes: \"{}\"", scalar.text)),
            _ => {}
        }
        let words = self.words();
        nearest(&scalar.text, words).map(|word| format!("did you mean `{word}`?"))
    }

    fn words(&self) -> Vec<&str> {
        match self {
            Type::Words(words) => words.iter().map(Text::as_str).collect(),
            Type::Bool => vec!["true", "false"],
            Type::Infinity => vec!["infinity"],
            Type::Either(kinds) => kinds.iter().flat_map(Type::words).collect(),
            Type::List { item, or_single: true } => item.words(),
            _ => Vec::new(),
        }
    }

    fn wants_number(&self) -> bool {
        match self {
            Type::Int { .. } | Type::Number { .. } | Type::Zero => true,
            Type::Either(kinds) => kinds.iter().any(Type::wants_number),
            _ => false,
        }
    }

    /// Whether content of this shape could be a value of the type.
    fn takes(&self, content: &Content) -> bool {
        match self {
            Type::Any => true,
            Type::Either(kinds) => kinds.iter().any(|kind| kind.takes(content)),
            Type::NonEmpty(kind) => kind.takes(content),
            Type::List { item, or_single } => {
                matches!(content, Content::List(_)) || (*or_single && item.takes(content))
            }
            Type::Joined(_) => matches!(content, Content::List(_) | Content::Scalar(_)),
            Type::Map { .. } | Type::Fields(_) => matches!(content, Content::Map(_)),
            Type::AccessRule | Type::ShaperRule => !matches!(content, Content::Null),
            _ => matches!(content, Content::Scalar(_)),
        }
    }
}

/// A long value would hide the message.
fn shorten(text: &str) -> String {
    const MAX_CHARS: usize = 60;
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn check_list(
    kind: &Type,
    item: &Type,
    or_single: bool,
    node: &Node,
    place: &Place<'_>,
    report: &mut Report,
) -> Option<Value> {
    let items = match &node.content {
        Content::List(items) => items.as_slice(),
        // ejabberd does not tell an empty list from an empty map.
        Content::Map(entries) if entries.is_empty() => &[],
        Content::Scalar(_) | Content::Map(_) if or_single => {
            return Some(Value::List(vec![item.check(node, place, report)?]));
        }
        _ => {
            report.push(kind.mismatch(node, place, ""));
            return None;
        }
    };
    let values: Vec<Option<Value>> =
        items.iter().enumerate().map(|(index, one)| item.check(one, &place.index(index), report)).collect();
    values.into_iter().collect::<Option<Vec<Value>>>().map(Value::List)
}

fn check_joined(
    kind: &Type,
    separator: char,
    node: &Node,
    place: &Place<'_>,
    report: &mut Report,
) -> Option<Value> {
    let parts: Option<Vec<&str>> = match &node.content {
        Content::Scalar(scalar) => Some(vec![&scalar.text]),
        Content::List(items) => items.iter().map(Node::as_str).collect(),
        _ => None,
    };
    if parts.is_none() {
        report.push(kind.mismatch(node, place, ""));
    }
    parts.map(|parts| Value::Text(parts.join(&separator.to_string()).into()))
}

/// The entries of a map; ejabberd does not tell an empty list from an empty map.
fn map_entries(node: &Node) -> Option<&[Entry]> {
    match &node.content {
        Content::Map(entries) => Some(entries),
        Content::List(items) if items.is_empty() => Some(&[]),
        _ => None,
    }
}

fn check_map(
    kind: &Type,
    key: &Type,
    value: &Type,
    node: &Node,
    place: &Place<'_>,
    report: &mut Report,
) -> Option<Value> {
    let Some(entries) = map_entries(node) else {
        report.push(kind.mismatch(node, place, ""));
        return None;
    };
    let mut values: Vec<(Text, Value)> = Vec::with_capacity(entries.len());
    let mut seen = HashSet::new();
    let mut good = true;
    for entry in entries {
        let here = place.key(&entry.key);
        let key_node = Node::string(entry.key.clone(), entry.key_at.clone());
        let name = match key.check(&key_node, &here, report) {
            Some(Value::Text(text)) => text,
            Some(_) => entry.key.clone(),
            None => {
                good = false;
                continue;
            }
        };
        if !seen.insert(name.clone()) {
            report.push(Diagnostic::warning(&entry.key_at, here, "given twice; the first one counts"));
        }
        match value.check(&entry.value, &here, report) {
            Some(value) => values.push((name, value)),
            None => good = false,
        }
    }
    good.then_some(Value::Map(values))
}

fn check_fields(
    kind: &Type,
    fields: &[Field],
    node: &Node,
    place: &Place<'_>,
    report: &mut Report,
) -> Option<Value> {
    let Some(entries) = map_entries(node) else {
        report.push(kind.mismatch(node, place, ""));
        return None;
    };
    let before = report.errors();
    unknown_fields(entries, fields, place, report);
    let mut values = Vec::with_capacity(fields.len());
    for field in fields {
        let here = place.key(&field.name);
        let mut given = entries.iter().filter(|entry| entry.key == field.name);
        let value = match (given.next(), &field.default) {
            (Some(entry), _) => field.kind.check(&entry.value, &here, report),
            (None, DefaultValue::Yaml(node)) => field.kind.check(node, &here, report),
            (None, DefaultValue::Required) => {
                let error = Diagnostic::error(&node.at, place, format!("`{}` is missing", field.name));
                report.push(error.expected(format!("{}: {}", field.name, field.kind)));
                None
            }
            (None, DefaultValue::Unset | DefaultValue::Toplevel(_)) => Some(Value::Unset),
        };
        if let Some(again) = given.next() {
            report.push(Diagnostic::error(&again.key_at, here, "this option is given twice"));
        }
        values.extend(value.map(|value| (field.name.clone(), value)));
    }
    (report.errors() == before).then_some(Value::Map(values))
}

fn unknown_fields(entries: &[Entry], fields: &[Field], place: &Place<'_>, report: &mut Report) {
    for entry in entries {
        if fields.iter().any(|field| field.name == entry.key) {
            continue;
        }
        let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        let error = Diagnostic::error(&entry.key_at, place, format!("unknown option `{}`", entry.key));
        let near = report.nearest(&entry.key, names.iter().copied());
        report.push(error.expected(names.join(", ")).did_you_mean(near));
    }
}

/// The first type that accepts the value. If none does, the mistakes of the one that has the value's shape
/// are the useful ones, unless the value is a single word.
fn check_either(
    kind: &Type,
    kinds: &[Type],
    node: &Node,
    place: &Place<'_>,
    report: &mut Report,
) -> Option<Value> {
    let mut remarks = Vec::new();
    for one in kinds {
        let mut own = Report::default();
        let value = one.check(node, place, &mut own);
        if value.is_some() && !own.failed() {
            report.extend(own);
            return value;
        }
        if node.scalar().is_none() && one.takes(&node.content) {
            remarks.push(own);
        }
    }
    match remarks.into_iter().next() {
        Some(own) => report.extend(own),
        None => {
            let reason = reasons(kinds, node);
            report.push(kind.mismatch(node, place, &reason));
        }
    }
    None
}

/// Why the type that came nearest refused a single value.
fn reasons(kinds: &[Type], node: &Node) -> String {
    let mut reasons = kinds.iter().filter_map(|kind| kind.scalar(node).err());
    reasons.find(|reason| !reason.is_empty()).unwrap_or_default()
}
