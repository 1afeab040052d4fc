use http::header::{ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, WWW_AUTHENTICATE};

use super::FEATURE;
use crate::testing::{Ask, World};

const NOT_FOUND: &str = r#"{"code":40,"message":"Endpoint not found.","status":"error"}"#;
const NO_NAME: &str = r#"{"code":40,"message":"Missing command name.","status":"error"}"#;
const WRONG: &str =
    r#"{"code":10,"message":"You are not authorized to call this command.","status":"error"}"#;
const BAD_TOKEN: &str = r#"{"code":10,"message":"Oauth Token is invalid or expired.","status":"error"}"#;
const REFUSED: &str = concat!(
    r#"{"code":32,"message":"AccessRules: Account does not have the right to perform the operation.","#,
    r#""status":"error"}"#
);

/// From where everything is allowed.
const OPEN: &str = "127.0.0.2";

#[tokio::test]
async fn arguments_come_in_a_body_or_a_query() {
    let world = World::new().await;
    let bodies: &[(&str, &str, u16, &str)] = &[
        ("/status", "{}", 200, "\"running\""),
        ("/status/", "\n", 200, "\"running\""),
        ("/status", "[]", 400, "\"Arg of a list is not an object of arguments\""),
        ("/status", "", 400, "\"Missing POST data\""),
        ("/status", "{", 400, "\"Invalid JSON input\""),
        ("/status", "{\"x\":1,\"x\":1}", 400, "\"Request have duplicate argument: x\""),
        ("/status", "{\"x\":1}", 400, "\"Request have unknown arguments: [x]\""),
        ("/status", "[{},{}]", 400, "\"Arg of a list is not an object of arguments\""),
        ("/list", "{\"names\":[\"b\",\"a\"]}", 200, "[\"a\",\"b\"]"),
        ("/list", "{}", 200, "[]"),
        ("/sum", "{\"numbers\":[1,\"2\",3.0]}", 200, "6"),
        ("/sum/v0", "{\"numbers\":7}", 200, "{\"sum\":7}"),
        ("/pairs", "{\"pairs\":{\"a\":1}}", 200, "[{\"name\":\"a\",\"value\":1}]"),
        ("/stats", "{}", 400, "\"Request have missing argument: name\""),
        (
            "/stats",
            "{\"nmae\":\"x\"}",
            400,
            "\"Request have missing argument: name. Did you mean name by nmae?\"",
        ),
        ("/stats", "{\"name\":7}", 400, "\"Arg of digits is not in format string (argument name)\""),
    ];
    for (target, body, status, wanted) in bodies {
        world.check(Ask::post(target, body).from(OPEN), *status, wanted).await;
    }
    let queries: &[(&str, u16, &str)] = &[
        ("/status", 200, "\"running\""),
        ("/stats?name=a%20b", 200, "3"),
        ("/sum?numbers=7", 200, "7"),
        ("/sum?numbers=x", 400, "\"Arg of text is not in format integer (argument number)\""),
        ("/stats?name=a&name=b", 400, "\"Request have duplicate argument: name\""),
        ("/stats?name=a&other=b", 400, "\"Request have unknown arguments: [other]\""),
    ];
    for (target, status, wanted) in queries {
        world.check(Ask::new("GET", *target).from(OPEN), *status, wanted).await;
    }
    let long = format!("{{\"name\":\"{}\"}}", "x".repeat(1 << 20));
    let (status, _) = world.ask(Ask::post("/stats", &long).from(OPEN)).await;
    assert_eq!(status, 413);
    let deep = format!("{{\"name\":{}1{}}}", "[".repeat(5000), "]".repeat(5000));
    world.check(Ask::post("/stats", &deep).from(OPEN), 400, "\"Invalid JSON input\"").await;
}

#[tokio::test]
async fn paths_name_commands_and_versions() {
    let world = World::new().await;
    let newest = "{\"name\":\"n\",\"number\":3}";
    for (target, body, status, wanted) in [
        ("/count", "{\"name\":\"n\"}", 200, newest),
        ("/count/v2", "{\"name\":\"n\"}", 200, newest),
        ("/v3/count", "{\"name\":\"n\"}", 200, newest),
        ("/count/v1", "{}", 200, "3"),
        ("/v0/count", "{}", 200, "{\"count\":3}"),
        ("/cuont", "{}", 404, NOT_FOUND),
        ("/", "{}", 400, NO_NAME),
        ("/inner", "{}", 400, "\"frontend_cannot_call_an_internal_command\""),
        // CVE-less kin of authorization that looks at another operation than the one that runs: a name is one segment.
        ("/status/stop", "{}", 200, "\"running\""),
        ("/status?command=stop", "{}", 200, "\"running\""),
    ] {
        world.check(Ask::post(target, body).from(OPEN), status, wanted).await;
    }
    let world = World::with("{default_version: 0}", "").await;
    world.check(Ask::new("GET", "/count").from(OPEN), 200, "{\"count\":3}").await;
    for (release, version) in [("23.10", 0), ("24.02", 1), ("24.06", 2), ("26.07", 2)] {
        let world = World::with(&format!("{{default_version: \"{release}\"}}"), "").await;
        let options = world.host.config().module(FEATURE.spec.name).unwrap().clone();
        assert_eq!(super::default_version(&options), version, "{release}");
    }
}

#[tokio::test]
async fn errors_have_ejabberds_numbers() {
    let world = World::new().await;
    for (name, status, wanted) in [
        ("arguments", 400, "\"bad\""),
        ("conflict", 409, r#"{"code":10090,"message":"there already","status":"error"}"#),
        ("coded", 500, r#"{"code":7,"message":"no","status":"error"}"#),
        ("missing", 404, "\"unknown_user\""),
        ("told", 500, r#"{"code":0,"message":"it did not work","status":"error"}"#),
        ("forbidden", 401, "\"not_allowed\""),
        ("panic", 500, "\"internal_error\""),
        ("some_word", 400, "\"some_word\""),
    ] {
        world.check(Ask::new("GET", format!("/fail?name={name}")).from(OPEN), status, wanted).await;
    }
}

#[tokio::test]
async fn permission_is_asked_for_each_call() {
    let world = World::new().await;
    let status = || Ask::new("GET", "/status");
    let list = || Ask::new("GET", "/list");
    world.check(status().from("127.0.0.1"), 200, "\"running\"").await;
    world.check(status(), 403, REFUSED).await;
    world.check(status().unix(), 403, REFUSED).await;
    world.check(list().from("127.0.0.1"), 403, REFUSED).await;
    world.check(list().basic("admin@localhost", "admin"), 200, "[]").await;
    world.check(list().basic("bob@localhost", "bob"), 403, REFUSED).await;
    // Wrong credentials are refused even where none are needed.
    for (name, password) in [
        ("admin@localhost", "wrong"),
        ("admin", "admin"),
        ("nobody@localhost", "x"),
        ("admin@elsewhere", "admin"),
        ("@@@", "x"),
        ("admin@localhost", ""),
    ] {
        world.check(status().from(OPEN).basic(name, password), 401, WRONG).await;
    }
    for field in ["Basic", "Basic %%%", "Basic eA==", "Digest x", "Bearer", "", "Basic \u{e4}"] {
        world.check(status().from(OPEN).header("authorization", field), 401, WRONG).await;
    }
    let twice = list().basic("admin@localhost", "admin").basic("bob@localhost", "bob");
    world.check(twice, 401, WRONG).await;
    world.check(Ask::new("GET", "/stop").from(OPEN), 403, REFUSED).await;
    // An account needs `configure` at the host that a command names.
    world.check(Ask::new("GET", "/of_host?host=localhost").basic("admin@localhost", "admin"), 200, "0").await;
    let elsewhere = Ask::new("GET", "/of_host?host=elsewhere").basic("bob@localhost", "bob");
    world.check(elsewhere, 403, REFUSED).await;
    world.check(Ask::new("GET", "/count/v0").tag("inner"), 200, "{\"count\":3}").await;
    world.check(Ask::new("GET", "/count/v0").tag("outer"), 403, REFUSED).await;
    let counts = &world.kernel.commands.counts;
    assert_eq!(counts.refused.load(std::sync::atomic::Ordering::Relaxed), 7);
    let own = Ask::new("GET", "/own").basic("admin@localhost", "admin");
    world.check(own, 200, "\"admin@localhost\"").await;
    world.check(Ask::new("GET", "/own").from(OPEN), 400, "\"Request have missing argument: user\"").await;
}

/// The browser's address is its reader's; the page that has it call may be anybody's.
#[tokio::test]
async fn a_page_elsewhere_has_no_address() {
    let world = World::new().await;
    let cross = |site: &str| Ask::new("GET", "/status").from("127.0.0.1").header("sec-fetch-site", site);
    world.check(cross("cross-site"), 403, REFUSED).await;
    world.check(cross("same-site"), 403, REFUSED).await;
    world.check(cross("same-origin"), 200, "\"running\"").await;
    world.check(cross("none"), 200, "\"running\"").await;
    let known = Ask::new("GET", "/list").header("sec-fetch-site", "cross-site");
    world.check(known.basic("admin@localhost", "admin"), 200, "[]").await;
}

#[tokio::test]
async fn tokens_open_what_their_scopes_name() {
    let world = World::new().await;
    let issue = |jid: &str, scopes: &str| {
        let body = format!("{{\"jid\":\"{jid}\",\"ttl\":60,\"scopes\":{scopes}}}");
        Ask::post("/oauth_issue_token", &body).from(OPEN)
    };
    let token = |(status, body): (http::StatusCode, String)| {
        assert_eq!(status, 200, "{body}");
        let answer: serde_json::Value = serde_json::from_str(&body).unwrap();
        answer["token"].as_str().unwrap().to_owned()
    };
    let admin = token(world.ask(issue("admin@localhost", "[\"ejabberd:admin\"]")).await);
    let bob = token(world.ask(issue("bob@localhost", "[\"count\",\"sasl_auth\"]")).await);
    let bobs_admin = token(world.ask(issue("bob@localhost", "[\"ejabberd:admin\"]")).await);
    let narrow = token(world.ask(issue("admin@localhost", "[\"sasl_auth\"]")).await);
    let ask = |target: &'static str, token: &str| Ask::new("GET", target).bearer(token);
    world.check(ask("/list", &admin), 200, "[]").await;
    world.check(ask("/count/v1", &bob), 200, "3").await;
    world.check(ask("/list", &bob), 403, REFUSED).await;
    world.check(ask("/list", &bobs_admin), 403, REFUSED).await;
    // A token never opens more than its scopes, whoever holds it and from wherever it comes.
    world.check(ask("/list", &narrow).from(OPEN), 403, REFUSED).await;
    for wrong in ["x", "", &admin[1..], &format!("{admin}x"), &"x".repeat(100_000)] {
        world.check(ask("/list", wrong), 401, BAD_TOKEN).await;
    }
    world.pass(60);
    world.check(ask("/list", &admin), 401, BAD_TOKEN).await;
}

#[tokio::test]
async fn browsers_and_methods_are_answered() {
    let world = World::new().await;
    let preflight = world.respond(Ask::new("OPTIONS", "/status/v1")).await;
    assert_eq!(preflight.status(), 200);
    assert_eq!(preflight.headers()[ACCESS_CONTROL_ALLOW_METHODS], "GET, POST, OPTIONS");
    for method in ["GET", "OPTIONS", "PUT"] {
        let response = world.respond(Ask::new(method, "/status")).await;
        assert_eq!(response.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], "*", "{method}");
    }
    for method in ["PUT", "DELETE", "PATCH", "TRACE", "HEAD", "PROPFIND"] {
        let response = world.respond(Ask::new(method, "/status").from(OPEN)).await;
        assert_eq!(response.status(), 405, "{method}");
    }
    let refused = world.respond(Ask::new("GET", "/status").basic("a@localhost", "b")).await;
    assert_eq!(refused.headers().get_all(WWW_AUTHENTICATE).iter().count(), 2);
}
