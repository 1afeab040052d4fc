use nightjar_auth::Verdict;
use nightjar_base::commands::{CommandError, Value};
use nightjar_sasl::Secret;
use nightjar_store::{Statement, params};

use crate::bans::NAMESPACE;
use crate::testing::{World, drain, texts};

fn refused(word: &str) -> Result<Value, CommandError> {
    Err(CommandError::Failed(word.to_owned()))
}

#[tokio::test]
async fn a_ban_lasts_until_it_is_lifted() {
    let world = World::new(&["alice", "bob"]).await;
    let session = world.session("bob@localhost/desk", None).await;
    let ban = async |user| world.run("ban_account", &[user, "localhost", "spam"]).await;
    let verdict = || async { world.host.accounts.check_password("bob", &Secret::from("bob")).await.unwrap() };
    assert!(matches!(verdict().await, Verdict::Accepted(_)));
    assert_eq!(ban("bob").await, Ok(Value::Done(true)));
    assert_eq!(drain(&session).await, ["Conflict: spam"]);
    assert_eq!(verdict().await, Verdict::Banned("Account is banned: spam".into()));
    assert_eq!(ban("bob").await, refused("account_was_already_banned"));
    assert_eq!(ban("carol").await, refused("account_does_not_exist"));

    let pair = |name: &str, value: &str| Value::Tuple(vec![Value::text(name), Value::text(value)]);
    let details = world.run("get_ban_details", &["bob", "localhost"]).await;
    let now = nightjar_xmpp::datetime::format(world.kernel.clock.unix_micros());
    let wanted = vec![
        pair("reason", "spam"),
        pair("bandate", &now),
        pair("lastdate", &now),
        pair("lastreason", "ONLINE"),
    ];
    assert_eq!(details, Ok(Value::List(wanted)));
    assert_eq!(world.run("list_banned", &["localhost"]).await, Ok(texts(&["bob@localhost"])));
    assert_eq!(world.run("count_banned", &["all"]).await, Ok(Value::Integer(1)));

    let unban = || world.run("unban_account", &["bob", "localhost"]);
    assert_eq!(unban().await, Ok(Value::Done(true)));
    assert_eq!(unban().await, refused("account_was_not_banned"));
    assert!(matches!(verdict().await, Verdict::Accepted(_)));
    assert_eq!(world.run("get_ban_details", &["bob", "localhost"]).await, Ok(texts(&[])));
    assert_eq!(world.run("list_banned", &["elsewhere"]).await, Ok(texts(&[])));
}

#[tokio::test]
async fn an_element_without_the_servers_hash_bans_nobody() {
    static FORGE: Statement = Statement::upsert("private_storage", &["username", "namespace"], &["data"]);
    let world = World::new(&["bob"]).await;
    let xml = format!("<banned xmlns='{NAMESPACE}'><bandate>2026-01-01</bandate><hash>x</hash></banned>");
    world.host.store.execute(&FORGE, params!["bob", NAMESPACE, xml]).await.unwrap();
    assert_eq!(world.run("count_banned", &["localhost"]).await, Ok(Value::Integer(0)));
}

#[tokio::test]
async fn the_old_ban_sets_a_password_nobody_knows() {
    let world = World::new(&["bob"]).await;
    let banned = world.run_version(1, "ban_account", &["bob", "localhost", ""]).await;
    assert_eq!(banned, Ok(Value::Done(true)));
    let check = world.run("check_password", &["bob", "localhost", "bob"]).await;
    assert_eq!(check, Ok(Value::Done(false)));
    let nobody = world.run_version(1, "ban_account", &["carol", "localhost", ""]).await;
    assert_eq!(nobody, Err(CommandError::NotFound("unknown_user".into())));
}
