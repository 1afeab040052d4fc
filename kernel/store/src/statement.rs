//! Portable SQL and its rendering for a dialect and a layout.

use std::sync::Arc;

use foldhash::HashMap;
use nightjar_text::Text;
use parking_lot::{Mutex, RwLock};

use crate::schema::{self, Dialect, KeyKind, Layout, Table};
use crate::{StoreError, Value};

#[cfg(test)]
mod tests;

/// One SQL statement in portable text; the crate's front page has the rules.
///
/// Hold it in a `static`: backends keep the prepared form by its address.
#[derive(Debug)]
pub struct Statement {
    source: Source,
}

#[derive(Debug)]
enum Source {
    Sql(&'static str),
    Insert { table: &'static str, columns: &'static [&'static str], ignore: bool },
    Upsert { table: &'static str, keys: &'static [&'static str], columns: &'static [&'static str] },
}

impl Statement {
    /// Portable text with `?` placeholders.
    ///
    /// `{host}` becomes `server_host = ?` with the host bound (multi-host layout) or `1=1`; `{host:a}` the same for the
    /// table alias `a`; `{search:txt}` matches the words of its one parameter in the column `txt`.
    pub const fn new(sql: &'static str) -> Statement {
        Statement { source: Source::Sql(sql) }
    }

    /// Inserts a row, or updates `columns` of the row that has the same `keys`. Parameters: keys, then columns.
    /// `server_host` adds itself; `keys` without it must be a unique key of the table.
    pub const fn upsert(
        table: &'static str,
        keys: &'static [&'static str],
        columns: &'static [&'static str],
    ) -> Statement {
        Statement { source: Source::Upsert { table, keys, columns } }
    }

    /// Inserts a row; `server_host` adds itself. A row that exists is [`StoreError::Constraint`].
    pub const fn insert(table: &'static str, columns: &'static [&'static str]) -> Statement {
        Statement { source: Source::Insert { table, columns, ignore: false } }
    }

    /// Inserts a row unless one with the same unique key exists (then 0 rows are affected).
    pub const fn insert_new(table: &'static str, columns: &'static [&'static str]) -> Statement {
        Statement { source: Source::Insert { table, columns, ignore: true } }
    }

    /// The one statement of this text, for queries put together from constant fragments.
    /// Every distinct text is kept for ever: never put data into it.
    pub fn interned(sql: &str) -> &'static Statement {
        static INTERNED: Mutex<Option<HashMap<&'static str, &'static Statement>>> = Mutex::new(None);
        let mut interned = INTERNED.lock();
        let interned = interned.get_or_insert_with(HashMap::default);
        if let Some(known) = interned.get(sql) {
            return known;
        }
        let text: &'static str = Box::leak(sql.into());
        let statement: &'static Statement = Box::leak(Box::new(Statement::new(text)));
        interned.insert(text, statement);
        if interned.len().is_multiple_of(1_000) {
            tracing::warn!(count = interned.len(), "very many distinct SQL statements: {text}");
        }
        statement
    }

    /// The portable text, when the statement was given as text.
    pub fn sql(&self) -> Option<&'static str> {
        match self.source {
            Source::Sql(sql) => Some(sql),
            _ => None,
        }
    }

    /// What tells this statement from every other one in a cache.
    pub fn id(&'static self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// The statement as `dialect` prepares it.
    pub fn render(&self, dialect: Dialect, layout: Layout) -> Result<Rendered, StoreError> {
        let mut output = Output::new(dialect);
        match &self.source {
            Source::Sql(sql) => expand(sql, layout, &mut output)?,
            Source::Insert { table, columns, ignore } => {
                insert(find(table)?, columns, *ignore, layout, &mut output)?;
            }
            Source::Upsert { table, keys, columns } => {
                upsert(find(table)?, keys, columns, layout, &mut output)?;
            }
        }
        Ok(output.finish())
    }
}

/// Where the value of a placeholder comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// The parameter of that number.
    Parameter(usize),
    /// The host the statement runs for.
    Host,
    /// The parameter of that number: words to search for, in the form the dialect wants.
    Search(usize),
}

/// A statement in a dialect's own text.
#[derive(Debug, PartialEq, Eq)]
pub struct Rendered {
    pub sql: String,
    /// One for each placeholder, in order.
    pub arguments: Box<[Argument]>,
    /// How many parameters the caller gives.
    pub parameters: usize,
    /// Where the parenthesised values of an `INSERT` begin, when more such groups may follow them.
    pub values_at: Option<usize>,
    /// Whether this inserts or updates one row, whatever number the database reports.
    pub upsert: bool,
    dialect: Dialect,
}

impl Rendered {
    /// [`StoreError::Other`] unless `params` has as many values as the statement takes,
    /// [`StoreError::Constraint`] when a text holds NUL, which not every database can store.
    pub fn check(&self, params: &[Value]) -> Result<(), StoreError> {
        if params.len() != self.parameters {
            return Err(StoreError::Other(format!(
                "{} parameters given, {} wanted: {}",
                params.len(),
                self.parameters,
                self.sql
            )));
        }
        let nul = |value: &Value| matches!(value, Value::Text(text) if text.as_bytes().contains(&0));
        if params.iter().any(nul) { Err(StoreError::Constraint) } else { Ok(()) }
    }

    /// The values to bind, in order, after [`check`](Rendered::check).
    pub fn values<'a>(
        &'a self,
        host: &'a Text,
        params: &'a [Value],
    ) -> impl ExactSizeIterator<Item = BoundValue<'a>> {
        self.arguments.iter().map(move |argument| match argument {
            Argument::Host => BoundValue::Host(host),
            Argument::Parameter(number) => {
                params.get(*number).map_or(BoundValue::Borrowed(&Value::Null), BoundValue::Borrowed)
            }
            Argument::Search(number) => match params.get(*number) {
                Some(Value::Text(words)) => BoundValue::Owned(search_words(words, self.dialect)),
                _ => BoundValue::Borrowed(&Value::Null),
            },
        })
    }
}

/// A value on its way into a statement.
#[derive(Debug)]
pub enum BoundValue<'a> {
    Borrowed(&'a Value),
    Host(&'a Text),
    Owned(Value),
}

/// Renders each statement once for one database.
pub struct Renderer {
    dialect: Dialect,
    layout: Layout,
    rendered: RwLock<HashMap<usize, Arc<Rendered>>>,
}

impl Renderer {
    pub fn new(dialect: Dialect, layout: Layout) -> Renderer {
        Renderer { dialect, layout, rendered: RwLock::default() }
    }

    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The rendered form; an error is a mistake in the statement, which the first use of it in a test shows.
    pub fn render(&self, statement: &'static Statement) -> Result<Arc<Rendered>, StoreError> {
        if let Some(known) = self.rendered.read().get(&statement.id()) {
            return Ok(known.clone());
        }
        let rendered = Arc::new(statement.render(self.dialect, self.layout)?);
        self.rendered.write().insert(statement.id(), rendered.clone());
        Ok(rendered)
    }
}

struct Output {
    dialect: Dialect,
    sql: String,
    arguments: Vec<Argument>,
    parameters: usize,
    values_at: Option<usize>,
    upsert: bool,
}

impl Output {
    fn new(dialect: Dialect) -> Output {
        Output {
            dialect,
            sql: String::new(),
            arguments: Vec::new(),
            parameters: 0,
            values_at: None,
            upsert: false,
        }
    }

    fn placeholder(&mut self, argument: Argument) {
        self.arguments.push(argument);
        match self.dialect {
            Dialect::Postgres => self.sql.push_str(&format!("${}", self.arguments.len())),
            _ => self.sql.push('?'),
        }
    }

    fn parameter(&mut self) {
        self.placeholder(Argument::Parameter(self.parameters));
        self.parameters += 1;
    }

    fn search(&mut self, column: &str) {
        let argument = Argument::Search(self.parameters);
        self.parameters += 1;
        let (before, after) = match self.dialect {
            // Registered by the backend: every word occurs, whatever its case.
            Dialect::Sqlite => (format!("nightjar_search({column}, "), ")"),
            Dialect::Postgres => {
                (format!("to_tsvector('simple', {column}) @@ plainto_tsquery('simple', "), ")")
            }
            Dialect::Mysql => (format!("MATCH ({column}) AGAINST ("), " IN BOOLEAN MODE)"),
        };
        self.sql.push_str(&before);
        self.placeholder(argument);
        self.sql.push_str(after);
    }

    fn finish(self) -> Rendered {
        Rendered {
            sql: self.sql,
            arguments: self.arguments.into(),
            parameters: self.parameters,
            values_at: self.values_at,
            upsert: self.upsert,
            dialect: self.dialect,
        }
    }
}

fn find(table: &'static str) -> Result<&'static Table, StoreError> {
    schema::table(table).ok_or_else(|| StoreError::Other(format!("no table is called {table}")))
}

fn expand(sql: &str, layout: Layout, output: &mut Output) -> Result<(), StoreError> {
    let mut rest = sql;
    while let Some(at) = rest.find(['?', '{', '\'']) {
        let (before, from) = rest.split_at(at);
        output.sql.push_str(before);
        if let Some(after) = from.strip_prefix('?') {
            output.parameter();
            rest = after;
        } else if let Some(after) = from.strip_prefix('\'') {
            let (quoted, after) = after.split_once('\'').ok_or_else(|| malformed(sql))?;
            output.sql.push_str(&format!("'{quoted}'"));
            rest = after;
        } else {
            let (name, after) =
                from.get(1..).and_then(|inner| inner.split_once('}')).ok_or_else(|| malformed(sql))?;
            expand_name(name, layout, output).ok_or_else(|| malformed(sql))?;
            rest = after;
        }
    }
    output.sql.push_str(rest);
    Ok(())
}

fn expand_name(name: &str, layout: Layout, output: &mut Output) -> Option<()> {
    let (name, argument) = name.split_once(':').unwrap_or((name, ""));
    match (name, layout) {
        ("host", Layout::SingleHost) => output.sql.push_str("1=1"),
        ("host", Layout::MultiHost) => {
            if !argument.is_empty() {
                output.sql.push_str(&format!("{argument}."));
            }
            output.sql.push_str("server_host = ");
            output.placeholder(Argument::Host);
        }
        ("search", _) if !argument.is_empty() => output.search(argument),
        _ => return None,
    }
    Some(())
}

fn malformed(sql: &str) -> StoreError {
    StoreError::Other(format!("malformed portable SQL: {sql}"))
}

fn insert(
    table: &Table,
    columns: &[&'static str],
    ignore: bool,
    layout: Layout,
    output: &mut Output,
) -> Result<(), StoreError> {
    let hosted = table.has_server_host(layout) && !columns.contains(&"server_host");
    let ignoring_mysql = ignore && output.dialect == Dialect::Mysql;
    output.sql.push_str(if ignoring_mysql { "INSERT IGNORE INTO " } else { "INSERT INTO " });
    output.sql.push_str(table.name);
    output.sql.push_str(" (");
    for (position, column) in columns.iter().enumerate() {
        if !table.columns(layout).any(|known| known.name == *column) {
            return Err(StoreError::Other(format!("table {} has no column {column}", table.name)));
        }
        output.sql.push_str(if position == 0 { "" } else { ", " });
        output.sql.push_str(column);
    }
    output.sql.push_str(if hosted { ", server_host) VALUES " } else { ") VALUES " });
    output.values_at = (!ignore).then_some(output.sql.len());
    output.sql.push('(');
    for position in 0..columns.len() {
        output.sql.push_str(if position == 0 { "" } else { ", " });
        output.parameter();
    }
    if hosted {
        output.sql.push_str(", ");
        output.placeholder(Argument::Host);
    }
    output.sql.push(')');
    if ignore && output.dialect != Dialect::Mysql {
        output.sql.push_str(" ON CONFLICT DO NOTHING");
    }
    Ok(())
}

fn upsert(
    table: &Table,
    keys: &[&'static str],
    columns: &[&'static str],
    layout: Layout,
    output: &mut Output,
) -> Result<(), StoreError> {
    let all: Vec<&'static str> = keys.iter().chain(columns).copied().collect();
    insert(table, &all, false, layout, output)?;
    output.values_at = None;
    output.upsert = true;
    let target = conflict_target(table, keys, layout)?;
    let first_key = keys.first().copied().unwrap_or_default();
    match output.dialect {
        Dialect::Mysql if columns.is_empty() => {
            output.sql.push_str(&format!(" ON DUPLICATE KEY UPDATE {first_key} = {first_key}"));
        }
        Dialect::Mysql => {
            let assigned = columns.iter().map(|column| format!("{column} = VALUES({column})"));
            let assigned = assigned.collect::<Vec<_>>().join(", ");
            output.sql.push_str(&format!(" ON DUPLICATE KEY UPDATE {assigned}"));
        }
        _ if columns.is_empty() => output.sql.push_str(" ON CONFLICT DO NOTHING"),
        _ => {
            let assigned = columns.iter().map(|column| format!("{column} = excluded.{column}"));
            let assigned = assigned.collect::<Vec<_>>().join(", ");
            output.sql.push_str(&format!(" ON CONFLICT ({target}) DO UPDATE SET {assigned}"));
        }
    }
    Ok(())
}

/// The unique key that `keys`, with or without `server_host`, are exactly.
fn conflict_target(table: &Table, keys: &[&'static str], layout: Layout) -> Result<String, StoreError> {
    let same = |columns: &Vec<&'static str>| {
        let named = columns.iter().filter(|column| **column != "server_host" || keys.contains(column));
        named.clone().count() == keys.len() && named.into_iter().all(|column| keys.contains(column))
    };
    let mut unique = table.keys().filter(|key| key.kind == KeyKind::Unique);
    let columns = unique.find_map(|key| Some(table.key_columns(key, layout)).filter(same));
    columns.map(|columns| columns.join(", ")).ok_or_else(|| {
        StoreError::Other(format!("{} of table {} is no unique key", keys.join(", "), table.name))
    })
}

/// The words of a search as the dialect's operator wants them.
fn search_words(words: &str, dialect: Dialect) -> Value {
    let separate = |c: char| !c.is_alphanumeric();
    Value::from(match dialect {
        Dialect::Sqlite | Dialect::Postgres => words.to_owned(),
        Dialect::Mysql => {
            let required = words.split(separate).filter(|word| !word.is_empty());
            required.map(|word| format!("+{word}")).collect::<Vec<_>>().join(" ")
        }
    })
}
