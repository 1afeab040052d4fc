use super::{container_configuration, unit};

#[test]
fn a_packages_unit_has_its_places() {
    let template = "# Written by `nightjar init`.\nUser={user}\nExecStart={program:unit} start --config {file:unit} \
                    --home {home:unit}\nReadWritePaths={home:unit}\n";
    let text = unit(template);
    assert!(text.contains("User=nightjar\nGroup=nightjar\n"), "{text}");
    assert!(text.contains(
        "ExecStart=/usr/bin/nightjar start --config /etc/nightjar/nightjar.yml --home /var/lib/nightjar"
    ));
    assert!(
        text.contains("StateDirectory=nightjar\n") && !text.contains("ReadWritePaths") && !text.contains('{')
    );
}

#[test]
fn a_container_listens_on_every_address() {
    let text = container_configuration("listen:\n  - port: 5222\n    ip: 127.0.0.1\n");
    assert_eq!(text, "listen:\n  - port: 5222\n    ip: \"::\"\n");
}
