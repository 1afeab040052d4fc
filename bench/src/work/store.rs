//! Chat with an archive that keeps every message, for sender and recipient.

use super::{chat, each};
use crate::{
    client::{Client, Credentials},
    framing::text_of,
    report::Report,
    target::Target,
};
use anyhow::{Context, Result, ensure};
use std::rc::Rc;

const COUNT: &str = "<iq type='set' id='count'><query xmlns='urn:xmpp:mam:2'>\
    <set xmlns='http://jabber.org/protocol/rsm'><max>0</max></set></query></iq>";

/// Fails unless the archives grew by two entries per message: a server that stores nothing is fast too.
pub async fn run(target: &Target, options: &chat::Options) -> Result<Report> {
    let before = archived(target, options.pairs * 2).await?;
    let (mut report, sent) = chat::measure(target, options).await?;
    let stored = archived(target, options.pairs * 2).await? - before;
    ensure!(
        stored == sent * 2,
        "{sent} messages were sent, but the archives grew by {stored} entries, not by two each"
    );
    report.work = format!("archived {}", report.work);
    report.notes.push(format!("the archives grew by {stored} entries for {sent} messages, two each"));
    Ok(report)
}

/// Entries of all archives together.
async fn archived(target: &Target, accounts: usize) -> Result<u64> {
    let shared = Rc::new((target.clone(), Credentials::default()));
    let counts = each(accounts, 4, |number| {
        let shared = shared.clone();
        async move {
            let mut client = Client::login(&shared.0, number, "count", &shared.1).await?;
            client.send(COUNT).await?;
            let answer = client.answer("count").await?;
            client.close().await?;
            let count = text_of(&answer, "count").with_context(|| format!("no count in {answer}"))?;
            Ok(count.parse::<u64>()?)
        }
    })
    .await?;
    Ok(counts.into_iter().sum())
}
