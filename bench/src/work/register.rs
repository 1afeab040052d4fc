//! In-band registration of many accounts.

use super::each;
use crate::{
    client::Client,
    report::{Report, Window},
    target::Target,
};
use anyhow::Result;
use clap::Args;
use std::rc::Rc;

#[derive(Debug, Clone, Args)]
pub struct Options {
    /// How many accounts
    #[arg(long, default_value_t = 200)]
    pub accounts: usize,
    /// Registrations at the same time
    #[arg(long, default_value_t = 16)]
    pub concurrency: usize,
}

/// One connection per account. Accounts that exist already are left alone.
pub async fn run(target: &Target, options: &Options) -> Result<Report> {
    let window = Window::open(target.pid)?;
    let shared = Rc::new(target.clone());
    let created = each(options.accounts, options.concurrency, |number| {
        let target = shared.clone();
        async move {
            let mut client = Client::connect(&target).await?;
            let new = client.register(&target.user(number), &target.password).await?;
            client.close().await?;
            Ok(new)
        }
    })
    .await?;
    let mut report = window.close("registration".into(), "account", created.len() as u64)?;
    let existing = created.iter().filter(|new| !**new).count();
    if existing > 0 {
        report.notes.push(format!("{existing} existed already"));
    }
    Ok(report)
}
