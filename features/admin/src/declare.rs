//! Short forms for declaring commands.

use nightjar_base::commands::{CommandSpec, Field, Policy, Shape};

/// A command everybody with the permission may run.
pub(crate) const fn command(
    name: &'static str,
    tags: &'static [&'static str],
    doc: &'static str,
    arguments: &'static [Field],
    result: Field,
) -> CommandSpec {
    CommandSpec { name, tags, doc, arguments, result, policy: Policy::Restricted, version: 0 }
}

/// The form a command has since an API version.
pub(crate) const fn since(version: u32, spec: CommandSpec) -> CommandSpec {
    CommandSpec { version, ..spec }
}

pub(crate) const fn binary(name: &'static str) -> Field {
    Field { name, shape: Shape::Binary }
}

pub(crate) const fn string(name: &'static str) -> Field {
    Field { name, shape: Shape::String }
}

pub(crate) const fn integer(name: &'static str) -> Field {
    Field { name, shape: Shape::Integer }
}

pub(crate) const fn rescode() -> Field {
    Field { name: "res", shape: Shape::Rescode }
}

pub(crate) const fn restuple() -> Field {
    Field { name: "res", shape: Shape::Restuple }
}

pub(crate) const fn list(name: &'static str, element: &'static Field) -> Field {
    Field { name, shape: Shape::List(element) }
}

pub(crate) const fn tuple(name: &'static str, elements: &'static [Field]) -> Field {
    Field { name, shape: Shape::Tuple(elements) }
}

/// The two arguments of a command about an account.
pub(crate) const ACCOUNT: &[Field] = &[binary("user"), binary("host")];
