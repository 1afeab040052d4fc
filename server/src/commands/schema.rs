//! print_sql_schema.

use std::sync::Arc;

use nightjar_base::commands::declare::{command, rescode, string};
use nightjar_base::commands::{Call, CommandError, CommandResult, CommandSpec, Value};
use nightjar_store::schema::{Dialect, Layout, create_table, tables};
use nightjar_text::Text;

use crate::node::Node;

pub(super) static PRINT_SQL_SCHEMA: CommandSpec = command(
    "print_sql_schema",
    &["ejabberdctl", "sql"],
    "Print the SQL schema for a database (pgsql, mysql, sqlite), its version (0 for the newest), and whether one \
     database is for many hosts (true or false)",
    &[string("db_type"), string("db_version"), string("multihost_schema")],
    rescode(),
);

pub(super) async fn print_sql_schema(_: Arc<Node>, call: Call) -> CommandResult {
    let wrong = |what: &str, given: &str| Err(CommandError::Arguments(format!("{what}, not {given}")));
    let dialect = match call.text(0).as_str() {
        "pgsql" => Dialect::Postgres,
        "mysql" => Dialect::Mysql,
        "sqlite" => Dialect::Sqlite,
        other => return wrong("db_type is pgsql, mysql or sqlite", other),
    };
    let version = call.text(1);
    if version.is_empty() || !version.chars().all(|next| next.is_ascii_digit() || next == '.') {
        return wrong("db_version is a version such as 16.1, or 0", &version);
    }
    let layout = match call.text(2).as_str() {
        "true" | "1" => Layout::MultiHost,
        "false" | "0" => Layout::SingleHost,
        other => return wrong("multihost_schema is true, false, 1 or 0", other),
    };
    let statements = tables().flat_map(|table| create_table(table, dialect, layout));
    let statements: Vec<String> = statements.map(|statement| format!("{statement};")).collect();
    // The schema is for whoever reads the terminal; its declared result is a code.
    Ok(Value::Told(true, Text::from(statements.join("\n\n"))))
}
