//! The databases, and which one a host's options mean.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use nightjar_base::hooks::BoxFuture;
use nightjar_config::{HostConfig, Options};
use nightjar_sqlite::SqliteOptions;
use nightjar_store::{Backend, Layout, Limits, Secret, SqlOptions, SqlType, Store};

/// A kind of database.
pub(crate) struct Kind {
    /// Its name in `sql_type`.
    pub(crate) name: &'static str,
    kind: SqlType,
    open: fn(SqlOptions, Layout) -> BoxFuture<'static, anyhow::Result<Opened>>,
}

/// A database and what was done to its tables.
type Opened = (Arc<dyn Backend>, usize);

/// All kinds, the default one first.
pub(crate) static BACKENDS: &[Kind] = &[
    Kind { name: "sqlite", kind: SqlType::Sqlite, open: sqlite },
    Kind { name: "pgsql", kind: SqlType::Postgres, open: postgres },
    Kind { name: "mysql", kind: SqlType::Mysql, open: mysql },
];

/// Databases that are open; hosts with the same options share one.
#[derive(Default)]
pub(crate) struct Databases {
    open: Vec<(Vec<(String, String)>, Store)>,
}

impl Databases {
    /// The host's view on its database, which is opened if it isn't yet.
    ///
    /// # Errors
    /// If it can't be opened; nothing was changed in it then.
    pub(crate) async fn store(&mut self, config: &HostConfig, file: &Path) -> anyhow::Result<Store> {
        let key = key(&config.options);
        if let Some((_, store)) = self.open.iter().find(|(other, _)| *other == key) {
            return Ok(store.for_host(&config.name));
        }
        let (kind, options, layout) = options(&config.options, file)?;
        let limits = Limits::from(&options);
        let described = described(&options);
        let opened = (kind.open)(options, layout).await;
        let (backend, changes) =
            opened.with_context(|| format!("the database {described} can't be opened"))?;
        if changes > 0 {
            tracing::info!(database = described, changes, "the tables were brought up to date");
        }
        let store = Store::new(backend, &config.name, limits);
        self.open.push((key, store.clone()));
        Ok(store)
    }

    /// Finishes all writes and closes.
    pub(crate) async fn close(&self) {
        for (_, store) in &self.open {
            store.close().await;
        }
    }
}

/// What tells databases apart.
fn key(options: &Options) -> Vec<(String, String)> {
    let about = |name: &str| name.starts_with("sql_") || name == "new_sql_schema";
    let all = options.iter().filter(|(name, _)| about(name));
    all.map(|(name, setting)| (name.to_string(), format!("{:?}", setting.value))).collect()
}

/// Never with the password.
fn described(options: &SqlOptions) -> String {
    match options.kind {
        SqlType::Sqlite => options.database.clone(),
        _ => format!("{} at {}", options.database, options.server),
    }
}

fn options(given: &Options, file: &Path) -> anyhow::Result<(&'static Kind, SqlOptions, Layout)> {
    let name = given.text("sql_type");
    // Files written for an ejabberd with Mnesia name no database; their data goes into the embedded one.
    let kind = BACKENDS.iter().find(|kind| kind.name == name.as_str());
    let Some(kind) = kind else { bail!("sql_type: {name} is not built; use sqlite, pgsql or mysql") };
    let mut options = SqlOptions::new(kind.kind);
    let path = |name| given.opt_text(name).map(|text| text.as_str().into());
    options.server = given.text("sql_server").to_string();
    options.port = given.opt_int("sql_port").and_then(|port| u16::try_from(port).ok());
    options.username = given.text("sql_username").to_string();
    options.password = Secret::new(given.text("sql_password").as_str());
    options.database = match (given.opt_text("sql_database"), kind.kind) {
        (Some(name), _) => name.to_string(),
        (None, SqlType::Sqlite) => file.to_string_lossy().into_owned(),
        (None, _) => "ejabberd".to_owned(),
    };
    if let Some(size) = given.opt_int("sql_pool_size").and_then(|size| usize::try_from(size).ok()) {
        options.pool_size = size;
    }
    let duration = |name, instead| given.duration(name).unwrap_or(instead);
    options.connect_timeout = duration("sql_connect_timeout", options.connect_timeout);
    options.query_timeout = duration("sql_query_timeout", options.query_timeout);
    options.start_interval = duration("sql_start_interval", options.start_interval);
    options.prepared_statements = given.bool("sql_prepared_statements");
    options.ssl = given.bool("sql_ssl");
    options.ssl_verify = given.bool("sql_ssl_verify");
    options.ssl_cafile = path("sql_ssl_cafile");
    options.ssl_certfile = path("sql_ssl_certfile");
    let single = if given.is_set("new_sql_schema") {
        !given.bool("new_sql_schema")
    } else {
        !given.bool("sql_schema_multihost")
    };
    let layout = if single { Layout::SingleHost } else { Layout::MultiHost };
    Ok((kind, options, layout))
}

fn sqlite(options: SqlOptions, layout: Layout) -> BoxFuture<'static, anyhow::Result<Opened>> {
    Box::pin(async move {
        let opening = SqliteOptions {
            readers: options.pool_size,
            queue_limit: options.queue_limit,
            query_timeout: options.query_timeout,
            layout,
            ..SqliteOptions::new(&options.database)
        };
        let opened = tokio::task::spawn_blocking(move || nightjar_sqlite::open(&opening)).await?;
        let (database, report) = opened?;
        if let Some(snapshot) = &report.snapshot {
            tracing::info!(snapshot = %snapshot.display(), "the database was copied before its tables were changed");
        }
        Ok((database as Arc<dyn Backend>, report.statements.len()))
    })
}

fn postgres(options: SqlOptions, layout: Layout) -> BoxFuture<'static, anyhow::Result<Opened>> {
    Box::pin(async move {
        let (database, statements) = nightjar_postgres::open(&options, layout).await?;
        Ok((database as Arc<dyn Backend>, statements.len()))
    })
}

fn mysql(options: SqlOptions, layout: Layout) -> BoxFuture<'static, anyhow::Result<Opened>> {
    Box::pin(async move {
        let (database, statements) = nightjar_mysql::open(&options, layout).await?;
        Ok((database as Arc<dyn Backend>, statements.len()))
    })
}
