//! What works with other servers and components: a folder for each module of ejabberd.

mod support;
#[cfg(test)]
mod testing;

pub mod delegation;
pub mod jidprep;
pub mod multicast;
pub mod privilege;
pub mod service_log;
