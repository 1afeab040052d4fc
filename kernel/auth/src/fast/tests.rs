use super::*;
use crate::testing::{SHA1, World, secret, storing};
use crate::{Method, SqlAccounts};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const EXPR: TokenBinding = TokenBinding::Exporter;
const ISSUE: TokenRequest = TokenRequest { issue: Some(EXPR), invalidate: false };
const NOTHING: TokenRequest = TokenRequest { issue: None, invalidate: false };
const LOG_OUT: TokenRequest = TokenRequest { issue: None, invalidate: true };

fn tokens(world: &World) -> FastTokens {
    FastTokens::new(world.store.clone(), world.environment.clone(), FastOptions::default())
}

async fn found(tokens: &FastTokens, user: &str, client: &str, binding: TokenBinding) -> Vec<StoredToken> {
    tokens.lookup(&TokenLookup { username: Text::new(user), binding }, client).await.unwrap()
}

/// The tokens juliet's phone may use, as text, with their slots.
async fn phone(tokens: &FastTokens) -> Vec<(Slot, String)> {
    let found = found(tokens, "juliet", "phone", EXPR).await;
    found.into_iter().map(|stored| (stored.slot, stored.token.expose_text().unwrap().to_owned())).collect()
}

/// Logs juliet's phone in with `token`; `None` if the token is not accepted.
async fn login(tokens: &FastTokens, token: &str, request: TokenRequest) -> Option<Option<String>> {
    let found = found(tokens, "juliet", "phone", EXPR).await;
    let used = found.iter().find(|stored| stored.token.same_as(token.as_bytes()))?;
    let issued = tokens.after_login("juliet", "phone", Some((used, EXPR)), request).await.unwrap();
    Some(issued.map(|issued| issued.token.to_string()))
}

async fn issue(tokens: &FastTokens) -> String {
    tokens.after_login("juliet", "phone", None, ISSUE).await.unwrap().unwrap().token.to_string()
}

#[tokio::test]
async fn a_token_is_for_one_user_client_and_mechanism() {
    let world = World::new();
    let tokens = tokens(&world);
    let issued = tokens.after_login("juliet", "phone", None, ISSUE).await.unwrap().unwrap();
    assert_eq!(issued.expires_unix_seconds, world.now_micros() / 1_000_000 + 30 * 24 * 60 * 60);
    assert_eq!(format!("{issued:?}"), "IssuedToken([hidden])");
    let table = [
        ("juliet", "phone", EXPR, 1),
        ("juliet", "phone", TokenBinding::None, 0),
        ("juliet", "phone", TokenBinding::EndPoint, 0),
        ("juliet", "laptop", EXPR, 0),
        ("romeo", "phone", EXPR, 0),
    ];
    for (user, client, binding, count) in table {
        assert_eq!(found(&tokens, user, client, binding).await.len(), count, "{user} {client} {binding:?}");
    }
    let elsewhere = FastTokens::new(
        world.store.for_host("example.com"),
        world.environment.clone(),
        FastOptions::default(),
    );
    assert_eq!(found(&elsewhere, "juliet", "phone", EXPR).await.len(), 0);
    assert!(tokens.after_login("romeo", "phone", None, NOTHING).await.unwrap().is_none());
}

/// XEP-0484 §5.1: the older token works until the newer one was used.
#[tokio::test]
async fn tokens_rotate_when_the_new_one_is_used() {
    let world = World::new();
    let tokens = tokens(&world);
    let first = issue(&tokens).await;
    assert_eq!(login(&tokens, &first, NOTHING).await, Some(None));
    assert_eq!(phone(&tokens).await, [(Slot::Current, first.clone())]);
    let lost = issue(&tokens).await;
    let second = issue(&tokens).await;
    assert_eq!(login(&tokens, &lost, NOTHING).await, None);
    assert_eq!(login(&tokens, &first, NOTHING).await, Some(None));
    assert_eq!(login(&tokens, &second, NOTHING).await, Some(None));
    assert_eq!(phone(&tokens).await, [(Slot::Current, second)]);
    assert_eq!(login(&tokens, &first, NOTHING).await, None);
}

/// Two connections log in with the same new token at the same time: the second must not delete what the first made.
#[tokio::test]
async fn a_token_used_twice_at_once_stays() {
    let world = World::new();
    let tokens = tokens(&world);
    let token = issue(&tokens).await;
    let found = found(&tokens, "juliet", "phone", EXPR).await;
    for _ in 0..2 {
        tokens.after_login("juliet", "phone", Some((&found[0], EXPR)), NOTHING).await.unwrap();
    }
    assert_eq!(phone(&tokens).await, [(Slot::Current, token)]);
}

#[tokio::test]
async fn old_tokens_are_replaced_and_expire() {
    let world = World::new();
    let tokens = tokens(&world);
    let first = issue(&tokens).await;
    world.pass(DAY);
    assert_eq!(login(&tokens, &first, NOTHING).await, Some(None));
    world.pass(Duration::from_micros(1));
    let second = login(&tokens, &first, NOTHING).await.unwrap().unwrap();
    assert_ne!(first, second);
    world.pass(29 * DAY - Duration::from_micros(2));
    assert_eq!(phone(&tokens).await.len(), 2);
    world.pass(Duration::from_micros(1));
    assert_eq!(phone(&tokens).await, [(Slot::Next, second)]);
    let rows = world.column("SELECT COUNT(*) FROM auth_fast_tokens WHERE {host}", params![]).await;
    assert_eq!(rows, ["1"], "the expired one is deleted");
    world.pass(DAY);
    assert!(phone(&tokens).await.is_empty());
}

/// XEP-0484 §3.6: nothing of the client's outlives a log-out, and a due refresh does not bring it back.
#[tokio::test]
async fn invalidation() {
    let world = World::new();
    let tokens = tokens(&world);
    let first = issue(&tokens).await;
    login(&tokens, &first, ISSUE).await.unwrap().unwrap();
    world.pass(2 * DAY);
    assert_eq!(login(&tokens, &first, LOG_OUT).await, Some(None));
    assert!(phone(&tokens).await.is_empty());
    let second = issue(&tokens).await;
    let third = login(&tokens, &second, TokenRequest { issue: Some(EXPR), invalidate: true }).await.unwrap();
    assert_eq!(phone(&tokens).await, [(Slot::Next, third.unwrap())]);
}

/// Hostile row 63: a token does not survive a change of the password, nor of the account.
#[tokio::test]
async fn tokens_end_with_the_password() {
    let world = World::new();
    let tokens = tokens(&world);
    let accounts = SqlAccounts::new(&storing(&[SHA1]), world.store.clone(), world.environment.clone());
    accounts.register("juliet", &secret("pencil")).await.unwrap();
    issue(&tokens).await;
    accounts.set_password("juliet", &secret("eraser")).await.unwrap();
    assert!(phone(&tokens).await.is_empty());
    issue(&tokens).await;
    accounts.remove("juliet").await.unwrap();
    assert!(phone(&tokens).await.is_empty());
    issue(&tokens).await;
    tokens.revoke_all("juliet").await.unwrap();
    assert!(phone(&tokens).await.is_empty());
}

/// ejabberd's tokens say nothing about the mechanism; their client column is base64 of SHA-256.
#[tokio::test]
async fn tokens_of_an_ejabberd_database() {
    let world = World::new();
    let tokens = tokens(&world);
    let insert = "INSERT INTO auth_fast_tokens (username, server_host, ua, type, token, created_at, expires) \
                  VALUES ('juliet', 'example.org', ?, 'c', 'WXZzciBwYmFmdmZnZiBqdmd1IGp2eXFhcmZm', ?, ?)";
    let time = |offset: Duration| nightjar_store::Value::Time(world.now_micros() + micros(offset));
    let client = "RVadpX9Le/Ry16hk70eBRRyuY4P+6fsK5AxZqhzkdbc=";
    world.sql(insert, params![client, time(Duration::ZERO), time(DAY)]).await;
    for binding in [EXPR, TokenBinding::None] {
        let found = found(&tokens, "juliet", "phone", binding).await;
        assert!(found[0].token.same_as(b"WXZzciBwYmFmdmZnZiBqdmd1IGp2eXFhcmZm"));
    }
}
