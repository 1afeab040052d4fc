#[cfg(test)]
mod tests;

use nightjar_sasl::{ChannelBindingKind, Mechanism, TokenBinding};

use crate::{AuthMethod, AuthOptions, PasswordType};

/// What the stream allows, beside the options of the host.
#[derive(Clone, Copy, Debug, Default)]
pub struct MechanismPolicy {
    /// The stream is encrypted.
    pub tls: bool,
    /// Channel binding data are at hand.
    pub channel_binding: bool,
    /// The client showed a certificate that may stand for an account (listener option `tls_verify`).
    pub external: bool,
    /// OAuth tokens can be checked.
    pub oauth: bool,
    /// For the list of SASL2 (XEP-0388).
    pub sasl2: bool,
    /// Passwords may pass on a stream that is not encrypted.
    pub plaintext_allowed: bool,
}

/// The mechanisms a host offers, strongest first; tokens are listed by [`fast_mechanisms`].
pub fn mechanisms(options: &AuthOptions, policy: MechanismPolicy) -> Vec<Mechanism> {
    Mechanism::all().filter(|mechanism| is_offered(*mechanism, options, policy)).collect()
}

/// The list inside XEP-0484's `<fast/>`.
pub fn fast_mechanisms(bindings: &[ChannelBindingKind]) -> Vec<Mechanism> {
    [TokenBinding::Exporter, TokenBinding::EndPoint, TokenBinding::None]
        .into_iter()
        .filter(|binding| binding.channel_binding().is_none_or(|kind| bindings.contains(&kind)))
        .map(Mechanism::Token)
        .collect()
}

fn is_offered(mechanism: Mechanism, options: &AuthOptions, policy: MechanismPolicy) -> bool {
    let hidden = |kind| !policy.sasl2 && options.hidden_in_sasl1.contains(&kind);
    let readable = policy.tls || policy.plaintext_allowed;
    let disabled = options.disabled_mechanisms.iter().any(|name| name == mechanism.name());
    let possible = match mechanism {
        Mechanism::Scram { hash, plus } => {
            (policy.channel_binding || !plus) && has_keys(options, hash) && !hidden(PasswordType::Scram(hash))
        }
        Mechanism::Plain => readable && takes_passwords(options) && !hidden(PasswordType::Plain),
        Mechanism::External => policy.external,
        Mechanism::Anonymous => anonymous(options) && options.anonymous_protocol.allows_sasl(),
        Mechanism::OauthBearer | Mechanism::XOauth2 => policy.oauth && readable && has_accounts(options),
        Mechanism::Token(_) => false,
    };
    possible && !disabled
}

fn anonymous(options: &AuthOptions) -> bool {
    options.methods.contains(&AuthMethod::Anonymous)
}

fn has_accounts(options: &AuthOptions) -> bool {
    options.methods.iter().any(|method| *method != AuthMethod::Anonymous)
}

fn takes_passwords(options: &AuthOptions) -> bool {
    has_accounts(options) || (anonymous(options) && options.anonymous_protocol.allows_login())
}

/// A method that does not show its keys, such as LDAP, needs the password itself, so SCRAM would lock its users out.
fn has_keys(options: &AuthOptions, hash: nightjar_sasl::ScramHash) -> bool {
    let shown = |method: &AuthMethod| matches!(method, AuthMethod::Sql | AuthMethod::Anonymous);
    let types = options.stored_types();
    has_accounts(options)
        && options.methods.iter().all(shown)
        && (types.contains(&PasswordType::Plain) || types.contains(&PasswordType::Scram(hash)))
}
