use super::{Row, RowBuilder, Value};
use crate::{StoreError, params};
use nightjar_text::Text;

#[test]
fn params_take_what_features_hold() {
    let text = Text::new("x");
    let none: Option<&str> = None;
    assert_eq!(
        params![1_i64, true, "a", &text, none, Some(2), vec![1_u8]],
        [
            Value::Int(1),
            Value::Bool(true),
            Value::Text(Text::new("a")),
            Value::Text(Text::new("x")),
            Value::Null,
            Value::Int(2),
            Value::Blob(vec![1]),
        ]
    );
}

#[test]
fn columns_convert_as_databases_store_them() {
    let row = Row::new(params!["12", 7_i64, none(), "t", 0_i64, "2001-09-09 01:46:40", "abc"]);
    assert_eq!(row.int(0), Ok(12));
    assert_eq!(row.text(1).as_deref(), Ok("7"));
    assert_eq!(row.opt_text(2), Ok(None));
    assert_eq!(row.text(2).as_deref(), Ok(""));
    assert_eq!(row.opt_int(2), Ok(None));
    assert_eq!(row.bool(3), Ok(true));
    assert_eq!(row.bool(4), Ok(false));
    assert_eq!(row.time(5), Ok(1_000_000_000_000_000));
    assert_eq!(row.int(6), Err(StoreError::Corrupt));
    assert_eq!(row.int(2), Err(StoreError::Corrupt));
    assert_eq!(row.text(99), Err(StoreError::Corrupt));
}

fn none() -> Option<&'static str> {
    None
}

#[test]
fn a_rows_texts_share_one_buffer() {
    let mut builder = RowBuilder::default();
    builder.push_text("alpha");
    builder.push(Value::Int(1));
    builder.push_text("");
    builder.push_text("béta");
    let row = builder.finish();
    let (first, last) = (row.text(0).unwrap(), row.text(3).unwrap());
    assert_eq!((first.as_str(), last.as_str(), row.text(2).unwrap().as_str()), ("alpha", "béta", ""));
    assert!(first.shares_buffer(&last));
    builder.push_text("next");
    assert_eq!(builder.finish().text(0).as_deref(), Ok("next"));
}
