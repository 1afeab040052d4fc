//! The one gate that every face of the commands goes through: who may, and a line in the log about who did.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use nightjar_auth::Verdict;
use nightjar_config::access::{Call as Permit, Who};
use nightjar_jid::Jid;
use nightjar_sasl::Secret;
use nightjar_text::Text;

use super::{Call, Caller, CommandError, CommandResult, CommandSpec, Value};
use crate::attempts::{Attempt, Protocol};
use crate::kernel::Kernel;

impl Kernel {
    /// Calls a command with arguments that fit it, if `api_permissions` lets the caller.
    ///
    /// # Errors
    /// [`CommandError::NotAllowed`], and as the command says.
    pub async fn run_command(
        self: &Arc<Self>,
        spec: &'static CommandSpec,
        caller: Caller,
        arguments: Vec<Value>,
    ) -> CommandResult {
        let counts = &self.commands.counts;
        if let Err(refusal) = self.permit(spec, &caller, &arguments) {
            counts.refused.fetch_add(1, Ordering::Relaxed);
            return Err(refusal);
        }
        counts.called.fetch_add(1, Ordering::Relaxed);
        let user = argument(spec, &arguments, "user").unwrap_or_default();
        let host = argument(spec, &arguments, "host").unwrap_or_default();
        tracing::info!(
            command = spec.name,
            from = caller.from.name(),
            by = name(&caller),
            ip = caller.ip.map(tracing::field::display),
            node = caller.node.as_deref(),
            host = host.as_str(),
            user = user.as_str(),
            "command called"
        );
        let result = self.commands.call(spec, Call { kernel: Arc::clone(self), caller, arguments }).await;
        if result.is_err() {
            counts.failed.fetch_add(1, Ordering::Relaxed);
        }
        result
    }

    /// Whether the caller may call a command with these arguments.
    ///
    /// # Errors
    /// [`CommandError::NotAllowed`]; the reason is in the log.
    pub fn permit(
        &self,
        spec: &CommandSpec,
        caller: &Caller,
        arguments: &[Value],
    ) -> Result<(), CommandError> {
        if spec.tags.contains(&"internal") {
            return Err(CommandError::NotAllowed("frontend_cannot_call_an_internal_command".to_owned()));
        }
        let who = caller.jid.as_ref().map_or_else(Who::anyone, Who::jid);
        let who = caller.ip.map_or(who, |ip| who.with_ip(ip));
        let scopes: Option<Vec<&str>> =
            caller.scopes.as_ref().map(|scopes| scopes.iter().map(Text::as_str).collect());
        let permit = Permit {
            command: spec.name,
            tags: spec.tags,
            caller: caller.from,
            listener_tag: caller.tag.as_deref(),
            who,
            oauth_scopes: scopes.as_deref(),
        };
        let host = argument(spec, arguments, "host");
        let decision = self.config().may_call(&permit, caller.jid.as_ref().map(Jid::domain), host.as_deref());
        if decision.allowed {
            return Ok(());
        }
        tracing::warn!(
            command = spec.name,
            from = caller.from.name(),
            by = name(caller),
            ip = caller.ip.map(tracing::field::display),
            node = caller.node.as_deref(),
            reason = decision.reason,
            "command refused"
        );
        Err(CommandError::NotAllowed("access_rules_unauthorized".to_owned()))
    }

    /// The address of the account that this password belongs to, shown at the control socket.
    ///
    /// # Errors
    /// As [`Kernel::authenticate_from`].
    pub async fn authenticate(
        self: &Arc<Self>,
        user: &str,
        host: &str,
        password: &Secret,
    ) -> Result<Jid, CommandError> {
        self.authenticate_from(user, host, password, None, Protocol::Ctl).await
    }

    /// The address of the account that this password belongs to. Whoever counts attempts is told of it.
    ///
    /// # Errors
    /// [`CommandError::NotAllowed`] whatever is wrong about them, or with a sentence if the address may not try;
    /// [`CommandError::Internal`] if it can't be known now.
    pub async fn authenticate_from(
        self: &Arc<Self>,
        user: &str,
        host: &str,
        password: &Secret,
        ip: Option<IpAddr>,
        protocol: Protocol,
    ) -> Result<Jid, CommandError> {
        let refused = || CommandError::NotAllowed("invalid_account_data".to_owned());
        let banned = |why: Text| CommandError::NotAllowed(why.to_string());
        let host = self.host(host).ok_or_else(refused)?;
        host.may_connect(ip, protocol).await.map_err(banned)?;
        let jid = host.account(user).map_err(|_| refused())?;
        let verdict = host.accounts.check_password(jid.local().unwrap_or_default(), password).await;
        let success = match verdict {
            Ok(verdict) => matches!(verdict, Verdict::Accepted(_)),
            Err(error) => return Err(CommandError::Internal(error.to_string())),
        };
        let attempt = Attempt { ip, protocol, user: Text::new(user), success };
        host.attempted(attempt).await.map_err(banned)?;
        if success { Ok(jid) } else { Err(refused()) }
    }
}

fn name(caller: &Caller) -> &str {
    caller.jid.as_ref().map_or("the operator", Jid::as_str)
}

fn argument(spec: &CommandSpec, arguments: &[Value], name: &str) -> Option<Text> {
    let at = spec.arguments.iter().position(|field| field.name == name)?;
    match arguments.get(at) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    }
}
