//! mod_scram_upgrade: a client that logs in may leave stronger keys (XEP-0480). The exchange is done by the client
//! stream and its driver; this says which keys are wanted.

use std::sync::Arc;

use nightjar_base::hooks::BoxFuture;
use nightjar_base::stream_options::ScramUpgradeOptions;
use nightjar_base::{Feature, FeatureContext, FeatureError, Registration};
use nightjar_config::{ModuleSpec, OptionSpec};

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_scram_upgrade",
    doc: "Lets clients replace stored keys by stronger ones (XEP-0480).",
    options: &[OptionSpec {
        name: "offered_upgrades",
        kind: "[sha256|sha512]",
        default: "[sha256, sha512]",
        doc: "The hashes that clients are asked to leave keys for.",
    }],
};

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let offered = context.options.texts("offered_upgrades");
        let has = |name: &str| offered.iter().any(|word| word.as_str() == name);
        let options = ScramUpgradeOptions { sha256: has("sha256"), sha512: has("sha512") };
        let mut registration = context.registration();
        registration.provide(Arc::new(options));
        Ok(registration)
    })
}
