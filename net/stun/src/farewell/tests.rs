use std::sync::Arc;

use super::*;

#[tokio::test]
async fn the_end_waits_for_connections_but_not_for_ever() {
    let farewell = Arc::new(Farewell::default());
    assert!(farewell.tell().await, "nobody is there");
    let here = farewell.here();
    let connection = {
        let farewell = Arc::clone(&farewell);
        tokio::spawn(async move {
            let _here = farewell.here();
            farewell.is_over().await;
        })
    };
    assert!(!farewell.tell().await, "one stays");
    assert!(connection.await.is_ok());
    drop(here);
    assert!(farewell.tell().await);
}
