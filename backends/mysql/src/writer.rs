//! Transactions. The protocol takes one statement at a time, so rows that are inserted one after the other by the same
//! statement travel as one statement with many rows.

use std::sync::Arc;
use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts};
use nightjar_store::remote::Driver;
use nightjar_store::{Batch, Call, Counts, Rendered, Renderer, SqlOptions, StoreError, Value};
use nightjar_text::Text;
use tokio::time::timeout;

use crate::connection::{connect_options, parameter, store_error};

#[cfg(test)]
mod tests;

/// Rows in one statement at most; only powers of two are sent, so that few forms of it are prepared.
const ROWS_LIMIT: usize = 64;

/// Bytes in one statement at most, well below the smallest `max_allowed_packet` in use.
const BYTES_LIMIT: usize = 512 << 10;

/// The server closes connections that are idle for hours.
const PING_AFTER: Duration = Duration::from_secs(30);

pub(crate) struct MysqlDriver {
    options: Opts,
    connect_timeout: Duration,
    renderer: Arc<Renderer>,
}

impl MysqlDriver {
    pub(crate) fn new(options: &SqlOptions, renderer: Arc<Renderer>) -> MysqlDriver {
        MysqlDriver {
            options: connect_options(options).into(),
            connect_timeout: options.connect_timeout,
            renderer,
        }
    }
}

impl Driver for MysqlDriver {
    type Connection = Conn;

    async fn connect(&self) -> Result<Conn, StoreError> {
        match timeout(self.connect_timeout, Conn::new(self.options.clone())).await {
            Ok(connection) => connection.map_err(|error| {
                tracing::error!(%error, "no connection to MySQL");
                StoreError::Unavailable
            }),
            Err(_) => Err(StoreError::Unavailable),
        }
    }

    async fn usable(&self, connection: &mut Conn, idle: Duration) -> bool {
        idle < PING_AFTER || matches!(timeout(self.connect_timeout, connection.ping()).await, Ok(Ok(())))
    }

    async fn run(&self, connection: &mut Conn, batches: &[Batch]) -> Result<Vec<Counts>, StoreError> {
        let mut planned = Vec::new();
        for batch in batches {
            for call in &batch.calls {
                planned.push(plan(&self.renderer, &batch.host, call)?);
            }
        }
        let counts = if let [only] = planned.as_slice() {
            execute(connection, std::slice::from_ref(only)).await?
        } else {
            transaction(connection, &planned).await?
        };
        let mut counts = counts.into_iter();
        Ok(batches.iter().map(|batch| counts.by_ref().take(batch.calls.len()).collect()).collect())
    }
}

/// A statement ready to be sent.
struct Planned<'a> {
    rendered: Arc<Rendered>,
    host: &'a Text,
    params: &'a [Value],
    weight: usize,
}

fn plan<'a>(
    renderer: &Renderer,
    host: &'a Text,
    (statement, params): &'a Call,
) -> Result<Planned<'a>, StoreError> {
    let rendered = renderer.render(statement)?;
    rendered.check(params)?;
    let weight = params.iter().map(Value::weight).sum();
    Ok(Planned { rendered, host, params, weight })
}

async fn transaction(connection: &mut Conn, planned: &[Planned<'_>]) -> Result<Vec<u64>, StoreError> {
    connection.query_drop("START TRANSACTION").await.map_err(|error| store_error(&error))?;
    let mut counts = Vec::with_capacity(planned.len());
    let mut rest = planned;
    while !rest.is_empty() {
        let (group, after) = rest.split_at(group_length(rest));
        match execute(connection, group).await {
            Ok(counted) => counts.extend(counted),
            Err(error) => {
                // Without a connection there is nothing left to undo.
                let _ = connection.query_drop("ROLLBACK").await;
                return Err(error);
            }
        }
        rest = after;
    }
    connection.query_drop("COMMIT").await.map_err(|error| store_error(&error))?;
    Ok(counts)
}

/// How many of the first statements travel together: a power of two.
fn group_length(planned: &[Planned<'_>]) -> usize {
    let Some(first) = planned.first() else { return 0 };
    if first.rendered.values_at.is_none() {
        return 1;
    }
    let mut bytes = 0;
    let alike = planned.iter().take(ROWS_LIMIT).take_while(|next| {
        bytes += next.weight;
        Arc::ptr_eq(&next.rendered, &first.rendered) && bytes <= BYTES_LIMIT
    });
    1 << alike.count().max(1).ilog2()
}

/// Rows affected by each statement of a group.
async fn execute(connection: &mut Conn, group: &[Planned<'_>]) -> Result<Vec<u64>, StoreError> {
    let Some(first) = group.first() else { return Ok(Vec::new()) };
    let values = group.iter().flat_map(|planned| planned.rendered.values(planned.host, planned.params));
    let values: Vec<_> = values.map(|value| parameter(&value)).collect();
    let sql = with_rows(&first.rendered, group.len());
    let result = connection.exec_drop(sql, values).await;
    result.map_err(|error| store_error(&error))?;
    let affected = connection.affected_rows();
    if group.len() > 1 {
        return Ok(vec![1; group.len()]);
    }
    // MySQL counts 2 for a row that an upsert changed.
    Ok(vec![if first.rendered.upsert { affected.min(1) } else { affected }])
}

/// The statement with its parenthesised values repeated.
fn with_rows(rendered: &Rendered, rows: usize) -> String {
    let mut sql = rendered.sql.clone();
    let values = rendered.values_at.and_then(|at| rendered.sql.get(at..)).unwrap_or_default();
    for _ in 1..rows {
        sql.push_str(", ");
        sql.push_str(values);
    }
    sql
}
