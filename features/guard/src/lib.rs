//! What keeps abuse away: mod_fail2ban, mod_block_strangers.

pub mod block_strangers;
pub mod fail2ban;
#[cfg(test)]
mod testing;
