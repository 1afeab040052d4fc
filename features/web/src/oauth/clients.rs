//! The table `oauth_client`: programs that may ask for tokens.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nightjar_base::Kernel;
use nightjar_erldist::Term;
use nightjar_erldist::term::{Limits, encode};
use nightjar_sasl::Secret;
use nightjar_store::{Statement, StoreError, params};

use super::tokens::first_host;

static FIND: Statement = Statement::new("SELECT grant_type, options FROM oauth_client WHERE client_id = ?");
static PUT: Statement =
    Statement::upsert("oauth_client", &["client_id"], &["client_name", "grant_type", "options"]);
static DELETE: Statement = Statement::new("DELETE FROM oauth_client WHERE client_id = ?");

/// How a program gets tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grant {
    /// By the account's password.
    Password,
    /// By a page in the browser that leads back to it.
    Implicit,
}

impl Grant {
    fn name(self) -> &'static str {
        match self {
            Grant::Password => "password",
            Grant::Implicit => "implicit",
        }
    }

    /// The name of the client's option.
    fn option(self) -> &'static str {
        match self {
            Grant::Password => "secret",
            Grant::Implicit => "redirect_uri",
        }
    }
}

/// Keeps a client with its secret or the address it is led back to.
pub(super) async fn put(
    kernel: &Kernel,
    id: &str,
    name: &str,
    grant: Grant,
    option: &str,
) -> Result<(), StoreError> {
    // As ejabberd keeps them: `[{secret, <<"…">>}]` in the external term format.
    let options = Term::list([Term::tuple([Term::atom(grant.option()), Term::text(option)])]);
    let options = STANDARD.encode(encode(&options));
    let row = params![id, name, grant.name(), options];
    first_host(kernel)?.store.execute(&PUT, row).await.map(drop)
}

/// Forgets a client.
pub(super) async fn remove(kernel: &Kernel, id: &str) -> Result<(), StoreError> {
    first_host(kernel)?.store.execute(&DELETE, params![id]).await.map(drop)
}

/// Whether this is the secret of a client that gets tokens by password.
pub(super) async fn has_secret(kernel: &Kernel, id: &str, secret: &Secret) -> Result<bool, StoreError> {
    let Some(row) = first_host(kernel)?.store.query_one(&FIND, params![id]).await? else { return Ok(false) };
    if row.text(0)?.as_str() != Grant::Password.name() {
        return Ok(false);
    }
    let options = STANDARD.decode(row.text(1)?.as_bytes()).ok();
    let options = options.and_then(|bytes| Term::decode(&bytes, &Limits::default()).ok());
    let key = Term::atom(Grant::Password.option());
    let known =
        options.as_ref().and_then(Term::as_list).into_iter().flatten().find_map(|option| {
            match option.as_tuple() {
                Some([name, value]) if *name == key => value.as_binary(),
                _ => None,
            }
        });
    Ok(known.is_some_and(|known| secret.same_as(known)))
}
