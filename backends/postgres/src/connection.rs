//! One connection with its prepared statements.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nightjar_store::{Rendered, Renderer, Row, RowBuilder, SqlOptions, Statement, StoreError, Value};
use nightjar_text::Text;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::migration::OpenError;
use crate::tls;
use crate::value::{Cell, Parameter};

const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);

/// Makes connections.
pub(crate) struct Connector {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    connect_timeout: Duration,
    /// Run on every new connection.
    setup: String,
    prepares: bool,
    renderer: Arc<Renderer>,
}

/// A connection in use.
pub(crate) struct Session {
    client: Client,
    prepares: bool,
    renderer: Arc<Renderer>,
    prepared: Mutex<HashMap<usize, tokio_postgres::Statement>>,
}

impl Connector {
    pub(crate) fn new(options: &SqlOptions, renderer: Arc<Renderer>) -> Result<Connector, OpenError> {
        let tls = if options.ssl { Some(MakeRustlsConnect::new(tls::client_config(options)?)) } else { None };
        let timeout_ms = options.query_timeout.as_millis().clamp(1, i32::MAX as u128);
        Ok(Connector {
            config: config(options),
            tls,
            connect_timeout: options.connect_timeout,
            setup: format!("SET statement_timeout = {timeout_ms}; SET TIME ZONE 'UTC'"),
            prepares: options.prepared_statements,
            renderer,
        })
    }

    /// A new client and the task that serves it, not set up yet.
    pub(crate) async fn open(&self) -> Result<Client, OpenError> {
        let connecting = async {
            match &self.tls {
                None => {
                    let (client, connection) = self.config.connect(NoTls).await?;
                    tokio::spawn(serve(connection));
                    Ok(client)
                }
                Some(tls) => {
                    let (client, connection) = self.config.connect(tls.clone()).await?;
                    tokio::spawn(serve(connection));
                    Ok(client)
                }
            }
        };
        let client = tokio::time::timeout(self.connect_timeout, connecting).await;
        let client =
            client.map_err(|_| OpenError::Timeout(self.connect_timeout))?.map_err(OpenError::Driver)?;
        client.batch_execute(&self.setup).await.map_err(OpenError::Driver)?;
        Ok(client)
    }

    pub(crate) async fn connect(&self) -> Result<Session, StoreError> {
        let client = self.open().await.map_err(|error| {
            tracing::error!(%error, "no connection to PostgreSQL");
            StoreError::Unavailable
        })?;
        let (renderer, prepares) = (self.renderer.clone(), self.prepares);
        Ok(Session { client, prepares, renderer, prepared: Mutex::default() })
    }
}

async fn serve<C: Future<Output = Result<(), tokio_postgres::Error>>>(connection: C) {
    if let Err(error) = connection.await {
        tracing::warn!(%error, "a connection to PostgreSQL ended");
    }
}

fn config(options: &SqlOptions) -> Config {
    let mut config = Config::new();
    let server = options.server.strip_prefix("unix:").unwrap_or(&options.server);
    if server.starts_with('/') {
        config.host_path(server);
    } else {
        config.host(server);
    }
    if let Some(port) = options.port {
        config.port(port);
    }
    if !options.password.reveal().is_empty() {
        config.password(options.password.reveal());
    }
    config
        .dbname(&options.database)
        .user(&options.username)
        .application_name("nightjar")
        .connect_timeout(options.connect_timeout)
        .keepalives_idle(KEEPALIVE_IDLE)
        .tcp_user_timeout(options.query_timeout)
        .ssl_mode(if options.ssl { SslMode::Require } else { SslMode::Disable });
    config
}

/// A statement that can be sent.
pub(crate) struct Bound<'a> {
    rendered: Arc<Rendered>,
    /// `None`: the server parses the text each time.
    prepared: Option<tokio_postgres::Statement>,
    host: &'a Text,
    params: &'a [Value],
}

impl Session {
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Checks the parameters and prepares the statement on its first use.
    pub(crate) async fn bind<'a>(
        &self,
        host: &'a Text,
        statement: &'static Statement,
        params: &'a [Value],
    ) -> Result<Bound<'a>, StoreError> {
        let rendered = self.renderer.render(statement)?;
        rendered.check(params)?;
        let prepared = if self.prepares { Some(self.prepare(statement, &rendered).await?) } else { None };
        Ok(Bound { rendered, prepared, host, params })
    }

    async fn prepare(
        &self,
        statement: &'static Statement,
        rendered: &Rendered,
    ) -> Result<tokio_postgres::Statement, StoreError> {
        let known = self.lock_prepared().get(&statement.id()).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let prepared = self.client.prepare(&rendered.sql).await.map_err(|error| store_error(&error))?;
        self.lock_prepared().insert(statement.id(), prepared.clone());
        Ok(prepared)
    }

    fn lock_prepared(&self) -> std::sync::MutexGuard<'_, HashMap<usize, tokio_postgres::Statement>> {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rows affected. The statement is sent at the first poll.
    pub(crate) async fn execute(&self, bound: &Bound<'_>) -> Result<u64, tokio_postgres::Error> {
        let values: Vec<_> = bound.rendered.values(bound.host, bound.params).map(Parameter).collect();
        match &bound.prepared {
            Some(prepared) => self.client.execute(prepared, &references(&values)).await,
            None => self.client.execute_typed(&bound.rendered.sql, &untyped(&values)).await,
        }
    }

    pub(crate) async fn query(&self, bound: &Bound<'_>) -> Result<Vec<Row>, StoreError> {
        let values: Vec<_> = bound.rendered.values(bound.host, bound.params).map(Parameter).collect();
        let rows = match &bound.prepared {
            Some(prepared) => self.client.query(prepared, &references(&values)).await,
            None => self.client.query_typed(&bound.rendered.sql, &untyped(&values)).await,
        };
        collect(&rows.map_err(|error| store_error(&error))?)
    }
}

fn references<'p>(values: &'p [Parameter<'_>]) -> Vec<&'p (dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// The server finds the types out by itself.
fn untyped<'p>(values: &'p [Parameter<'_>]) -> Vec<(&'p (dyn ToSql + Sync), Type)> {
    values.iter().map(|value| (value as &(dyn ToSql + Sync), Type::UNKNOWN)).collect()
}

fn collect(rows: &[tokio_postgres::Row]) -> Result<Vec<Row>, StoreError> {
    let mut builder = RowBuilder::default();
    let mut collected = Vec::with_capacity(rows.len());
    for row in rows {
        for column in 0..row.len() {
            match row.try_get::<_, Option<Cell<'_>>>(column) {
                Ok(None) => builder.push(Value::Null),
                Ok(Some(Cell::Text(text))) => builder.push_text(text),
                Ok(Some(Cell::Value(value))) => builder.push(value),
                Err(error) => return Err(store_error(&error)),
            }
        }
        collected.push(builder.finish());
    }
    Ok(collected)
}

/// Whether this says only that an earlier statement of the transaction failed.
pub(crate) fn is_consequence(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&SqlState::IN_FAILED_SQL_TRANSACTION)
}

/// What an error of PostgreSQL means to a caller. The details go to the log here and nowhere else.
pub(crate) fn store_error(error: &tokio_postgres::Error) -> StoreError {
    let mapped = match error.code() {
        Some(state) => by_state(state, error),
        None if error.is_closed() || is_broken(error) => StoreError::Unavailable,
        None => StoreError::Other(error.to_string()),
    };
    let details = error.as_db_error().map_or_else(|| error.to_string(), ToString::to_string);
    match mapped {
        StoreError::Constraint => tracing::debug!(details, "a statement broke a rule of its table"),
        _ => tracing::error!(details, "PostgreSQL failed"),
    }
    mapped
}

fn by_state(state: &SqlState, error: &tokio_postgres::Error) -> StoreError {
    let text = || StoreError::Other(error.as_db_error().map_or_else(String::new, ToString::to_string));
    match state.code() {
        "22001" | "22021" | "22P05" => StoreError::Constraint,
        "40001" | "40P01" | "55P03" => StoreError::Busy,
        "53100" => StoreError::Full,
        "57014" => StoreError::Timeout,
        "57P01" | "57P02" | "57P03" | "25006" => StoreError::Unavailable,
        "XX001" | "XX002" => StoreError::Corrupt,
        code if code.starts_with("23") => StoreError::Constraint,
        code if code.starts_with("08") || code.starts_with("53") => StoreError::Unavailable,
        _ => text(),
    }
}

fn is_broken(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<std::io::Error>())
}
