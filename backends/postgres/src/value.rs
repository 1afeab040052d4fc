//! Values on their way to and from PostgreSQL: in the binary form of whatever type the statement has there.

use std::error::Error;

use nightjar_store::statement::BoundValue;
use nightjar_store::{Value, time};
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{Format, FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::numeric;

type SqlError = Box<dyn Error + Sync + Send>;

/// Microseconds from 1970 to 2000, where PostgreSQL's time begins.
const EPOCH_MICROS: i64 = 946_684_800_000_000;

#[derive(Debug)]
pub(crate) struct Parameter<'a>(pub(crate) BoundValue<'a>);

impl ToSql for Parameter<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, SqlError> {
        let value = match &self.0 {
            BoundValue::Host(host) => return text(host, kind, out),
            BoundValue::Borrowed(value) => *value,
            BoundValue::Owned(value) => value,
        };
        match value {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(number) => integer(*number, kind, out),
            Value::Bool(truth) if *kind == Type::BOOL => truth.to_sql(kind, out),
            Value::Bool(truth) if *kind == Type::UNKNOWN => truth.to_string().as_str().to_sql(kind, out),
            Value::Bool(truth) => integer(i64::from(*truth), kind, out),
            Value::Text(value) => text(value, kind, out),
            Value::Blob(bytes) if *kind == Type::UNKNOWN => hexadecimal(bytes).as_str().to_sql(kind, out),
            Value::Blob(bytes) => bytes.as_slice().to_sql(&Type::BYTEA, out),
            Value::Time(micros) if matches!(*kind, Type::TIMESTAMP | Type::TIMESTAMPTZ) => {
                micros.saturating_sub(EPOCH_MICROS).to_sql(&Type::INT8, out)
            }
            Value::Time(micros) => time::format(*micros).as_str().to_sql(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, kind: &Type) -> Format {
        if *kind == Type::UNKNOWN { Format::Text } else { Format::Binary }
    }

    to_sql_checked!();
}

fn integer(number: i64, kind: &Type, out: &mut BytesMut) -> Result<IsNull, SqlError> {
    match *kind {
        Type::INT8 => number.to_sql(kind, out),
        Type::INT4 => i32::try_from(number)?.to_sql(kind, out),
        Type::INT2 => i16::try_from(number)?.to_sql(kind, out),
        Type::BOOL => (number != 0).to_sql(kind, out),
        Type::FLOAT8 => (number as f64).to_sql(kind, out),
        Type::NUMERIC => {
            out.extend_from_slice(&numeric::encode(number));
            Ok(IsNull::No)
        }
        _ => number.to_string().as_str().to_sql(kind, out),
    }
}

fn text(value: &str, kind: &Type, out: &mut BytesMut) -> Result<IsNull, SqlError> {
    match *kind {
        Type::INT8 | Type::INT4 | Type::INT2 | Type::NUMERIC => integer(value.parse()?, kind, out),
        Type::BYTEA => value.as_bytes().to_sql(kind, out),
        Type::TIMESTAMP | Type::TIMESTAMPTZ => {
            let micros = time::parse(value).ok_or("not a time")?;
            micros.saturating_sub(EPOCH_MICROS).to_sql(&Type::INT8, out)
        }
        _ => value.to_sql(kind, out),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    std::iter::once("\\x".to_owned()).chain(digits).collect()
}

/// A column as it came.
pub(crate) enum Cell<'a> {
    Text(&'a str),
    Value(Value),
}

impl<'a> FromSql<'a> for Cell<'a> {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Cell<'a>, SqlError> {
        let value = match *kind {
            Type::BOOL => Value::Bool(bool::from_sql(kind, raw)?),
            Type::INT2 => Value::Int(i16::from_sql(kind, raw)?.into()),
            Type::INT4 => Value::Int(i32::from_sql(kind, raw)?.into()),
            Type::INT8 => Value::Int(i64::from_sql(kind, raw)?),
            Type::FLOAT4 => Value::from(f32::from_sql(kind, raw)?.to_string()),
            Type::FLOAT8 => Value::from(f64::from_sql(kind, raw)?.to_string()),
            Type::BYTEA => Value::Blob(raw.to_vec()),
            Type::NUMERIC => numeric::decode(raw).ok_or("malformed numeric")?,
            Type::TIMESTAMP | Type::TIMESTAMPTZ => {
                Value::Time(i64::from_sql(&Type::INT8, raw)?.saturating_add(EPOCH_MICROS))
            }
            _ => return Ok(Cell::Text(<&str>::from_sql(kind, raw)?)),
        };
        Ok(Cell::Value(value))
    }

    fn accepts(kind: &Type) -> bool {
        let plain = [Type::BOOL, Type::INT2, Type::INT4, Type::INT8, Type::FLOAT4, Type::FLOAT8, Type::BYTEA];
        let timed = [Type::NUMERIC, Type::TIMESTAMP, Type::TIMESTAMPTZ];
        plain.contains(kind) || timed.contains(kind) || <&str as FromSql>::accepts(kind)
    }
}
