//! Connections that read, lent by the driver's pool.

use std::sync::Arc;
use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Pool, PoolConstraints, PoolOpts};
use nightjar_store::{Renderer, Request, Row, SqlOptions, StoreError};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::connection::{collect, connect_options, parameter, store_error};

pub(crate) struct Readers {
    pool: Pool,
    renderer: Arc<Renderer>,
    /// Bounds the queries that wait.
    places: Semaphore,
    connections: usize,
    connect_timeout: Duration,
}

impl Readers {
    pub(crate) fn new(options: &SqlOptions, connections: usize, renderer: Arc<Renderer>) -> Readers {
        let connections = connections.max(1);
        let constraints = PoolConstraints::new(1, connections).unwrap_or_default();
        // A reset would forget the prepared statements; nothing here changes a session.
        let pool = PoolOpts::new().with_constraints(constraints).with_reset_connection(false);
        Readers {
            pool: Pool::new(connect_options(options).pool_opts(pool)),
            renderer,
            places: Semaphore::new(options.queue_limit.min(Semaphore::MAX_PERMITS)),
            connections,
            connect_timeout: options.connect_timeout,
        }
    }

    pub(crate) async fn query(&self, request: &Request) -> Result<Vec<Row>, StoreError> {
        if self.places.is_closed() {
            return Err(StoreError::Unavailable);
        }
        let Ok(_place) = self.places.try_acquire() else { return Err(StoreError::Busy) };
        // After a restart of the server every connection in the pool may be dead; reading again does no harm.
        for _ in 0..self.connections {
            match self.attempt(request).await {
                Err(Failure::Broken) => {}
                Err(Failure::Final(error)) => return Err(error),
                Ok(rows) => return Ok(rows),
            }
        }
        self.attempt(request).await.map_err(Failure::into_error)
    }

    async fn attempt(&self, request: &Request) -> Result<Vec<Row>, Failure> {
        let rendered = self.renderer.render(request.statement)?;
        rendered.check(&request.params)?;
        let connection = timeout(self.connect_timeout, self.pool.get_conn()).await;
        let mut connection = connection
            .map_err(|_| Failure::Final(StoreError::Timeout))?
            .map_err(|error| Failure::Final(store_error(&error)))?;
        let values: Vec<_> =
            rendered.values(&request.host, &request.params).map(|value| parameter(&value)).collect();
        match connection.exec(rendered.sql.as_str(), values).await {
            Ok(rows) => Ok(collect(rows)),
            Err(error) => Err(match store_error(&error) {
                StoreError::Unavailable => Failure::Broken,
                error => Failure::Final(error),
            }),
        }
    }

    pub(crate) async fn close(&self) {
        self.places.close();
        if let Err(error) = self.pool.clone().disconnect().await {
            tracing::warn!(%error, "the connections to MySQL did not close cleanly");
        }
    }
}

enum Failure {
    /// The connection was dead; another one may live.
    Broken,
    Final(StoreError),
}

impl Failure {
    fn into_error(self) -> StoreError {
        match self {
            Failure::Broken => StoreError::Unavailable,
            Failure::Final(error) => error,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::Final(error)
    }
}
