//! What goes into a parameter and comes out of a column.

use bytes::BytesMut;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use rusqlite::types::{ToSqlOutput, ValueRef};
use uuid::Uuid;

use crate::DbError;

/// A parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A whole number, `BIGINT`.
    Int(i64),
    /// A truth, `BOOLEAN`.
    Bool(bool),
    /// A text, `TEXT`. PostgreSQL refuses the character U+0000 in it.
    Text(String),
    /// Bytes, `BYTEA`.
    Bytes(Vec<u8>),
}

macro_rules! from {
    ($($type:ty => |$value:ident| $made:expr;)*) => {$(
        impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $made
            }
        }
    )*};
}

from! {
    i64 => |value| Self::Int(value);
    i32 => |value| Self::Int(value.into());
    u32 => |value| Self::Int(value.into());
    bool => |value| Self::Bool(value);
    String => |value| Self::Text(value);
    &String => |value| Self::Text(value.clone());
    &str => |value| Self::Text(value.to_owned());
    Vec<u8> => |value| Self::Bytes(value);
    &[u8] => |value| Self::Bytes(value.to_vec());
    Uuid => |value| Self::Text(value.to_string());
    &Uuid => |value| Self::Text(value.to_string());
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Bool(truth) => ValueRef::Integer((*truth).into()),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match (self, kind) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Int(number), &Type::INT8) => number.to_sql(kind, out),
            (Self::Int(number), &Type::INT4) => i32::try_from(*number)?.to_sql(kind, out),
            (Self::Int(number), &Type::INT2) => i16::try_from(*number)?.to_sql(kind, out),
            (Self::Bool(truth), &Type::BOOL) => truth.to_sql(kind, out),
            (Self::Bytes(bytes), &Type::BYTEA) => bytes.to_sql(kind, out),
            (Self::Text(text), _) if <&str as ToSql>::accepts(kind) => text.as_str().to_sql(kind, out),
            (value, kind) => Err(format!("the statement wants {kind}, not {}", value.name()).into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl Value {
    fn name(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Int(_) => "a number",
            Self::Bool(_) => "a truth",
            Self::Text(_) => "a text",
            Self::Bytes(_) => "bytes",
        }
    }
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Nothing.
    Null,
    /// A whole number; on SQLite also a truth, as 0 or 1.
    Int(i64),
    /// A truth; only PostgreSQL has these.
    Bool(bool),
    /// A text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
}

impl Cell<'_> {
    /// What to call this in a message; never the content.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Int(_) => "a number",
            Self::Bool(_) => "a truth",
            Self::Text(_) => "a text",
            Self::Bytes(_) => "bytes",
        }
    }
}

/// What can be read from a column.
pub trait FromValue: Sized {
    /// What to call this in a message.
    const NAME: &'static str;

    /// The value, unless the cell holds something else.
    fn from_cell(cell: Cell<'_>) -> Option<Self>;

    /// Like [`FromValue::from_cell`], with an error that names the column.
    fn from_column(cell: Cell<'_>, column: usize) -> Result<Self, DbError> {
        Self::from_cell(cell).ok_or_else(|| DbError::Unreadable {
            column,
            wanted: Self::NAME,
            found: cell.name().to_owned(),
        })
    }
}

macro_rules! read {
    ($($type:ty, $name:literal, $($cell:pat => $read:expr),+;)*) => {$(
        impl FromValue for $type {
            const NAME: &'static str = $name;

            fn from_cell(cell: Cell<'_>) -> Option<Self> {
                match cell {
                    $($cell => $read,)+
                    _ => None,
                }
            }
        }
    )*};
}

read! {
    i64, "a number", Cell::Int(number) => Some(number);
    i32, "a small number", Cell::Int(number) => number.try_into().ok();
    u32, "a small number without sign", Cell::Int(number) => number.try_into().ok();
    bool, "a truth", Cell::Bool(truth) => Some(truth), Cell::Int(0) => Some(false), Cell::Int(1) => Some(true);
    String, "a text", Cell::Text(text) => Some(text.to_owned());
    Vec<u8>, "bytes", Cell::Bytes(bytes) => Some(bytes.to_vec());
    Uuid, "a UUID", Cell::Text(text) => text.parse().ok();
}

impl<T: FromValue> FromValue for Option<T> {
    const NAME: &'static str = T::NAME;

    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Null => Some(None),
            cell => T::from_cell(cell).map(Some),
        }
    }
}
