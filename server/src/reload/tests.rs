use std::os::unix::net::UnixStream;

use super::reload;
use crate::testing::Running;

const FIRST: &str = "
hosts: [one.example, two.example]
listen:
  - module: ejabberd_c2s
    port: \"unix:@DIR@/kept.sock\"
  - module: ejabberd_c2s
    port: \"unix:@DIR@/changed.sock\"
  - module: ejabberd_c2s
    port: \"unix:@DIR@/removed.sock\"
modules:
  mod_ping: {}
  mod_time: {}
  mod_admin_extra: {}
";

const SECOND: &str = "
loglevel: warning
hosts: [one.example, three.example]
listen:
  - module: ejabberd_c2s
    port: \"unix:@DIR@/kept.sock\"
  - module: ejabberd_c2s
    port: \"unix:@DIR@/changed.sock\"
    max_stanza_size: 100000
  - module: ejabberd_c2s
    port: \"unix:@DIR@/added.sock\"
modules:
  mod_ping:
    send_pings: true
  mod_version: {}
  mod_admin_extra: {}
";

/// Which sockets take connections, hosts are served and namespaces answered.
fn seen(running: &Running) -> String {
    let takes = |name: &&str| UnixStream::connect(running.folder.path().join(format!("{name}.sock"))).is_ok();
    let sockets: Vec<_> = ["kept", "changed", "removed", "added"].into_iter().filter(takes).collect();
    let hosts: Vec<_> = running.node.kernel.hosts().iter().map(|host| host.name.to_string()).collect();
    let one = running.node.kernel.host("one.example").unwrap();
    let answers = |namespace: &&str| one.iq.find(nightjar_base::iq::IqTarget::Host, namespace).is_some();
    let namespaces: Vec<_> =
        ["urn:xmpp:ping", "urn:xmpp:time", "jabber:iq:version"].into_iter().filter(answers).collect();
    let level = running.node.logs.level().name();
    format!("{} | {} | {} | {level}", sockets.join(" "), hosts.join(" "), namespaces.join(" "))
}

const BEFORE: &str = "kept changed removed | one.example two.example | urn:xmpp:ping urn:xmpp:time | info";

#[tokio::test]
async fn all_of_it_is_followed() {
    let running = Running::start(FIRST).await;
    assert_eq!(seen(&running), BEFORE);
    running.write(SECOND);
    let told = reload(&running.node).await.unwrap().join("\n");
    assert_eq!(
        seen(&running),
        "kept changed added | one.example three.example | urn:xmpp:ping jabber:iq:version | warning"
    );
    for part in [
        "three.example added",
        "two.example removed",
        "mod_time stopped",
        "mod_version started",
        "send_pings",
        "loglevel",
    ] {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
    assert!(!told.contains("kept.sock"), "{told}");
    assert!(!told.contains("FAILED"), "{told}");
    running.node.stop().await;
    assert_eq!(running.node.kernel.hosts().len(), 0);
}

#[tokio::test]
async fn a_mistake_changes_nothing() {
    let running = Running::start(FIRST).await;
    let unknown = SECOND.replace("mod_version", "mod_verison");
    let unbound = SECOND.replace("added.sock", "none/added.sock");
    let uncertified = format!("{SECOND}certfiles: [@DIR@/none.pem]\n");
    for (yaml, why) in [(unknown, "mod_verison"), (unbound, "none/added.sock"), (uncertified, "none.pem")] {
        running.write(&yaml);
        let error = reload(&running.node).await.unwrap_err();
        assert!(error.contains(why), "{error}");
        assert_eq!(seen(&running), BEFORE);
    }
    running.node.stop().await;
}

#[tokio::test]
async fn nothing_changed_does_nothing() {
    let running = Running::start(FIRST).await;
    assert_eq!(reload(&running.node).await.unwrap(), ["certificates were read"]);
    assert_eq!(seen(&running), BEFORE);
    running.node.stop().await;
}
