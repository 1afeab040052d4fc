use nightjar_base::commands::{Caller, CommandError, CommandResult, Value};
use nightjar_jid::Jid;
use nightjar_sasl::{Answer, Condition, OauthCheck, Secret};
use nightjar_store::{Statement, params};
use nightjar_text::Text;

use super::{Tokens, Validity};
use crate::testing::{Ask, NOW, World};

async fn run(world: &World, name: &str, version: Option<u32>, arguments: Vec<Value>) -> CommandResult {
    let spec = world.kernel.commands.find(name, version).unwrap();
    world.kernel.run_command(spec, Caller::LOCAL, arguments).await
}

fn texts(texts: &[&str]) -> Value {
    Value::List(texts.iter().map(Value::text).collect())
}

async fn issue(world: &World, jid: &str, scopes: &[&str]) -> Result<String, CommandError> {
    let arguments = vec![Value::text(jid), Value::Integer(60), texts(scopes)];
    match run(world, "oauth_issue_token", None, arguments).await? {
        Value::Tuple(parts) => match &parts[..] {
            [Value::Text(token), given, lasts] => {
                assert_eq!((given, lasts), (&texts(scopes), &Value::text("60 seconds")));
                Ok(token.to_string())
            }
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

async fn validity(world: &World, token: &str) -> Validity {
    world.kernel.shared::<Tokens>().check(&world.kernel, token).await.unwrap()
}

/// oauth_issue_token, oauth_list_tokens, oauth_revoke_token; oauth_access, oauth_db_type
#[tokio::test]
async fn tokens_are_issued_listed_and_revoked() {
    for cache in [
        "",
        "oauth_use_cache: false\n",
        "oauth_cache_missed: false\n\
         oauth_cache_size: 1\n",
    ] {
        let world = World::with("{}", cache).await;
        let token = issue(&world, "Bob@localhost/phone", &["sasl_auth", "list"]).await.unwrap();
        assert_eq!(token.len(), 43);
        assert_ne!(token, issue(&world, "bob@localhost", &["list"]).await.unwrap());
        for _ in 0..2 {
            let Validity::Valid(known) = validity(&world, &token).await else { panic!("{token}") };
            assert_eq!(known.jid, Jid::parse("bob@localhost").unwrap());
            assert_eq!((known.scopes.len(), known.expires), (2, NOW + 60));
        }
        assert_eq!(validity(&world, "nonsense").await, Validity::Unknown);
        let Value::List(tokens) = run(&world, "oauth_list_tokens", None, vec![]).await.unwrap() else {
            panic!()
        };
        let row = ["bob@localhost", "sasl_auth list", "60 seconds"].map(Value::text);
        let row = Value::Tuple([vec![Value::text(&token)], row.to_vec()].concat());
        assert!(tokens.len() == 2 && tokens.contains(&row), "{tokens:?}");
        run(&world, "oauth_revoke_token", None, vec![Value::text(&token)]).await.unwrap();
        assert_eq!(validity(&world, &token).await, Validity::Unknown);
    }
}

#[tokio::test]
async fn tokens_end() {
    let world = World::with("{}", "oauth_cache_life_time: 1 h\n").await;
    let token = issue(&world, "bob@localhost", &[]).await.unwrap();
    let other = issue(&world, "admin@localhost", &[]).await.unwrap();
    world.pass(59);
    assert!(matches!(validity(&world, &token).await, Validity::Valid(_)));
    world.pass(1);
    assert_eq!(validity(&world, &token).await, Validity::Expired);
    world.pass(1);
    // Old ones are swept out when a new one is made.
    let third = issue(&world, "bob@localhost", &[]).await.unwrap();
    let Value::List(left) = run(&world, "oauth_list_tokens", None, vec![]).await.unwrap() else { panic!() };
    assert_eq!(left.len(), 1, "{other} {left:?}");
    world.kernel.remove_account(&world.host, "bob").await.unwrap();
    assert_eq!(validity(&world, &third).await, Validity::Unknown);
}

#[tokio::test]
async fn tokens_are_refused() {
    let world = World::new().await;
    let failed = |why: &str| Err(CommandError::Failed(why.to_owned()));
    assert_eq!(issue(&world, "eve@localhost", &["sasl_auth"]).await, failed("access_denied"));
    assert_eq!(issue(&world, "bob@localhost", &["nonsense"]).await, failed("invalid_scope"));
    assert_eq!(issue(&world, "bob@localhost", &["inner"]).await, failed("invalid_scope"));
    assert_eq!(issue(&world, "localhost", &[]).await, failed("Invalid JID: localhost"));
    for seconds in [0, -1] {
        let arguments = vec![Value::text("bob@localhost"), Value::Integer(seconds), texts(&[])];
        let refused = run(&world, "oauth_issue_token", None, arguments).await;
        assert!(matches!(refused, Err(CommandError::Arguments(_))), "{refused:?}");
    }
    let old = vec![Value::text("bob@localhost"), Value::Integer(5), Value::text("list;count")];
    let Value::Tuple(told) = run(&world, "oauth_issue_token", Some(0), old).await.unwrap() else { panic!() };
    assert_eq!(told[1..], [Value::text("list\ncount"), Value::text("5 seconds")]);
}

async fn ask(world: &World, form: &str) -> (u16, String) {
    let ask = Ask::post("/token", form).of("ejabberd_oauth");
    let (status, body) = world.ask(ask).await;
    let token = body.split("\"access_token\":\"").nth(1).map(|rest| &rest[..43]);
    (status.as_u16(), token.map_or(body.clone(), |token| body.replace(token, "TOKEN")))
}

/// oauth_add_client_password, oauth_add_client_implicit, oauth_remove_client; oauth_client_id_check, oauth_expire
#[tokio::test]
async fn passwords_buy_tokens_through_known_clients() {
    let world = World::with("{}", "oauth_expire: 1 hour\n").await;
    let done = Ok(Value::Told(true, Text::empty()));
    let client = |id: &str, option: &str| vec![Value::text(id), Value::text("A client"), Value::text(option)];
    assert_eq!(run(&world, "oauth_add_client_password", None, client("c", "s")).await, done);
    assert_eq!(run(&world, "oauth_add_client_implicit", None, client("i", "http://x")).await, done);
    let base = "client_id=c&client_secret=s&grant_type=password";
    let bob = "&username=bob%40localhost&password=bob";
    let token = |scope: &str, seconds: u32| {
        format!(
            r#"{{"access_token":"TOKEN","expires_in":{seconds},"scope":"{scope}","token_type":"bearer"}}"#
        )
    };
    let error = |error: &str, why: &str| format!(r#"{{"error":"{error}","error_description":"{why}"}}"#);
    let no_client = error("invalid_client", "Access denied");
    let denied = error("invalid_grant", "Access denied");
    for (form, status, wanted) in [
        (format!("{base}{bob}&scope=count+sasl_auth"), 200, token("count sasl_auth", 3600)),
        (format!("{base}{bob}&ttl=5"), 200, token("", 5)),
        (format!("{base}{bob}&ttl=x"), 400, error("invalid_request", "Invalid ttl")),
        (format!("{base}{bob}&scope=nonsense"), 400, error("invalid_grant", "Invalid scope")),
        (format!("{base}&username=bob%40localhost&password=x"), 400, denied.clone()),
        (format!("{base}&username=eve%40localhost&password=eve"), 400, denied.clone()),
        (format!("{base}&username=%40%40&password=x"), 400, error("invalid_request", "Invalid JID")),
        (format!("{base}x{bob}"), 400, error("unsupported_grant_type", "Unsupported grant type")),
        (format!("client_id=c&client_secret=x&grant_type=password{bob}"), 401, no_client.clone()),
        (format!("client_id=i&client_secret=&grant_type=password{bob}"), 401, no_client.clone()),
        (String::new(), 401, no_client.clone()),
    ] {
        assert_eq!(ask(&world, &form).await, (status, wanted), "{form}");
    }
    let form = format!("grant_type=password{bob}");
    let by_header = Ask::post("/token", &form).of("ejabberd_oauth").basic("c", "s");
    assert_eq!(world.ask(by_header).await.0, 200);
    assert_eq!(run(&world, "oauth_remove_client", None, vec![Value::text("c")]).await, done);
    assert_eq!(ask(&world, &format!("{base}{bob}")).await, (401, no_client.clone()));
    let world = World::with("{}", "oauth_client_id_check: allow\n").await;
    assert_eq!(ask(&world, &form).await.0, 200);
    let world = World::with("{}", "oauth_client_id_check: deny\n").await;
    assert_eq!(ask(&world, &form).await, (401, no_client));
    world.check(Ask::new("GET", "/token").of("ejabberd_oauth"), 405, "Only POST is answered.\n").await;
    world.check(Ask::post("/other", "").of("ejabberd_oauth"), 404, "Not found\n").await;
}

const REFUSED: Result<Text, Option<Condition>> = Err(Some(Condition::NotAuthorized));

/// The account that a token logs in, or the condition of the refusal; none for a token with other scopes.
async fn login(world: &World, user: Option<&str>, token: &str) -> Result<Text, Option<Condition>> {
    let check = OauthCheck { username: user.map(Text::new), token: Secret::from(token) };
    match world.host.token_answer(&check).await {
        Answer::Identity(owner) => Ok(owner),
        Answer::InsufficientScope => Err(None),
        Answer::Refuse(failure) => Err(Some(failure.condition)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn tokens_log_in() {
    let world = World::new().await;
    assert!(world.host.takes_tokens());
    let token = issue(&world, "bob@localhost", &["count", "sasl_auth"]).await.unwrap();
    let bob = Ok(Text::new("bob"));
    for user in [None, Some("bob")] {
        assert_eq!(login(&world, user, &token).await, bob);
    }
    assert_eq!(login(&world, Some("admin"), &token).await, REFUSED);
    for wrong in ["", "x", &token[..42], &format!("{token}\0"), &"x".repeat(5000)] {
        assert_eq!(login(&world, Some("bob"), wrong).await, REFUSED, "{wrong:?}");
    }
    let of_api = issue(&world, "bob@localhost", &["count", "ejabberd:user"]).await.unwrap();
    assert_eq!(login(&world, Some("bob"), &of_api).await, Err(None));
    static PUT: Statement =
        Statement::new("INSERT INTO oauth_token (token, jid, scope, expire) VALUES (?, ?, ?, ?)");
    let of_another_host = params!["foreign", "bob@elsewhere", "sasl_auth", NOW + 60];
    world.host.store.execute(&PUT, of_another_host).await.unwrap();
    assert!(matches!(validity(&world, "foreign").await, Validity::Valid(_)));
    assert_eq!(login(&world, Some("bob"), "foreign").await, REFUSED);
    let revoked = issue(&world, "bob@localhost", &["sasl_auth"]).await.unwrap();
    assert_eq!(login(&world, None, &revoked).await, bob);
    run(&world, "oauth_revoke_token", None, vec![Value::text(&revoked)]).await.unwrap();
    assert_eq!(login(&world, None, &revoked).await, REFUSED);
    world.ban("bob");
    assert_eq!(login(&world, Some("bob"), &token).await, Err(Some(Condition::AccountDisabled)));
    world.unban();
    assert_eq!(login(&world, Some("bob"), &token).await, bob);
    world.pass(60);
    assert_eq!(login(&world, Some("bob"), &token).await, REFUSED);
}

#[tokio::test]
async fn tokens_go_with_their_account() {
    let world = World::new().await;
    let token = issue(&world, "bob@localhost", &["sasl_auth"]).await.unwrap();
    // Without mod_http_api, too.
    world.host.stop_feature("mod_http_api");
    world.kernel.remove_account(&world.host, "bob").await.unwrap();
    assert_eq!(login(&world, None, &token).await, REFUSED);
    world.kernel.register_account(&world.host, "bob", &Secret::from("another")).await.unwrap();
    assert_eq!(login(&world, None, &token).await, REFUSED);
    // One that was issued for a name that nobody has.
    let early = issue(&world, "bob@localhost", &["sasl_auth"]).await.unwrap();
    world.host.accounts.remove("bob").await.unwrap();
    assert_eq!(login(&world, None, &early).await, REFUSED);
}

#[tokio::test]
async fn a_host_whose_accounts_get_no_tokens() {
    let world = World::new().await;
    let token = issue(&world, "bob@localhost", &["sasl_auth"]).await.unwrap();
    world.close_oauth();
    assert!(!world.host.takes_tokens());
    assert_eq!(login(&world, None, &token).await, REFUSED);
}
