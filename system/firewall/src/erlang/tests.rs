use super::*;

fn erlang(variables: &[(&str, &str)]) -> Result<Erlang, ErlangError> {
    let find =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Erlang::new("n@h", false, find)
}

#[test]
fn nothing_said_is_loopback() {
    let epmd = Epmd { addresses: vec![LOOPBACK], port: 4369 };
    let expected = Erlang {
        node: "n@h".to_owned(),
        interface: LOOPBACK,
        ports: DistributionPorts::Any,
        epmd: Some(epmd),
        tls: false,
    };
    assert_eq!(erlang(&[]), Ok(expected.clone()));
    assert_eq!(erlang(&[("FIREWALL_WINDOW", " ")]), Ok(expected));
}

#[test]
fn ejabberds_variables_are_understood() {
    let ports = |name, value| erlang(&[(name, value)]).map(|erlang| (erlang.ports, erlang.epmd.is_some()));
    let cases = [
        (("ERL_DIST_PORT", "5210"), (DistributionPorts::Fixed(5210), false)),
        (("FIREWALL_WINDOW", "4200-4210"), (DistributionPorts::Window(4200, 4210), true)),
        (("FIREWALL_WINDOW", "4200"), (DistributionPorts::Window(4200, 4200), true)),
    ];
    for ((name, value), expected) in cases {
        assert_eq!(ports(name, value), Ok(expected), "{name}={value}");
    }
    let epmd = erlang(&[("ERL_EPMD_ADDRESS", "10.0.0.1, ::1"), ("ERL_EPMD_PORT", "4370")]).unwrap().epmd;
    let addresses = vec!["10.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
    assert_eq!(epmd, Some(Epmd { addresses, port: 4370 }));
    assert_eq!(erlang(&[("INET_DIST_INTERFACE", "::")]).unwrap().interface, "::".parse::<IpAddr>().unwrap());
}

#[test]
fn nonsense_is_named() {
    for (name, value) in [
        ("ERL_DIST_PORT", "0"),
        ("ERL_DIST_PORT", "five"),
        ("FIREWALL_WINDOW", "4210-4200"),
        ("FIREWALL_WINDOW", "4200-70000"),
        ("INET_DIST_INTERFACE", "eth0"),
        ("ERL_EPMD_ADDRESS", "10.0.0.1;::1"),
        ("ERL_EPMD_PORT", "-1"),
    ] {
        let error = erlang(&[(name, value)]).unwrap_err();
        assert_eq!((error.variable, error.value.as_str()), (name, value));
    }
}
