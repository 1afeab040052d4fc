//! process_rosteritems: the items of all rosters that match, listed or deleted.

use nightjar_base::commands::{Call, CommandError, CommandResult, Value};

use super::commands::{failed, manager};
use super::item::Item;
use super::storage;
use crate::command_support::address;

/// Which items are meant.
#[derive(Debug)]
struct Filter {
    /// None is any.
    subscriptions: Option<Vec<String>>,
    asks: Option<Vec<String>>,
    users: Option<Vec<String>>,
    contacts: Option<Vec<String>>,
}

impl Filter {
    fn matches(&self, user: &str, contact: &str, item: &Item) -> bool {
        let (subscription, pending) = item.words();
        let is_asked =
            |asks: &Vec<String>| asks.iter().any(|ask| ask == pending || pending == "both" && ask != "none");
        let matches = |patterns: &Option<Vec<String>>, address: &str| {
            patterns.as_ref().is_none_or(|patterns| patterns.iter().any(|pattern| is_like(pattern, address)))
        };
        self.subscriptions.as_ref().is_none_or(|words| words.iter().any(|word| word == subscription))
            && self.asks.as_ref().is_none_or(is_asked)
            && matches(&self.users, user)
            && matches(&self.contacts, contact)
    }
}

pub(super) async fn process_rosteritems(call: Call) -> CommandResult {
    let deletes = match call.text(0).as_str() {
        "list" => false,
        "delete" => true,
        other => return Err(CommandError::Arguments(format!("action is list or delete, not {other}"))),
    };
    let filter = Filter {
        subscriptions: words(&call.text(1), &["none", "from", "to", "both"])?,
        asks: words(&call.text(2), &["none", "out", "in"])?,
        users: patterns(&call.text(3)),
        contacts: patterns(&call.text(4)),
    };
    let mut found = Vec::new();
    for host in call.kernel.hosts() {
        let Ok(manager) = manager(&call, &host.name) else { continue };
        let owners = storage::owners(&host.store).await;
        for owner in owners.map_err(|error| CommandError::Failed(error.to_string()))? {
            let account = address(&owner, &host.name)?;
            let roster = manager.load(&account).await.map_err(failed)?.roster;
            for (contact, item) in &roster.items {
                if !filter.matches(account.as_str(), contact.as_str(), item) {
                    continue;
                }
                if deletes {
                    manager.remove(&account, contact).await.map_err(failed)?;
                }
                let pair = [account.as_str(), contact.as_str()].map(Value::text);
                found.push(Value::Tuple(pair.into()));
            }
        }
    }
    Ok(Value::List(found))
}

fn words(text: &str, known: &[&str]) -> Result<Option<Vec<String>>, CommandError> {
    if text == "any" {
        return Ok(None);
    }
    let words: Vec<String> = text.split(':').map(str::to_owned).collect();
    match words.iter().find(|word| !known.contains(&word.as_str())) {
        None => Ok(Some(words)),
        Some(word) => Err(CommandError::Arguments(format!("{word} is none of any, {}", known.join(", ")))),
    }
}

fn patterns(text: &str) -> Option<Vec<String>> {
    (text != "any").then(|| text.split(':').map(str::to_owned).collect())
}

/// Whether an address fits a pattern: `*` and `%` are any characters, `?` is one. A pattern without `@` is for
/// addresses without one. The underscore, SQL's one character, stands for itself: names have it.
fn is_like(pattern: &str, address: &str) -> bool {
    if pattern.contains('@') != address.contains('@') {
        return false;
    }
    let (pattern, address): (Vec<char>, Vec<char>) = (pattern.chars().collect(), address.chars().collect());
    // Where the last `*` stood and how far it has reached: going back there is enough, so the time is bounded by
    // the product of the lengths.
    let (mut at, mut seen, mut star) = (0, 0, None);
    while seen < address.len() {
        match pattern.get(at) {
            Some('*' | '%') => {
                star = Some((at + 1, seen));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || address.get(seen) == Some(wanted) => {
                at += 1;
                seen += 1;
            }
            _ => match star {
                Some((behind, reached)) => {
                    star = Some((behind, reached + 1));
                    (at, seen) = (behind, reached + 1);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|rest| matches!(rest, '*' | '%'))
}

#[cfg(test)]
mod tests;
