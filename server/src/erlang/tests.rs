use std::collections::HashMap;
use std::net::Ipv4Addr;

use nightjar_net_dist::EpmdSettings;
use nightjar_net_dist::name::Kind;

use super::*;
use crate::testing::Folder;

fn given(flags: &Flags, variables: &[(&str, &str)]) -> Result<Given, String> {
    let variables: HashMap<&str, &str> = variables.iter().copied().collect();
    Given::from_environment(flags, |name| variables.get(name).map(|value| (*value).to_owned()))
}

fn prepared(flags: &Flags, variables: &[(&str, &str)]) -> anyhow::Result<Option<Prepared>> {
    let folder = Folder::new();
    let home = Home::locate(Some(folder.path().join("home")));
    home.prepare()?;
    let user = folder.path().display().to_string();
    let variables = [&[("HOME", user.as_str())], variables].concat();
    let given = given(flags, &variables).map_err(anyhow::Error::msg)?;
    let host = |kind| if kind == Kind::Short { "tea" } else { "tea.example.org" }.to_owned();
    prepare_with(&given, &home, host)
}

fn named(name: &str) -> Flags {
    Flags { sname: Some(name.to_owned()), ..Flags::default() }
}

#[test]
fn without_a_name_there_is_no_node() {
    let variables = [("ERL_DIST_PORT", "5000"), ("ERLANG_COOKIE", "C"), ("FIREWALL_WINDOW", "4200-4210")];
    assert!(prepared(&Flags::default(), &variables).unwrap().is_none());
}

#[test]
fn names_come_from_flags_then_words_then_the_variable() {
    let long = Flags { name: Some("a".to_owned()), ..Flags::default() };
    for (flags, variables, wanted) in [
        (named("a"), vec![("ERLANG_NODE", "c@localhost")], "a@tea"),
        (long, vec![], "a@tea.example.org"),
        (Flags::default(), vec![("ERLANG_NODE", "c@localhost"), ("ERL_OPTIONS", "-sname b")], "b@tea"),
        (Flags::default(), vec![("ERLANG_NODE", "ejabberd@localhost")], "ejabberd@localhost"),
        (Flags::default(), vec![("ERLANG_NODE", "ejabberd@10.0.0.1")], "ejabberd@10.0.0.1"),
    ] {
        let prepared = prepared(&flags, &variables).unwrap().unwrap();
        assert_eq!(prepared.settings.name.as_str(), wanted);
    }
}

#[test]
fn every_knob_of_ejabberdctl_cfg_has_its_effect() {
    let with =
        |variables: &[(&str, &str)]| prepared(&named("a@localhost"), variables).unwrap().unwrap().settings;
    let usual = with(&[]);
    assert_eq!(usual.interfaces, [IpAddr::V4(Ipv4Addr::LOCALHOST)], "for this machine only");
    assert_eq!(
        (usual.ports, usual.epmd, usual.tls.is_some()),
        ((0, 0), Some(EpmdSettings::default()), false)
    );
    assert_eq!(with(&[("FIREWALL_WINDOW", "4200-4210")]).ports, (4200, 4210));
    let words = "-kernel inet_dist_listen_min 4300 inet_dist_listen_max 4310";
    assert_eq!(with(&[("ERL_OPTIONS", words)]).ports, (4300, 4310));
    assert_eq!(
        with(&[("INET_DIST_INTERFACE", "10.0.0.1")]).interfaces,
        ["10.0.0.1".parse::<IpAddr>().unwrap()]
    );
    let fixed = with(&[("ERL_DIST_PORT", "5210")]);
    assert_eq!((fixed.ports, fixed.epmd), ((5210, 5210), None));
    let epmd = with(&[
        ("ERL_EPMD_PORT", "4999"),
        ("ERL_EPMD_ADDRESS", "10.0.0.1"),
        ("ERL_OPTIONS", "-start_epmd false"),
    ]);
    let wanted = EpmdSettings { port: 4999, addresses: vec!["10.0.0.1".parse().unwrap()], start: false };
    assert_eq!(epmd.epmd, Some(wanted));
    assert!(with(&[("ERL_OPTIONS", "-proto_dist inet_tls")]).tls.is_some());
    assert_eq!(
        with(&[("EJABBERD_OPTS", "-proto_dist inet6_tcp")]).interfaces,
        [IpAddr::V6(Ipv6Addr::LOCALHOST)]
    );
}

#[test]
fn what_cannot_be_used_is_refused_before_anything_starts() {
    for (variables, part) in [
        (("FIREWALL_WINDOW", "many"), "FIREWALL_WINDOW"),
        (("INET_DIST_INTERFACE", "everywhere"), "INET_DIST_INTERFACE"),
        (("ERL_EPMD_PORT", "70000"), "ERL_EPMD_PORT"),
        (("ERL_EPMD_ADDRESS", "localhost"), "ERL_EPMD_ADDRESS"),
        (("ERL_OPTIONS", "-proto_dist carrier_pigeon"), "proto_dist"),
        (("ERL_OPTIONS", "-kernel inet_dist_listen_min x"), "ERL_OPTIONS"),
        (("ERLANG_COOKIE", "two\nlines"), "ERLANG_COOKIE holds no cookie"),
    ] {
        let told = prepared(&named("a@localhost"), &[variables]).err().map(|error| error.to_string());
        assert!(told.as_ref().is_some_and(|told| told.contains(part)), "{variables:?}: {told:?}");
    }
    assert!(prepared(&named("a@b.c"), &[]).is_err_and(|error| error.to_string().contains("--name")));
}

#[test]
fn cookies_come_from_flags_then_words_then_the_variable_then_the_file() {
    let flag = Flags { setcookie: Some("FLAG".to_owned()), ..named("a") };
    let all = [("ERLANG_COOKIE", "VARIABLE"), ("ERL_OPTIONS", "-setcookie WORD")];
    for (flags, variables, wanted) in
        [(&flag, &all[..], "FLAG"), (&named("a"), &all[..], "WORD"), (&named("a"), &all[..1], "VARIABLE")]
    {
        let prepared = prepared(flags, variables).unwrap().unwrap();
        assert!(prepared.settings.cookie.same_as(wanted.as_bytes()), "{wanted}");
        assert_eq!(prepared.cookie_file, None);
    }
    let made = prepared(&named("a"), &[]).unwrap().unwrap();
    assert_eq!(made.settings.cookie.expose().len(), 64, "256 bits");
    assert!(made.cookie_file.is_some_and(|file| file.ends_with(".erlang.cookie")));
}
