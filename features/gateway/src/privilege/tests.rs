use std::sync::Arc;

use nightjar_base::hooks::BoxFuture;
use nightjar_base::iq::{IqHandler, IqReply, IqRequest, IqTarget};
use nightjar_text::Text;
use nightjar_xmpp::StanzaError;

use super::FEATURE;
use crate::testing::{Component, World, drain, stanza};

const ALL: &str = "{roster: {both: all}, message: {outgoing: all}, presence: {roster: all}, \
                   iq: {'a:get': {get: all}, 'a:both': {both: all}}}";

/// Answers like a roster: the account only.
struct Own;

impl IqHandler for Own {
    fn handle<'a>(&'a self, request: IqRequest) -> BoxFuture<'a, IqReply> {
        Box::pin(async move {
            if !request.is_own() {
                return Err(StanzaError::forbidden());
            }
            Ok(Some(Text::from(format!("<query xmlns='{}'>{}</query>", request.query.ns(), request.is_set))))
        })
    }
}

/// A host with these options, `juliet`, and a component; what the component was told when it connected.
async fn connected(options: &str) -> (World, Component, Vec<String>) {
    let world = World::new(&[(&FEATURE, options)], &["juliet"]).await;
    for namespace in ["jabber:iq:roster", "a:get", "a:both", "a:none"] {
        let guard = world.host.iq.add(IqTarget::Account, namespace, Arc::new(Own));
        std::mem::forget(guard);
    }
    let mut component = world.component("gate.example").await;
    let told = component.drain();
    (world, component, told)
}

/// What a component gets back for a stanza.
async fn answer(component: &mut Component, xml: &str) -> String {
    component.drain();
    component.send(xml).await;
    component.next().await
}

#[tokio::test]
async fn grants_are_told_when_a_component_connects() {
    let (_world, _component, told) = connected(ALL).await;
    assert_eq!(told.len(), 1, "{told:?}");
    for wanted in [
        "from='localhost'",
        "<privilege xmlns='urn:xmpp:privilege:2'><perm access='roster' type='both'/>",
        "<perm access='message' type='outgoing'/><perm access='presence' type='roster'/>",
        "<perm access='iq'><namespace ns='a:get' type='get'/><namespace ns='a:both' type='both'/></perm>",
        "<privilege xmlns='urn:xmpp:privilege:1'><perm access='roster' type='both'/>",
    ] {
        assert!(told[0].contains(wanted), "{wanted}: {told:?}");
    }
    for nothing in ["{}", "{roster: {get: admins}, iq: {'a:get': {get: none}}}"] {
        let (_world, _component, told) = connected(nothing).await;
        assert!(told.is_empty(), "{nothing}: {told:?}");
    }
}

#[tokio::test]
async fn rosters_are_open_as_far_as_granted() {
    let ask = |kind| {
        format!(
            "<iq type='{kind}' from='gate.example' to='juliet@localhost' id='1'>\
             <query xmlns='jabber:iq:roster'/></iq>"
        )
    };
    for (options, get, set) in [
        ("{roster: {both: all}}", true, true),
        ("{roster: {get: all}}", true, false),
        ("{roster: {set: all}}", false, true),
        ("{message: {outgoing: all}}", false, false),
        ("{}", false, false),
    ] {
        let (_world, mut component, _) = connected(options).await;
        for (kind, allowed) in [("get", get), ("set", set)] {
            let reply = answer(&mut component, &ask(kind)).await;
            assert!(reply.contains("to='gate.example' from='juliet@localhost'"), "{reply}");
            assert_eq!(reply.contains("type='result'"), allowed, "{options} {kind}: {reply}");
            assert_eq!(reply.contains("<forbidden"), !allowed, "{options} {kind}: {reply}");
        }
    }
    let (_world, mut component, _) = connected(ALL).await;
    let reply = answer(&mut component, &ask("get").replace("juliet", "nobody")).await;
    assert!(reply.contains("<item-not-found"), "{reply}");
}

#[tokio::test]
async fn a_privilege_ends_with_the_connection() {
    let (world, mut component, _) = connected(ALL).await;
    world.kernel.component_disconnected(&component.jid).await;
    let ask = "<iq type='get' from='gate.example' to='juliet@localhost' id='1'>\
               <query xmlns='jabber:iq:roster'/></iq>";
    let reply = answer(&mut component, ask).await;
    assert!(reply.contains("<forbidden"), "{reply}");
}

/// XEP-0356 §8.
#[tokio::test]
async fn requests_in_the_name_of_an_account() {
    let (_world, mut component, _) = connected(ALL).await;
    let ask = |outer: &str, inner: &str, from: &str, namespace: &str| {
        format!(
            "<iq type='{outer}' from='gate.example' to='juliet@localhost' id='1'>\
             <privileged_iq xmlns='urn:xmpp:privilege:2'><iq xmlns='jabber:client' type='{inner}' id='in' {from}>\
             <query xmlns='{namespace}'/></iq></privileged_iq></iq>"
        )
    };
    let reply = answer(&mut component, &ask("set", "set", "", "a:both")).await;
    assert!(reply.contains("to='gate.example' from='juliet@localhost' type='result' id='1'"), "{reply}");
    assert!(reply.contains("<privilege xmlns='urn:xmpp:privilege:2'><forwarded xmlns='urn:xmpp:forward:0'>"));
    assert!(reply.contains("type='result' id='in'><query xmlns='a:both'>true</query>"), "{reply}");
    let own = "from='juliet@localhost'";
    for (outer, inner, from, namespace, wanted) in [
        ("get", "get", "", "a:get", "type='result'"),
        ("get", "get", own, "a:get", "type='result'"),
        ("get", "get", "from='juliet@localhost/a'", "a:get", "<forbidden"),
        ("get", "get", "from='romeo@localhost'", "a:get", "<forbidden"),
        ("get", "set", "", "a:both", "<bad-request"),
        // Beyond what is granted.
        ("set", "set", "", "a:get", "<forbidden"),
        ("get", "get", "", "a:none", "<forbidden"),
        ("get", "get", "", "jabber:iq:roster", "<forbidden"),
    ] {
        let reply = answer(&mut component, &ask(outer, inner, from, namespace)).await;
        assert!(reply.contains(wanted), "{outer} {inner} {from} {namespace}: {reply}");
    }
    for malformed in
        ["", "<message xmlns='jabber:client'/>", "<iq xmlns='a:other' type='get' id='1'><a/></iq>"]
    {
        let ask = format!(
            "<iq type='get' from='gate.example' to='juliet@localhost' id='1'>\
             <privileged_iq xmlns='urn:xmpp:privilege:2'>{malformed}</privileged_iq></iq>"
        );
        let reply = answer(&mut component, &ask).await;
        assert!(reply.contains("<bad-request"), "{malformed}: {reply}");
    }
}

#[tokio::test]
async fn messages_in_the_name_of_others() {
    let send = |namespace: &str, from: &str, name: &str| {
        format!(
            "<message from='gate.example' to='localhost' id='1'><privilege xmlns='urn:xmpp:privilege:{namespace}'>\
             <forwarded xmlns='urn:xmpp:forward:0'><{name} xmlns='jabber:client' from='{from}' \
             to='juliet@localhost/a' id='in'><body>hi</body></{name}></forwarded></privilege></message>"
        )
    };
    let (world, mut component, _) = connected(ALL).await;
    let juliet = world.online("juliet@localhost/a").await;
    for (namespace, from) in [("2", "localhost"), ("1", "romeo@localhost")] {
        component.send(&send(namespace, from, "message")).await;
        let received = drain(&juliet);
        assert!(received.len() == 1 && received[0].contains(&format!("from='{from}'")), "{received:?}");
        assert!(received[0].contains("id='in'><body>hi</body>"), "{received:?}");
    }
    for (from, name, wanted) in [
        ("romeo@localhost/x", "message", "<forbidden"),
        ("romeo@elsewhere", "message", "<forbidden"),
        ("gate.example", "message", "<forbidden"),
        ("localhost", "presence", "<bad-request"),
    ] {
        let reply = answer(&mut component, &send("2", from, name)).await;
        assert!(reply.contains(wanted), "{from} {name}: {reply}");
    }
    for less in ["{roster: {both: all}}", "{}"] {
        let (world, mut component, _) = connected(less).await;
        let juliet = world.online("juliet@localhost/a").await;
        let reply = answer(&mut component, &send("2", "localhost", "message")).await;
        assert!(reply.contains("<forbidden"), "{less}: {reply}");
        assert!(drain(&juliet).is_empty());
    }
}

#[tokio::test]
async fn presence_goes_to_those_who_may_see_it() {
    for (options, own, contacts) in [
        (ALL, true, true),
        ("{presence: {managed_entity: all}, roster: {get: all}}", true, false),
        ("{presence: {roster: all}}", true, false),
        ("{roster: {both: all}}", false, false),
    ] {
        let (world, mut component, _) = connected(options).await;
        let juliet = world.online("juliet@localhost/a").await;
        let seen = component.drain();
        assert_eq!(
            seen.iter().any(|xml| xml.contains("from='juliet@localhost/a'")),
            own,
            "{options}: {seen:?}"
        );
        let mut written = Vec::new();
        let theirs = stanza("<presence from='romeo@elsewhere/x' to='juliet@localhost/a'/>");
        world.kernel.user_receive(&juliet, theirs, &mut written).await;
        let seen = component.drain();
        assert_eq!(seen.iter().any(|xml| xml.contains("romeo@elsewhere/x")), contacts, "{options}: {seen:?}");
        world.kernel.close_session(&juliet, Vec::new()).await;
        let seen = component.drain();
        assert_eq!(seen.iter().any(|xml| xml.contains("type='unavailable'")), own, "{options}: {seen:?}");
    }
}
