//! gen_markdown_doc_for_commands and its sisters: the commands of this node, described in a file.

use std::fmt::Write as _;
use std::sync::Arc;

use nightjar_base::commands::declare::{binary, command, rescode};
use nightjar_base::commands::{Call, CommandError, CommandResult, CommandSpec, Field, Value};

use crate::ctl::examples;
use crate::ctl::help::{by_tag, type_of};
use crate::home::write_private;
use crate::node::Node;

const DOCUMENTATION: &[&str] = &["documentation"];
/// `examples` is for the languages that examples are wanted in; there is one, of the command line.
const ARGUMENTS: &[Field] = &[binary("file"), binary("regexp"), binary("examples")];

pub(super) static MARKDOWN: CommandSpec = command(
    "gen_markdown_doc_for_commands",
    DOCUMENTATION,
    "Write a description of the commands whose names match, in Markdown, into a file",
    ARGUMENTS,
    rescode(),
);
pub(super) static HTML: CommandSpec = command(
    "gen_html_doc_for_commands",
    DOCUMENTATION,
    "Write a description of the commands whose names match, in HTML, into a file",
    ARGUMENTS,
    rescode(),
);
pub(super) static TAGS: CommandSpec = command(
    "gen_markdown_doc_for_tags",
    DOCUMENTATION,
    "Write the tags of commands and the commands of each, in Markdown, into a file",
    &[binary("file")],
    rescode(),
);

pub(super) async fn markdown(node: Arc<Node>, call: Call) -> CommandResult {
    let mut text = String::from("# Commands\n");
    for spec in matching(&node, &call)? {
        let _ = write!(text, "\n## {}\n\n{}\n\n**Arguments**\n\n", spec.name, spec.doc);
        for argument in spec.arguments {
            let about = examples::about(argument.name).map(|about| format!(" : {about}"));
            let _ = writeln!(text, "- `{}`{}", type_of(argument, 0), about.unwrap_or_default());
        }
        let _ = write!(text, "\n**Result**\n\n- `{}`\n\n**Tags:** ", type_of(&spec.result, 0));
        let tags: Vec<_> = spec.tags.iter().map(|tag| format!("`{tag}`")).collect();
        let _ = write!(text, "{}\n\n**Example**\n\n~~~\n", tags.join(", "));
        for line in examples::lines(spec) {
            let _ = writeln!(text, "{line}");
        }
        text.push_str("~~~\n");
    }
    written(&call, &text)
}

pub(super) async fn html(node: Arc<Node>, call: Call) -> CommandResult {
    let mut text = String::from("<!DOCTYPE html>\n<html><head><title>Commands</title></head><body>\n");
    for spec in matching(&node, &call)? {
        let _ = write!(text, "<h2 id=\"{0}\">{0}</h2>\n<p>{1}</p>\n<ul>\n", spec.name, escaped(spec.doc));
        for argument in spec.arguments {
            let _ = writeln!(text, "<li><code>{}</code></li>", escaped(&type_of(argument, 0)));
        }
        let result = escaped(&type_of(&spec.result, 0));
        let example = escaped(&examples::lines(spec).join("\n"));
        let _ = write!(text, "</ul>\n<p>Result: <code>{result}</code></p>\n<pre>{example}</pre>\n");
    }
    text.push_str("</body></html>\n");
    written(&call, &text)
}

pub(super) async fn tags(node: Arc<Node>, call: Call) -> CommandResult {
    let mut text = String::from("# Tags of commands\n");
    for (tag, of_tag) in by_tag(&node.kernel.commands.all()) {
        let _ = write!(text, "\n## {tag}\n\n");
        for spec in of_tag {
            let _ = writeln!(text, "- {}", spec.name);
        }
    }
    written(&call, &text)
}

/// The commands whose names match the second argument, a regular expression for a part of them.
fn matching(node: &Node, call: &Call) -> Result<Vec<&'static CommandSpec>, CommandError> {
    let pattern = regex::Regex::new(&call.text(1))
        .map_err(|error| CommandError::Arguments(format!("regexp is no regular expression: {error}")))?;
    let shown = |spec: &&CommandSpec| !spec.tags.contains(&"internal") && pattern.is_match(spec.name);
    Ok(node.kernel.commands.all().into_iter().filter(shown).collect())
}

fn written(call: &Call, text: &str) -> CommandResult {
    let path = call.text(0);
    write_private(path.as_str().as_ref(), text.as_bytes())
        .map_err(|error| CommandError::Failed(format!("Can't write {path}: {error}")))?;
    Ok(Value::Done(true))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
