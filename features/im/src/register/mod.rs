//! mod_register: accounts made, changed and removed by their users (XEP-0077).

mod notices;
mod options;
mod pace;
mod query;
mod strength;

use std::sync::{Arc, Weak};

use nightjar_auth::AuthError;
use nightjar_base::hooks::BoxFuture;
use nightjar_base::host::Host;
use nightjar_base::iq::{IqHandler, IqReply, IqRequest, IqTarget};
use nightjar_base::{Feature, FeatureContext, FeatureError, Kernel, Registration};
use nightjar_config::access::Who;
use nightjar_jid::Jid;
use nightjar_sasl::Secret;
use nightjar_text::Text;
use nightjar_xmpp::{StanzaError, ns};

use self::options::{RegisterOptions, SPEC};
use self::pace::{Pace, Source};
use self::query::Submission;
use crate::support::{may, storage_error};

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let options = RegisterOptions::read(&context.options);
        if options.captcha_protected {
            tracing::warn!(
                host = %context.host.name,
                "mod_register: captcha_protected is on and CAPTCHAs are not supported: nobody can register"
            );
        }
        let is_offered = options.is_offered();
        let register =
            Arc::new(Register { kernel: Arc::downgrade(&context.kernel), options, pace: Pace::default() });
        let mut registration = context.registration();
        let handler = |target| Arc::new(Handler { register: Arc::clone(&register), target });
        registration.iq(IqTarget::Stream, ns::REGISTER, handler(IqTarget::Stream));
        registration.iq(IqTarget::Host, ns::REGISTER, handler(IqTarget::Host));
        registration.iq(IqTarget::Account, ns::REGISTER, handler(IqTarget::Account));
        if is_offered {
            let feature = format!("<register xmlns='{}'/>", ns::REGISTER_FEATURE);
            registration.stream_feature(&feature, false);
        }
        Ok(registration)
    })
}

struct Register {
    kernel: Weak<Kernel>,
    options: RegisterOptions,
    pace: Pace,
}

/// The same requests mean different things before and after a login.
struct Handler {
    register: Arc<Register>,
    target: IqTarget,
}

impl IqHandler for Handler {
    fn handle<'a>(&'a self, request: IqRequest) -> BoxFuture<'a, IqReply> {
        Box::pin(async move {
            if self.target == IqTarget::Account && !request.is_own() {
                return Err(StanzaError::not_allowed());
            }
            let is_authenticated = self.target != IqTarget::Stream;
            if request.is_set {
                self.register.submit(&request, is_authenticated).await
            } else {
                self.register.describe(&request, is_authenticated).await
            }
        })
    }
}

/// The local account that asks, if one does.
fn own_user(request: &IqRequest, is_authenticated: bool) -> Option<&str> {
    let local = is_authenticated && request.from.domain() == request.host.name.as_str();
    request.from.local().filter(|_| local)
}

fn denied() -> StanzaError {
    StanzaError::forbidden().with_text("Access denied by service policy")
}

impl Register {
    fn kernel(&self) -> Result<Arc<Kernel>, StanzaError> {
        self.kernel.upgrade().ok_or_else(StanzaError::internal_server_error)
    }

    /// Which fields are needed (§3.1).
    async fn describe(&self, request: &IqRequest, is_authenticated: bool) -> IqReply {
        let own = own_user(request, is_authenticated);
        let registered = match own {
            Some(user) if request.host.accounts.exists(user).await.map_err(|error| refusal(&error))? => own,
            _ => None,
        };
        match (&self.options.redirect_url, registered) {
            (Some(url), None) => Ok(Some(query::redirect(url))),
            (None, None) if self.options.captcha_protected => Err(captcha_missing()),
            (_, registered) => Ok(Some(query::fields(registered))),
        }
    }

    async fn submit(&self, request: &IqRequest, is_authenticated: bool) -> IqReply {
        let own = own_user(request, is_authenticated);
        match query::read(request.query.root())? {
            Submission::Remove { user } => self.remove(request, own, user).await?,
            Submission::Credentials { user, password } => {
                let user = nightjar_jid::nodeprep(&user).map_err(|_| malformed())?;
                if own == Some(&*user) {
                    self.change_password(&request.host, &user, &password).await?;
                } else {
                    self.make_account(request, &user, &password, is_authenticated).await?;
                }
            }
        }
        Ok(None)
    }

    /// §3.2. Only the own account can be removed: whoever knows another's password can log in and remove it there, and
    /// here it would be a way to guess passwords unseen.
    async fn remove(
        &self,
        request: &IqRequest,
        own: Option<&str>,
        user: Option<Text>,
    ) -> Result<(), StanzaError> {
        let own = own.filter(|_| may(request, &self.options.access_remove)).ok_or_else(denied)?;
        if let Some(user) = user {
            let user = nightjar_jid::nodeprep(&user).map_err(|_| malformed())?;
            if *user != *own {
                return Err(denied());
            }
        }
        let kernel = self.kernel()?;
        request.host.accounts.remove(own).await.map_err(|error| refusal(&error))?;
        // The client learns of its success before its streams are closed.
        kernel.route_boxed(request.stanza.result_reply(None)).await;
        kernel.remove_account(&request.host, own).await.map_err(|error| refusal(&error))
    }

    /// §3.3
    async fn change_password(
        &self,
        host: &Arc<Host>,
        user: &str,
        password: &Secret,
    ) -> Result<(), StanzaError> {
        self.check_strength(password)?;
        self.kernel()?.change_password(host, user, password).await.map_err(|error| refusal(&error))
    }

    async fn make_account(
        &self,
        request: &IqRequest,
        user: &str,
        password: &Secret,
        is_authenticated: bool,
    ) -> Result<(), StanzaError> {
        let account = request.host.account(user).map_err(|_| malformed())?;
        if self.options.captcha_protected {
            return Err(captcha_missing());
        }
        if !self.allows(request, &account, is_authenticated) {
            tracing::info!(%account, ip = ?request.ip, "a registration was denied");
            return Err(denied());
        }
        self.check_strength(password)?;
        let kernel = self.kernel()?;
        let source = source_of(request, is_authenticated);
        self.claim(&kernel, source.as_ref())?;
        if let Err(error) = kernel.register_account(&request.host, user, password).await {
            if let Some(source) = &source {
                self.pace.release(source);
            }
            return Err(refusal(&error));
        }
        tracing::info!(%account, ip = ?request.ip, "an account was made by its user");
        notices::send(&kernel, &request.host, &self.options, &account, request.ip).await;
        Ok(())
    }

    fn allows(&self, request: &IqRequest, account: &Jid, is_authenticated: bool) -> bool {
        let config = request.host.config();
        let ip = request.ip.map_or_else(Who::anyone, Who::ip);
        self.options.module_may
            && (!is_authenticated || may(request, &self.options.access_from))
            && config.access.allows(&self.options.access, &Who::jid(account))
            && config.access.allows(&self.options.ip_access, &ip)
    }

    fn check_strength(&self, password: &Secret) -> Result<(), StanzaError> {
        let bits = password.expose_text().map_or(0.0, strength::entropy);
        if bits >= self.options.password_strength {
            return Ok(());
        }
        Err(StanzaError::not_acceptable().with_text("The password is too weak"))
    }

    fn claim(&self, kernel: &Kernel, source: Option<&Source>) -> Result<(), StanzaError> {
        let pause = kernel.config().global.duration("registration_timeout");
        let (Some(pause), Some(source)) = (pause, source) else { return Ok(()) };
        if self.pace.claim(source, kernel.clock.monotonic(), pause) {
            return Ok(());
        }
        tracing::info!(?source, "a registration came too soon after another");
        let text = "Users are not allowed to register accounts so quickly";
        Err(StanzaError::resource_constraint().with_text(text))
    }
}

fn source_of(request: &IqRequest, is_authenticated: bool) -> Option<Source> {
    if is_authenticated { Some(Source::account(&request.from)) } else { request.ip.map(Source::address) }
}

fn malformed() -> StanzaError {
    StanzaError::jid_malformed().with_text("Malformed username")
}

/// Without the CAPTCHA nobody gets in: a protection that was asked for is never skipped.
fn captcha_missing() -> StanzaError {
    StanzaError::not_allowed().with_text("Registration needs a CAPTCHA, which this server doesn't offer yet")
}

fn refusal(error: &AuthError) -> StanzaError {
    match error {
        AuthError::NotAllowed => StanzaError::not_allowed(),
        AuthError::Exists => StanzaError::conflict().with_text("User already exists"),
        AuthError::NotFound => StanzaError::registration_required(),
        AuthError::InvalidUsername => malformed(),
        AuthError::InvalidPassword => {
            StanzaError::not_acceptable().with_text("The password contains unacceptable characters")
        }
        AuthError::Stopping => StanzaError::resource_constraint().with_text("The server is stopping"),
        AuthError::Store(error) => storage_error(error),
    }
}
