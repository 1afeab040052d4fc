//! Credentials that a TURN server can check without memory: the name says when they end and whose they are, the
//! password is made from the name with a secret (draft-uberti-behave-turn-rest-00, and ejabberd's form of the name).

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use nightjar_base::FeatureContext;
use nightjar_jid::Jid;
use nightjar_sasl::Secret;
use nightjar_text::Text;
use parking_lot::Mutex;
use sha1::{Digest as _, Sha1};

/// Secrets that nobody configured, by host: they outlive a reload.
#[derive(Default)]
struct Secrets(Mutex<HashMap<Text, Arc<Secret>>>);

/// Makes and checks credentials of one host.
pub(super) struct Credentials {
    secret: Arc<Secret>,
    host_hash: String,
    pub(super) lifetime_seconds: i64,
}

impl Credentials {
    pub(super) fn new(context: &FeatureContext) -> Self {
        let secret = match context.options.opt_text("secret") {
            Some(secret) => Arc::new(Secret::from(secret.as_str())),
            None => own_secret(context),
        };
        let lifetime = context.options.duration("credentials_lifetime").unwrap_or_default();
        let lifetime_seconds = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        Self { secret, host_hash: hash(&context.host.name), lifetime_seconds }
    }

    /// A name and a password that are good until `expires`, in seconds since the UNIX epoch.
    pub(super) fn make(&self, of: &Jid, expires: i64) -> (String, String) {
        let user = format!("{expires}:{}{}", hash(of.as_str()), self.host_hash);
        let password = self.password(&user);
        (user, password)
    }

    /// The password of a name of ours that is still good.
    pub(super) fn find(&self, user: &str, now: i64) -> Option<Secret> {
        let (expires, hashes) = user.split_once(':')?;
        let is_ours = hashes.len() == 16 && hashes.ends_with(&self.host_hash);
        let is_good = expires.parse::<i64>().is_ok_and(|expires| now < expires);
        (is_ours && is_good).then(|| Secret::from(self.password(user).as_str()))
    }

    fn password(&self, user: &str) -> String {
        match Hmac::<Sha1>::new_from_slice(self.secret.expose()) {
            Ok(mac) => STANDARD.encode(mac.chain_update(user).finalize().into_bytes()),
            // HMAC takes keys of every length.
            Err(_) => String::new(),
        }
    }
}

fn own_secret(context: &FeatureContext) -> Arc<Secret> {
    let secrets: Arc<Secrets> = context.kernel.shared();
    let mut secrets = secrets.0.lock();
    let secret = secrets.entry(context.host.name.clone()).or_insert_with(|| {
        let mut bytes = vec![0; 32];
        context.kernel.random.fill(&mut bytes);
        Arc::new(Secret::new(bytes))
    });
    Arc::clone(secret)
}

/// Eight digits that tell accounts and hosts apart.
fn hash(text: &str) -> String {
    let mut digits = String::with_capacity(8);
    for byte in Sha1::digest(text).iter().take(4) {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}
