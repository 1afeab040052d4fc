//! Exchanges in which nobody knows the password: whatever the client says, it must never get in.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nightjar_sasl::{
    Answer, ChannelBinding, ChannelBindingKind, Condition, EncodedKeys, Exchange, Mechanism, Nonce, Offer,
    SaslFailure, ScramCredentials, ScramHash, ScramKeys, Secret, Step,
};
use nightjar_text::Text;
use std::sync::LazyLock;

static KEYS: LazyLock<Vec<(ScramHash, ScramKeys)>> = LazyLock::new(|| {
    let password = Secret::from("not in the corpus");
    [ScramHash::Sha1, ScramHash::Sha256, ScramHash::Sha512]
        .into_iter()
        .filter_map(|hash| Some((hash, ScramKeys::derive(hash, &password, b"0123456789abcdef", 1).ok()?)))
        .collect()
});

fuzz_target!(|input: &[u8]| {
    let Some((&choice, input)) = input.split_first() else { return };
    let mechanisms: Vec<Mechanism> = Mechanism::all().collect();
    let mechanism = mechanisms[usize::from(choice) % mechanisms.len()];
    let offer = Offer {
        host: Text::new("example.org"),
        mechanisms: mechanisms.clone(),
        fast: mechanisms,
        channel_bindings: vec![ChannelBinding {
            kind: ChannelBindingKind::TlsServerEndPoint,
            data: vec![7; 32],
        }],
        tls: true,
        plaintext_allowed: false,
        downgrade_protection: choice & 128 != 0,
    };
    let mut messages = input.split(|byte| *byte == b'\n');
    let (mut exchange, mut step) = Exchange::start(mechanism, &offer, messages.next());
    for _ in 0..16 {
        step = match step {
            Step::Challenge(_) => exchange.handle_response(messages.next().unwrap_or_default()),
            Step::NeedCredentials(lookup) => {
                let keys = KEYS.iter().find(|(hash, _)| *hash == lookup.hash).map(|(_, keys)| keys.clone());
                let nonce = Nonce::from_text("server").expect("a nonce");
                let answer =
                    keys.map(|keys| Answer::Keys { credentials: ScramCredentials::Known(keys), nonce });
                exchange.provide(answer.unwrap_or_else(refusal))
            }
            Step::NeedToken(_) => exchange.provide(Answer::Tokens(vec![Secret::from("a token nobody has")])),
            Step::NeedPassword(check) => {
                assert!(
                    check.authzid.as_ref().is_none_or(|id| id.starts_with(&format!("{}@", check.username)))
                );
                exchange.provide(refusal())
            }
            Step::NeedOauth(_) | Step::NeedExternal(_) | Step::NeedAnonymous => exchange.provide(refusal()),
            Step::Success(success) => panic!("{success:?} by {mechanism:?}"),
            Step::Failure(_) => break,
        };
    }
    stored(input);
});

fn refusal() -> Answer {
    Answer::Refuse(SaslFailure::with_text(Condition::NotAuthorized, "refused", "refused"))
}

/// Keys as a database might hold them, after somebody edited it.
fn stored(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut fields = text.split('\n').map(str::to_owned);
    let mut field = || fields.next().unwrap_or_default();
    let encoded = EncodedKeys { stored_key: field(), server_key: field(), salt: field(), iterations: 4096 };
    for hash in [ScramHash::Sha1, ScramHash::Sha256, ScramHash::Sha512] {
        let _ = ScramKeys::decode(hash, &encoded);
    }
}
