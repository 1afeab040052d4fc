//! What the server gives up after start-up: rights, files, system calls; and what it tells systemd.
