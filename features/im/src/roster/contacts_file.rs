//! The file of `push_roster`: `[{<<"user">>, <<"host">>, <<"group">>, <<"nick">>}].` as Erlang writes it, or the same
//! as JSON.

#[cfg(test)]
mod tests;

/// A contact's user, host, group and nick.
pub(super) type Contact = [String; 4];

/// The contacts of a file.
pub(super) fn read(text: &str) -> Result<Vec<Contact>, serde_json::Error> {
    serde_json::from_str(text).or_else(|_| serde_json::from_str(&as_json(text)))
}

/// Tuples become lists, binaries texts; comments and the closing dot go.
fn as_json(text: &str) -> String {
    let mut json = String::with_capacity(text.len());
    let (mut quoted, mut escaped, mut comment) = (false, false, false);
    for character in text.chars() {
        match character {
            '\n' if comment => comment = false,
            _ if comment => {}
            _ if quoted => {
                quoted = character != '"' || escaped;
                escaped = character == '\\' && !escaped;
                json.push(character);
            }
            '%' => comment = true,
            '{' => json.push('['),
            '}' => json.push(']'),
            '<' | '>' | '.' => {}
            other => {
                quoted = other == '"';
                json.push(other);
            }
        }
    }
    json
}
