//! The messages a client sends, by the formal syntax of RFC 5802 §7.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::SaslFailure;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BindingFlag<'a> {
    /// `n`: the client cannot bind.
    ClientLacks,
    /// `y`: the client can, but thinks the server cannot.
    ServerLacks,
    /// `p=`: bound, by this type.
    Bound(&'a str),
}

#[derive(Debug)]
pub(super) struct ClientFirst<'a> {
    /// gs2-header, with its last comma
    pub(super) header: &'a str,
    pub(super) binding: BindingFlag<'a>,
    pub(super) authzid: Option<Cow<'a, str>>,
    /// client-first-message-bare
    pub(super) bare: &'a str,
    pub(super) username: Cow<'a, str>,
    pub(super) nonce: &'a str,
}

#[derive(Debug)]
pub(super) struct ClientFinal<'a> {
    /// client-final-message-without-proof
    pub(super) without_proof: &'a str,
    /// cbind-input, decoded
    pub(super) binding: Vec<u8>,
    pub(super) nonce: &'a str,
    pub(super) proof: Vec<u8>,
}

impl<'a> ClientFirst<'a> {
    pub(super) fn parse(input: &'a [u8]) -> Result<ClientFirst<'a>, SaslFailure> {
        let message = text(input)?;
        let (flag, rest) = message.split_once(',').ok_or(malformed("no channel binding flag"))?;
        let (authzid, bare) = rest.split_once(',').ok_or(malformed("no authorization identity field"))?;
        let header = message.strip_suffix(bare).ok_or(malformed("no header"))?;
        let mut fields = bare.split(',');
        let username = attribute(&mut fields, "n=").ok_or(malformed("no username"))?;
        let nonce =
            attribute(&mut fields, "r=").filter(|nonce| is_nonce(nonce)).ok_or(malformed("bad nonce"))?;
        fields.try_for_each(extension)?;
        Ok(ClientFirst {
            header,
            binding: binding_flag(flag)?,
            authzid: match authzid {
                "" => None,
                _ => Some(sasl_name(
                    authzid.strip_prefix("a=").ok_or(malformed("bad authorization identity"))?,
                )?),
            },
            bare,
            username: sasl_name(username)?,
            nonce,
        })
    }
}

impl<'a> ClientFinal<'a> {
    pub(super) fn parse(input: &'a [u8]) -> Result<ClientFinal<'a>, SaslFailure> {
        let message = text(input)?;
        let (without_proof, proof) = message.rsplit_once(",p=").ok_or(malformed("no proof"))?;
        let mut fields = without_proof.split(',');
        let binding = attribute(&mut fields, "c=").ok_or(malformed("no channel binding"))?;
        let nonce = attribute(&mut fields, "r=").ok_or(malformed("no nonce"))?;
        fields.try_for_each(extension)?;
        Ok(ClientFinal { without_proof, binding: base64(binding)?, nonce, proof: base64(proof)? })
    }
}

/// 1*printable without a comma
pub(super) fn is_nonce(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
}

fn text(input: &[u8]) -> Result<&str, SaslFailure> {
    match std::str::from_utf8(input) {
        Ok(message) if !message.contains('\0') => Ok(message),
        _ => Err(malformed("not UTF-8 text")),
    }
}

fn binding_flag(flag: &str) -> Result<BindingFlag<'_>, SaslFailure> {
    match flag {
        "n" => Ok(BindingFlag::ClientLacks),
        "y" => Ok(BindingFlag::ServerLacks),
        _ => flag
            .strip_prefix("p=")
            .filter(|name| !name.is_empty())
            .map(BindingFlag::Bound)
            .ok_or(malformed("bad channel binding flag")),
    }
}

fn attribute<'a>(fields: &mut impl Iterator<Item = &'a str>, prefix: &str) -> Option<&'a str> {
    fields.next()?.strip_prefix(prefix)
}

/// attr-val; unknown ones are ignored, `m` (mandatory) is an extension nobody defined, and an attribute RFC 5802 §5.1
/// gives a place to may not stand in another.
fn extension(field: &str) -> Result<(), SaslFailure> {
    let known = |letter: char| "anrcipsvem".contains(letter);
    match field.split_once('=') {
        Some((name, value)) if !value.is_empty() => match name.as_bytes() {
            [letter] if letter.is_ascii_alphabetic() && !known(char::from(*letter)) => Ok(()),
            _ => Err(malformed("attribute not expected here")),
        },
        _ => Err(malformed("malformed attribute")),
    }
}

/// saslname: `,` and `=` are written `=2C` and `=3D`.
pub(crate) fn sasl_name(escaped: &str) -> Result<Cow<'_, str>, SaslFailure> {
    if escaped.is_empty() {
        return Err(malformed("empty name"));
    }
    let mut parts = escaped.split('=');
    let first = parts.next().unwrap_or_default();
    if first.len() == escaped.len() {
        return Ok(Cow::Borrowed(escaped));
    }
    let mut name = first.to_owned();
    for part in parts {
        let (plain, rest) = match (part.strip_prefix("2C"), part.strip_prefix("3D")) {
            (Some(rest), _) => (',', rest),
            (_, Some(rest)) => ('=', rest),
            _ => return Err(malformed("bad escape in a name")),
        };
        name.push(plain);
        name.push_str(rest);
    }
    Ok(Cow::Owned(name))
}

fn base64(encoded: &str) -> Result<Vec<u8>, SaslFailure> {
    STANDARD.decode(encoded).map_err(|_| malformed("attribute is not base64"))
}

fn malformed(reason: &'static str) -> SaslFailure {
    SaslFailure::malformed(reason)
}
