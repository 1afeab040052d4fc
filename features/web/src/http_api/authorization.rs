//! Who calls: an account by its password (Basic, RFC 7617) or by a token (Bearer, RFC 6750), or nobody known.

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use nightjar_base::attempts::{Attempt, Protocol};
use nightjar_base::commands::{Caller, CommandError, Face};
use nightjar_base::http::Request;
use nightjar_base::{Host, Kernel};
use nightjar_jid::Jid;
use nightjar_sasl::Secret;
use nightjar_text::Text;

use crate::cross_site::is_cross_site;
use crate::oauth::{Tokens, Validity};

/// Why credentials don't make a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// They are malformed or wrong.
    Credentials,
    /// The token is unknown or too old.
    Token,
    /// The address may not try, and why.
    Banned(String),
    /// Whether they are right can't be known now.
    Unavailable,
}

/// What a request says about who sent it.
#[derive(Clone, Copy)]
pub(crate) struct Asker<'a> {
    headers: &'a HeaderMap,
    peer: Option<IpAddr>,
    host: Option<&'a Arc<Host>>,
    tag: &'a Text,
}

impl<'a> Asker<'a> {
    pub(crate) fn of(request: &'a Request) -> Self {
        let Request { head, peer, host, tag, .. } = request;
        Self { headers: &head.headers, peer: *peer, host: host.as_ref(), tag }
    }
}

/// The caller of a request.
///
/// # Errors
/// If it has credentials that don't hold.
pub(crate) async fn caller(kernel: &Arc<Kernel>, request: Asker<'_>) -> Result<Caller, Refusal> {
    let mut caller = Caller::through(Face::HttpApi);
    caller.tag = Some(request.tag.clone()).filter(|tag| !tag.is_empty());
    let mut fields = request.headers.get_all(AUTHORIZATION).iter();
    let Some(field) = fields.next() else {
        caller.ip = request.peer.filter(|_| !is_cross_site(request.headers));
        return Ok(caller);
    };
    caller.ip = request.peer;
    if fields.next().is_some() {
        return Err(Refusal::Credentials);
    }
    let field = field.to_str().map_err(|_| Refusal::Credentials)?;
    let (scheme, value) = field.split_once(' ').ok_or(Refusal::Credentials)?;
    let value = value.trim();
    if scheme.eq_ignore_ascii_case("basic") {
        caller.jid = Some(basic(kernel, request, value).await?);
        return Ok(caller);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refusal::Credentials);
    }
    let token = bearer(kernel, request, value).await?;
    caller.jid = Some(token.0);
    caller.scopes = Some(token.1);
    Ok(caller)
}

/// `user@host:password`. A password may have colons, an address can't.
pub(crate) fn decode(value: &str) -> Option<(String, Secret)> {
    let bytes = STANDARD.decode(value).or_else(|_| STANDARD_NO_PAD.decode(value)).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), Secret::from(password)))
}

async fn basic(kernel: &Arc<Kernel>, request: Asker<'_>, value: &str) -> Result<Jid, Refusal> {
    let (name, password) = decode(value).ok_or(Refusal::Credentials)?;
    let jid = Jid::parse(&name).map_err(|_| Refusal::Credentials)?;
    let user = jid.local().ok_or(Refusal::Credentials)?;
    let known = kernel.authenticate_from(user, jid.domain(), &password, request.peer, Protocol::Http).await;
    known.map_err(refusal)
}

/// What the kernel's refusal means here.
pub(crate) fn refusal(error: CommandError) -> Refusal {
    match error {
        CommandError::NotAllowed(why) if why == "invalid_account_data" => Refusal::Credentials,
        CommandError::NotAllowed(why) => Refusal::Banned(why),
        _ => Refusal::Unavailable,
    }
}

/// A wrong token is an attempt to get in like a wrong password, at the host that was asked for.
async fn bearer(kernel: &Arc<Kernel>, request: Asker<'_>, value: &str) -> Result<(Jid, Vec<Text>), Refusal> {
    let banned = |why: Text| Refusal::Banned(why.to_string());
    if let Some(host) = request.host {
        host.may_connect(request.peer, Protocol::Http).await.map_err(banned)?;
    }
    let validity = kernel.shared::<Tokens>().check(kernel, value).await.map_err(|_| Refusal::Unavailable)?;
    if let Validity::Valid(token) = &validity
        && may_act(kernel, &token.jid).await?
    {
        return Ok((token.jid.clone(), token.scopes.clone()));
    }
    if let Some(host) = request.host {
        let user = Text::empty();
        let attempt = Attempt { ip: request.peer, protocol: Protocol::Http, user, success: false };
        host.attempted(attempt).await.map_err(banned)?;
    }
    Err(Refusal::Token)
}

/// Whether the account's host is here and hasn't banned it.
async fn may_act(kernel: &Kernel, jid: &Jid) -> Result<bool, Refusal> {
    let (Some(host), Some(user)) = (kernel.host(jid.domain()), jid.local()) else { return Ok(false) };
    let ban = host.accounts.ban(user).await.map_err(|_| Refusal::Unavailable)?;
    Ok(ban.is_none())
}
