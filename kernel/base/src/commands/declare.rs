//! Short forms for declaring commands.

use super::{CommandSpec, Field, Policy, Shape};

/// A command that whoever `api_permissions` allows may call.
pub const fn command(
    name: &'static str,
    tags: &'static [&'static str],
    doc: &'static str,
    arguments: &'static [Field],
    result: Field,
) -> CommandSpec {
    CommandSpec { name, tags, doc, arguments, result, policy: Policy::Restricted, version: 0 }
}

impl CommandSpec {
    /// The form that the command has since an API version.
    #[must_use]
    pub const fn since(self, version: u32) -> Self {
        Self { version, ..self }
    }

    /// A command that the account it acts on may call too.
    #[must_use]
    pub const fn of_user(self) -> Self {
        Self { policy: Policy::User, ..self }
    }
}

/// A value of some shape.
pub const fn field(name: &'static str, shape: Shape) -> Field {
    Field { name, shape }
}

/// Text.
pub const fn binary(name: &'static str) -> Field {
    field(name, Shape::Binary)
}

/// Text that ejabberd keeps as a list of characters.
pub const fn string(name: &'static str) -> Field {
    field(name, Shape::String)
}

/// A word.
pub const fn atom(name: &'static str) -> Field {
    field(name, Shape::Atom)
}

/// A whole number.
pub const fn integer(name: &'static str) -> Field {
    field(name, Shape::Integer)
}

/// ok or error, without words.
pub const fn rescode() -> Field {
    field("res", Shape::Rescode)
}

/// ok or error, with words.
pub const fn restuple() -> Field {
    field("res", Shape::Restuple)
}

/// Values of one shape.
pub const fn list(name: &'static str, element: &'static Field) -> Field {
    field(name, Shape::List(element))
}

/// Named values of different shapes.
pub const fn tuple(name: &'static str, elements: &'static [Field]) -> Field {
    field(name, Shape::Tuple(elements))
}

/// The two arguments of a command about an account.
pub const ACCOUNT: &[Field] = &[binary("user"), binary("host")];
