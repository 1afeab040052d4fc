use std::sync::Arc;

use nightjar_store::{Dialect, Layout, Renderer, Statement, params};
use nightjar_text::Text;

use super::{Planned, group_length, plan, with_rows};

static INSERT: Statement = Statement::insert("last", &["username", "seconds", "state"]);
static UPSERT: Statement = Statement::upsert("last", &["username"], &["seconds", "state"]);

fn planned<'a>(renderer: &Renderer, host: &'a Text, calls: &'a [nightjar_store::Call]) -> Vec<Planned<'a>> {
    calls.iter().map(|call| plan(renderer, host, call).unwrap()).collect()
}

#[test]
fn inserts_of_one_statement_travel_together() {
    let renderer = Renderer::new(Dialect::Mysql, Layout::MultiHost);
    let host = Text::new("h");
    let row = || (&INSERT, params!["u", "1", ""]);
    let large = || (&INSERT, params!["u", "1", "x".repeat(400_000)]);
    let upsert = || (&UPSERT, params!["u", "1", ""]);
    for (calls, expected) in [
        (vec![], 0),
        (vec![row()], 1),
        ((0..7).map(|_| row()).collect(), 4),
        ((0..200).map(|_| row()).collect(), 64),
        (vec![row(), row(), row(), upsert(), row()], 2),
        (vec![upsert(), upsert()], 1),
        (vec![large(), large(), large()], 1),
    ] {
        assert_eq!(group_length(&planned(&renderer, &host, &calls)), expected, "{} calls", calls.len());
    }
}

#[test]
fn rows_are_repeated() {
    let renderer = Renderer::new(Dialect::Mysql, Layout::SingleHost);
    let rendered: Arc<_> = renderer.render(&INSERT).unwrap();
    assert_eq!(
        with_rows(&rendered, 3),
        "INSERT INTO last (username, seconds, state) VALUES (?, ?, ?), (?, ?, ?), (?, ?, ?)"
    );
    assert_eq!(with_rows(&rendered, 1), rendered.sql);
}
