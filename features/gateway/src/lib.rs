//! What works with other servers and components: a folder for each module of ejabberd.

#[cfg(test)]
mod testing;

pub mod jidprep;
pub mod service_log;
