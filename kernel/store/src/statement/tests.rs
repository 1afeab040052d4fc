use super::{Argument, BoundValue, Renderer, Statement};
use crate::{Dialect, Layout, StoreError, Value, params};
use nightjar_text::Text;

fn rendered(statement: &Statement, dialect: Dialect, layout: Layout) -> String {
    statement.render(dialect, layout).unwrap().sql
}

#[test]
fn hosts_and_placeholders_expand() {
    let select = Statement::new("SELECT a, '?{host}' FROM t WHERE {host} AND b = ? AND {host:x} AND c = ?");
    for (dialect, layout, expected) in [
        (
            Dialect::Sqlite,
            Layout::MultiHost,
            "SELECT a, '?{host}' FROM t WHERE server_host = ? AND b = ? AND x.server_host = ? AND c = ?",
        ),
        (
            Dialect::Postgres,
            Layout::MultiHost,
            "SELECT a, '?{host}' FROM t WHERE server_host = $1 AND b = $2 AND x.server_host = $3 AND c = $4",
        ),
        (
            Dialect::Mysql,
            Layout::SingleHost,
            "SELECT a, '?{host}' FROM t WHERE 1=1 AND b = ? AND 1=1 AND c = ?",
        ),
    ] {
        assert_eq!(rendered(&select, dialect, layout), expected);
    }
    let multi = select.render(Dialect::Postgres, Layout::MultiHost).unwrap();
    let (host, first, second) = (Argument::Host, Argument::Parameter(0), Argument::Parameter(1));
    assert_eq!((&*multi.arguments, multi.parameters), (&[host, first, host, second][..], 2));
}

#[test]
fn inserts_and_upserts_are_written_for_each_dialect() {
    let insert = Statement::insert("last", &["username", "seconds"]);
    let new = Statement::insert_new("last", &["username"]);
    let upsert = Statement::upsert("last", &["username"], &["seconds", "state"]);
    let keys_only = Statement::upsert("last", &["username"], &[]);
    for (statement, dialect, layout, expected) in [
        (
            &insert,
            Dialect::Sqlite,
            Layout::MultiHost,
            "INSERT INTO last (username, seconds, server_host) VALUES (?, ?, ?)",
        ),
        (
            &insert,
            Dialect::Postgres,
            Layout::SingleHost,
            "INSERT INTO last (username, seconds) VALUES ($1, $2)",
        ),
        (&new, Dialect::Mysql, Layout::SingleHost, "INSERT IGNORE INTO last (username) VALUES (?)"),
        (
            &new,
            Dialect::Sqlite,
            Layout::SingleHost,
            "INSERT INTO last (username) VALUES (?) ON CONFLICT DO NOTHING",
        ),
        (
            &upsert,
            Dialect::Postgres,
            Layout::MultiHost,
            "INSERT INTO last (username, seconds, state, server_host) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (server_host, username) DO UPDATE SET seconds = excluded.seconds, state = excluded.state",
        ),
        (
            &upsert,
            Dialect::Mysql,
            Layout::SingleHost,
            "INSERT INTO last (username, seconds, state) VALUES (?, ?, ?) \
             ON DUPLICATE KEY UPDATE seconds = VALUES(seconds), state = VALUES(state)",
        ),
        (
            &keys_only,
            Dialect::Sqlite,
            Layout::SingleHost,
            "INSERT INTO last (username) VALUES (?) ON CONFLICT DO NOTHING",
        ),
    ] {
        assert_eq!(rendered(statement, dialect, layout), expected);
    }
}

#[test]
fn a_table_without_hosts_gets_none() {
    let upsert = Statement::upsert("oauth_token", &["token"], &["jid"]);
    let sql = rendered(&upsert, Dialect::Sqlite, Layout::MultiHost);
    assert!(!sql.contains("server_host"), "{sql}");
    let room = Statement::upsert("muc_room", &["name", "host"], &["opts"]);
    let sql = rendered(&room, Dialect::Sqlite, Layout::MultiHost);
    assert!(sql.contains("opts, server_host) VALUES") && sql.contains("ON CONFLICT (name, host)"), "{sql}");
}

#[test]
fn mistakes_name_what_is_wrong() {
    for (statement, expected) in [
        (Statement::new("SELECT {hots}"), "{hots}"),
        (Statement::new("SELECT {host"), "{host"),
        (Statement::new("SELECT 'open"), "'open"),
        (Statement::new("SELECT {search}"), "{search}"),
        (Statement::insert("lost", &[]), "lost"),
        (Statement::insert("last", &["username", "colour"]), "colour"),
        (Statement::upsert("last", &["state"], &["seconds"]), "no unique key"),
    ] {
        match statement.render(Dialect::Sqlite, Layout::MultiHost) {
            Err(StoreError::Other(message)) => assert!(message.contains(expected), "{message}"),
            other => panic!("{statement:?} gave {other:?}"),
        }
    }
}

#[test]
fn searches_carry_their_words_in_the_dialects_form() {
    static SEARCH: Statement =
        Statement::new("SELECT 1 FROM archive WHERE {search:txt} AND {host} AND kind = ?");
    let host = Text::new("h");
    for (dialect, sql, words) in [
        (Dialect::Sqlite, "nightjar_search(txt, ?)", "a -b 'c"),
        (Dialect::Postgres, "to_tsvector('simple', txt) @@ plainto_tsquery('simple', $1)", "a -b 'c"),
        (Dialect::Mysql, "MATCH (txt) AGAINST (? IN BOOLEAN MODE)", "+a +b +c"),
    ] {
        let renderer = Renderer::new(dialect, Layout::MultiHost);
        let rendered = renderer.render(&SEARCH).unwrap();
        assert!(rendered.sql.contains(sql), "{}", rendered.sql);
        let params = params!["a -b 'c", "chat"];
        rendered.check(&params).unwrap();
        let bound: Vec<String> = rendered
            .values(&host, &params)
            .map(|value| match value {
                BoundValue::Borrowed(Value::Text(text)) | BoundValue::Host(text) => text.to_string(),
                BoundValue::Owned(Value::Text(text)) => text.to_string(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(bound, [words, "h", "chat"]);
    }
}

#[test]
fn parameters_are_checked() {
    let statement = Statement::new("SELECT ?").render(Dialect::Sqlite, Layout::MultiHost).unwrap();
    assert!(matches!(statement.check(&params![]), Err(StoreError::Other(_))));
    assert!(matches!(statement.check(&params![1, 2]), Err(StoreError::Other(_))));
    assert_eq!(statement.check(&params!["a\0"]), Err(StoreError::Constraint));
    assert_eq!(statement.check(&params!["a"]), Ok(()));
}

#[test]
fn one_text_is_one_interned_statement() {
    let first = Statement::interned("SELECT 1 -- interned");
    assert!(std::ptr::eq(first, Statement::interned(&String::from("SELECT 1 -- interned"))));
    assert!(!std::ptr::eq(first, Statement::interned("SELECT 2 -- interned")));
}
