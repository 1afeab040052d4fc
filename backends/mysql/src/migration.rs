//! Bringing a database up to date while no other node does. MySQL commits each change of a table by itself, so a plan
//! that stopped half-way is made again from what is there.

use std::time::Duration;

use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use nightjar_store::migrate::{Catalog, ExistingIndex, MigrationError, Plan, plan};
use nightjar_store::{Dialect, Layout, SqlOptions};
use tokio::time::timeout;

use crate::connection::connect_options;

/// Why a database was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("MySQL: {0}")]
    Driver(#[from] mysql_async::Error),
    #[error("MySQL did not answer within {0:?}")]
    Timeout(Duration),
    #[error("another node has been changing the tables for a minute")]
    Locked,
    #[error(transparent)]
    Migration(#[from] MigrationError),
}

/// What opening this database would do to its tables, without doing it.
pub async fn rehearse(options: &SqlOptions, preferred: Layout) -> Result<Plan, OpenError> {
    let mut connection = connect(options).await?;
    let catalog = read_catalog(&mut connection).await?;
    connection.disconnect().await?;
    Ok(plan(&catalog, Dialect::Mysql, preferred)?)
}

pub(crate) async fn migrate(
    options: &SqlOptions,
    preferred: Layout,
) -> Result<(Layout, Vec<String>), OpenError> {
    let mut connection = connect(options).await?;
    // The lock goes with the connection.
    let lock = "SELECT GET_LOCK(CONCAT('nightjar.', DATABASE()), 60)";
    if connection.query_first::<Option<i64>, _>(lock).await?.flatten() != Some(1) {
        return Err(OpenError::Locked);
    }
    let plan = plan(&read_catalog(&mut connection).await?, Dialect::Mysql, preferred)?;
    for statement in &plan.statements {
        connection.query_drop(statement).await?;
    }
    connection.disconnect().await?;
    Ok((plan.layout, plan.statements))
}

async fn connect(options: &SqlOptions) -> Result<Conn, OpenError> {
    let connecting = Conn::new(connect_options(options));
    let connection = timeout(options.connect_timeout, connecting).await;
    Ok(connection.map_err(|_| OpenError::Timeout(options.connect_timeout))??)
}

async fn read_catalog(connection: &mut Conn) -> Result<Catalog, OpenError> {
    let mut catalog = Catalog::default();
    let columns = "SELECT table_name, column_name FROM information_schema.columns \
                   WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position";
    let columns: Vec<(String, String)> = connection.query(columns).await?;
    for (table, column) in columns {
        catalog.tables.entry(table).or_default().columns.push(column);
    }
    let indexes = "SELECT table_name, index_name, column_name, non_unique FROM information_schema.statistics \
                   WHERE table_schema = DATABASE() ORDER BY table_name, index_name, seq_in_index";
    let indexes: Vec<(String, String, Option<String>, i64)> = connection.query(indexes).await?;
    for (table, name, column, non_unique) in indexes {
        let known = &mut catalog.tables.entry(table).or_default().indexes;
        let column = column.unwrap_or_default();
        match known.last_mut().filter(|index| index.name == name) {
            Some(index) => index.columns.push(column),
            None => {
                let (unique, primary) = (non_unique == 0, name == "PRIMARY");
                known.push(ExistingIndex { name, columns: vec![column], unique, primary });
            }
        }
    }
    if catalog.tables.contains_key("schema_version") {
        let versions: Vec<(String, i64)> =
            connection.query("SELECT module, version FROM schema_version").await?;
        catalog.versions = versions.into_iter().collect();
    }
    Ok(catalog)
}
