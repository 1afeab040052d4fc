use nightjar_base::commands::Value;
use nightjar_base::disco::DiscoItem;
use nightjar_base::hooks::DiscoItemsQuery;
use nightjar_jid::Jid;
use nightjar_text::Text;

use super::action::{Action, Order};
use super::{Announce, FEATURE};
use crate::testing::{World, drain, stanza, wait};

async fn world(users: &[&str]) -> World {
    with_options("{access: admins}", users).await
}

async fn with_options(options: &str, users: &[&str]) -> World {
    World::new(&[(&crate::adhoc::FEATURE, "{}"), (&FEATURE, options)], users).await
}

fn announcement(resource: &str, body: &str) -> String {
    format!("<message to='localhost/{resource}'><subject>S</subject><body>{body}</body></message>")
}

#[test]
fn orders_have_ejabberds_names() {
    for (resource, node, action, all_hosts) in [
        ("announce/online", "announce", Action::Online, false),
        ("announce/all", "announce-all", Action::All, false),
        ("announce/motd", "set-motd", Action::Motd, false),
        ("announce/motd/update", "edit-motd", Action::MotdUpdate, false),
        ("announce/motd/delete", "delete-motd", Action::MotdDelete, false),
        ("announce/all-hosts/online", "announce-allhosts", Action::Online, true),
        ("announce/all-hosts/all", "announce-all-allhosts", Action::All, true),
        ("announce/all-hosts/motd", "set-motd-allhosts", Action::Motd, true),
        ("announce/all-hosts/motd/update", "edit-motd-allhosts", Action::MotdUpdate, true),
        ("announce/all-hosts/motd/delete", "delete-motd-allhosts", Action::MotdDelete, true),
    ] {
        let order = Order { action, all_hosts };
        assert_eq!(Order::of_resource(resource), Some(order));
        assert_eq!(order.node(), format!("http://jabber.org/protocol/admin#{node}"));
        assert!(!order.title().is_empty());
    }
    for resource in ["", "announce", "announce/", "announce/all/", "Announce/all", "announce/all-hosts"] {
        assert_eq!(Order::of_resource(resource), None, "{resource}");
    }
}

#[tokio::test]
async fn an_administrator_reaches_who_is_online() {
    let world = world(&["admin", "juliet"]).await;
    let admin = world.online("admin@localhost/desk").await;
    let juliet = world.online("juliet@localhost/balcony").await;
    world.send(&admin, &announcement("announce/online", "tea")).await;
    let got = stanza(&wait(&juliet).await[0]);
    assert_eq!(got.from, Some(Jid::parse("localhost").unwrap()));
    assert_eq!(got.to, Some(juliet.jid.clone()));
    assert_eq!(got.body().as_deref(), Some("tea"));
}

#[tokio::test]
async fn nobody_else_may() {
    let world = world(&["admin", "juliet"]).await;
    let admin = world.online("admin@localhost/desk").await;
    let juliet = world.online("juliet@localhost/balcony").await;
    for order in ["announce/online", "announce/motd", "announce/all-hosts/all", "announce/motd/delete"] {
        let got = world.exchange(&juliet, &announcement(order, "tea")).await;
        assert!(got.len() == 1 && got[0].contains("<forbidden "), "{order}: {got:?}");
    }
    assert_eq!(drain(&admin), Vec::<String>::new());
    // Another resource of the host is nobody's business here.
    let got = world.exchange(&admin, &announcement("announce/none", "tea")).await;
    assert!(got[0].contains("<service-unavailable "), "{got:?}");
}

#[tokio::test]
async fn everybody_gets_what_is_sent_to_all() {
    let world = world(&["admin", "juliet", "romeo"]).await;
    let juliet = world.online("juliet@localhost/balcony").await;
    let sent = world.run("announce_send_all", &["localhost", "S", "one\\ntwo"]).await;
    assert_eq!(sent, Ok(Value::Done(true)));
    let got = drain(&juliet);
    assert_eq!(got.len(), 1);
    assert!(got[0].contains("type='headline'") && got[0].contains("<store xmlns='urn:xmpp:hints'/>"));
    assert_eq!(stanza(&got[0]).body().as_deref(), Some("one\ntwo"));
}

#[tokio::test]
async fn the_message_of_the_day_comes_once() {
    for options in ["{access: admins}", "{access: admins, use_cache: false}"] {
        let world = with_options(options, &["admin", "juliet"]).await;
        assert_eq!(
            world.run("announce_motd_get", &["localhost"]).await,
            Ok(Value::Tuple(vec![Value::text(""), Value::text("")]))
        );
        let sent = world.run("announce_motd_update", &["localhost", "S", "tea"]).await;
        assert_eq!(sent, Ok(Value::Done(true)));
        assert_eq!(
            world.run("announce_motd_get", &["localhost"]).await,
            Ok(Value::Tuple(vec![Value::text("S"), Value::text("tea")]))
        );
        let juliet = world.connect("juliet@localhost/balcony").await;
        let hidden = world.exchange(&juliet, "<presence><priority>-1</priority></presence>").await;
        assert!(!hidden.iter().any(|xml| xml.contains("tea")), "{options} {hidden:?}");
        let shown = world.exchange(&juliet, "<presence/>").await;
        assert_eq!(shown.iter().filter(|xml| xml.contains("tea")).count(), 1, "{options} {shown:?}");
        for full in ["juliet@localhost/chamber", "juliet@localhost/garden"] {
            let session = world.connect(full).await;
            let shown = world.exchange(&session, "<presence/>").await;
            assert!(!shown.iter().any(|xml| xml.contains("tea")), "{options} {full} {shown:?}");
        }
        // A new one is new for everybody; those online get it at once and not again.
        drain(&juliet);
        world.run("announce_motd_set_online", &["localhost", "S", "cake"]).await.unwrap();
        let shown = drain(&juliet);
        assert_eq!(shown.iter().filter(|xml| xml.contains("cake")).count(), 1, "{options} {shown:?}");
        let session = world.connect("juliet@localhost/orchard").await;
        let shown = world.exchange(&session, "<presence/>").await;
        assert!(!shown.iter().any(|xml| xml.contains("cake")), "{options} {shown:?}");
        // A deleted one is gone.
        world.run("announce_motd_delete", &["all"]).await.unwrap();
        let admin = world.connect("admin@localhost/desk").await;
        let shown = world.exchange(&admin, "<presence/>").await;
        assert!(!shown.iter().any(|xml| xml.contains("cake")), "{options} {shown:?}");
    }
}

#[tokio::test]
async fn a_new_owner_of_a_name_sees_the_message() {
    let world = world(&["juliet"]).await;
    world.run("announce_motd_update", &["localhost", "S", "tea"]).await.unwrap();
    world.online("juliet@localhost/balcony").await;
    let announce = world.host.get::<Announce>().unwrap();
    assert!(!announce.motd.may_be_due("juliet"));
    world.kernel.remove_account(&world.host, "juliet").await.unwrap();
    assert!(announce.motd.may_be_due("juliet"));
    let session = world.connect("juliet@localhost/chamber").await;
    assert!(world.exchange(&session, "<presence/>").await.iter().any(|xml| xml.contains("tea")));
}

async fn items(world: &World, from: &str, node: &str) -> Vec<DiscoItem> {
    let mut event = DiscoItemsQuery {
        host: world.host.clone(),
        from: Jid::parse(from).unwrap(),
        to: world.host.jid.clone(),
        node: Text::new(node),
        lang: None,
        items: Vec::new(),
        known: node.is_empty(),
    };
    world.host.hooks.disco_items.run(&mut event).await;
    event.items
}

#[tokio::test]
async fn commands_are_shown_to_who_may_use_them() {
    let world = world(&[]).await;
    for (from, root, commands) in [("admin@localhost", 1, 10), ("juliet@localhost", 0, 0)] {
        let listed = items(&world, from, "").await;
        assert_eq!(listed.iter().filter(|item| item.node == "announce").count(), root, "{from}");
        assert_eq!(items(&world, from, "announce").await.len(), commands, "{from}");
    }
}

mod adhoc {
    use nightjar_base::adhoc::{AdhocAnswer, AdhocStep};
    use nightjar_xmpp::StanzaError;
    use nightjar_xmpp::forms::{DataForm, Field, FormType};

    use super::*;

    async fn execute(
        world: &World,
        from: &str,
        command: &str,
        form: Option<DataForm>,
    ) -> Result<AdhocAnswer, StanzaError> {
        let node = format!("http://jabber.org/protocol/admin#{command}");
        let command = world.host.adhoc.find(|command| command.node() == node).unwrap();
        let step = AdhocStep {
            host: world.host.clone(),
            from: Jid::parse(from).unwrap(),
            to: world.host.jid.clone(),
            lang: None,
            form,
        };
        command.execute(step).await
    }

    fn filled(fields: &[(&str, &str)]) -> Option<DataForm> {
        let form = DataForm::new(FormType::Submit);
        Some(fields.iter().fold(form, |form, (name, value)| form.with(Field::plain(name, value))))
    }

    #[tokio::test]
    async fn a_form_is_filled_in() {
        let world = world(&["admin", "juliet"]).await;
        world.run("announce_motd_update", &["localhost", "S", "tea\\ncake"]).await.unwrap();
        for (command, field, expected) in [
            ("announce", "body", &[][..]),
            ("edit-motd", "body", &["tea".to_owned(), "cake".to_owned()]),
            ("edit-motd", "subject", &["S".to_owned()]),
            ("delete-motd", "confirm", &["true".to_owned()]),
        ] {
            let answer = execute(&world, "admin@localhost/desk", command, None).await.unwrap();
            let AdhocAnswer::Form(form) = answer else { panic!("{command} gave no form") };
            assert_eq!(form.values(field), expected, "{command}");
        }
        let juliet = world.online("juliet@localhost/balcony").await;
        let form = filled(&[("subject", "S"), ("body", "milk")]);
        execute(&world, "admin@localhost/desk", "announce", form).await.unwrap();
        assert!(wait(&juliet).await[0].contains("milk"));
    }

    #[tokio::test]
    async fn mistakes_are_told() {
        let world = world(&["admin"]).await;
        let empty = execute(&world, "admin@localhost", "announce", filled(&[("subject", "S")])).await;
        assert_eq!(empty.err().map(|error| error.condition), Some(StanzaError::not_acceptable().condition));
        let stranger = execute(&world, "juliet@localhost", "announce", None).await;
        assert_eq!(stranger.err().map(|error| error.condition), Some(StanzaError::forbidden().condition));
    }
}
