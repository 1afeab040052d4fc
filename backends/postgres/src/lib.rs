//! PostgreSQL: a few connections, each with many statements under way.

mod connection;
mod migration;
mod numeric;
mod reader;
#[cfg(test)]
mod tests;
mod tls;
mod value;
mod writer;

use std::sync::Arc;

use nightjar_store::remote::Writers;
use nightjar_store::{
    Backend, Batch, BoxFuture, Dialect, Layout, Receipt, Renderer, Request, Row, SqlOptions, StoreError,
};

use connection::Connector;
pub use migration::{OpenError, rehearse};
use reader::Readers;
use writer::PostgresDriver;

/// An open database.
pub struct Postgres {
    layout: Layout,
    writers: Writers,
    readers: Arc<Readers>,
}

/// Connects, brings the tables up to date and starts the writers; returns what was run for that.
/// `preferred` is the layout of a database that has no tables yet. Call it inside a Tokio runtime.
pub async fn open(
    options: &SqlOptions,
    preferred: Layout,
) -> Result<(Arc<Postgres>, Vec<String>), OpenError> {
    let (layout, statements) = migration::migrate(options, preferred).await?;
    let renderer = Arc::new(Renderer::new(Dialect::Postgres, layout));
    let connector = Arc::new(Connector::new(options, renderer)?);
    let writing = (options.pool_size / 4).clamp(1, 2);
    let reading = options.pool_size.saturating_sub(writing).clamp(1, 8);
    let driver = Arc::new(PostgresDriver::new(connector.clone()));
    let postgres = Postgres {
        layout,
        writers: Writers::start(&driver, writing, options),
        readers: Arc::new(Readers::new(connector, reading, options)),
    };
    Ok((Arc::new(postgres), statements))
}

impl Backend for Postgres {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn layout(&self) -> Layout {
        self.layout
    }

    fn read(&self, request: Request) -> BoxFuture<Result<Vec<Row>, StoreError>> {
        let settled = self.writers.settled();
        let readers = self.readers.clone();
        Box::pin(async move {
            settled.await;
            readers.query(&request).await
        })
    }

    fn write(&self, batch: Batch) -> Result<Receipt, StoreError> {
        self.writers.write(batch)
    }

    fn pending(&self) -> usize {
        self.writers.pending()
    }

    fn close(&self) -> BoxFuture<()> {
        let closing = self.writers.close();
        let readers = self.readers.clone();
        Box::pin(async move {
            closing.await;
            readers.close();
        })
    }
}
