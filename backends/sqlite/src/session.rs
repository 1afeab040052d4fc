//! One connection with its prepared statements.

use foldhash::HashMap;
use nightjar_store::statement::BoundValue;
use nightjar_store::{Dialect, Layout, Rendered, Row, RowBuilder, Statement, StoreError, Value, time};
use nightjar_text::Text;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, Rows};

use crate::connection::store_error;

/// More prepared statements than the program has: only texts put together from fragments could get there.
const PREPARED_LIMIT: usize = 1_024;

pub(crate) struct Session<'c> {
    connection: &'c Connection,
    layout: Layout,
    prepared: HashMap<usize, Prepared<'c>>,
    builder: RowBuilder,
}

struct Prepared<'c> {
    statement: rusqlite::Statement<'c>,
    rendered: Rendered,
}

impl<'c> Session<'c> {
    pub(crate) fn new(connection: &'c Connection, layout: Layout) -> Session<'c> {
        Session { connection, layout, prepared: HashMap::default(), builder: RowBuilder::default() }
    }

    /// Rows affected by the statement.
    pub(crate) fn execute(
        &mut self,
        host: &Text,
        statement: &'static Statement,
        params: &[Value],
    ) -> Result<u64, StoreError> {
        let prepared = prepare(&mut self.prepared, self.connection, self.layout, statement)?;
        prepared.bind(host, params)?;
        prepared.statement.raw_execute().map(|count| count as u64).map_err(|error| store_error(&error))
    }

    /// All rows of the query.
    pub(crate) fn query(
        &mut self,
        host: &Text,
        statement: &'static Statement,
        params: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        let prepared = prepare(&mut self.prepared, self.connection, self.layout, statement)?;
        prepared.bind(host, params)?;
        let columns = prepared.statement.column_count();
        let rows = prepared.statement.raw_query();
        collect(rows, columns, &mut self.builder).map_err(|error| store_error(&error))
    }
}

fn prepare<'s, 'c>(
    known: &'s mut HashMap<usize, Prepared<'c>>,
    connection: &'c Connection,
    layout: Layout,
    statement: &'static Statement,
) -> Result<&'s mut Prepared<'c>, StoreError> {
    use std::collections::hash_map::Entry;
    if known.len() >= PREPARED_LIMIT && !known.contains_key(&statement.id()) {
        known.clear();
    }
    match known.entry(statement.id()) {
        Entry::Occupied(entry) => Ok(entry.into_mut()),
        Entry::Vacant(entry) => {
            let rendered = statement.render(Dialect::Sqlite, layout)?;
            let statement = connection.prepare(&rendered.sql).map_err(|error| store_error(&error))?;
            Ok(entry.insert(Prepared { statement, rendered }))
        }
    }
}

impl Prepared<'_> {
    fn bind(&mut self, host: &Text, params: &[Value]) -> Result<(), StoreError> {
        self.rendered.check(params)?;
        for (position, value) in self.rendered.values(host, params).enumerate() {
            let bound = self.statement.raw_bind_parameter(position + 1, Parameter(value));
            bound.map_err(|error| store_error(&error))?;
        }
        Ok(())
    }
}

fn collect(mut rows: Rows<'_>, columns: usize, builder: &mut RowBuilder) -> rusqlite::Result<Vec<Row>> {
    let mut collected = Vec::new();
    while let Some(row) = rows.next()? {
        for column in 0..columns {
            match row.get_ref(column)? {
                ValueRef::Null => builder.push(Value::Null),
                ValueRef::Integer(number) => builder.push(Value::Int(number)),
                ValueRef::Real(number) => builder.push_text(&number.to_string()),
                ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
                    Ok(text) => builder.push_text(text),
                    Err(_) => builder.push(Value::Blob(bytes.to_vec())),
                },
                ValueRef::Blob(bytes) => builder.push(Value::Blob(bytes.to_vec())),
            }
        }
        collected.push(builder.finish());
    }
    Ok(collected)
}

struct Parameter<'a>(BoundValue<'a>);

impl ToSql for Parameter<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match &self.0 {
            BoundValue::Host(host) => return Ok(text(host)),
            BoundValue::Borrowed(value) => *value,
            BoundValue::Owned(value) => value,
        };
        Ok(match value {
            Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Value::Int(number) => ToSqlOutput::Borrowed(ValueRef::Integer(*number)),
            Value::Bool(truth) => ToSqlOutput::Borrowed(ValueRef::Integer(i64::from(*truth))),
            Value::Text(value) => text(value),
            Value::Blob(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            Value::Time(micros) => ToSqlOutput::from(time::format(*micros)),
        })
    }
}

fn text(text: &Text) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes()))
}
