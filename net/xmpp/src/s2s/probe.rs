//! `s2s_probe`: one try to reach a server, told step by step.

use std::sync::Arc;

use nightjar_base::Kernel;
use nightjar_base::commands::CommandError;
use nightjar_jid::Jid;

use super::failure::Failure;
use super::federation::Federation;
use super::options;
use super::outgoing::{self, Purpose, Wanted};
use super::steps::Trace;

/// The steps, a line each, and what came of them.
///
/// # Errors
/// If the domain is ours.
pub(super) async fn probe(
    federation: &Arc<Federation>,
    kernel: &Arc<Kernel>,
    remote: Jid,
) -> Result<Vec<String>, CommandError> {
    if kernel.is_local(&remote) {
        return Err(CommandError::Conflict(format!("{remote} is served here")));
    }
    let host = kernel.hosts().into_iter().next();
    let config = kernel.config();
    let host = config.hosts().first().and_then(|name| kernel.host(name)).or(host);
    let Some(host) = host else { return Err(CommandError::NotFound("there is no host here".to_owned())) };
    let mut trace = Trace::kept();
    let local = host.jid.clone();
    let outcome = match options::may_federate(&host, &remote) && kernel.may_federate(&host, &remote).await {
        false => Err(Failure::Denied),
        true => {
            let wanted =
                Wanted { host, local: local.clone(), remote: remote.clone(), purpose: Purpose::Probe };
            outgoing::connect(federation, kernel, &wanted, &mut trace).await
        }
    };
    let mut lines: Vec<String> = trace.into_steps().iter().map(ToString::to_string).collect();
    lines.push(match outcome {
        Ok(_) => format!("{remote} can be reached from {local}"),
        Err(failure) => format!("{remote} can't be reached from {local}: {failure}"),
    });
    Ok(lines)
}
