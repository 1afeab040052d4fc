//! Bringing a database up to date, in one transaction that no other node takes at the same time.

use std::sync::Arc;
use std::time::Duration;

use nightjar_store::migrate::{Catalog, ExistingIndex, MigrationError, Plan, plan};
use nightjar_store::{Dialect, Layout, Renderer, SqlOptions};
use tokio_postgres::Client;

use crate::connection::Connector;

/// Any number will do as long as all nodes use the same one.
const ADVISORY_LOCK: i64 = 0x4e49_4748_544a_4152;

/// Why a database was not opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("PostgreSQL: {}", full(.0))]
    Driver(#[from] tokio_postgres::Error),
    #[error("PostgreSQL did not answer within {0:?}")]
    Timeout(Duration),
    #[error("TLS to PostgreSQL: {0}")]
    Tls(String),
    #[error(transparent)]
    Migration(#[from] MigrationError),
}

fn full(error: &tokio_postgres::Error) -> String {
    let source = std::error::Error::source(error).map(|source| format!(": {source}"));
    format!("{error}{}", source.unwrap_or_default())
}

/// What opening this database would do to its tables, without doing it.
pub async fn rehearse(options: &SqlOptions, preferred: Layout) -> Result<Plan, OpenError> {
    let client = connect(options).await?;
    client.batch_execute("BEGIN READ ONLY").await?;
    let catalog = read_catalog(&client).await?;
    Ok(plan(&catalog, Dialect::Postgres, preferred)?)
}

pub(crate) async fn migrate(
    options: &SqlOptions,
    preferred: Layout,
) -> Result<(Layout, Vec<String>), OpenError> {
    let mut client = connect(options).await?;
    // An index over a large table takes its time.
    client.batch_execute("SET statement_timeout = 0").await?;
    // Dropped without a commit it is rolled back.
    let transaction = client.transaction().await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&ADVISORY_LOCK]).await?;
    let plan = plan(&read_catalog(transaction.client()).await?, Dialect::Postgres, preferred)?;
    for statement in &plan.statements {
        transaction.batch_execute(statement).await?;
    }
    transaction.commit().await?;
    Ok((plan.layout, plan.statements))
}

async fn connect(options: &SqlOptions) -> Result<Client, OpenError> {
    let renderer = Arc::new(Renderer::new(Dialect::Postgres, Layout::MultiHost));
    Connector::new(options, renderer)?.open().await
}

async fn read_catalog(client: &Client) -> Result<Catalog, OpenError> {
    let mut catalog = Catalog::default();
    let columns = "SELECT table_name::text, column_name::text FROM information_schema.columns \
                   WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position";
    for row in client.query(columns, &[]).await? {
        catalog.tables.entry(row.try_get(0)?).or_default().columns.push(row.try_get(1)?);
    }
    let indexes = "SELECT t.relname::text, i.relname::text, x.indisunique, x.indisprimary, \
                   array_agg(coalesce(a.attname::text, '') ORDER BY k.position) \
                   FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid \
                   JOIN pg_namespace n ON n.oid = t.relnamespace \
                   CROSS JOIN LATERAL unnest(x.indkey) WITH ORDINALITY AS k(number, position) \
                   LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number \
                   WHERE n.nspname = current_schema() AND x.indpred IS NULL GROUP BY 1, 2, 3, 4";
    for row in client.query(indexes, &[]).await? {
        let index = ExistingIndex {
            name: row.try_get(1)?,
            unique: row.try_get(2)?,
            primary: row.try_get(3)?,
            columns: row.try_get(4)?,
        };
        catalog.tables.entry(row.try_get(0)?).or_default().indexes.push(index);
    }
    if catalog.tables.contains_key("schema_version") {
        for row in client.query("SELECT module, version FROM schema_version", &[]).await? {
            catalog.versions.insert(row.try_get(0)?, row.try_get(1)?);
        }
    }
    Ok(catalog)
}
