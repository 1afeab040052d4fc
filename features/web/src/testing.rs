//! A server with the API and a handful of commands, and the one way to ask it something.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use nightjar_auth::{Accounts, AuthError, AuthOptions, Bans, Environment, HostAccounts, PasswordType};
use nightjar_base::commands::{
    Call, Caller, CommandError, CommandResult, CommandSpec, Field, Policy, Shape, Value,
};
use nightjar_base::console::Console;
use nightjar_base::guard::Guard;
use nightjar_base::hooks::BoxFuture;
use nightjar_base::http::{Request, Response, body, read};
use nightjar_base::{Clock, FeatureContext, Host, Kernel, Random};
use nightjar_config::{Config, Declarations, Environment as Surroundings, load_with};
use nightjar_jid::Jid;
use nightjar_sasl::Secret;
use nightjar_text::Text;

use crate::http_api::FEATURE;
use crate::oauth::{OPTIONS, serve};
use crate::{HANDLERS, offer};

/// Accounts `admin`, `bob` and `eve`, whose passwords are their names; everything is allowed from 127.0.0.2, `status`
/// from anywhere on 127.0.0.0/8, and `count` to holders of tokens for it.
const CONFIG: &str = r#"
hosts: [localhost]
oauth_access: {allow: holders}
acl:
  admin: {user: admin@localhost}
  holders: {user: [admin@localhost, bob@localhost]}
access_rules:
  configure: {allow: admin}
api_permissions:
  open: {who: {ip: 127.0.0.2/32}, what: ["*", "!stop"]}
  admins:
    who: [{acl: admin}, {oauth: {scope: "ejabberd:admin", acl: admin}}]
    what: ["*", "!stop"]
  counters: {who: {oauth: {scope: count, acl: all}}, what: count}
  tagged: {from: [{tag: inner}], who: all, what: count}
  public: {who: {ip: 127.0.0.0/8}, what: status}
modules:
  mod_http_api: {}
"#;

/// 2026-11-23T00:00:00Z
pub(crate) const NOW: i64 = 1_795_392_000;

struct Fixed(AtomicI64);

impl Clock for Fixed {
    fn unix_micros(&self) -> i64 {
        self.0.load(Ordering::Relaxed) * 1_000_000
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

struct Counting(AtomicU64);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
        let number = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        for (byte, digit) in bytes.iter_mut().zip(number.iter().rev()) {
            *byte = *digit;
        }
    }
}

/// Repeats the words; the exit code is how many they are.
struct Echo;

impl Console for Echo {
    fn process<'a>(&'a self, words: Vec<String>, _: Caller) -> BoxFuture<'a, (String, u8)> {
        Box::pin(async move { (words.join(" "), u8::try_from(words.len()).unwrap()) })
    }
}

const fn field(name: &'static str, shape: Shape) -> Field {
    Field { name, shape }
}

static NAME: Field = field("name", Shape::String);
static NUMBER: Field = field("number", Shape::Integer);
static PAIR: Field =
    field("pair", Shape::Tuple(&[field("name", Shape::Binary), field("value", Shape::Integer)]));

const fn command(name: &'static str, arguments: &'static [Field], result: Field) -> CommandSpec {
    CommandSpec {
        name,
        tags: &["test"],
        doc: "Test",
        arguments,
        result,
        policy: Policy::Restricted,
        version: 0,
    }
}

static COMMANDS: &[CommandSpec] = &[
    command("status", &[], field("res", Shape::Restuple)),
    command("stop", &[], field("res", Shape::Rescode)),
    command("stats", &[NAME], field("stat", Shape::Integer)),
    command("count", &[], field("count", Shape::Integer)),
    command("list", &[field("names", Shape::List(&NAME))], field("names", Shape::List(&NAME))),
    command("sum", &[field("numbers", Shape::List(&NUMBER))], field("sum", Shape::Integer)),
    command("pairs", &[field("pairs", Shape::List(&PAIR))], field("pairs", Shape::List(&PAIR))),
    command("fail", &[NAME], field("res", Shape::Restuple)),
    command("of_host", &[field("host", Shape::Binary)], field("res", Shape::Rescode)),
    CommandSpec {
        policy: Policy::User,
        ..command(
            "own",
            &[field("user", Shape::Binary), field("host", Shape::Binary)],
            field("whose", Shape::String),
        )
    },
    CommandSpec { tags: &["internal"], ..command("inner", &[], field("res", Shape::Rescode)) },
    CommandSpec { version: 2, ..command("count", &[NAME], field("count", Shape::Tuple(&[NAME, NUMBER]))) },
];

async fn run(spec: &'static CommandSpec, call: Call) -> CommandResult {
    match (spec.name, spec.version) {
        ("status", _) => Ok(Value::Told(true, Text::new("running"))),
        ("count", 2) => Ok(Value::Tuple(vec![Value::Text(call.text(0)), Value::Integer(3)])),
        ("stats" | "count", _) => Ok(Value::Integer(3)),
        ("list" | "pairs", _) => Ok(Value::List(call.list(0).to_vec())),
        ("sum", _) => Ok(Value::Integer(call.list(0).iter().fold(0, |sum, value| match value {
            Value::Integer(number) => sum + number,
            _ => sum,
        }))),
        ("own", _) => Ok(Value::text(format!("{}@{}", call.text(0), call.text(1)))),
        ("fail", _) => Err(match call.text(0).as_str() {
            "arguments" => CommandError::Arguments("bad".to_owned()),
            "conflict" => CommandError::Conflict("there already".to_owned()),
            "coded" => CommandError::Coded { word: "cannot", number: 7, text: "no".to_owned() },
            "missing" => CommandError::NotFound("unknown_user".to_owned()),
            "told" => return Ok(Value::Told(false, Text::new("it did not work"))),
            "forbidden" => CommandError::NotAllowed("not_allowed".to_owned()),
            "panic" => panic!("as asked"),
            other => CommandError::Failed(other.to_owned()),
        }),
        _ => Ok(Value::Done(true)),
    }
}

/// The server.
pub(crate) struct World {
    pub(crate) kernel: Arc<Kernel>,
    pub(crate) host: Arc<Host>,
    accounts: Arc<HostAccounts>,
    clock: Arc<Fixed>,
    _guards: Vec<Guard>,
}

/// What is asked: a method, a path, and what differs from a plain request of a stranger.
pub(crate) struct Ask {
    handler: &'static str,
    method: &'static str,
    target: String,
    body: String,
    headers: Vec<(&'static str, String)>,
    peer: Option<&'static str>,
    tag: &'static str,
}

impl Ask {
    pub(crate) fn new(method: &'static str, target: impl Into<String>) -> Self {
        let (handler, peer) = ("mod_http_api", Some("192.0.2.1"));
        Ask { handler, method, target: target.into(), body: String::new(), headers: vec![], peer, tag: "" }
    }

    pub(crate) fn post(target: &str, body: &str) -> Self {
        Ask { body: body.to_owned(), ..Self::new("POST", target) }
    }

    pub(crate) fn of(self, handler: &'static str) -> Self {
        Ask { handler, ..self }
    }

    pub(crate) fn from(self, peer: &'static str) -> Self {
        Ask { peer: Some(peer), ..self }
    }

    pub(crate) fn unix(self) -> Self {
        Ask { peer: None, ..self }
    }

    pub(crate) fn tag(self, tag: &'static str) -> Self {
        Ask { tag, ..self }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn basic(self, name: &str, password: &str) -> Self {
        self.header("authorization", format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))))
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }
}

fn config(yaml: String) -> Config {
    let files = BTreeMap::from([(PathBuf::from("a.yml"), yaml.into_bytes())]);
    let modules = [FEATURE.spec];
    let declarations = Declarations { modules: &modules, listeners: HANDLERS, toplevel: OPTIONS };
    let loaded = load_with(Path::new("a.yml"), &declarations, &Surroundings::default(), &files);
    loaded.unwrap_or_else(|mistakes| panic!("{mistakes:#?}")).0
}

struct Banned(&'static str);

impl Bans for Banned {
    fn ban<'a>(&'a self, user: &'a str) -> BoxFuture<'a, Result<Option<Text>, AuthError>> {
        Box::pin(async move { Ok((user == self.0).then(|| Text::new("go"))) })
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with("{}", "").await
    }

    /// With these options of mod_http_api (YAML in braces) and more top-level options.
    pub(crate) async fn with(options: &str, more: &str) -> Self {
        let yaml = format!("{}{more}", CONFIG.replace("{}", options));
        let config = config(yaml);
        let of_host = Arc::new(config.host("localhost").clone());
        let clock = Arc::new(Fixed(AtomicI64::new(NOW)));
        let random = Arc::new(Counting(AtomicU64::new(1)));
        let kernel = Kernel::new(Arc::clone(&clock) as Arc<dyn Clock>, random, Arc::new(config));
        let store = nightjar_sqlite::temporary("localhost");
        let secret = Secret::from("a secret of sixteen bytes");
        let environment = Environment::new(|bytes| bytes.fill(7), || NOW * 1_000_000, secret);
        let options =
            AuthOptions { stored_password_types: vec![PasswordType::Plain], ..AuthOptions::default() };
        let (accounts, _) = HostAccounts::new(&options, &store, &environment, &[]);
        let jid = Jid::parse("localhost").unwrap();
        let accounts = Arc::new(accounts);
        let host = Arc::new(Host::new(jid, of_host, store, Arc::clone(&accounts) as Arc<dyn Accounts>));
        kernel.add_host(Arc::clone(&host));
        let mut guards = offer(&kernel, Arc::new(Echo));
        guards.extend(serve(&kernel, &host));
        for spec in COMMANDS {
            guards.push(kernel.commands.add(spec, None, Arc::new(move |call: Call| run(spec, call))));
        }
        let options = host.config().module(FEATURE.spec.name).unwrap().clone();
        let context = FeatureContext { kernel: Arc::clone(&kernel), host: Arc::clone(&host), options };
        host.keep_feature(FEATURE.spec.name, (FEATURE.start)(context).await.unwrap());
        for user in ["admin", "bob", "eve"] {
            kernel.register_account(&host, user, &Secret::from(user)).await.unwrap();
        }
        World { kernel, host, accounts, clock, _guards: guards }
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Bans an account, and no other.
    pub(crate) fn ban(&self, user: &'static str) {
        self.accounts.set_bans(Some(Arc::new(Banned(user))));
    }

    pub(crate) fn unban(&self) {
        self.accounts.set_bans(None);
    }

    /// A reload after which `oauth_access` is `none`.
    pub(crate) fn close_oauth(&self) {
        let yaml = CONFIG.replace("oauth_access: {allow: holders}", "oauth_access: none");
        self.host.set_config(Arc::new(config(yaml).host("localhost").clone()));
    }

    pub(crate) async fn respond(&self, ask: Ask) -> Response {
        let mut head = http::Request::builder().method(ask.method).uri(&ask.target);
        for (name, value) in ask.headers {
            head = head.header(name, value);
        }
        let (head, ()) = head.body(()).unwrap().into_parts();
        let path = head.uri.path().split('/').skip(1).map(str::to_owned).collect();
        let request = Request {
            head,
            body: body(ask.body),
            path,
            prefix: Text::new("/api"),
            peer: ask.peer.map(|peer| peer.parse().unwrap()),
            is_tls: false,
            is_unix: ask.peer.is_none(),
            host: Some(Arc::clone(&self.host)),
            tag: Text::new(ask.tag),
        };
        let handler = self.kernel.http.find(ask.handler, Some("localhost")).unwrap();
        handler.handle(&self.kernel, request).await
    }

    /// The status and the body.
    pub(crate) async fn ask(&self, ask: Ask) -> (StatusCode, String) {
        let (head, body) = self.respond(ask).await.into_parts();
        let body = read(body, 1 << 24).await.unwrap_or_else(|_| panic!("the body breaks off"));
        (head.status, String::from_utf8(body.to_vec()).unwrap())
    }

    pub(crate) async fn check(&self, ask: Ask, status: u16, wanted: &str) {
        let what = format!("{} {} {}", ask.method, ask.target, ask.body);
        let (got, body) = self.ask(ask).await;
        assert_eq!((got.as_u16(), body.as_str()), (status, wanted), "{what}");
    }
}
