//! From events of `tracing` to lines.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber, span};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::Settings;
use super::level::Level;
use super::line::Record;
use super::mask::{masked, masked_text};
use super::sink::Sink;

/// Turns events into lines.
pub(crate) struct Lines {
    settings: Arc<Settings>,
    sink: Sink,
    burst: Mutex<Burst>,
}

struct Burst {
    since: Instant,
    count: u64,
}

impl Lines {
    pub(crate) fn new(settings: Arc<Settings>, sink: Sink) -> Self {
        Self { settings, sink, burst: Mutex::new(Burst { since: Instant::now(), count: 0 }) }
    }

    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        let level = LevelFilter::from_level(*metadata.level());
        if !is_own(metadata.target()) {
            // Libraries know nothing of secrets: what they say in detail may hold some.
            return level <= self.settings.level().filter().min(LevelFilter::WARN);
        }
        level <= self.settings.level().filter() || self.settings.is_full(metadata.target())
    }

    /// Whether one more line fits into this moment; says how many did not fit into the one before.
    fn admit(&self) -> bool {
        let (limit, window) = self.settings.burst();
        let surplus = {
            let mut burst = self.burst.lock();
            if burst.since.elapsed() < window {
                burst.count += 1;
                return burst.count <= limit;
            }
            let surplus = burst.count.saturating_sub(limit);
            *burst = Burst { since: Instant::now(), count: 1 };
            surplus
        };
        if surplus > 0 {
            self.lost(surplus, limit, window);
        }
        true
    }

    fn lost(&self, surplus: u64, limit: u64, window: Duration) {
        self.sink.write(Record {
            time: now(),
            level: Level::Warning,
            target: module_path!().to_owned(),
            message: format!("{surplus} lines were left out, more than {limit} came in {window:?}"),
            fields: Vec::new(),
        });
    }
}

/// Whether a line is of this program, and not of a library.
fn is_own(target: &str) -> bool {
    target.starts_with("nightjar")
}

fn now() -> String {
    jiff::ZonedDateTime::now().strftime("%Y-%m-%d %H:%M:%S.%6f%:z").to_string()
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.wants(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.wants(metadata)
    }

    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let level = Level::from(metadata.level());
        if level != Level::Error && !self.admit() {
            return;
        }
        let mut found = Fields::default();
        event.record(&mut found);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(outer) = span.extensions().get::<Fields>() {
                found.fields.extend(outer.fields.iter().cloned());
            }
        }
        if self.settings.hides_addresses() {
            for (key, value) in &mut found.fields {
                *value = masked(key, std::mem::take(value));
            }
            found.message = masked_text(found.message);
        }
        self.sink.write(Record {
            time: now(),
            level,
            target: metadata.target().to_owned(),
            message: found.message,
            fields: found.fields,
        });
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    fields: Vec<(&'static str, String)>,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.message = text;
        } else {
            self.fields.push((field.name(), text));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.fields.push((field.name(), value.to_owned()));
        }
    }
}
