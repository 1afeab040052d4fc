//! Values that go into a statement and rows that come out.

use nightjar_text::Text;

use crate::{StoreError, time};

#[cfg(test)]
mod tests;

/// One parameter or column.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Int(i64),
    Bool(bool),
    Text(Text),
    Blob(Vec<u8>),
    /// Microseconds after the UNIX epoch, UTC; for `timestamp` columns.
    Time(i64),
}

/// The parameters of one statement, in the order of its `?`; see [`params!`](crate::params).
pub type Params = Vec<Value>;

/// Builds [`Params`]: `params![user, 5, true]`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        ::std::vec![$($crate::Value::from($value)),*]
    };
}

impl Value {
    /// Bytes this value holds in a queue.
    pub fn weight(&self) -> usize {
        match self {
            Value::Text(text) => text.len(),
            Value::Blob(bytes) => bytes.len(),
            _ => 0,
        }
    }
}

macro_rules! value_from {
    ($($source:ty => |$name:ident| $value:expr;)*) => {
        $(impl From<$source> for Value {
            fn from($name: $source) -> Value {
                $value
            }
        })*
    };
}

value_from! {
    i64 => |n| Value::Int(n);
    i32 => |n| Value::Int(n.into());
    u32 => |n| Value::Int(n.into());
    u16 => |n| Value::Int(n.into());
    bool => |b| Value::Bool(b);
    Text => |text| Value::Text(text);
    &Text => |text| Value::Text(text.clone());
    &str => |text| Value::Text(Text::new(text));
    String => |text| Value::Text(Text::from(text));
    &String => |text| Value::Text(Text::new(text));
    Vec<u8> => |bytes| Value::Blob(bytes);
    &[u8] => |bytes| Value::Blob(bytes.to_vec());
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

/// One row; columns are counted from 0 in the order of the `SELECT`.
/// A column of another kind than asked for is [`StoreError::Corrupt`], a column that does not exist too.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    values: Box<[Value]>,
}

impl Row {
    pub fn new(values: Vec<Value>) -> Row {
        Row { values: values.into_boxed_slice() }
    }

    /// The column as it came.
    pub fn value(&self, column: usize) -> Result<&Value, StoreError> {
        self.values.get(column).ok_or(StoreError::Corrupt)
    }

    /// A text; NULL reads as empty, a number as its digits.
    pub fn text(&self, column: usize) -> Result<Text, StoreError> {
        Ok(self.opt_text(column)?.unwrap_or_default())
    }

    /// A text, or `None` for NULL.
    pub fn opt_text(&self, column: usize) -> Result<Option<Text>, StoreError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text.clone())),
            Value::Int(number) => Ok(Some(Text::from(number.to_string()))),
            Value::Time(micros) => Ok(Some(Text::from(time::format(*micros)))),
            Value::Bool(_) => Err(StoreError::Corrupt),
            Value::Blob(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Some(Text::new(text))),
                Err(_) => Err(StoreError::Corrupt),
            },
        }
    }

    /// A whole number; digits in a text column count as one, as ejabberd stores some.
    pub fn int(&self, column: usize) -> Result<i64, StoreError> {
        self.opt_int(column)?.ok_or(StoreError::Corrupt)
    }

    /// A whole number, or `None` for NULL.
    pub fn opt_int(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Int(number) => Ok(Some(*number)),
            Value::Bool(truth) => Ok(Some(i64::from(*truth))),
            Value::Text(text) => text.trim().parse().map(Some).map_err(|_| StoreError::Corrupt),
            Value::Time(_) | Value::Blob(_) => Err(StoreError::Corrupt),
        }
    }

    /// A truth value, which some databases store as a number or a letter.
    pub fn bool(&self, column: usize) -> Result<bool, StoreError> {
        match self.value(column)? {
            Value::Bool(truth) => Ok(*truth),
            Value::Int(number) => Ok(*number != 0),
            Value::Text(text) => match text.as_str() {
                "t" | "true" | "1" => Ok(true),
                "f" | "false" | "0" => Ok(false),
                _ => Err(StoreError::Corrupt),
            },
            _ => Err(StoreError::Corrupt),
        }
    }

    /// Microseconds after the UNIX epoch, UTC, of a `timestamp` column.
    pub fn time(&self, column: usize) -> Result<i64, StoreError> {
        match self.value(column)? {
            Value::Time(micros) => Ok(*micros),
            Value::Text(text) => time::parse(text).ok_or(StoreError::Corrupt),
            _ => Err(StoreError::Corrupt),
        }
    }

    /// Bytes of a binary column.
    pub fn blob(&self, column: usize) -> Result<Vec<u8>, StoreError> {
        match self.value(column)? {
            Value::Blob(bytes) => Ok(bytes.clone()),
            Value::Text(text) => Ok(text.as_bytes().to_vec()),
            Value::Null => Ok(Vec::new()),
            _ => Err(StoreError::Corrupt),
        }
    }
}

/// Puts a row together; its texts share one buffer, so a row costs two allocations however many columns it has.
#[derive(Default)]
pub struct RowBuilder {
    text: String,
    values: Vec<Slot>,
}

enum Slot {
    Ready(Value),
    Text(usize, usize),
}

impl RowBuilder {
    pub fn push(&mut self, value: Value) {
        self.values.push(Slot::Ready(value));
    }

    pub fn push_text(&mut self, text: &str) {
        let start = self.text.len();
        self.text.push_str(text);
        self.values.push(Slot::Text(start, self.text.len()));
    }

    /// The row; the builder is empty again and keeps its memory.
    pub fn finish(&mut self) -> Row {
        let shared = Text::new(&self.text);
        self.text.clear();
        let values = self.values.drain(..).map(|slot| match slot {
            Slot::Ready(value) => value,
            Slot::Text(start, end) => Value::Text(shared.slice(start..end)),
        });
        Row { values: values.collect() }
    }
}
