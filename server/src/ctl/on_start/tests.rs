use super::run;
use crate::testing::Running;

#[tokio::test]
async fn commands_run_until_one_fails_that_may_not() {
    let running = Running::start("hosts: [localhost]\n").await;
    let kernel = &running.node.kernel;
    for (text, worked, accounts) in [
        ("", true, ""),
        ("register a localhost 'pass word' ; register b localhost pw", true, "a\nb"),
        ("! register a localhost pw ; register c localhost pw", true, "a\nb\nc"),
        ("register a localhost pw ; register d localhost pw", false, "a\nb\nc"),
        ("nonsense", false, "a\nb\nc"),
        ("register 'x", false, "a\nb\nc"),
    ] {
        assert_eq!(run(kernel, text).await.is_ok(), worked, "{text}");
        assert_eq!(running.ctl("registered_users localhost").await.0, accounts, "{text}");
    }
    let failed = run(kernel, "register a localhost secret").await.unwrap_err();
    assert!(failed.contains("register") && !failed.contains("secret"), "{failed}");
    running.node.stop().await;
}
