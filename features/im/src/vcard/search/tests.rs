use nightjar_store::Store;
use nightjar_text::Text;
use nightjar_xml::Element;
use nightjar_xmpp::forms::{DataForm, Field, FormType};

use super::{delete, find, put};

/// Names and values of a form.
type Fields<'a> = &'a [(&'a str, &'a str)];

async fn add(store: &Store, user: &str, inner: &str) {
    let xml = Text::from(format!("<vCard xmlns='vcard-temp'>{inner}</vCard>"));
    let vcard = Element::parse(&xml, "jabber:client").unwrap();
    store.transaction(vec![put(user, vcard.root())]).await.unwrap();
}

async fn users(
    store: &Store,
    fields: &[(&str, &str)],
    return_all: bool,
    matches: Option<u64>,
) -> Vec<String> {
    let mut form = DataForm::new(FormType::Submit);
    form.fields.extend(fields.iter().map(|(var, value)| Field::plain(var, value)));
    let result = find(store, &form, return_all, matches, String::new()).await.unwrap();
    result.items.iter().map(|item| item[0].values[0].clone()).collect()
}

#[tokio::test]
async fn people_are_found_by_what_their_vcards_say() {
    let store = nightjar_sqlite::temporary("shakespeare.lit");
    add(
        &store,
        "juliet",
        "<FN>Juliet Capulet</FN><N><FAMILY>Capulet</FAMILY><GIVEN>Juliet</GIVEN></N><NICKNAME>JuliC</NICKNAME>\
         <EMAIL><HOME/><USERID>Juliet@shakespeare.lit</USERID></EMAIL>\
         <ADR><LOCALITY>Verona</LOCALITY><CTRY>Italy</CTRY></ADR>\
         <ORG><ORGNAME>Capulets</ORGNAME><ORGUNIT>Daughters</ORGUNIT></ORG>",
    )
    .await;
    add(&store, "romeo", "<FN>Romeo Montague</FN><ADR><CTRY>Italy</CTRY></ADR><EMAIL>r_meo@x</EMAIL>").await;
    let both = ["juliet@shakespeare.lit", "romeo@shakespeare.lit"];
    let cases: [(Fields, &[&str]); 12] = [
        (&[("last", "capulet")], &both[..1]),
        (&[("last", "CAPULET"), ("first", "Juliet")], &both[..1]),
        (&[("last", "capulet"), ("first", "Romeo")], &[]),
        (&[("last", "cap")], &[]),
        (&[("last", "cap*")], &both[..1]),
        (&[("ctry", "italy")], &both),
        (&[("ctry", "it*"), ("locality", "ver*")], &both[..1]),
        (&[("user", "romeo")], &both[1..]),
        (&[("email", "juliet@shakespeare.lit")], &both[..1]),
        // LIKE's own signs mean nothing.
        (&[("email", "r%")], &[]),
        (&[("email", "r_m*")], &both[1..]),
        (&[("unknown", "x")], &[]),
    ];
    for (fields, expected) in cases {
        assert_eq!(users(&store, fields, false, Some(30)).await, expected, "{fields:?}");
    }
    assert_eq!(users(&store, &[], true, None).await, both);
    assert_eq!(users(&store, &[], true, Some(1)).await, both[..1]);
    assert!(users(&store, &[("ctry", "")], false, None).await.is_empty());

    add(&store, "juliet", "<FN>Nobody</FN>").await;
    assert!(users(&store, &[("last", "capulet")], false, None).await.is_empty());
    store.transaction(vec![delete("romeo")]).await.unwrap();
    assert!(users(&store, &[("user", "romeo")], false, None).await.is_empty());
}

#[tokio::test]
async fn long_values_are_cut_at_a_character() {
    let store = nightjar_sqlite::temporary("shakespeare.lit");
    add(&store, "long", &format!("<FN>{}</FN>", "é".repeat(500))).await;
    assert_eq!(users(&store, &[("fn", "éé*")], false, None).await, ["long@shakespeare.lit"]);
}
