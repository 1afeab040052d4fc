//! From the `auth_…` options to the accounts of a host.

use nightjar_auth::{AnonymousProtocol, AuthMethod, AuthOptions, CacheOptions, PasswordFormat, PasswordType};
use nightjar_config::{Options, Value};
use nightjar_sasl::ScramHash;

/// The options of a host as [`nightjar_auth`] takes them.
pub(crate) fn auth_options(given: &Options) -> AuthOptions {
    let default = AuthOptions::default();
    let words = |name: &str| -> Vec<String> {
        let value = given.typed(name);
        let one = value.as_str().into_iter();
        one.chain(value.items().iter().filter_map(Value::as_str)).map(str::to_owned).collect()
    };
    let types = |name| words(name).iter().filter_map(|word| PasswordType::from_name(word)).collect();
    let methods: Vec<_> =
        words("auth_method").iter().filter_map(|name| AuthMethod::from_name(name)).collect();
    let cache = CacheOptions {
        size: given.limit("auth_cache_size"),
        life_time: given.duration("auth_cache_life_time"),
        missed: given.bool("auth_cache_missed"),
    };
    AuthOptions {
        methods: if methods.is_empty() { default.methods } else { methods },
        password_format: given.opt_text("auth_password_format").and_then(|word| match word.as_str() {
            "plain" => Some(PasswordFormat::Plain),
            "scram" => Some(PasswordFormat::Scram),
            _ => None,
        }),
        scram_hash: given.opt_text("auth_scram_hash").and_then(|word| match word.as_str() {
            "sha" => Some(ScramHash::Sha1),
            "sha256" => Some(ScramHash::Sha256),
            "sha512" => Some(ScramHash::Sha512),
            _ => None,
        }),
        stored_password_types: types("auth_stored_password_types"),
        hidden_in_sasl1: types("auth_password_types_hidden_in_sasl1"),
        disabled_mechanisms: words("disable_sasl_mechanisms")
            .iter()
            .map(|name| name.to_uppercase())
            .collect(),
        cache: given.bool("auth_use_cache").then_some(cache),
        anonymous_protocol: AnonymousProtocol::from_name(&given.text("anonymous_protocol"))
            .unwrap_or(default.anonymous_protocol),
        allow_multiple_connections: given.bool("allow_multiple_connections"),
    }
}
