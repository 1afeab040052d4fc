//! Commands about tokens and the programs that may ask for them.

use std::sync::Arc;

use nightjar_base::Kernel;
use nightjar_base::commands::{
    Call, CommandError, CommandHandler, CommandResult, CommandSpec, Field, Policy, Shape, Value,
};
use nightjar_base::guard::Guard;
use nightjar_jid::Jid;
use nightjar_text::Text;

use super::clients::{self, Grant};
use super::tokens::{Tokens, internal, page, split};

const fn field(name: &'static str, shape: Shape) -> Field {
    Field { name, shape }
}

const fn string(name: &'static str) -> Field {
    field(name, Shape::String)
}

const fn binary(name: &'static str) -> Field {
    field(name, Shape::Binary)
}

const fn command(
    name: &'static str,
    doc: &'static str,
    arguments: &'static [Field],
    result: Field,
) -> CommandSpec {
    CommandSpec { name, tags: &["oauth"], doc, arguments, result, policy: Policy::Restricted, version: 0 }
}

const RESTUPLE: Field = field("res", Shape::Restuple);
static SCOPE_GIVEN: Field = binary("scope");
static SCOPE_TOLD: Field = string("scope");
static TOKEN: Field =
    field("token", Shape::Tuple(&[string("token"), string("user"), string("scope"), string("expires_in")]));

static ISSUE_0: CommandSpec = command(
    "oauth_issue_token",
    "Issue a token for an account, for some seconds, with scopes separated by ;",
    &[string("jid"), field("ttl", Shape::Integer), string("scopes")],
    field("result", Shape::Tuple(&[string("token"), string("scopes"), string("expires_in")])),
);
static ISSUE: CommandSpec = CommandSpec {
    version: 1,
    ..command(
        "oauth_issue_token",
        "Issue a token for an account, for some seconds, with scopes",
        &[string("jid"), field("ttl", Shape::Integer), field("scopes", Shape::List(&SCOPE_GIVEN))],
        field(
            "result",
            Shape::Tuple(&[string("token"), field("scopes", Shape::List(&SCOPE_TOLD)), string("expires_in")]),
        ),
    )
};
static LIST: CommandSpec = command(
    "oauth_list_tokens",
    "List tokens with their accounts, their scopes, and how long they hold",
    &[],
    field("tokens", Shape::List(&TOKEN)),
);
static REVOKE: CommandSpec =
    command("oauth_revoke_token", "Make a token worthless", &[binary("token")], RESTUPLE);
static ADD_PASSWORD: CommandSpec = command(
    "oauth_add_client_password",
    "Let a program ask for tokens with passwords of accounts",
    &[binary("client_id"), binary("client_name"), binary("secret")],
    RESTUPLE,
);
static ADD_IMPLICIT: CommandSpec = command(
    "oauth_add_client_implicit",
    "Let a program be given tokens in the browser",
    &[binary("client_id"), binary("client_name"), binary("redirect_uri")],
    RESTUPLE,
);
static REMOVE: CommandSpec =
    command("oauth_remove_client", "Let a program ask for tokens no more", &[binary("client_id")], RESTUPLE);

/// Offers the commands until the guards are dropped.
pub(crate) fn commands(kernel: &Arc<Kernel>) -> Vec<Guard> {
    let offer = |spec, handler: Arc<dyn CommandHandler>| kernel.commands.add(spec, None, handler);
    vec![
        offer(&ISSUE_0, Arc::new(issue_separated)),
        offer(&ISSUE, Arc::new(issue)),
        offer(&LIST, Arc::new(list)),
        offer(&REVOKE, Arc::new(revoke)),
        offer(&ADD_PASSWORD, Arc::new(add_password)),
        offer(&ADD_IMPLICIT, Arc::new(add_implicit)),
        offer(&REMOVE, Arc::new(remove)),
    ]
}

async fn issue_separated(call: Call) -> CommandResult {
    let scopes = split(&call.text(2), ';');
    let told = scopes.iter().map(Text::as_str).collect::<Vec<_>>().join("\n");
    let (token, lasts) = issue_for(&call, scopes).await?;
    Ok(Value::Tuple(vec![token, Value::text(told), lasts]))
}

async fn issue(call: Call) -> CommandResult {
    let scopes = call.list(2).iter().filter_map(|value| match value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    });
    let scopes: Vec<Text> = scopes.collect();
    let told = scopes.iter().cloned().map(Value::Text).collect();
    let (token, lasts) = issue_for(&call, scopes).await?;
    Ok(Value::Tuple(vec![token, Value::List(told), lasts]))
}

async fn issue_for(call: &Call, scopes: Vec<Text>) -> Result<(Value, Value), CommandError> {
    let given = call.text(0);
    let jid = Jid::parse(&given).ok().filter(|jid| jid.local().is_some());
    let jid = jid.ok_or_else(|| CommandError::Failed(format!("Invalid JID: {given}")))?.bare();
    let seconds = call.integer(1);
    if seconds <= 0 {
        return Err(CommandError::Arguments("ttl must be above 0".to_owned()));
    }
    let token = call.kernel.shared::<Tokens>().issue(&call.kernel, jid, scopes, seconds).await?;
    Ok((Value::Text(token), Value::text(format!("{seconds} seconds"))))
}

async fn list(call: Call) -> CommandResult {
    let now = call.kernel.clock.unix_seconds();
    let mut tokens = Vec::new();
    let mut after = Text::empty();
    loop {
        let rows = page(&call.kernel, &after).await.map_err(internal)?;
        let Some((last, ..)) = rows.last() else { return Ok(Value::List(tokens)) };
        after = last.clone();
        tokens.extend(rows.into_iter().map(|(token, jid, scope, expires)| {
            let lasts = Value::text(format!("{} seconds", expires.saturating_sub(now)));
            Value::Tuple(vec![Value::Text(token), Value::Text(jid), Value::Text(scope), lasts])
        }));
    }
}

fn done(result: Result<(), nightjar_store::StoreError>) -> CommandResult {
    result.map(|()| Value::Told(true, Text::empty())).map_err(internal)
}

async fn revoke(call: Call) -> CommandResult {
    done(call.kernel.shared::<Tokens>().revoke(&call.kernel, &call.text(0)).await)
}

async fn add_password(call: Call) -> CommandResult {
    add(&call, Grant::Password).await
}

async fn add_implicit(call: Call) -> CommandResult {
    add(&call, Grant::Implicit).await
}

async fn add(call: &Call, grant: Grant) -> CommandResult {
    done(clients::put(&call.kernel, &call.text(0), &call.text(1), grant, &call.text(2)).await)
}

async fn remove(call: Call) -> CommandResult {
    done(clients::remove(&call.kernel, &call.text(0)).await)
}
