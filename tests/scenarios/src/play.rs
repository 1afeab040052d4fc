//! Plays a script: every part by a client of its own, every account new.

use crate::client::{Client, PATIENCE, element};
use crate::matching::difference;
use crate::script::{Act, Script, Step, filled_in};
use crate::server::Server;
use anyhow::{Context as _, Result, bail, ensure};
use nightjar_xml::Element;
use std::collections::BTreeMap;

/// `tag` sets this play's accounts apart from those of others.
pub fn play(script: &Script, server: &Server, tag: &str) -> Result<()> {
    let mut stage = Stage { server, tag, clients: BTreeMap::new(), names: names(script, server, tag) };
    let mut accounts: Vec<&str> = script.parts.iter().map(|part| part.account.as_str()).collect();
    accounts.sort_unstable();
    accounts.dedup();
    for account in accounts {
        server.register(&user(account, tag))?;
    }
    for step in &script.steps {
        stage.act(script, step).with_context(|| format!("line {}: {}", step.line, step.client))?;
    }
    Ok(())
}

struct Stage<'a> {
    server: &'a Server,
    tag: &'a str,
    clients: BTreeMap<&'a str, Client>,
    names: Vec<(String, String)>,
}

fn user(account: &str, tag: &str) -> String {
    format!("{account}-{tag}")
}

fn names(script: &Script, server: &Server, tag: &str) -> Vec<(String, String)> {
    let mut names = vec![("domain".to_owned(), server.domain().to_owned())];
    for part in &script.parts {
        let bare = format!("{}@{}", user(&part.account, tag), server.domain());
        names.push((part.name.clone(), format!("{bare}/{}", part.resource)));
        names.push((format!("{}.bare", part.name), bare));
    }
    names
}

impl<'a> Stage<'a> {
    fn act(&mut self, script: &'a Script, step: &'a Step) -> Result<()> {
        match &step.act {
            Act::Connects => {
                let part = script.parts.iter().find(|part| part.name == step.client).context("nobody")?;
                let user = user(&part.account, self.tag);
                let client = Client::connect(
                    self.server.port(),
                    self.server.domain(),
                    &user,
                    Server::PASSWORD,
                    &part.resource,
                )?;
                self.clients.insert(&part.name, client);
                Ok(())
            }
            Act::Sends(stanzas) => {
                let text = filled_in(stanzas, &self.names);
                self.client(&step.client)?.send(&text)
            }
            Act::Receives(stanzas) => {
                let wanted = element(&format!("<all>{}</all>", filled_in(stanzas, &self.names)))?;
                let client = self.client(&step.client)?;
                wanted.children().try_for_each(|wanted| receive(client, wanted))
            }
            Act::ReceivesNothing => self.settle(&step.client),
            Act::Ignores => {
                // Whatever somebody did before must have arrived to be thrown away.
                self.settle_all()?;
                self.client(&step.client)?.inbox.clear();
                Ok(())
            }
            Act::Disconnects => self.leaving(&step.client)?.disconnect(),
            Act::IsCut => self.leaving(&step.client)?.cut(),
        }
    }

    fn client(&mut self, name: &str) -> Result<&mut Client> {
        self.clients.get_mut(name).context("is not connected")
    }

    fn leaving(&mut self, name: &str) -> Result<Client> {
        self.clients.remove(name).context("is not connected")
    }

    fn settle_all(&mut self) -> Result<()> {
        // Twice: what one client's stanza makes another's session do is settled by the second answer.
        for _ in 0..2 {
            for client in self.clients.values_mut() {
                client.settle()?;
            }
        }
        Ok(())
    }

    fn settle(&mut self, name: &str) -> Result<()> {
        self.settle_all()?;
        let left: Vec<String> =
            self.client(name)?.inbox.iter().map(|stanza| stanza.raw().to_string()).collect();
        ensure!(left.is_empty(), "received what no step expects:\n{}", left.join("\n"));
        Ok(())
    }
}

fn receive(client: &mut Client, wanted: nightjar_xml::ElementRef<'_>) -> Result<()> {
    let fits = |seen: &Element| difference(wanted, seen.root()).is_none();
    if client.take(PATIENCE, fits)?.is_some() {
        return Ok(());
    }
    let seen: Vec<String> = client
        .inbox
        .iter()
        .map(|seen| format!("{}\n    {}", seen.raw(), difference(wanted, seen.root()).unwrap_or_default()))
        .collect();
    bail!("did not receive {}\nbut {} others:\n{}", wanted.raw(), seen.len(), seen.join("\n"))
}
