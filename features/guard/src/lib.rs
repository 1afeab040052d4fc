//! What keeps abuse away: mod_fail2ban, mod_block_strangers.
