//! Archive rows a second: the engine alone in batches, and the store with many tasks that each await their row.
//!
//! `cargo bench -p nightjar-sqlite --bench archive [-- SECONDS]`; the rows stand in a folder under the system's temporary one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nightjar_sqlite::{SqliteOptions, Synchronous};
use nightjar_store::{Layout, Limits, Params, Statement, Store, params};
use nightjar_text::Text;

static ARCHIVE: Statement = Statement::insert(
    "archive",
    &["username", "timestamp", "peer", "bare_peer", "xml", "txt", "kind", "nick", "origin_id"],
);
static POINT: Statement = Statement::new("SELECT seconds FROM last WHERE {host} AND username = ?");
static PAGE: Statement = Statement::new(
    "SELECT timestamp, xml, peer, kind, nick FROM archive \
     WHERE {host} AND username = ? AND timestamp > ? ORDER BY timestamp LIMIT 50",
);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seconds = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(3);
    let duration = Duration::from_secs(seconds);
    let folder = std::env::temp_dir().join(format!("nightjar-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    for synchronous in [Synchronous::Normal, Synchronous::Full] {
        report(&format!("store, {synchronous:?}, 1 task"), &writes(&folder, synchronous, 1, duration)?);
        for count in [64, 512] {
            // In turn, because the machine may be busy with other things at times.
            for _ in 0..3 {
                let alone = engine(&folder, synchronous, count, duration)?;
                let together = writes(&folder, synchronous, count, duration)?;
                report(&format!("engine, {synchronous:?}, batches of {count}"), &alone);
                report(&format!("store, {synchronous:?}, {count} tasks"), &together);
            }
        }
    }
    reads(&folder, duration)?;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

#[allow(clippy::print_stdout)]
fn report(what: &str, rate: &Rate) {
    println!("{what:<40} {:>10.0}/s {:>8.1} µs of CPU each", rate.per_second, rate.cpu_micros);
}

/// What one call costs in time and in CPU time of the whole process.
struct Rate {
    per_second: f64,
    cpu_micros: f64,
}

struct Meter {
    start: Instant,
    cpu: f64,
}

impl Meter {
    fn start() -> Meter {
        Meter { start: Instant::now(), cpu: cpu_seconds() }
    }

    fn stop(&self, calls: u64) -> Rate {
        let calls = calls as f64;
        Rate {
            per_second: calls / self.start.elapsed().as_secs_f64(),
            cpu_micros: (cpu_seconds() - self.cpu) / calls * 1e6,
        }
    }
}

/// User and system time of this process; /proc counts them in hundredths of a second.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

fn row(user: &str, number: i64) -> Params {
    let peer = Text::new("romeo@montague.example");
    let xml = "<message from='romeo@montague.example/orchard' to='juliet@capulet.example' type='chat' id='a1b2c3'>\
               <body>Wherefore art thou? A line of the length that people write to each other.</body>\
               <origin-id xmlns='urn:xmpp:sid:0' id='4b1f6e9e-13a9-4a5e-8f2d-2f0f7b1b6c7d'/></message>";
    let txt = "Wherefore art thou? A line of the length that people write to each other.";
    params![
        user,
        number,
        "romeo@montague.example/orchard",
        peer,
        xml,
        txt,
        "chat",
        "",
        "4b1f6e9e-13a9-4a5e-8f2d"
    ]
}

/// The same rows through one connection, no queue and no tasks.
fn engine(
    folder: &Path,
    synchronous: Synchronous,
    batch: usize,
    duration: Duration,
) -> Result<Rate, Box<dyn std::error::Error>> {
    let path = fresh(folder)?;
    drop(nightjar_sqlite::open(&options(&path, synchronous))?);
    let rendered = ARCHIVE.render(nightjar_store::Dialect::Sqlite, Layout::MultiHost)?;
    let connection = rusqlite::Connection::open(&path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(
        None,
        "synchronous",
        if synchronous == Synchronous::Full { "FULL" } else { "NORMAL" },
    )?;
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    connection.pragma_update(None, "cache_size", -8_192)?;
    let mut statement = connection.prepare(&rendered.sql)?;
    let (meter, mut rows) = (Meter::start(), 0);
    while meter.start.elapsed() < duration {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        for _ in 0..batch {
            let values = row(&format!("user{}", rows % batch as u64), rows as i64);
            for (position, value) in values.iter().enumerate() {
                match value {
                    nightjar_store::Value::Int(number) => {
                        statement.raw_bind_parameter(position + 1, number)?
                    }
                    nightjar_store::Value::Text(text) => {
                        statement.raw_bind_parameter(position + 1, text.as_str())?
                    }
                    _ => {}
                }
            }
            statement.raw_bind_parameter(values.len() + 1, "capulet.example")?;
            statement.raw_execute()?;
            rows += 1;
        }
        connection.execute_batch("COMMIT")?;
    }
    Ok(meter.stop(rows))
}

fn writes(
    folder: &Path,
    synchronous: Synchronous,
    tasks: usize,
    duration: Duration,
) -> Result<Rate, Box<dyn std::error::Error>> {
    let store = store(&fresh(folder)?, synchronous)?;
    Ok(measure(tasks, duration, move |task| {
        let store = store.clone();
        let user = format!("user{task}");
        move |number| {
            let (store, user) = (store.clone(), user.clone());
            async move { store.execute(&ARCHIVE, row(&user, number)).await.is_ok_and(|rows| rows == 1) }
        }
    })?)
}

fn reads(folder: &Path, duration: Duration) -> Result<(), Box<dyn std::error::Error>> {
    // The rows that the last writers left.
    let store = store(&folder.join("archive.db"), Synchronous::Normal)?;
    for (name, statement) in [("point reads", &POINT), ("pages of 50", &PAGE)] {
        for tasks in [1, 64] {
            let store = store.clone();
            let rate = measure(tasks, duration, move |task| {
                let store = store.clone();
                move |number| {
                    let store = store.clone();
                    let mut values = params![format!("user{task}")];
                    if std::ptr::eq(statement, &PAGE) {
                        values.push((number % 1_000).into());
                    }
                    async move { store.query(statement, values).await.is_ok() }
                }
            })?;
            report(&format!("store, {name}, {tasks} tasks"), &rate);
        }
    }
    Ok(())
}

/// Calls a second over all tasks, each of which awaits one call after the other.
fn measure<Make, Call, Answer>(tasks: usize, duration: Duration, make: Make) -> std::io::Result<Rate>
where
    Make: Fn(usize) -> Call,
    Call: Fn(i64) -> Answer + Send + 'static,
    Answer: Future<Output = bool> + Send,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (done, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let meter = Meter::start();
    let handles: Vec<_> = (0..tasks)
        .map(|task| {
            let (call, done, stop) = (make(task), done.clone(), stop.clone());
            runtime.spawn(async move {
                let mut number = 0;
                while !stop.load(Ordering::Relaxed) {
                    number += 1;
                    done.fetch_add(u64::from(call(number).await), Ordering::Relaxed);
                }
            })
        })
        .collect();
    std::thread::sleep(duration);
    stop.store(true, Ordering::Relaxed);
    runtime.block_on(async {
        for handle in handles {
            let _ = handle.await;
        }
    });
    Ok(meter.stop(done.load(Ordering::Relaxed)))
}

/// The path of a database that is not there.
fn fresh(folder: &Path) -> std::io::Result<PathBuf> {
    for name in ["archive.db", "archive.db-wal", "archive.db-shm"] {
        if folder.join(name).exists() {
            std::fs::remove_file(folder.join(name))?;
        }
    }
    Ok(folder.join("archive.db"))
}

fn options(path: &Path, synchronous: Synchronous) -> SqliteOptions {
    SqliteOptions { synchronous, ..SqliteOptions::new(path) }
}

fn store(path: &Path, synchronous: Synchronous) -> Result<Store, nightjar_sqlite::OpenError> {
    let (database, _) = nightjar_sqlite::open(&options(path, synchronous))?;
    Ok(Store::new(database, "capulet.example", Limits::default()))
}
