use nightjar_jid::Jid;
use nightjar_store::{Store, params};
use nightjar_text::Text;

use super::{delete, delete_all, load, put, put_default};
use crate::privacy::list::{Kinds, List, Lists, Rule, Subject};

fn lists() -> List {
    let message = Kinds { message: true, ..Kinds::ALL };
    List::new(vec![
        Rule {
            order: 3,
            deny: true,
            subject: Subject::Address(Jid::parse("tybalt@example.com").unwrap()),
            kinds: message,
        },
        Rule { order: 5, deny: true, subject: Subject::Group(Text::new("Enemies")), kinds: Kinds::ALL },
        Rule { order: 68, deny: false, subject: Subject::Anybody, kinds: Kinds::ALL },
    ])
}

async fn write(store: &Store, calls: Vec<nightjar_store::Call>) {
    store.transaction(calls).await.unwrap();
}

#[tokio::test]
async fn lists_are_kept_replaced_and_removed() {
    let store = nightjar_sqlite::temporary("localhost");
    let (public, other) = (Text::new("public"), Text::new("other"));
    assert_eq!(load(&store, "romeo").await.unwrap(), Lists::default());
    write(&store, put("romeo", &public, &lists())).await;
    write(&store, put("romeo", &other, &lists())).await;
    write(&store, vec![put_default("romeo", Some(&public))]).await;
    let found = load(&store, "romeo").await.unwrap();
    assert_eq!(found.default, Some(public.clone()));
    assert_eq!(**found.default_list().unwrap(), lists());
    assert_eq!(load(&store, "juliet").await.unwrap(), Lists::default());

    let shorter = List::new(lists().rules().get(2..).unwrap().to_vec());
    write(&store, put("romeo", &public, &shorter)).await;
    write(&store, delete("romeo", &other)).await;
    write(&store, vec![put_default("romeo", None)]).await;
    let found = load(&store, "romeo").await.unwrap();
    assert_eq!(found.default, None);
    assert_eq!(found.lists.keys().collect::<Vec<_>>(), [&public]);
    assert_eq!(*found.lists[&public], shorter);

    write(&store, delete_all("romeo")).await;
    assert_eq!(load(&store, "romeo").await.unwrap(), Lists::default());
}

#[tokio::test]
async fn rows_of_ejabberd_are_understood() {
    static LIST: nightjar_store::Statement =
        nightjar_store::Statement::insert("privacy_list", &["username", "name"]);
    static RULE: nightjar_store::Statement = nightjar_store::Statement::insert(
        "privacy_list_data",
        &[
            "id",
            "t",
            "value",
            "action",
            "ord",
            "match_all",
            "match_iq",
            "match_message",
            "match_presence_in",
            "match_presence_out",
        ],
    );
    let store = nightjar_sqlite::temporary("localhost");
    let rule =
        |kind: &str, value: &str| (&RULE, params![1, kind, value, "d", 0, true, false, false, false, false]);
    let calls = vec![
        (&LIST, params!["romeo", "Blocked contacts"]),
        rule("j", "tybalt@example.com"),
        rule("j", "paris@example.com"),
        rule("?", "nonsense"),
        put_default("romeo", Some(&Text::new("Blocked contacts"))),
    ];
    write(&store, calls).await;
    let found = load(&store, "romeo").await.unwrap();
    let blocked: Vec<_> = found.default_list().unwrap().blocked().map(Jid::to_string).collect();
    assert_eq!(blocked, ["tybalt@example.com", "paris@example.com"]);
}
