use std::sync::Arc;

use nightjar_base::hooks::BoxFuture;
use nightjar_base::iq::{IqHandler, IqReply, IqRequest, IqTarget};
use nightjar_text::Text;

use super::FEATURE;
use crate::testing::{Component, World, attribute, drain, settle};

const OPTIONS: &str = "{namespaces: {'a:1': {access: all}, 'a:2': {access: all, filtering: [node]}, \
                       'a:3': {access: none}}}";

/// Answers as the host did before.
struct Before;

impl IqHandler for Before {
    fn handle<'a>(&'a self, _: IqRequest) -> BoxFuture<'a, IqReply> {
        Box::pin(async move { Ok(Some(Text::new("<before xmlns='a:2'/>"))) })
    }
}

/// A host, `juliet`, and a component that has been given what the options say.
async fn delegated() -> (World, Component) {
    let world = World::new(&[(&FEATURE, OPTIONS)], &["juliet"]).await;
    for target in [IqTarget::Host, IqTarget::Account] {
        std::mem::forget(world.host.iq.add(target, "a:2", Arc::new(Before)));
    }
    let mut component = world.component("gate.example").await;
    for (namespace, advertised) in [
        ("a:1", "<delegated namespace='a:1'/>"),
        ("a:2", "<delegated namespace='a:2'><attribute name='node'/></delegated>"),
    ] {
        for (infix, feature) in [("::", "of:host"), (":bare:", "of:account")] {
            let question = component.next().await;
            let node = format!("node='urn:xmpp:delegation:2{infix}{namespace}'");
            assert!(question.contains(&node), "{question}");
            let id = attribute(&question, "id");
            component
                .send(&format!(
                    "<iq type='result' from='gate.example' to='localhost' id='{id}'>\
                     <query xmlns='http://jabber.org/protocol/disco#info'>\
                     <identity category='pubsub' type='pep'/><feature var='{feature}'/></query></iq>"
                ))
                .await;
            if infix == "::" {
                let told = component.next().await;
                assert!(told.contains(advertised), "{told}");
            }
        }
    }
    settle().await;
    assert!(component.drain().is_empty());
    (world, component)
}

fn question(to: &str, namespace: &str, rest: &str) -> String {
    format!("<iq type='get' to='{to}' id='q'><query xmlns='{namespace}' {rest}/></iq>")
}

#[tokio::test]
async fn disco_says_what_the_component_says() {
    let (world, component) = delegated().await;
    for (to, feature) in [("localhost", "of:host"), ("juliet@localhost", "of:account")] {
        let info = world.disco("juliet@localhost/a", to).await;
        assert!(info.features.iter().all(|found| found.as_str() == feature), "{to}: {info:?}");
        assert_eq!(info.identities[0].category.as_str(), "pubsub");
    }
    world.kernel.component_disconnected(&component.jid).await;
    assert!(world.disco("juliet@localhost/a", "localhost").await.features.is_empty());
    assert!(world.host.iq.find(IqTarget::Host, "a:1").is_none());
}

/// XEP-0355 §5.
#[tokio::test]
async fn requests_are_answered_by_the_component() {
    let (world, mut component) = delegated().await;
    let juliet = world.online("juliet@localhost/a").await;
    for to in ["localhost", "juliet@localhost"] {
        for (answer, wanted) in [
            (
                "<iq xmlns='jabber:client' type='result' from='TO' to='juliet@localhost/a' id='q'><a xmlns='a:1'/></iq>",
                "<a xmlns='a:1'/>",
            ),
            (
                "<iq xmlns='jabber:client' type='error' from='TO' to='juliet@localhost/a' id='q'><error type='cancel'>\
              <gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
                "<gone ",
            ),
            // What isn't an answer to the question.
            (
                "<iq xmlns='jabber:client' type='result' from='TO' to='romeo@localhost/a' id='q'/>",
                "<internal-server-error ",
            ),
            (
                "<iq xmlns='jabber:client' type='result' from='romeo@localhost' to='juliet@localhost/a' id='q'/>",
                "<internal-server-error ",
            ),
            (
                "<iq xmlns='jabber:client' type='result' from='TO' to='juliet@localhost/a' id='other'/>",
                "<internal-server-error ",
            ),
            (
                "<iq xmlns='jabber:client' type='set' from='TO' to='juliet@localhost/a' id='q'><a xmlns='a:1'/></iq>",
                "<internal-server-error ",
            ),
            ("<message xmlns='jabber:client'/>", "<internal-server-error "),
            ("", "<internal-server-error "),
        ] {
            world.send(&juliet, &question(to, "a:1", "")).await;
            let asked = component.next().await;
            assert!(asked.contains("<delegation xmlns='urn:xmpp:delegation:2'><forwarded"), "{asked}");
            assert!(asked.contains("from='juliet@localhost/a' type='get' id='q'"), "{asked}");
            let (id, answer) = (attribute(&asked, "id"), answer.replace("TO", to));
            component.send(&format!(
                "<iq type='result' from='gate.example' to='localhost' id='{id}'><delegation \
                 xmlns='urn:xmpp:delegation:2'><forwarded xmlns='urn:xmpp:forward:0'>{answer}</forwarded></delegation></iq>"
            )).await;
            settle().await;
            let got = drain(&juliet);
            assert!(got.len() == 1 && got[0].contains(wanted), "{to} {answer}: {got:?}");
        }
    }
}

#[tokio::test]
async fn what_is_not_delegated_stays() {
    let (world, mut component) = delegated().await;
    let juliet = world.online("juliet@localhost/a").await;
    for (ask, wanted) in [
        (question("localhost", "a:2", ""), "<before "),
        (question("localhost", "a:3", ""), "<service-unavailable "),
    ] {
        world.send(&juliet, &ask).await;
        settle().await;
        let got = drain(&juliet);
        assert!(got.len() == 1 && got[0].contains(wanted), "{got:?}");
    }
    // With the attribute it is the component's business.
    world.send(&juliet, &question("localhost", "a:2", "node='x'")).await;
    assert!(component.next().await.contains("node='x'"));
    // The component's own requests don't come back to it.
    for (namespace, wanted) in [("a:1", "<service-unavailable "), ("a:2", "<before ")] {
        let ask = format!(
            "<iq type='get' from='gate.example' to='juliet@localhost' id='1'><query xmlns='{namespace}' node='x'/></iq>"
        );
        component.send(&ask).await;
        let got = component.next().await;
        assert!(got.contains(wanted), "{got}");
    }
}

/// Nobody waits for a component that is gone.
#[tokio::test]
async fn a_request_fails_with_its_component() {
    let (world, mut component) = delegated().await;
    let juliet = world.online("juliet@localhost/a").await;
    world.send(&juliet, &question("localhost", "a:1", "")).await;
    component.next().await;
    settle().await;
    assert!(drain(&juliet).is_empty());
    world.kernel.component_disconnected(&component.jid).await;
    settle().await;
    let got = drain(&juliet);
    assert!(got.len() == 1 && got[0].contains("<internal-server-error "), "{got:?}");
}
