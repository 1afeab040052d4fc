use crate::testing::Running;

const CONFIG: &str = "hosts: [localhost]\nmodules:\n  mod_admin_extra: {}\n  mod_ping: {}\n";

async fn check(running: &Running, line: &str, text: &str, code: u8) {
    assert_eq!(running.ctl(line).await, (text.to_owned(), code), "{line}");
}

#[tokio::test]
async fn numbers_and_sentences_are_answered() {
    let running = Running::start(CONFIG).await;
    check(&running, "incoming_s2s_number", "0", 0).await;
    check(&running, "outgoing_s2s_number", "0", 0).await;
    check(&running, "stop_s2s_connections", "", 0).await;
    check(&running, "gc", "", 0).await;
    // No face may call what is internal, as in ejabberd.
    for line in ["echo a", "echo3 a b c"] {
        assert_eq!(running.ctl(line).await.1, 1, "{line}");
    }
    running.node.stop().await;
}

#[tokio::test]
async fn a_module_is_restarted() {
    let running = Running::start(CONFIG).await;
    for (line, wanted) in [
        ("restart_module localhost mod_ping", "0"),
        ("restart_module localhost mod_admin_extra", "0"),
        ("restart_module localhost mod_roster", "1"),
        ("restart_module nowhere mod_ping", "1"),
    ] {
        check(&running, line, wanted, 0).await;
    }
    // Its commands are there again.
    check(&running, "check_account nobody localhost", "Error: false", 1).await;
    running.node.stop().await;
}

#[tokio::test]
async fn the_schema_is_printed() {
    let running = Running::start(CONFIG).await;
    for (line, holds) in [
        ("print_sql_schema sqlite 3 0", "CREATE TABLE users ("),
        ("print_sql_schema pgsql 16.1 true", "server_host"),
        ("print_sql_schema mysql 0 false", "ENGINE=InnoDB"),
    ] {
        let (text, code) = running.ctl(line).await;
        assert!(code == 0 && text.contains(holds) && text.ends_with(';'), "{line}: {code} {text}");
    }
    for line in
        ["print_sql_schema oracle 1 0", "print_sql_schema sqlite new 0", "print_sql_schema sqlite 3 maybe"]
    {
        assert_eq!(running.ctl(line).await.1, 1, "{line}");
    }
    running.node.stop().await;
}

#[tokio::test]
async fn commands_are_described_in_files() {
    let running = Running::start(CONFIG).await;
    let path = running.folder.path().join("doc");
    let shown = path.display();
    for (line, holds, lacks) in [
        (format!("gen_markdown_doc_for_commands {shown} ^regist json"), "## register\n", "## status"),
        (format!("gen_html_doc_for_commands {shown} ^stat json"), "<h2 id=\"status\">", "id=\"register\""),
        (format!("gen_markdown_doc_for_tags {shown}"), "## accounts\n\n- ", "internal\n\n\n"),
    ] {
        check(&running, &line, "", 0).await;
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(holds) && !text.contains(lacks), "{line}: {text}");
    }
    assert_eq!(running.ctl(&format!("gen_markdown_doc_for_commands {shown} ( json")).await.1, 1);
    assert_eq!(running.ctl("gen_markdown_doc_for_tags /nowhere/x").await.1, 1);
    running.node.stop().await;
}

#[tokio::test]
async fn everybody_is_sent_away_and_nobody_let_in() {
    let running = Running::start(
        "hosts: [localhost]\nlisten:\n  - port: 0\n    ip: '127.0.0.1'\n    module: ejabberd_c2s\n",
    )
    .await;
    assert_eq!(running.node.parts.lock().await.listeners.len(), 1);
    assert_eq!(running.ctl("evacuate_kindly -1 x").await.1, 1);
    check(&running, "evacuate_kindly 0 Bye", "", 0).await;
    assert!(running.node.parts.lock().await.listeners.is_empty());
    check(&running, "connected_users_number", "0", 0).await;
    running.node.stop().await;
}
