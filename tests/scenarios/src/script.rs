//! The language of the scripts.

use anyhow::{Context as _, Result, bail};

/// One script: who takes part, and what happens in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Script {
    pub parts: Vec<Part>,
    pub steps: Vec<Step>,
}

/// A named client: `client romeo = montague/garden`.
#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    pub name: String,
    /// Which account it logs in to; clients may share one.
    pub account: String,
    pub resource: String,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    /// Line of the file, from 1.
    pub line: usize,
    pub client: String,
    pub act: Act,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Act {
    /// Logs in and binds; says nothing yet.
    Connects,
    /// Sends these stanzas.
    Sends(String),
    /// Finds one stanza that matches each of these elements, in any order.
    Receives(String),
    /// Everything that was sent is settled, and nothing is left that no step has received.
    ReceivesNothing,
    /// Throws away what has come.
    Ignores,
    /// Ends the stream.
    Disconnects,
    /// Cuts the connection without a word.
    IsCut,
}

impl Script {
    pub fn parse(text: &str) -> Result<Script> {
        let mut script = Script::default();
        let mut lines = text.lines().enumerate().peekable();
        while let Some((number, line)) = lines.next() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let line = line.trim_end();
            if let Some(part) = line.strip_prefix("client ") {
                script.parts.push(Part::parse(part).with_context(|| format!("line {}", number + 1))?);
                continue;
            }
            let mut block = String::new();
            while let Some((_, more)) =
                lines.next_if(|(_, more)| more.starts_with([' ', '\t']) || more.is_empty())
            {
                block.push_str(more.trim());
                block.push('\n');
            }
            let step = Step::parse(number + 1, line, block.trim())
                .with_context(|| format!("line {}", number + 1))?;
            if !script.parts.iter().any(|part| part.name == step.client) {
                bail!("line {}: nobody is called `{}`", number + 1, step.client);
            }
            script.steps.push(step);
        }
        Ok(script)
    }
}

impl Part {
    fn parse(text: &str) -> Result<Part> {
        let (name, address) = text.split_once('=').context("`client NAME = ACCOUNT/RESOURCE`")?;
        let (account, resource) =
            address.trim().split_once('/').context("`client NAME = ACCOUNT/RESOURCE`")?;
        let [name, account, resource] = [name, account, resource].map(|word| word.trim().to_owned());
        Ok(Part { name, account, resource })
    }
}

impl Step {
    fn parse(line: usize, text: &str, block: &str) -> Result<Step> {
        let (client, act) = text.split_once(' ').context("a step begins with a client's name")?;
        let with_block = |act: fn(String) -> Act| {
            if block.is_empty() {
                Err(anyhow::anyhow!("`{text}` needs stanzas below it"))
            } else {
                Ok(act(block.to_owned()))
            }
        };
        let act = match act {
            "connects" => Act::Connects,
            "sends:" => with_block(Act::Sends)?,
            "receives:" => with_block(Act::Receives)?,
            "receives nothing" => Act::ReceivesNothing,
            "ignores what came" => Act::Ignores,
            "disconnects" => Act::Disconnects,
            "is cut" => Act::IsCut,
            other => bail!("nobody can do `{other}`"),
        };
        Ok(Step { line, client: client.to_owned(), act })
    }
}

/// The names in braces replaced: `{romeo}` is a client's full address, `{romeo.bare}` its account's.
pub fn filled_in(text: &str, names: &[(String, String)]) -> String {
    names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

#[cfg(test)]
mod tests;
