use super::Atom;
use std::fmt;

/// A process of some node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pid {
    /// The node's whole name.
    pub node: Atom,
    /// Its number; below 2^15 unless both nodes agreed on V4_NC.
    pub id: u32,
    /// More of its number; below 2^13 unless both nodes agreed on V4_NC.
    pub serial: u32,
    /// Which life of the node.
    pub creation: u32,
}

/// A reference: of a monitor, a request, an alias.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    /// The node's whole name.
    pub node: Atom,
    /// Which life of the node.
    pub creation: u32,
    /// One to five words.
    pub words: Vec<u32>,
}

/// A port of some node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Port {
    /// The node's whole name.
    pub node: Atom,
    /// Its number.
    pub id: u64,
    /// Which life of the node.
    pub creation: u32,
}

impl fmt::Display for Pid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "<{}.{}.{}>", self.node, self.id, self.serial)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "#Ref<{}", self.node)?;
        self.words.iter().rev().try_for_each(|word| write!(formatter, ".{word}"))?;
        formatter.write_str(">")
    }
}

impl fmt::Display for Port {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "#Port<{}.{}>", self.node, self.id)
    }
}
