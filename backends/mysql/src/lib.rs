//! MySQL and MariaDB: connections that write in groups, a pool that reads.

mod connection;
mod migration;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

use std::sync::Arc;

use nightjar_store::remote::Writers;
use nightjar_store::{
    Backend, Batch, BoxFuture, Dialect, Layout, Receipt, Renderer, Request, Row, SqlOptions, StoreError,
};

pub use migration::{OpenError, rehearse};
use reader::Readers;
use writer::MysqlDriver;

/// An open database.
pub struct Mysql {
    layout: Layout,
    writers: Writers,
    readers: Arc<Readers>,
}

/// Connects, brings the tables up to date and starts the writers; returns what was run for that.
/// `preferred` is the layout of a database that has no tables yet. Call it inside a Tokio runtime.
pub async fn open(options: &SqlOptions, preferred: Layout) -> Result<(Arc<Mysql>, Vec<String>), OpenError> {
    let (layout, statements) = migration::migrate(options, preferred).await?;
    let renderer = Arc::new(Renderer::new(Dialect::Mysql, layout));
    // A connection runs one statement at a time: half of them write, so that neither side starves the other.
    let writing = (options.pool_size / 2).clamp(1, 4);
    let driver = Arc::new(MysqlDriver::new(options, renderer.clone()));
    let mysql = Mysql {
        layout,
        writers: Writers::start(&driver, writing, options),
        readers: Arc::new(Readers::new(options, options.pool_size.saturating_sub(writing), renderer)),
    };
    Ok((Arc::new(mysql), statements))
}

impl Backend for Mysql {
    fn dialect(&self) -> Dialect {
        Dialect::Mysql
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
            readers.close().await;
        })
    }
}
