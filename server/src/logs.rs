//! Where the log goes: a console, files that are rotated by size, or both.
//!
//! Lines are written by a thread of their own; a slow disk or terminal costs lines, never time of the server.

mod layer;
mod level;
mod line;
mod mask;
mod sink;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use nightjar_config::{Options, Value};
use tracing_subscriber::layer::SubscriberExt as _;

pub(crate) use level::Level;
pub(crate) use line::Format;

use layer::Lines;
use sink::{Sink, Target};

/// How the log is set up when the program starts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Setup {
    /// Whether lines go to standard error, and how they look there.
    pub(crate) console: Option<Format>,
    /// Only errors go to the console.
    pub(crate) quiet: bool,
    /// The main log file, and how lines look there. Errors go to `error.log` beside it too.
    pub(crate) file: Option<(PathBuf, Format)>,
}

/// The log of this process. A clone is the same log.
#[derive(Clone)]
pub(crate) struct Logs {
    settings: Arc<Settings>,
    sink: Sink,
}

/// What may change while the server runs.
pub(crate) struct Settings {
    level: AtomicU8,
    hide_addresses: AtomicBool,
    fully: ArcSwap<Vec<String>>,
    burst_count: AtomicU64,
    burst_window_ms: AtomicU64,
}

impl Settings {
    /// What holds until a configuration says otherwise.
    fn new() -> Self {
        Self {
            level: AtomicU8::new(Level::Info as u8),
            hide_addresses: AtomicBool::new(true),
            fully: ArcSwap::default(),
            burst_count: AtomicU64::new(500),
            burst_window_ms: AtomicU64::new(1000),
        }
    }

    pub(crate) fn level(&self) -> Level {
        Level::from_number(self.level.load(Ordering::Relaxed))
    }

    pub(crate) fn hides_addresses(&self) -> bool {
        self.hide_addresses.load(Ordering::Relaxed)
    }

    /// Whether lines of this part of the program are written whatever their level (`log_modules_fully`).
    pub(crate) fn is_full(&self, target: &str) -> bool {
        let fully = self.fully.load();
        !fully.is_empty() && target.split("::").any(|part| fully.iter().any(|module| module == part))
    }

    /// Lines in a time after which the rest is dropped.
    pub(crate) fn burst(&self) -> (u64, Duration) {
        let window = self.burst_window_ms.load(Ordering::Relaxed);
        (self.burst_count.load(Ordering::Relaxed), Duration::from_millis(window))
    }
}

impl Logs {
    /// A log that nothing is said to, for tests.
    #[cfg(test)]
    pub(crate) fn detached() -> Self {
        Self { settings: Arc::new(Settings::new()), sink: Sink::start(Vec::new()).unwrap() }
    }

    /// Takes all lines of this process from now on.
    ///
    /// # Errors
    /// If a file can't be opened, or the process has a log already.
    pub(crate) fn start(setup: &Setup) -> anyhow::Result<Self> {
        let mut targets = Vec::new();
        if let Some(format) = setup.console {
            let least = if setup.quiet { Level::Error } else { Level::Debug };
            targets.push(Target::console(format, std::io::stderr().is_terminal(), least));
        }
        if let Some((path, format)) = &setup.file {
            targets.push(Target::file(path.clone(), *format, Level::Debug)?);
            targets.push(Target::file(path.with_file_name("error.log"), *format, Level::Error)?);
        }
        let settings = Arc::new(Settings::new());
        let sink = Sink::start(targets)?;
        let lines = Lines::new(Arc::clone(&settings), sink.clone());
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines))?;
        std::panic::set_hook(Box::new(|panic| {
            let thread = std::thread::current().name().unwrap_or("?").to_owned();
            tracing::error!("thread '{thread}' {panic}");
        }));
        Ok(Self { settings, sink })
    }

    /// Follows the options `loglevel`, `log_…` and `hide_sensitive_log_data`.
    pub(crate) fn follow(&self, options: &Options) {
        let level = match options.typed("loglevel") {
            Value::Int(number) => Level::from_old_number(*number),
            other => other.as_str().and_then(Level::from_name),
        };
        self.settings.hide_addresses.store(options.bool("hide_sensitive_log_data"), Ordering::Relaxed);
        let modules = options.texts("log_modules_fully");
        let parts = modules.iter().map(|name| name.strip_prefix("mod_").unwrap_or(name).to_owned());
        self.settings.fully.store(Arc::new(parts.collect()));
        let count = options.limit("log_burst_limit_count").unwrap_or(u64::MAX);
        self.settings.burst_count.store(count, Ordering::Relaxed);
        let window = options.duration("log_burst_limit_window_time").unwrap_or(Duration::from_secs(1));
        let window = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
        self.settings.burst_window_ms.store(window, Ordering::Relaxed);
        self.sink.rotate_at(options.limit("log_rotate_size"), options.limit("log_rotate_count").unwrap_or(1));
        self.set_level(level.unwrap_or(Level::Info));
    }

    /// The level in force.
    pub(crate) fn level(&self) -> Level {
        self.settings.level()
    }

    /// Puts another level in force.
    pub(crate) fn set_level(&self, level: Level) {
        let before = self.settings.level();
        self.settings.level.store(level as u8, Ordering::Relaxed);
        tracing::callsite::rebuild_interest_cache();
        if before != level {
            tracing::info!("the log level is now {}, it was {}", level.name(), before.name());
        }
    }

    /// Renames full files away and begins new ones.
    pub(crate) fn rotate(&self) {
        self.sink.rotate();
    }

    /// Opens the files anew, after somebody else renamed them.
    pub(crate) fn reopen(&self) {
        self.sink.reopen();
    }

    /// Waits until everything said so far is written, but not for long.
    pub(crate) fn flush(&self) {
        self.sink.flush(Duration::from_secs(2));
    }
}
