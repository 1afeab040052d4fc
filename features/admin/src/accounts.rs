//! Making, removing, listing and checking accounts.

use std::fmt::Write as _;
use std::sync::Arc;

use nightjar_auth::{AuthError, Page, Verdict};
use nightjar_base::commands::declare::{ACCOUNT, binary, command, list, rescode, restuple, string};
use nightjar_base::commands::{Call, CommandError, CommandHandler, CommandResult, CommandSpec, Value};
use nightjar_base::guard::Guard;
use nightjar_base::{Host, Kernel, Registration};
use nightjar_sasl::Secret;
use nightjar_text::Text;

use crate::find;

static REGISTER: CommandSpec = command(
    "register",
    &["accounts"],
    "Register an account",
    &[binary("user"), binary("host"), binary("password")],
    restuple(),
);
static UNREGISTER: CommandSpec =
    command("unregister", &["accounts"], "Remove an account and all data of it", ACCOUNT, restuple());
static REGISTERED_USERS: CommandSpec = command(
    "registered_users",
    &["accounts"],
    "List the accounts of a host",
    &[binary("host")],
    list("users", &string("username")),
);
static REGISTERED_VHOSTS: CommandSpec = command(
    "registered_vhosts",
    &["server"],
    "List the hosts that are served",
    &[],
    list("vhosts", &string("vhost")),
);
static CHANGE_PASSWORD: CommandSpec = command(
    "change_password",
    &["accounts"],
    "Give an account a new password",
    &[binary("user"), binary("host"), binary("newpass")],
    rescode(),
);
static CHECK_ACCOUNT: CommandSpec =
    command("check_account", &["accounts"], "Tell whether an account exists", ACCOUNT, rescode());
static CHECK_PASSWORD: CommandSpec = command(
    "check_password",
    &["accounts"],
    "Tell whether a password is right",
    &[binary("user"), binary("host"), binary("password")],
    rescode(),
);
static CHECK_PASSWORD_HASH: CommandSpec = command(
    "check_password_hash",
    &["accounts"],
    "Tell whether a hash is that of the password; only where passwords are stored as they are",
    &[binary("user"), binary("host"), binary("passwordhash"), binary("hashmethod")],
    rescode(),
);

/// Accounts read in one query.
const PAGE: u32 = 1000;

pub(crate) fn core(kernel: &Arc<Kernel>) -> Vec<Guard> {
    let offer = |spec, handler: Arc<dyn CommandHandler>| kernel.commands.add(spec, None, handler);
    vec![
        offer(&REGISTER, Arc::new(register)),
        offer(&UNREGISTER, Arc::new(unregister)),
        offer(&REGISTERED_USERS, Arc::new(registered_users)),
        offer(&REGISTERED_VHOSTS, Arc::new(registered_vhosts)),
    ]
}

pub(crate) fn extra(registration: &mut Registration) {
    registration.command(&CHANGE_PASSWORD, change_password);
    registration.command(&CHECK_ACCOUNT, check_account);
    registration.command(&CHECK_PASSWORD, check_password);
    registration.command(&CHECK_PASSWORD_HASH, check_password_hash);
}

async fn register(call: Call) -> CommandResult {
    let (user, name) = (call.text(0), call.text(1));
    let cannot =
        |why: &str| CommandError::Coded { word: "cannot_register", number: 10001, text: why.to_owned() };
    let host = find::host(&call, 1).ok_or_else(|| cannot("Unknown virtual host"))?;
    let password = Secret::from(call.text(2).as_str());
    match call.kernel.register_account(&host, &user, &password).await {
        Ok(_) => {
            let told = format!("User {user}@{name} successfully registered");
            Ok(Value::Told(true, Text::from(told)))
        }
        Err(AuthError::Exists) => {
            Err(CommandError::Conflict(format!("User {user}@{name} already registered")))
        }
        Err(error) => Err(cannot(&format!("Can't register user {user}@{name}: {error}"))),
    }
}

async fn unregister(call: Call) -> CommandResult {
    let host = find::known_host(&call, 1)?;
    match call.kernel.remove_account(&host, &call.text(0)).await {
        // A name that can't be one has nothing to be removed.
        Ok(()) | Err(AuthError::InvalidUsername) => Ok(Value::Told(true, Text::empty())),
        Err(error) => Err(find::failed(&error)),
    }
}

async fn registered_users(call: Call) -> CommandResult {
    let host = find::known_host(&call, 0)?;
    let users = all(&host).await.map_err(|error| find::failed(&error))?;
    Ok(Value::List(users.into_iter().map(Value::Text).collect()))
}

/// All accounts of a host, by name.
///
/// # Errors
/// Those of the account database.
pub(crate) async fn all(host: &Host) -> Result<Vec<Text>, AuthError> {
    let mut users = Vec::new();
    let mut page = Page::first(PAGE);
    loop {
        let mut found = host.accounts.list(&page).await?;
        let full = found.len() >= PAGE as usize;
        if let Some(last) = found.last() {
            page.after = last.clone();
        }
        users.append(&mut found);
        if !full {
            return Ok(users);
        }
    }
}

async fn registered_vhosts(call: Call) -> CommandResult {
    let hosts = call.kernel.hosts();
    Ok(Value::List(hosts.iter().map(|host| Value::Text(host.name.clone())).collect()))
}

async fn change_password(call: Call) -> CommandResult {
    let (host, account) = find::known_account(&call, 0).await?;
    let user = account.local().unwrap_or_default();
    let password = Secret::from(call.text(2).as_str());
    let changed = call.kernel.change_password(&host, user, &password).await;
    changed.map(|()| Value::Done(true)).map_err(|error| find::failed(&error))
}

async fn check_account(call: Call) -> CommandResult {
    match find::known_account(&call, 0).await {
        Ok(_) => Ok(Value::Done(true)),
        Err(CommandError::NotFound(_)) => Ok(Value::Done(false)),
        Err(error) => Err(error),
    }
}

async fn check_password(call: Call) -> CommandResult {
    let Some((host, account)) = find::account(&call, 0) else { return Ok(Value::Done(false)) };
    let user = account.local().unwrap_or_default();
    let password = Secret::from(call.text(2).as_str());
    let verdict = host.accounts.check_password(user, &password).await;
    let verdict = verdict.map_err(|error| find::failed(&error))?;
    Ok(Value::Done(matches!(verdict, Verdict::Accepted(_))))
}

async fn check_password_hash(call: Call) -> CommandResult {
    let (host, account) = find::known_account(&call, 0).await?;
    let user = account.local().unwrap_or_default();
    let stored = host.accounts.credentials(user).await.map_err(|error| find::failed(&error))?;
    let failed = |why: &str| CommandError::Failed(why.to_owned());
    let Some(plain) = stored.as_ref().and_then(|stored| stored.plain.as_ref()) else {
        return Err(failed("passwords_scrammed_command_cannot_work"));
    };
    // ejabberd's spelling of the word, which callers compare with.
    let hash = digest(&call.text(3), plain.expose()).ok_or_else(|| failed("unkown_hash_method"))?;
    let same = Secret::from(hash.as_str()).same_as(call.text(2).to_ascii_uppercase().as_bytes());
    Ok(Value::Done(same))
}

/// A hash in upper-case hexadecimal digits.
fn digest(method: &str, bytes: &[u8]) -> Option<String> {
    use sha2::Digest as _;
    let hash = match method {
        "md5" => md5::Md5::digest(bytes).to_vec(),
        "sha" => sha1::Sha1::digest(bytes).to_vec(),
        "sha224" => sha2::Sha224::digest(bytes).to_vec(),
        "sha256" => sha2::Sha256::digest(bytes).to_vec(),
        "sha384" => sha2::Sha384::digest(bytes).to_vec(),
        "sha512" => sha2::Sha512::digest(bytes).to_vec(),
        _ => return None,
    };
    let mut text = String::with_capacity(hash.len() * 2);
    for byte in hash {
        let _ = write!(text, "{byte:02X}");
    }
    Some(text)
}

#[cfg(test)]
mod tests;
