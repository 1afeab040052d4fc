//! Options that are weaker than they should be.

mod accounts;
mod clients;
mod http;
mod logs;
mod permissions;
mod services;
mod storage;
mod tls;

use crate::Examination;
use crate::finding::Finding;

/// All of them.
pub(crate) fn check(examination: &Examination<'_>, found: &mut Vec<Finding>) {
    let config = examination.config;
    for check in [
        clients::check,
        services::check,
        http::check,
        tls::check,
        accounts::check,
        permissions::check,
        logs::check,
        storage::check,
    ] {
        check(config, found);
    }
}
