use super::{LIVE, READY, readiness};
use crate::testing::{Ask, World};

#[tokio::test]
async fn health_is_told_to_everybody() {
    let world = World::new().await;
    world.check(Ask::new("GET", "/").of(LIVE), 200, "ok\n").await;
    world.check(Ask::new("GET", "/").of(READY), 200, r#"{"reasons":[],"status":"ready"}"#).await;
    world.check(Ask::new("GET", "/more").of(READY), 404, "Not found\n").await;
    world.check(Ask::new("POST", "/").of(LIVE), 405, "Only GET is answered.\n").await;
    world.kernel.remove_route("localhost");
    let unready = r#"{"reasons":["no host is served"],"status":"unready"}"#;
    world.check(Ask::new("GET", "/").of(READY), 503, unready).await;
    assert_eq!(readiness(&["a reason".to_owned()]).status(), 503);
}
