use nightjar_base::commands::Value;

use crate::roster::FEATURE;
use crate::testing::World;

/// A file that vanishes with the value.
struct File(std::path::PathBuf);

impl File {
    fn new(text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("nightjar-roster-{}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

async fn count(world: &World, user: &str) -> Value {
    world.run("get_roster_count", &[user, "localhost"]).await.unwrap()
}

#[tokio::test]
async fn everybody_in_a_file_gets_all_the_others() {
    let world = World::new(&[(&FEATURE, "{}")], &["a", "b", "c"]).await;
    let file = File::new(
        r#"[{<<"a">>,<<"localhost">>,<<"g">>,<<"A">>}, {<<"b">>,<<"localhost">>,<<"g">>,<<"B">>}]."#,
    );
    let path = file.0.to_str().unwrap();
    assert_eq!(world.run("push_roster_all", &[path]).await, Ok(Value::Done(true)));
    for (user, wanted) in [("a", 1), ("b", 1), ("c", 0)] {
        assert_eq!(count(&world, user).await, Value::Integer(wanted), "{user}");
    }
    assert_eq!(world.run("push_roster", &[path, "c", "localhost"]).await, Ok(Value::Done(true)));
    assert_eq!(count(&world, "c").await, Value::Integer(2));
    assert!(world.run("push_roster_all", &["/nowhere"]).await.is_err());
}

#[tokio::test]
async fn all_accounts_of_a_host_get_all_others() {
    let world = World::new(&[(&FEATURE, "{}")], &["a", "b", "c"]).await;
    assert_eq!(world.run("push_alltoall", &["localhost", "team"]).await, Ok(Value::Done(true)));
    assert_eq!(count(&world, "b").await, Value::Integer(2));
    assert!(world.run("push_alltoall", &["nowhere", "team"]).await.is_err());
}
