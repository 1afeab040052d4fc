//! The texts, with words in braces in place of what differs.

use crate::{Request, quoted};

pub(crate) const CONFIGURATION: &str = include_str!("../data/nightjar.yml");
pub(crate) const UNIT: &str = include_str!("../data/nightjar.service");
pub(crate) const NEXT_STEPS: &str = include_str!("../data/next-steps.txt");

/// Puts a request's words in their places: `{host}` as it is, `{host:yaml}` as a string of YAML, `{home:sh}` as a
/// word for a shell, `{home:unit}` as one of a systemd unit.
pub(crate) fn fill(template: &str, request: &Request) -> String {
    let folder = &request.folder;
    let (home, certs, file) = (folder.join("home"), folder.join("certs"), folder.join("nightjar.yml"));
    let text = |path: &std::path::Path| path.display().to_string();
    let words = [
        ("{host}", request.host.clone()),
        ("{host:yaml}", yaml(&request.host)),
        ("{admin}", request.admin.clone()),
        ("{admin:yaml}", yaml(&format!("{}@{}", request.admin, request.host))),
        ("{certs:yaml}", yaml(&text(&certs.join("*.pem")))),
        ("{certs:sh}", quoted(&certs)),
        ("{folder:sh}", quoted(folder)),
        ("{home:sh}", quoted(&home)),
        ("{home:unit}", unit(&text(&home))),
        ("{certs:unit}", unit(&text(&certs))),
        ("{file:sh}", quoted(&file)),
        ("{file:unit}", unit(&text(&file))),
        ("{program:unit}", unit(&text(&request.program))),
        ("{user}", request.user.clone()),
    ];
    let mut filled = String::with_capacity(template.len() * 2);
    let mut rest = template;
    // One pass: what is put in is never looked at again.
    while let Some(place) = rest.find('{') {
        let (before, after) = rest.split_at(place);
        filled.push_str(before);
        match words.iter().find(|(word, _)| after.starts_with(word)) {
            Some((word, value)) => {
                filled.push_str(value);
                rest = after.get(word.len()..).unwrap_or_default();
            }
            None => {
                filled.push('{');
                rest = after.get(1..).unwrap_or_default();
            }
        }
    }
    filled.push_str(rest);
    filled
}

fn yaml(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// systemd.syntax(7): quotes keep blanks, and a percent sign stands for itself when doubled.
fn unit(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$"))
}
