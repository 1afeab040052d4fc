//! Every table is there and every unique key takes an upsert, or keeps a second row out.

use crate::schema::{Column, ColumnType, KeyKind, Table, tables};
use crate::{Params, Statement, Store, Value};

pub(super) async fn every_unique_key_takes_an_upsert(store: &Store) {
    let layout = store.layout();
    for table in tables() {
        for key in table.keys().filter(|key| key.kind == KeyKind::Unique) {
            let mut keys = table.key_columns(key, layout);
            keys.retain(|column| table.name == "route" || *column != "server_host");
            if table.serial().as_slice() == keys || table.columns(layout).any(|c| c.references.is_some()) {
                continue;
            }
            check(store, table, keys).await;
        }
        let all = format!("SELECT count(*) FROM {}", table.name);
        let rows = store.query(Statement::interned(&all), Params::new()).await;
        assert!(rows.is_ok_and(|rows| rows.len() == 1), "{}", table.name);
    }
}

async fn check(store: &Store, table: &Table, keys: Vec<&'static str>) {
    let others: Vec<_> = table
        .columns(store.layout())
        .filter(|column| column.kind != ColumnType::Serial && column.name != "server_host")
        .filter(|column| !keys.contains(&column.name))
        .collect();
    let columns = others.iter().map(|column| column.name).collect::<Vec<_>>().leak();
    let keys: &'static [&'static str] = keys.leak();
    // Where all columns are the key, a row that exists has nothing to change.
    let is_all_key = columns.is_empty();
    let statement = if is_all_key {
        Statement::insert_new(table.name, keys)
    } else {
        Statement::upsert(table.name, keys, columns)
    };
    let statement: &'static Statement = Box::leak(Box::new(statement));
    let key_columns = keys.iter().map(|name| find(table, store, name));
    let kinds: Vec<&Column> = key_columns.chain(others).collect();
    for round in 0..2 {
        let params = kinds.iter().enumerate().map(|(position, column)| {
            let version = if position < keys.len() { 7 } else { round };
            sample(column.kind, version)
        });
        let changed = store.execute(statement, params.collect()).await;
        let expected = u64::from(!is_all_key || round == 0);
        assert_eq!(changed, Ok(expected), "table {} by {keys:?}, round {round}", table.name);
    }
}

fn find<'t>(table: &'t Table, store: &Store, name: &str) -> &'t Column {
    table
        .columns(store.layout())
        .find(|column| column.name == name)
        .expect("a key names columns of its table")
}

fn sample(kind: ColumnType, version: i64) -> Value {
    match kind {
        ColumnType::Text | ColumnType::BigText | ColumnType::ShortText(_) => {
            Value::from(format!("v{version}"))
        }
        ColumnType::Char => Value::from(version.to_string()),
        ColumnType::Boolean => Value::from(version % 2 == 0),
        ColumnType::Blob | ColumnType::BigBlob => Value::from(vec![version as u8]),
        ColumnType::Timestamp => Value::Time(1_700_000_000_000_000 + version * 1_000_000),
        ColumnType::BigInt
        | ColumnType::Integer
        | ColumnType::SmallInt
        | ColumnType::Numeric
        | ColumnType::Serial => Value::from(version),
    }
}
