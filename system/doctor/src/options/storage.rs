//! The way to the database.

use nightjar_config::Config;

use crate::finding::Finding;
use crate::look::{flag, is_here, line, word};

pub(super) fn check(config: &Config, found: &mut Vec<Finding>) {
    for host in config.hosts() {
        let options = &config.host(host).options;
        let remote = matches!(word(options, "sql_type"), Some("pgsql" | "mysql"))
            && word(options, "sql_server").is_some_and(|server| !is_here(server));
        if !remote {
            continue;
        }
        let server = line(options, "sql_server");
        if !flag(options, "sql_ssl") {
            let what = "the connection to the database leaves this machine without encryption";
            let fix = "write `sql_ssl: true` and `sql_ssl_verify: true`";
            let at = line(options, "sql_ssl").or(server);
            found.push(Finding::new("sql-unencrypted", what, fix).at(at));
        } else if !flag(options, "sql_ssl_verify") {
            let what = "the database's certificate is not checked";
            let fix = "write `sql_ssl_verify: true`, and `sql_ssl_cafile` for an authority of your own";
            let at = line(options, "sql_ssl_verify").or(server);
            found.push(Finding::new("sql-certificate-unchecked", what, fix).at(at));
        }
    }
}
