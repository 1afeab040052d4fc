use super::*;
use crate::testing::secret;

fn accounts(protocol: AnonymousProtocol, allow_multiple_connections: bool) -> AnonymousAccounts {
    let options =
        AuthOptions { anonymous_protocol: protocol, allow_multiple_connections, ..AuthOptions::default() };
    AnonymousAccounts::new(&options)
}

#[tokio::test]
async fn a_name_is_free_again_when_its_sessions_end() {
    let accounts = accounts(AnonymousProtocol::Both, false);
    let claim = accounts.claim("guest").unwrap();
    assert!(accounts.claim("guest").is_none());
    assert!(accounts.exists("guest").await.unwrap());
    drop(claim);
    assert!(!accounts.exists("guest").await.unwrap());
    assert!(accounts.claim("guest").is_some());

    let shared = self::accounts(AnonymousProtocol::Both, true);
    let (first, second) = (shared.claim("guest").unwrap(), shared.claim("guest").unwrap());
    drop(first);
    assert!(shared.exists("guest").await.unwrap());
    drop(second);
    assert!(!shared.exists("guest").await.unwrap());
}

#[tokio::test]
async fn any_password_opens_a_free_name_where_allowed() {
    use AnonymousProtocol::{Both, LoginAnon, SaslAnon};
    let table = [
        (SaslAnon, false, false, false),
        (LoginAnon, false, true, false),
        (Both, false, true, false),
        (Both, true, true, true),
    ];
    for (protocol, multiple, free, taken) in table {
        let accounts = accounts(protocol, multiple);
        let check = async || accounts.check_password("guest", &secret("x")).await.unwrap();
        assert_eq!(check().await == MethodVerdict::Accepted, free, "{protocol:?}");
        let _claim = accounts.claim("guest");
        assert_eq!(check().await == MethodVerdict::Accepted, taken, "{protocol:?}");
    }
}

#[tokio::test]
async fn names_in_use_are_listed() {
    let accounts = accounts(AnonymousProtocol::Both, false);
    let _claims: Vec<_> = ["b2", "a", "b1", "c"].into_iter().map(|user| accounts.claim(user)).collect();
    let table = [
        ("", "", 9, "a b1 b2 c"),
        ("", "a", 2, "b1 b2"),
        ("b", "", 9, "b1 b2"),
        ("b", "b1", 9, "b2"),
        ("", "c", 9, ""),
    ];
    for (prefix, after, limit, names) in table {
        let page = Page { prefix: Text::new(prefix), after: Text::new(after), limit };
        let found = accounts.list(&page).await.unwrap();
        assert_eq!(found.iter().map(Text::as_str).collect::<Vec<_>>().join(" "), names);
    }
    assert_eq!((accounts.count("b").await, accounts.count("").await), (Ok(2), Ok(4)));
}
