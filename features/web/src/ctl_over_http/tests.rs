use crate::testing::{Ask, World};

#[tokio::test]
async fn words_are_answered_on_unix_sockets_only() {
    let world = World::new().await;
    let post = |body: &str| Ask::post("/status", body).of("ejabberd_ctl");
    let response = world.respond(post("[\"register\", \"a b\"]").unix()).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["status-code"], "2");
    world.check(post("[\"register\", \"a b\"]").unix(), 200, "register a b\n").await;
    world.check(post("[]").unix(), 200, "").await;
    let unreadable = "The body must be a JSON array of words.\n";
    for body in ["", "{}", "[1]", "[\"a\"", "\"a\""] {
        world.check(post(body).unix(), 400, unreadable).await;
    }
    let refusal = "This is answered on UNIX sockets only.\n";
    world.check(post("[\"status\"]").from("127.0.0.1"), 403, refusal).await;
    let get = Ask::new("GET", "/status").of("ejabberd_ctl").unix();
    world.check(get, 405, "Only POST is answered.\n").await;
}
