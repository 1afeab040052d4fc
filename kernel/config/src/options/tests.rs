use std::time::Duration;

use crate::access::{AccessRef, ShaperRef};
use crate::testing::config;
use crate::{Options, Value};

fn module(name: &str, options: &str) -> Options {
    let text = format!("hosts: [a.org]\nshaper_rules: {{r: 5}}\nmodules: {{{name}: {{{options}}}}}\n");
    config(&text).host("a.org").module(name).unwrap().clone()
}

#[test]
fn options_have_their_defaults() {
    let options = module("mod_stream_mgmt", "");
    assert_eq!(options.duration("resume_timeout"), Some(Duration::from_secs(300)));
    assert_eq!(options.duration("max_resume_timeout"), None);
    assert_eq!(options.typed("max_resume_timeout"), &Value::Unset);
    assert_eq!(options.limit("max_ack_queue"), Some(5000));
    assert_eq!(options.limit("cache_size"), Some(1000));
    assert_eq!(options.text("resend_on_timeout"), *"false");
    assert!(!options.bool("resend_on_timeout"));
    assert!(!options.is_set("resume_timeout"));
    let options = module("mod_register", "");
    assert_eq!(options.text("welcome_message.subject"), *"");
    assert_eq!(options.jids("registration_watchers"), []);
    assert_eq!(options.access("ip_access"), AccessRef::All);
    assert_eq!(options.number("password_strength"), 0.0);
    let options = module("mod_vcard", "");
    assert_eq!(options.text("host"), *"vjud.a.org");
    assert_eq!(options.int("matches"), 30);
    assert_eq!(options.texts("hosts"), Vec::<nightjar_text::Text>::new());
}

#[test]
fn options_have_what_the_file_says() {
    let options = module(
        "mod_stream_mgmt",
        "resume_timeout: 0, ack_timeout: infinity, max_ack_queue: unlimited, resend_on_timeout: if_offline, max_resume_timeout: 1 m",
    );
    assert_eq!(options.duration("resume_timeout"), Some(Duration::ZERO));
    assert_eq!(options.duration("ack_timeout"), None);
    assert_eq!(options.duration("max_resume_timeout"), Some(Duration::from_secs(60)));
    assert_eq!(options.limit("max_ack_queue"), None);
    assert_eq!(options.text("resend_on_timeout"), *"if_offline");
    assert!(options.is_set("resume_timeout"));
    let options = module(
        "mod_register",
        "welcome_message: {subject: Hello}, registration_watchers: [a@b, c], password_strength: 32",
    );
    assert_eq!(options.text("welcome_message.subject"), *"Hello");
    assert_eq!(options.text("welcome_message.body"), *"");
    assert_eq!(options.jids("registration_watchers").len(), 2);
    assert_eq!(options.number("password_strength"), 32.0);
    assert_eq!(options.value("welcome_message").get("subject").unwrap().as_str(), Some("Hello"));
    assert_eq!(options.map("welcome_message").len(), 2);
    let options = module("mod_offline", "access_max_user_messages: r");
    assert_eq!(options.shaper("access_max_user_messages"), ShaperRef::Named("r".into()));
}

#[test]
fn defaults_follow_the_top_level_of_their_host() {
    let config = config(
        "hosts: [a, b]\ncache_size: 7\nhost_config: {b: {cache_size: 9, default_db: mnesia}}\n\
         modules: {mod_stream_mgmt: {}, mod_announce: {}, mod_adhoc: {}}\n",
    );
    let size = |host: &str| config.host(host).module("mod_stream_mgmt").unwrap().limit("cache_size");
    assert_eq!((size("a"), size("b")), (Some(7), Some(9)));
    let database = |host: &str| config.host(host).module("mod_announce").unwrap().text("db_type");
    assert_eq!((database("a"), database("b")), ("sql".into(), "mnesia".into()));
    assert_eq!(config.host("b").options.texts("auth_method"), ["mnesia"]);
    assert_eq!(config.host("b").options.limit("auth_cache_size"), Some(7), "the same for all hosts");
    assert_eq!(config.global.texts("auth_method"), ["sql"]);
    assert_eq!(config.global.limit("sm_cache_size"), Some(7));
}

#[test]
#[cfg(debug_assertions)]
#[should_panic(expected = "the option mod_adhoc.colour is declared nowhere")]
fn a_name_that_is_declared_nowhere_stops_a_debug_build() {
    module("mod_adhoc", "").bool("colour");
}

#[test]
#[cfg(debug_assertions)]
#[should_panic(expected = "the option mod_adhoc.report_commands_node is no list but")]
fn another_type_stops_a_debug_build() {
    module("mod_adhoc", "").list("report_commands_node");
}
