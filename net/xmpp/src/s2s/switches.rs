//! The modules that switch parts of federation on for a host. What they switch is read from the host's configuration
//! where it is needed; as features they only show up among those that run.

use nightjar_base::feature::Feature;
use nightjar_config::{ModuleSpec, option};

/// Dialback.
pub static S2S_DIALBACK: Feature = Feature {
    spec: &ModuleSpec {
        name: "mod_s2s_dialback",
        doc: "Other servers may prove their domains by dialback, which believes the DNS, where they have no certificate \
              (XEP-0220).",
        options: &[option("access", "access rule", "all", "The servers that may.")],
    },
    start: |context| Box::pin(async move { Ok(context.registration()) }),
};

/// Stanzas in both directions.
pub static S2S_BIDI: Feature = Feature {
    spec: &ModuleSpec {
        name: "mod_s2s_bidi",
        doc: "One connection with another server carries stanzas in both directions (XEP-0288).",
        options: &[],
    },
    start: |context| Box::pin(async move { Ok(context.registration()) }),
};
