use nightjar_sasl::{Condition, ScramHash};

use super::*;
use crate::AnonymousProtocol;
use crate::testing::{PLAIN, SHA256, World, secret, storing};

fn host(world: &World, options: &AuthOptions) -> HostAccounts {
    let (accounts, missing) = HostAccounts::new(options, &world.store, &world.environment, &[]);
    assert_eq!(missing, []);
    accounts
}

fn with_methods(methods: &[AuthMethod]) -> AuthOptions {
    AuthOptions {
        methods: methods.to_vec(),
        anonymous_protocol: AnonymousProtocol::Both,
        ..storing(&[PLAIN])
    }
}

async fn verdict(accounts: &HostAccounts, user: &str, password: &str) -> Verdict {
    accounts.check_password(user, &secret(password)).await.unwrap()
}

fn lookup(user: &str) -> Lookup {
    Lookup { username: Text::new(user), authzid: None, hash: ScramHash::Sha256 }
}

fn refusal(answer: Answer) -> Condition {
    match answer {
        Answer::Refuse(failure) => failure.condition,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[tokio::test]
async fn names_are_normalised() {
    let world = World::new();
    let accounts = host(&world, &storing(&[SHA256]));
    accounts.register("Juliet", &secret("pencil")).await.unwrap();
    assert_eq!(accounts.register("JULIET", &secret("x")).await, Err(AuthError::Exists));
    assert_eq!(verdict(&accounts, "jUliet", "pencil").await, Verdict::Accepted(AuthMethod::Sql));
    accounts.set_password("JULIET", &secret("eraser")).await.unwrap();
    assert_eq!(verdict(&accounts, "juliet", "pencil").await, Verdict::Refused);
    assert_eq!(accounts.list(&Page { prefix: Text::new("JU"), ..Page::first(5) }).await.unwrap(), ["juliet"]);
    assert_eq!(accounts.count("Ju").await, Ok(1));
    for bad in ["", "jul iet", "juliet@example.org", "jul/iet"] {
        assert_eq!(accounts.register(bad, &secret("x")).await, Err(AuthError::InvalidUsername), "{bad:?}");
        assert_eq!(verdict(&accounts, bad, "x").await, Verdict::Refused, "{bad:?}");
        assert_eq!(accounts.exists(bad).await, Ok(false), "{bad:?}");
    }
    accounts.remove("Juliet").await.unwrap();
    assert_eq!(accounts.exists("juliet").await, Ok(false));
}

/// Methods that are not there let nobody in and are named.
#[tokio::test]
async fn missing_methods_are_reported() {
    let world = World::new();
    let kinds =
        ["external", "internal", "mnesia", "ldap", "sql"].map(|name| AuthMethod::from_name(name).unwrap());
    let (accounts, missing) = HostAccounts::new(&with_methods(&kinds), &world.store, &world.environment, &[]);
    assert_eq!(missing, [AuthMethod::External, AuthMethod::Ldap]);
    accounts.register("juliet", &secret("pencil")).await.unwrap();
    assert_eq!(accounts.list(&Page::first(5)).await.unwrap(), ["juliet"]);

    let (nobody, _) =
        HostAccounts::new(&with_methods(&[AuthMethod::Pam]), &world.store, &world.environment, &[]);
    assert_eq!(verdict(&nobody, "juliet", "pencil").await, Verdict::Refused);
    assert_eq!(nobody.register("romeo", &secret("x")).await, Err(AuthError::NotAllowed));
    assert_eq!(nobody.set_password("juliet", &secret("x")).await, Err(AuthError::NotAllowed));
}

/// A method that answers as told, standing for one that is made elsewhere.
struct Told(Result<MethodVerdict, AuthError>);

impl Method for Told {
    fn kind(&self) -> AuthMethod {
        AuthMethod::Ldap
    }

    fn exists<'a>(&'a self, _user: &'a str) -> BoxFuture<'a, Result<bool, AuthError>> {
        Box::pin(async { self.0.clone().map(|verdict| verdict == MethodVerdict::Accepted) })
    }

    fn check_password<'a>(
        &'a self,
        _user: &'a str,
        _password: &'a Secret,
    ) -> BoxFuture<'a, Result<MethodVerdict, AuthError>> {
        Box::pin(async { self.0.clone() })
    }
}

#[tokio::test]
async fn methods_are_asked_in_order() {
    use AuthMethod::{Ldap, Sql};
    let world = World::new();
    host(&world, &with_methods(&[Sql])).register("juliet", &secret("pencil")).await.unwrap();
    let outage = AuthError::Store(nightjar_store::StoreError::Unavailable);
    let table = [
        (vec![Ldap, Sql], Ok(MethodVerdict::Accepted), Ok(Verdict::Accepted(Ldap))),
        (vec![Sql, Ldap], Ok(MethodVerdict::Accepted), Ok(Verdict::Accepted(Sql))),
        (vec![Ldap, Sql], Ok(MethodVerdict::Refused), Ok(Verdict::Accepted(Sql))),
        (vec![Ldap, Sql], Ok(MethodVerdict::RefusedForGood), Ok(Verdict::Refused)),
        (vec![Sql, Ldap], Ok(MethodVerdict::RefusedForGood), Ok(Verdict::Accepted(Sql))),
        (vec![Ldap, Sql], Err(outage.clone()), Ok(Verdict::Accepted(Sql))),
        (vec![Ldap], Err(outage.clone()), Err(outage)),
    ];
    for (methods, told, expected) in table {
        let other: Arc<dyn Method> = Arc::new(Told(told.clone()));
        let options = with_methods(&methods);
        let (accounts, _) = HostAccounts::new(&options, &world.store, &world.environment, &[other]);
        let found = accounts.check_password("juliet", &secret("pencil")).await;
        assert_eq!(found, expected, "{methods:?} {told:?}");
    }
}

#[tokio::test]
async fn anonymous_users_never_get_the_name_of_an_account() {
    use AuthMethod::{Anonymous, Ldap, Sql};
    let world = World::new();
    let accounts = host(&world, &with_methods(&[Anonymous, Sql]));
    accounts.register("juliet", &secret("pencil")).await.unwrap();
    assert_eq!(verdict(&accounts, "juliet", "guess").await, Verdict::Refused);
    assert_eq!(verdict(&accounts, "juliet", "pencil").await, Verdict::Accepted(Sql));
    assert_eq!(verdict(&accounts, "guest", "guess").await, Verdict::Accepted(Anonymous));
    let claim = accounts.claim_anonymous("Guest").unwrap();
    assert_eq!(verdict(&accounts, "guest", "guess").await, Verdict::Refused);
    assert_eq!(accounts.register("guest", &secret("x")).await, Err(AuthError::Exists));
    assert_eq!(accounts.list(&Page::first(5)).await.unwrap(), ["guest", "juliet"]);
    assert_eq!(accounts.list(&Page::first(1)).await.unwrap(), ["guest"]);
    drop(claim);
    accounts.register("guest", &secret("x")).await.unwrap();

    // A method that cannot tell whether it has the account: the name is not given away.
    let away: Arc<dyn Method> = Arc::new(Told(Err(AuthError::Stopping)));
    let options = with_methods(&[Anonymous, Ldap]);
    let (accounts, _) = HostAccounts::new(&options, &world.store, &world.environment, &[away]);
    assert_eq!(accounts.check_password("guest", &secret("x")).await, Err(AuthError::Stopping));
}

#[tokio::test]
async fn anonymous_names_are_made_up() {
    let world = World::new();
    let accounts = host(&world, &with_methods(&[AuthMethod::Anonymous]));
    let made_up = || match accounts.anonymous_answer() {
        Answer::Identity(name) => name,
        other => panic!("{other:?}"),
    };
    let (first, second) = (made_up(), made_up());
    assert_ne!(first, second);
    assert_eq!(nodeprep(&first).unwrap(), first.as_str());
    let login = AuthOptions {
        anonymous_protocol: AnonymousProtocol::LoginAnon,
        ..with_methods(&[AuthMethod::Anonymous])
    };
    for options in [login, storing(&[PLAIN])] {
        assert_eq!(refusal(host(&world, &options).anonymous_answer()), Condition::InvalidMechanism);
    }
    assert!(host(&world, &storing(&[PLAIN])).claim_anonymous("guest").is_none());
}

struct Banned;

impl Bans for Banned {
    fn ban<'a>(&'a self, user: &'a str) -> BoxFuture<'a, Result<Option<Text>, AuthError>> {
        Box::pin(async move { Ok((user == "romeo").then(|| Text::new("Account is banned: spam"))) })
    }
}

#[tokio::test]
async fn the_banned_are_told_so() {
    let world = World::new();
    let accounts = host(&world, &storing(&[PLAIN]));
    for user in ["juliet", "romeo"] {
        accounts.register(user, &secret("pencil")).await.unwrap();
    }
    accounts.set_bans(Some(Arc::new(Banned)));
    let text = Text::new("Account is banned: spam");
    for password in ["pencil", "guess"] {
        assert_eq!(verdict(&accounts, "Romeo", password).await, Verdict::Banned(text.clone()));
    }
    let Answer::Refuse(failure) = accounts.scram_answer(&lookup("romeo")).await else { panic!("banned") };
    assert_eq!((failure.condition, failure.text), (Condition::AccountDisabled, Some(text)));
    assert_eq!(accounts.ban("juliet").await, Ok(None));
    assert_eq!(verdict(&accounts, "juliet", "pencil").await, Verdict::Accepted(AuthMethod::Sql));
    accounts.set_bans(None);
    assert_eq!(verdict(&accounts, "romeo", "pencil").await, Verdict::Accepted(AuthMethod::Sql));
}

#[tokio::test]
async fn scram_asks_for_keys_and_hides_who_is_unknown() {
    let world = World::new();
    let accounts = host(&world, &storing(&[SHA256]));
    accounts.register("juliet", &secret("pencil")).await.unwrap();
    let keys = async |user: &str| match accounts.scram_answer(&lookup(user)).await {
        Answer::Keys { credentials, nonce } => (credentials, format!("{nonce:?}")),
        other => panic!("{other:?}"),
    };
    let (ScramCredentials::Known(real), first) = keys("juliet").await else { panic!("known") };
    assert!(real.check_password(&secret("pencil")));
    let (ScramCredentials::Decoy(decoy), second) = keys("romeo").await else { panic!("unknown") };
    assert_ne!(first, second, "every exchange has its own nonce");
    let (ScramCredentials::Decoy(again), _) = keys("romeo").await else { panic!("unknown") };
    assert_eq!((decoy.salt(), decoy.iterations()), (again.salt(), real.iterations()));
    assert_eq!(decoy.salt().len(), real.salt().len());
    world.store.close().await;
    let stale = AuthOptions { cache: None, ..storing(&[SHA256]) };
    let answer = host(&world, &stale).scram_answer(&lookup("juliet")).await;
    assert_eq!(refusal(answer), Condition::TemporaryAuthFailure);
}

/// A whole login over PLAIN against SCRAM keys, as the driver of a stream does it.
#[tokio::test]
async fn a_driver_joins_exchange_and_accounts() {
    use nightjar_sasl::{Exchange, Mechanism, Offer, Step};
    let world = World::new();
    let accounts = host(&world, &storing(&[SHA256]));
    accounts.register("juliet", &secret("pencil")).await.unwrap();
    let offer = Offer {
        host: Text::new("example.org"),
        mechanisms: vec![Mechanism::Plain],
        tls: true,
        ..Offer::default()
    };
    for (message, passes) in [(b"\0juliet\0pencil", true), (b"\0juliet\0eraser", false)] {
        let (mut exchange, step) = Exchange::start(Mechanism::Plain, &offer, Some(message));
        let Step::NeedPassword(check) = step else { panic!("{step:?}") };
        let verdict = accounts.check_password(&check.username, &check.password).await.unwrap();
        let step = exchange.provide(verdict.into_answer());
        assert_eq!(matches!(step, Step::Success(_)), passes);
    }
}
