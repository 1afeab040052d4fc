//! mod_auth_fast: tokens that stand for the password (XEP-0484). The login is done by the client stream and its
//! driver; this keeps the tokens.

use std::sync::Arc;
use std::time::Duration;

use nightjar_auth::{Environment, FastOptions, FastTokens};
use nightjar_base::hooks::BoxFuture;
use nightjar_base::{Feature, FeatureContext, FeatureError, Registration};
use nightjar_config::{ModuleSpec, OptionSpec};

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_auth_fast",
    doc: "Gives clients tokens to log in with in place of the password (XEP-0484).",
    options: &[
        OptionSpec {
            name: "db_type",
            kind: "mnesia|sql",
            default: "= toplevel default_db",
            doc: "Where tokens are kept; both words mean the SQL database.",
        },
        OptionSpec {
            name: "token_lifetime",
            kind: "duration(s)",
            default: "30 days",
            doc: "How long a token is valid.",
        },
        OptionSpec {
            name: "token_refresh_age",
            kind: "duration(s)",
            default: "1 day",
            doc: "How old a token may be before the client gets a new one at its next login.",
        },
    ],
};

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let environment = context.host.get::<Environment>();
        let environment = environment.ok_or_else(|| {
            FeatureError::Other("the host has no accounts that tokens could stand for".to_owned())
        })?;
        let duration = |name| context.options.duration(name).unwrap_or(Duration::MAX);
        let options = FastOptions {
            token_lifetime: duration("token_lifetime"),
            token_refresh_age: duration("token_refresh_age"),
        };
        let tokens = FastTokens::new(context.host.store.clone(), Environment::clone(&environment), options);
        let mut registration = context.registration();
        registration.provide(Arc::new(tokens));
        Ok(registration)
    })
}
