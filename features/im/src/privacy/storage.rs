//! Lists in `privacy_list`, `privacy_list_data` and `privacy_default_list`.

use std::collections::BTreeMap;
use std::sync::Arc;

use nightjar_store::{Call, Row, Statement, Store, StoreError, params};
use nightjar_text::Text;

use super::list::{Kinds, List, Lists, Rule, Subject};
use super::query;

static DEFAULT: Statement =
    Statement::new("SELECT name FROM privacy_default_list WHERE username = ? AND {host}");
static NAMES: Statement = Statement::new("SELECT name FROM privacy_list WHERE username = ? AND {host}");
static RULES: Statement = Statement::new(
    "SELECT privacy_list.name, t, value, action, ord, match_all, match_iq, match_message, match_presence_in, \
     match_presence_out FROM privacy_list_data JOIN privacy_list ON privacy_list.id = privacy_list_data.id \
     WHERE username = ? AND {host} ORDER BY ord",
);
static PUT_DEFAULT: Statement = Statement::upsert("privacy_default_list", &["username"], &["name"]);
static DELETE_DEFAULT: Statement =
    Statement::new("DELETE FROM privacy_default_list WHERE username = ? AND {host}");
static PUT_LIST: Statement = Statement::insert_new("privacy_list", &["username", "name"]);
static DELETE_LIST: Statement =
    Statement::new("DELETE FROM privacy_list WHERE username = ? AND name = ? AND {host}");
static DELETE_RULES: Statement = Statement::new(
    "DELETE FROM privacy_list_data WHERE id IN \
     (SELECT id FROM privacy_list WHERE username = ? AND name = ? AND {host})",
);
static PUT_RULE: Statement = Statement::new(
    "INSERT INTO privacy_list_data (t, value, action, ord, match_all, match_iq, match_message, \
     match_presence_in, match_presence_out, id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, \
     (SELECT id FROM privacy_list WHERE username = ? AND name = ? AND {host}))",
);
static DELETE_ALL_RULES: Statement = Statement::new(
    "DELETE FROM privacy_list_data WHERE id IN (SELECT id FROM privacy_list WHERE username = ? AND {host})",
);
static DELETE_ALL_LISTS: Statement = Statement::new("DELETE FROM privacy_list WHERE username = ? AND {host}");

/// Reads all lists of an account.
pub(super) async fn load(store: &Store, user: &str) -> Result<Lists, StoreError> {
    let names = store.query(&NAMES, params![user]).await?;
    if names.is_empty() {
        return Ok(Lists::default());
    }
    let mut rules: BTreeMap<Text, Vec<Rule>> = BTreeMap::new();
    for name in names {
        rules.insert(name.text(0)?, Vec::new());
    }
    for row in store.query(&RULES, params![user]).await? {
        match read_rule(&row)? {
            Some(rule) => rules.entry(row.text(0)?).or_default().push(rule),
            None => {
                tracing::warn!(user, list = %row.text(0)?, "a privacy rule that means nothing is ignored")
            }
        }
    }
    let default = store.query_one(&DEFAULT, params![user]).await?;
    let default = default.map(|row| row.text(0)).transpose()?;
    let lists = rules.into_iter().map(|(name, rules)| (name, Arc::new(List::new(rules)))).collect();
    Ok(Lists { default, lists })
}

/// A rule; `None` if the row holds none.
fn read_rule(row: &Row) -> Result<Option<Rule>, StoreError> {
    let value = row.text(2)?;
    let subject = match row.text(1)?.as_str() {
        "n" => Some(Subject::Anybody),
        "j" => query::subject("jid", &value),
        "g" => query::subject("group", &value),
        "s" => query::subject("subscription", &value),
        _ => None,
    };
    let deny = match row.text(3)?.as_str() {
        "d" => true,
        "a" => false,
        _ => return Ok(None),
    };
    let kinds = if row.bool(5)? {
        Kinds::ALL
    } else {
        let kinds = Kinds {
            iq: row.bool(6)?,
            message: row.bool(7)?,
            presence_in: row.bool(8)?,
            presence_out: row.bool(9)?,
        };
        if kinds.is_all() {
            // No kind at all: such a rule matches nothing.
            return Ok(None);
        }
        kinds
    };
    let order = u32::try_from(row.int(4)?).unwrap_or(u32::MAX);
    Ok(subject.map(|subject| Rule { order, deny, subject, kinds }))
}

/// The calls that write a list in place of what it was.
pub(super) fn put(user: &str, name: &Text, list: &List) -> Vec<Call> {
    let mut calls: Vec<Call> = vec![(&PUT_LIST, params![user, name]), (&DELETE_RULES, params![user, name])];
    calls.extend(list.rules().iter().map(|rule| put_rule(user, name, rule)));
    calls
}

fn put_rule(user: &str, name: &Text, rule: &Rule) -> Call {
    let (kind, value) = query::words(&rule.subject).unwrap_or(("none", ""));
    let kind = kind.get(..1).unwrap_or_default();
    let kinds = rule.kinds;
    let row = params![
        kind,
        value,
        if rule.deny { "d" } else { "a" },
        rule.order,
        kinds.is_all(),
        kinds.iq,
        kinds.message,
        kinds.presence_in,
        kinds.presence_out,
        user,
        name,
    ];
    (&PUT_RULE, row)
}

/// The calls that remove a list.
pub(super) fn delete(user: &str, name: &Text) -> Vec<Call> {
    vec![(&DELETE_RULES, params![user, name]), (&DELETE_LIST, params![user, name])]
}

/// The call that sets or unsets the default list.
pub(super) fn put_default(user: &str, name: Option<&Text>) -> Call {
    match name {
        Some(name) => (&PUT_DEFAULT, params![user, name]),
        None => (&DELETE_DEFAULT, params![user]),
    }
}

/// The calls that remove all an account has.
pub(super) fn delete_all(user: &str) -> Vec<Call> {
    vec![
        (&DELETE_DEFAULT, params![user]),
        (&DELETE_ALL_RULES, params![user]),
        (&DELETE_ALL_LISTS, params![user]),
    ]
}

#[cfg(test)]
mod tests;
