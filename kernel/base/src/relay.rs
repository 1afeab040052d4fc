//! What media relays ask of features.

use nightjar_sasl::Secret;

type Find = dyn Fn(&str) -> Option<Secret> + Send + Sync;

/// Passwords of credentials that were given to accounts over XMPP, found by their user names. A host provides it with
/// [`crate::Registration::provide`].
pub struct TurnPasswords(Box<Find>);

impl TurnPasswords {
    /// With the function that knows them; it gives none for names that aren't its own or have expired.
    pub fn new(find: impl Fn(&str) -> Option<Secret> + Send + Sync + 'static) -> Self {
        Self(Box::new(find))
    }

    /// The password of a name.
    pub fn find(&self, user: &str) -> Option<Secret> {
        (self.0)(user)
    }
}
