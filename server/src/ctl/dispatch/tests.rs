use super::{Invocation, take_apart};
use crate::testing::Running;

const CONFIG: &str = "
hosts: [localhost]
modules:
  mod_admin_extra: {}
";

#[test]
fn flags_before_the_command_are_taken() {
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let wanted = Invocation {
        version: Some(2),
        auth: Some(["a".to_owned(), "b".to_owned(), "c".to_owned()]),
        words: words("kick_user x --version"),
    };
    assert_eq!(take_apart(words("--version 2 --auth a b c kick_user x --version")), Ok(wanted));
    assert!(take_apart(words("--version two status")).is_err());
    assert!(take_apart(words("--auth a b")).is_err());
}

#[tokio::test]
async fn commands_answer_as_ejabberdctls() {
    let running = Running::start(CONFIG).await;
    for (line, text, code) in [
        ("register alice localhost pw", "User alice@localhost successfully registered", 0),
        ("register alice localhost pw", "Error: conflict: User alice@localhost already registered", 1),
        ("register alice nowhere pw", "Error: cannot_register: Unknown virtual host", 1),
        ("registered_users localhost", "alice", 0),
        ("registered-users localhost", "alice", 0),
        ("registered_users nowhere", "Error: error\nError: \"Unknown virtual host\"", 1),
        ("check_account alice localhost", "", 0),
        ("check_account bob localhost", "Error: false", 1),
        ("change_password bob localhost x", "{not_found,\"unknown_user\"}", 1),
        ("unregister bob localhost", "", 0),
        ("get_loglevel", "info", 0),
        ("set_loglevel loud", "Error: error\nError: \"Invalid log level\"", 1),
        ("set_loglevel 5", "", 0),
        ("get_loglevel", "debug", 0),
        ("kick_user alice localhost", "Kicked sessions: 0", 0),
        ("--version 0 kick_user alice localhost", "0", 0),
        ("--version x kick_user alice localhost", "Invalid API version number: \"x\"", 1),
        ("echo hi", "{error,frontend_cannot_call_an_internal_command}", 1),
        ("registerd_users", "Error: unknown command 'registerd_users'. Did you mean 'registered_users'?", 1),
        ("stats_host x", "", 2),
        ("resource_num alice localhost 1", "{bad_argument,\"Wrong resource number: 1\"}", 1),
        ("--json registered_users localhost", "[\"alice\"]", 0),
        ("--json check_account bob localhost", "1", 1),
        ("--json nonsense_of_words", "", 1),
    ] {
        let (got, exit) = running.ctl(line).await;
        assert_eq!(exit, code, "{line}: {got}");
        if !text.is_empty() {
            assert_eq!(got, text, "{line}");
        }
    }
    running.node.stop().await;
}

#[tokio::test]
async fn wrong_arguments_show_the_commands_help() {
    let running = Running::start(CONFIG).await;
    for (line, last, code) in [
        ("register x", "Error: the command 'register' requires 2 more argument.", 2),
        ("status now", "Error: the command 'status' requires 1 less argument.", 2),
        (
            "delete_old_users soon",
            "Error: the command 'delete_old_users' takes a whole number as 'days', not 'soon'.",
            1,
        ),
    ] {
        let (text, exit) = running.ctl(line).await;
        assert_eq!((text.lines().last(), exit), (Some(last), code), "{text}");
        assert!(text.contains("Command Name:"), "{text}");
    }
    let (text, code) = running.ctl("").await;
    assert_eq!(code, 3);
    assert!(text.contains("registered_users host"), "{text}");
    running.node.stop().await;
}

#[tokio::test]
async fn an_account_may_be_named_as_the_caller() {
    let yaml = format!(
        "{CONFIG}acl:\n  admin:\n    user: admin@localhost\naccess_rules:\n  configure:\n    allow: admin\n"
    );
    let running = Running::start(&yaml).await;
    for user in ["admin", "alice"] {
        assert_eq!(running.ctl(&format!("register {user} localhost pw")).await.1, 0);
    }
    for (line, text, code) in [
        ("--auth admin localhost pw registered_users localhost", "admin\nalice", 0),
        ("--auth admin localhost bad registered_users localhost", "{error,invalid_account_data}", 1),
        ("--auth admin nowhere pw registered_users localhost", "{error,invalid_account_data}", 1),
        ("--auth alice localhost pw registered_users localhost", "{error,access_rules_unauthorized}", 1),
    ] {
        assert_eq!(running.ctl(line).await, (text.to_owned(), code), "{line}");
    }
    running.node.stop().await;
}
