use std::net::IpAddr;

use nightjar_jid::Jid;

use super::*;
use crate::diagnostic::Report;
use crate::node::Place;
use crate::testing::{config, lines, node};

struct Groups;

impl SharedGroups for Groups {
    fn contains(&self, group: &str, host: &str, account: &Jid) -> bool {
        (group, host, account.local()) == ("staff", "a.org", Some("ann"))
    }
}

/// Whether the access list with these conditions holds somebody; hosts are a.org and b.org.
fn holds(conditions: &str, jid: &str, ip: &str) -> bool {
    let text = format!("hosts: [a.org, b.org]\nacl:\n  it: {conditions}\n");
    let config = config(&text);
    let jid = Jid::parse(jid).ok();
    let who = Who { jid: jid.as_ref(), ip: ip.parse::<IpAddr>().ok(), groups: &Groups };
    config.access.in_acl("it", &who)
}

#[test]
fn conditions_hold_for_those_they_describe() {
    for (conditions, jid, ip, expected) in [
        ("{user: ann@a.org}", "ann@a.org/x", "", true),
        ("{user: ann@a.org}", "ann@b.org", "", false),
        ("{user: ann}", "ann@b.org", "", true),
        ("{user: ann}", "ann@c.org", "", false),
        ("{user: ANN@A.org}", "ann@a.org", "", true),
        ("{user: [bob, {ann: a.org}]}", "ann@a.org", "", true),
        ("{user: {ann: a.org}}", "ann@b.org", "", false),
        ("{user: \"\"}", "ann@a.org", "", false),
        ("{user: ann}", "", "127.0.0.1", false),
        ("{server: a.org}", "ann@a.org", "", true),
        ("{server: a.org}", "a.org", "", true),
        ("{server: [b.org, c.org]}", "ann@c.org", "", true),
        ("{resource: home}", "ann@a.org/home", "", true),
        ("{resource: home}", "ann@a.org", "", false),
        ("{ip: 10.0.0.0/8}", "", "10.1.1.1", true),
        ("{ip: [10.0.0.0/8, \"::1\"]}", "", "::1", true),
        ("{ip: 10.0.0.0/8}", "ann@a.org", "", false),
        ("{user_regexp: \"\"}", "anybody@a.org", "", true),
        ("{user_regexp: \"\"}", "anybody@c.org", "", false),
        ("{user_regexp: \"^a@a.org\"}", "ann@a.org", "", true),
        ("{user_regexp: \"^a@a.org\"}", "ann@b.org", "", false),
        ("{server_regexp: \"^a[.]\"}", "x@a.org", "", true),
        ("{resource_regexp: \"^h\"}", "x@a.org/home", "", true),
        ("{node_regexp: {\"^a\": \"^c\"}}", "ann@c.org", "", true),
        ("{node_regexp: [{\"^b\": c}, {\"^a\": \"^c\"}]}", "ann@c.org", "", true),
        ("{user_glob: \"a*\"}", "ann@b.org", "", true),
        ("{user_glob: \"a*@b.org\"}", "ann@a.org", "", false),
        ("{server_glob: \"*.org\"}", "x@c.org", "", true),
        ("{server_glob: \"*.com\"}", "x@c.org", "", false),
        ("{resource_glob: \"*\"}", "x@c.org/r", "", true),
        ("{node_glob: {\"*\": \"c.*\"}}", "x@c.org", "", true),
        ("{shared_group: staff@a.org}", "ann@b.org", "", true),
        ("{shared_group: staff}", "ann@a.org", "", true),
        ("{shared_group: staff}", "ann@b.org", "", false),
        ("[{user: bob@a.org}, {ip: 127.0.0.1}]", "", "127.0.0.1", true),
        ("{user: bob@a.org, ip: 127.0.0.1}", "ann@a.org", "127.0.0.1", true),
    ] {
        assert_eq!(holds(conditions, jid, ip), expected, "{conditions} {jid} {ip}");
    }
}

const RULES: &str = "hosts: [a.org]\n\
    acl: {admin: {user: ann@a.org}, home: {ip: 10.0.0.0/8}, blocked: {user: eve}}\n\
    access_rules:\n  named: {allow: admin}\n";

fn allows(rule: &str, jid: &str, ip: &str) -> bool {
    let config = config(RULES);
    let mut report = Report::default();
    let rule = read_access(&node(&format!("[{rule}]")).items()[0], &Place::TOP, &mut report);
    assert_eq!(lines(&report.finish().unwrap()), Vec::<String>::new(), "{rule:?}");
    let jid = Jid::parse(jid).unwrap();
    let who = Who::jid(&jid);
    let who = ip.parse().map_or(who, |ip| who.with_ip(ip));
    let rule = rule.unwrap();
    assert_eq!(config.access.decide(&rule, &who).allowed, config.access.allows(&rule, &who));
    config.access.allows(&rule, &who)
}

#[test]
fn the_first_line_that_fits_decides() {
    for (rule, jid, ip, expected) in [
        ("all", "x@a.org", "", true),
        ("none", "ann@a.org", "", false),
        ("named", "ann@a.org", "", true),
        ("named", "bob@a.org", "", false),
        ("undefined", "ann@a.org", "", false),
        ("{deny: blocked, allow: all}", "eve@a.org", "", false),
        ("{deny: blocked, allow: all}", "ann@a.org", "", true),
        ("{allow: all, deny: blocked}", "eve@a.org", "", true),
        ("[allow]", "x@c.org", "", true),
        ("[{deny: blocked}, allow]", "eve@a.org", "", false),
        ("[[{allow: admin}]]", "ann@a.org", "", true),
        ("{allow: [{acl: admin}, {acl: home}]}", "ann@a.org", "10.0.0.1", true),
        ("{allow: [{acl: admin}, {acl: home}]}", "ann@a.org", "11.0.0.1", false),
        ("{allow: [admin, home]}", "ann@a.org", "11.0.0.1", false),
        ("{allow: {user: bob@a.org}}", "bob@a.org", "", true),
        ("{allow: {user: bob@a.org, ip: 10.0.0.1}}", "bob@a.org", "", false),
        ("{allow: {acl: none}}", "ann@a.org", "", false),
        ("{allow: undefined}", "ann@a.org", "", false),
    ] {
        assert_eq!(allows(rule, jid, ip), expected, "{rule} {jid} {ip}");
    }
}

#[test]
fn decisions_have_reasons() {
    let config = config(RULES);
    let jid = Jid::parse("ann@a.org").unwrap();
    let reason = |rule: AccessRef| config.access.decide(&rule, &Who::jid(&jid)).reason;
    assert_eq!(reason(AccessRef::named("named")), "the access rule `named` allows it");
    assert_eq!(reason(AccessRef::named("other")), "the access rule `other` is not defined");
    assert_eq!(reason(AccessRef::named("none")), "nobody is allowed");
}

const SHAPERS: &str = "hosts: [a.org]\n\
    acl: {admin: {user: ann@a.org}}\n\
    shaper: {normal: {rate: 3000, burst_size: 20000}, fast: 100000, endless: infinity, plain: {rate: 7}}\n\
    shaper_rules:\n  c2s: {none: admin, normal: all}\n  count: {5000: admin, 100: all}\n  single: 10\n  \
    word: fast\n  broken: [{slow: all}, {fast: all}]\n  open: endless\n  list: [{10: admin}, 5]\n";

#[test]
fn shaper_rules_choose() {
    let config = config(SHAPERS);
    let rate = |rate, burst| ShaperValue::Rate(Rate { rate, burst });
    for (rule, jid, expected) in [
        ("none", "ann@a.org", ShaperValue::None),
        ("infinity", "ann@a.org", ShaperValue::Infinity),
        ("c2s", "ann@a.org", ShaperValue::None),
        ("c2s", "bob@a.org", rate(3000, 20000)),
        ("count", "ann@a.org", rate(5000, 5000)),
        ("count", "bob@a.org", rate(100, 100)),
        ("single", "bob@a.org", rate(10, 10)),
        ("word", "bob@a.org", rate(100_000, 100_000)),
        ("broken", "bob@a.org", rate(100_000, 100_000)),
        ("open", "bob@a.org", ShaperValue::Infinity),
        ("list", "bob@a.org", rate(5, 5)),
        ("undefined", "bob@a.org", ShaperValue::None),
        ("[{7: all}]", "bob@a.org", rate(7, 7)),
        ("9", "bob@a.org", rate(9, 9)),
        ("{plain: all}", "bob@a.org", rate(7, 7)),
    ] {
        let jid = Jid::parse(jid).unwrap();
        let wrapped = node(&format!("[{rule}]"));
        let rule_ref = read_shaper(&wrapped.items()[0], &Place::TOP, &mut Report::default()).unwrap();
        assert_eq!(config.access.shaper_value(&rule_ref, &Who::jid(&jid)), expected, "{rule} {jid:?}");
    }
}

/// Text after `hosts: [a.org]`, and the first remark about it.
const WRONG: &[(&str, &str)] = &[
    (
        "acl: {x: {usr: a}}",
        "test.yml:2:11: acl.x: unknown condition `usr`; expected an acl's name or conditions: user, server, resource, ip, acl, user_regexp, server_regexp, resource_regexp, node_regexp, user_glob, server_glob, resource_glob, node_glob, shared_group; did you mean `user`?",
    ),
    (
        "acl: {x: {acl: y}}",
        "test.yml:2:11: acl.x: an acl can't refer to another acl; combine access lists in access_rules",
    ),
    (
        "acl: {x: {ip: 300.1.1.1}}",
        "test.yml:2:15: acl.x.ip: `300.1.1.1` can't stand here; expected an IP address or a network such as 10.0.0.0/8",
    ),
    (
        "acl: {x: {user_regexp: \"(\"}}",
        "test.yml:2:24: acl.x.user_regexp: `(` can't stand here; expected a regular expression (unclosed group)",
    ),
    (
        "acl: {x: {user: a@b@c}}",
        "test.yml:2:17: acl.x.user: `a@b@c` can't stand here; expected user@server or user",
    ),
    (
        "acl: {x: {user: [[]]}, y: []}",
        "test.yml:2:10: acl.x: there is no condition here; expected an acl's name or conditions: user, server, resource, ip, acl, user_regexp, server_regexp, resource_regexp, node_regexp, user_glob, server_glob, resource_glob, node_glob, shared_group",
    ),
    ("acl: {all: {user: a}}", "test.yml:2:7: acl.all: the name `all` is reserved"),
    ("acl: [x]", "test.yml:2:6: acl: a list can't stand here; expected a map"),
    (
        "access_rules: {x: {permit: all}}",
        "test.yml:2:20: access_rules.x: `permit` is neither `allow` nor `deny`; expected allow or deny and its conditions",
    ),
    (
        "access_rules: {x: all}",
        "test.yml:2:19: access_rules.x: a string is no access rule; expected the name of an access rule, or a rule such as {allow: admin}",
    ),
    (
        "access_rules: {x: {allow: []}}",
        "test.yml:2:27: access_rules.x.allow: there is no condition here; expected an acl's name or conditions: user, server, resource, ip, acl, user_regexp, server_regexp, resource_regexp, node_regexp, user_glob, server_glob, resource_glob, node_glob, shared_group",
    ),
    (
        "shaper: {fast: 0}",
        "test.yml:2:16: shaper.fast: a number is no shaper; expected bytes a second, infinity, or {rate: …, burst_size: …}",
    ),
    (
        "shaper: {fast: {burst_size: 5}}",
        "test.yml:2:16: shaper.fast: a map is no shaper; expected bytes a second, infinity, or {rate: …, burst_size: …}",
    ),
    (
        "shaper: {fast: {rat: 5}}",
        "test.yml:2:17: shaper.fast: unknown option `rat`; expected rate, burst_size; did you mean `rate`?",
    ),
    ("shaper: {none: 5}", "test.yml:2:10: shaper.none: this name is reserved"),
    (
        "shaper_rules: {x: -5}",
        "test.yml:2:19: shaper_rules.x: `-5` names no shaper; expected the name of a shaper, a number greater than 0, none or infinity",
    ),
    ("shaper_rules: {none: 5}", "test.yml:2:16: shaper_rules.none: the name `none` is reserved"),
    (
        "shaper: {fast: 5}\nshaper_rules: {x: fats}",
        "test.yml:3:19: shaper_rules.x: the shaper `fats` is not defined; this entry has no effect; did you mean `fast`?",
    ),
    (
        "api_permissions: {x: {from: ejabberd_clt}}",
        "test.yml:2:29: api_permissions.x.from: `ejabberd_clt` is no place a command comes from; expected ejabberd_ctl, ejabberd_web_admin, ejabberd_xmlrpc, mod_adhoc_api, mod_cron, mod_http_api, or {tag: …}; did you mean `ejabberd_ctl`?",
    ),
    (
        "api_permissions: {x: {what: \"!!stop\"}}",
        "test.yml:2:29: api_permissions.x.what: `!!stop` is no command; expected *, !*, a command, !command, [tag:name] or ![tag:name], in quotes",
    ),
    (
        "api_permissions: {x: {how: y}}",
        "test.yml:2:23: api_permissions.x: unknown option `how`; expected from, who, what",
    ),
    (
        "api_permissions: {x: {who: {oauth: {}}}}",
        "test.yml:2:36: api_permissions.x.who.oauth: `scope` is missing; expected scope: one or more scopes, such as \"ejabberd:admin\"",
    ),
    (
        "api_permissions: {x: 5}",
        "test.yml:2:22: api_permissions.x: a number is no group; expected a map with from, who and what",
    ),
];

#[test]
fn wrong_rules_are_reported_where_they_stand() {
    for (text, expected) in WRONG {
        let remarks = crate::testing::remarks(&format!("hosts: [a.org]\n{text}\n"));
        assert_eq!(remarks.first().map(String::as_str), Some(*expected), "{text}");
    }
}

const PERMISSIONS: &str = "hosts: [a.org, b.org]\n\
    acl: {admin: {user: ann@a.org}, loopback: {ip: 127.0.0.0/8}}\n\
    access_rules: {configure: {allow: admin}}\n\
    host_config: {b.org: {access_rules: {configure: {allow: {user: bob@b.org}}}}}\n\
    api_permissions:\n\
    \x20 web: {from: ejabberd_web_admin, who: admin, what: \"*\"}\n\
    \x20 http:\n\
    \x20   from: mod_http_api\n\
    \x20   who:\n\
    \x20     access: {allow: [{acl: loopback}, {acl: admin}]}\n\
    \x20     oauth: {scope: [\"ejabberd:admin\", other], access: {allow: {acl: admin}}}\n\
    \x20   what: [\"*\", \"!stop\", \"![tag:danger]\"]\n\
    \x20 tagged: {from: [{tag: special}], who: all, what: \"[tag:session]\"}\n\
    \x20 public: {who: {ip: 127.0.0.1/8}, what: [status, connected_users_number]}\n\
    \x20 nothing: {who: all, what: [\"*\", \"!*\", gone]}\n";

struct Case {
    command: &'static str,
    tags: &'static [&'static str],
    caller: Caller,
    tag: Option<&'static str>,
    jid: &'static str,
    ip: &'static str,
    scopes: Option<&'static [&'static str]>,
    allowed: bool,
}

#[test]
fn commands_are_permitted_by_the_first_group_that_fits() {
    let config = config(PERMISSIONS);
    let case = |command, caller, jid, ip, allowed| Case {
        command,
        tags: &[],
        caller,
        tag: None,
        jid,
        ip,
        scopes: None,
        allowed,
    };
    for one in [
        case("stop", Caller::Ctl, "", "", true),
        case("stop", Caller::WebAdmin, "ann@a.org", "", true),
        case("stop", Caller::WebAdmin, "bob@a.org", "", false),
        case("register", Caller::HttpApi, "ann@a.org", "127.0.0.1", true),
        case("register", Caller::HttpApi, "ann@a.org", "10.0.0.1", false),
        case("stop", Caller::HttpApi, "ann@a.org", "127.0.0.1", false),
        case("status", Caller::XmlRpc, "", "127.1.2.3", true),
        case("status", Caller::XmlRpc, "", "10.0.0.1", false),
        case("echo", Caller::XmlRpc, "", "10.0.0.1", true),
        case("registered_vhosts", Caller::WebAdmin, "", "", true),
        case("gone", Caller::Cron, "", "", false),
        Case { tags: &["danger"], ..case("wipe", Caller::HttpApi, "ann@a.org", "127.0.0.1", false) },
        Case {
            tags: &["session"],
            tag: Some("special"),
            ..case("kick", Caller::HttpApi, "", "9.9.9.9", true)
        },
        Case {
            tags: &["session"],
            tag: Some("other"),
            ..case("kick", Caller::HttpApi, "", "9.9.9.9", false)
        },
        Case { scopes: Some(&["other"]), ..case("register", Caller::HttpApi, "ann@a.org", "9.9.9.9", true) },
        Case {
            scopes: Some(&["wrong"]),
            ..case("register", Caller::HttpApi, "ann@a.org", "127.0.0.1", false)
        },
        Case { scopes: Some(&["other"]), ..case("register", Caller::HttpApi, "bob@a.org", "9.9.9.9", false) },
        Case { scopes: Some(&["other"]), ..case("status", Caller::HttpApi, "", "127.0.0.1", false) },
    ] {
        let jid = Jid::parse(one.jid).ok();
        let who = Who { jid: jid.as_ref(), ip: one.ip.parse().ok(), ..Who::anyone() };
        let call = Call {
            command: one.command,
            tags: one.tags,
            caller: one.caller,
            listener_tag: one.tag,
            who,
            oauth_scopes: one.scopes,
        };
        let decision = config.permissions.decide(&call, &config.access);
        assert_eq!(decision.allowed, one.allowed, "{call:?}: {}", decision.reason);
        assert!(!decision.reason.is_empty());
    }
}

#[test]
fn commands_on_a_host_ask_its_configure_rule() {
    let config = config(PERMISSIONS);
    for (jid, host, allowed) in [
        ("ann@a.org", Some("a.org"), true),
        ("ann@a.org", Some("b.org"), false),
        ("ann@a.org", None, true),
        ("bob@b.org", Some("b.org"), false),
    ] {
        let jid = Jid::parse(jid).unwrap();
        let call = Call {
            command: "register",
            tags: &[],
            caller: Caller::WebAdmin,
            listener_tag: None,
            who: Who::jid(&jid),
            oauth_scopes: None,
        };
        let decision = config.may_call(&call, Some(jid.domain()), host);
        assert_eq!(decision.allowed, allowed, "{jid:?} {host:?}: {}", decision.reason);
    }
}

#[test]
fn without_the_option_admins_may_do_all_but_start_and_stop() {
    let config = config("hosts: [a.org]\nacl: {admin: {user: ann@a.org}}\n");
    let jid = Jid::parse("ann@a.org").unwrap();
    let decide = |command, scopes| {
        let who = Who::jid(&jid);
        let call = Call {
            command,
            tags: &[],
            caller: Caller::HttpApi,
            listener_tag: None,
            who,
            oauth_scopes: scopes,
        };
        config.permissions.decide(&call, &config.access).allowed
    };
    assert!(decide("register", None));
    assert!(!decide("stop", None));
    assert!(decide("register", Some(&["ejabberd:admin"][..])));
    assert!(!decide("register", Some(&["ejabberd:user"][..])));
}

#[test]
fn hosts_have_rules_of_their_own() {
    let config = config(
        "hosts: [a.org, b.org]\nacl: {admin: {user: ann@a.org}}\n\
         host_config: {b.org: {acl: {admin: {user: bob@b.org}}}}\n\
         append_host_config: {a.org: {acl: {other: {user: x}}}}\n",
    );
    let jids = ["ann@a.org", "bob@b.org"].map(|jid| Jid::parse(jid).unwrap());
    let admins =
        |host: &str| jids.each_ref().map(|jid| config.host(host).access.in_acl("admin", &Who::jid(jid)));
    assert_eq!(admins("a.org"), [true, false]);
    assert_eq!(admins("b.org"), [false, true]);
}
