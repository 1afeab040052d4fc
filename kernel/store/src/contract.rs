//! What every backend promises, as one test: `contract::run(|layout| async { fresh store }).await`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod rows;
mod schema;
mod values;
mod writes;

use crate::{Layout, Statement, Store};

/// Host of the store that a backend hands in.
pub const HOST: &str = "example.org";

static ADD_LAST: Statement = Statement::insert("last", &["username", "seconds", "state"]);
static SET_LAST: Statement = Statement::upsert("last", &["username"], &["seconds", "state"]);
static GET_LAST: Statement = Statement::new("SELECT seconds, state FROM last WHERE {host} AND username = ?");
static DROP_LAST: Statement = Statement::new("DELETE FROM last WHERE {host} AND username = ?");
static ARCHIVE: Statement = Statement::insert(
    "archive",
    &["username", "timestamp", "peer", "bare_peer", "xml", "txt", "kind", "nick", "origin_id"],
);
static COUNT_ARCHIVE: Statement =
    Statement::new("SELECT count(*) FROM archive WHERE {host} AND username = ?");

/// Runs every promise over both layouts. `open` gives an empty, migrated database of the layout asked for,
/// seen from [`HOST`]; what it returns is closed at the end.
///
/// # Panics
/// When a promise is broken.
pub async fn run<F, Opening>(open: F)
where
    F: Fn(Layout) -> Opening,
    Opening: Future<Output = Store>,
{
    for layout in [Layout::MultiHost, Layout::SingleHost] {
        let store = open(layout).await;
        assert_eq!(store.layout(), layout);
        rows::changes_are_counted(&store).await;
        rows::hosts_do_not_see_each_other(&store).await;
        rows::pages_are_read_by_key(&store).await;
        rows::limited_deletes(&store).await;
        rows::search_finds_words(&store).await;
        rows::mistakes_are_errors_and_harm_nothing(&store).await;
        values::hostile_texts_are_data(&store).await;
        values::nul_is_refused(&store).await;
        values::patterns_are_literal_when_escaped(&store).await;
        values::every_kind_returns(&store).await;
        values::large_values_return(&store).await;
        writes::transactions_are_atomic(&store).await;
        writes::a_failing_batch_takes_nothing_along(&store).await;
        writes::rows_that_refer_go_with_their_row(&store).await;
        writes::submitted_writes_are_seen_at_once(&store).await;
        writes::batches_of_an_account_keep_their_order(&store).await;
        writes::many_tasks_write_at_once(&store).await;
        schema::every_unique_key_takes_an_upsert(&store).await;
        writes::closing_finishes_what_was_accepted(&store).await;
    }
}
