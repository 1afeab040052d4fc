//! What is written down.

use nightjar_config::{Config, Value};

use crate::finding::Finding;
use crate::look::{line, value};

pub(super) fn check(config: &Config, found: &mut Vec<Finding>) {
    let options = &config.global;
    let level = value(options, "loglevel");
    if level.as_str() == Some("debug") || level.as_int() == Some(5) {
        let what = "everything is logged";
        let fix = "write `loglevel: info`";
        found.push(Finding::new("loglevel-debug", what, fix).at(line(options, "loglevel")));
    }
    if !value(options, "log_modules_fully").items().is_empty() {
        let what = "log_modules_fully names modules";
        let fix = "remove `log_modules_fully` when the fault is found";
        found.push(Finding::new("log-modules-fully", what, fix).at(line(options, "log_modules_fully")));
    }
    for host in config.hosts() {
        let options = &config.host(host).options;
        if *value(options, "hide_sensitive_log_data") == Value::Bool(false) {
            let what = "addresses of clients are logged";
            let fix = "write `hide_sensitive_log_data: true`";
            let at = line(options, "hide_sensitive_log_data");
            found.push(Finding::new("sensitive-data-logged", what, fix).at(at));
        }
    }
}
