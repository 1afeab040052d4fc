use super::*;

fn words(text: &str) -> Result<Words, String> {
    let words = split(text);
    read(words.iter().map(String::as_str))
}

#[test]
fn what_ejabberdctl_cfg_says_is_understood() {
    let found = words(
        "+K true +P 250000 -env ERL_CRASH_DUMP_BYTES 0 -setcookie OLD -setcookie NEW -sname nj@localhost \
         -kernel inet_dist_listen_min 4200 inet_dist_listen_max 4210 -kernel inet_dist_use_interface {127,0,0,1} \
         -proto_dist inet_tls -hidden -start_epmd false -erl_epmd_port 5210 -mnesia dir \"/var\"",
    )
    .unwrap();
    assert_eq!(found.sname.as_deref(), Some("nj@localhost"));
    assert_eq!(found.name, None);
    assert!(found.cookie.is_some_and(|cookie| cookie.same_as(b"NEW")));
    assert_eq!(found.protocol.as_deref(), Some("inet_tls"));
    assert_eq!(found.interface, Some(Ipv4Addr::LOCALHOST.into()));
    assert_eq!((found.port_min, found.port_max, found.fixed_port), (Some(4200), Some(4210), Some(5210)));
    assert_eq!((found.start_epmd, found.hidden), (Some(false), true));
    assert!(words("").is_ok_and(|found| found.cookie.is_none() && found.sname.is_none()));
}

#[test]
fn what_cannot_be_understood_is_told() {
    for (text, part) in [
        ("-kernel inet_dist_listen_min many", "must be a port"),
        ("-kernel inet_dist_listen_min", "needs a value"),
        ("-kernel inet_dist_use_interface {1,2}", "must be an address"),
        ("-erl_epmd_port 70000", "must be a port"),
        ("-sname", "needs a value"),
    ] {
        let told = words(text).err().unwrap_or_default();
        assert!(told.contains(part), "{text}: {told}");
    }
}

#[test]
fn addresses_have_two_forms() {
    for (text, wanted) in [
        ("127.0.0.1", Some("127.0.0.1")),
        ("{10,0,0,1}", Some("10.0.0.1")),
        ("'{0,0,0,0,0,0,0,1}'", Some("::1")),
        ("{16#fe80,0,0,0,0,0,0,1}", Some("fe80::1")),
        ("{256,0,0,1}", None),
        ("{1,2,3}", None),
        ("localhost", None),
    ] {
        assert_eq!(address(text).map(|address| address.to_string()), wanted.map(str::to_owned), "{text}");
    }
}

#[test]
fn windows() {
    for (text, wanted) in [
        ("4200-4210", Some((4200, 4210))),
        ("5000", Some((5000, 5000))),
        ("4210-4200", None),
        ("0-5", None),
        ("a-b", None),
        ("1-70000", None),
    ] {
        assert_eq!(window(text).ok(), wanted, "{text}");
    }
}
