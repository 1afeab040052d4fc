use crate::testing::config;
use crate::{Endpoint, Transport};

#[test]
fn listeners_have_endpoints() {
    let config = config(
        "hosts: [a]\nlisten:\n  - {port: 5222, module: ejabberd_c2s, ip: \"::\"}\n  \
         - {port: 5223, module: ejabberd_c2s}\n  - {port: \"unix:/run/c2s\", module: ejabberd_c2s, tls: true}\n",
    );
    let shown: Vec<String> = config.listeners().iter().map(|one| one.endpoint().to_string()).collect();
    assert_eq!(shown, ["[::]:5222/tcp", "0.0.0.0:5223/tcp", "unix:/run/c2s"]);
    let [first, _, last] = config.listeners() else { panic!() };
    assert_eq!((first.port, first.transport, first.unix.as_ref()), (5222, Transport::Tcp, None));
    assert_eq!(last.endpoint(), Endpoint::Unix("/run/c2s".into()));
    assert!(last.options.bool("tls") && !first.options.bool("tls"));
}

#[test]
fn aliases_lead_to_hosts() {
    let config = config("hosts: [a.org, b.org]\nhosts_alias: {\"xmpp.a.org\": a.org, \"*.b.org\": b.org}\n");
    for (name, host) in
        [("a.org", "a.org"), ("xmpp.a.org", "a.org"), ("anything.b.org", "b.org"), ("c.org", "c.org")]
    {
        assert_eq!(config.resolve_host(name), host);
    }
}

#[test]
fn an_unknown_host_has_the_global_options_and_no_modules() {
    let config = config("hosts: [a]\nlanguage: de\nmodules: {mod_adhoc: {}}\n");
    assert_eq!(config.host("b").options.text("language"), *"de");
    assert!(config.host("b").modules.is_empty() && config.find_host("b").is_none());
    assert!(config.find_host("a").unwrap().module("mod_adhoc").is_some());
}
