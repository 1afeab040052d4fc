use super::{User, become_user, is_root};
use crate::testing::Folder;

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nnight:x:104:107::/var/lib/night:/bin/false\n";
const GROUP: &str = "root:x:0:night\nnight:x:107:\nssl-cert:x:110:www,night\nadm:x:4:sys\n";

#[test]
fn users_are_found() {
    let found = |named| {
        User::find_in(named, PASSWD, GROUP)
            .map(|user| (user.user, user.group, user.groups))
            .map_err(|error| error.to_string())
    };
    assert_eq!(found("night"), Ok((104, 107, vec![107, 110])));
    assert_eq!(found("night:adm"), Ok((104, 4, vec![4, 110])));
    assert_eq!(found("2000:2001"), Ok((2000, 2001, vec![2001])));
    assert_eq!(found("night:nobody"), Err("there is no group nobody".to_owned()));
    assert_eq!(found("2000"), Err("there is no group 2000".to_owned()));
    assert_eq!(found("day"), Err("there is no user day".to_owned()));
    assert_eq!(found(""), Err("there is no user ".to_owned()));
    for root in ["root", "0:107", "night:root"] {
        assert_eq!(found(root), Err(format!("{root} is root itself: name an ordinary user")));
    }
}

/// The test harness runs tests in threads, so that the check of threads is what is met first.
#[test]
fn a_process_with_threads_keeps_its_rights_and_says_so() {
    let user = User { name: "12345".to_owned(), user: 12_345, group: 12_345, groups: vec![12_345] };
    let said = become_user(&user).unwrap_err().to_string();
    let wanted = if is_root() { "threads run already" } else { "only root can become" };
    assert!(said.contains(wanted), "{said}");
}

#[test]
fn files_are_given_away_by_root() {
    let folder = Folder::new();
    let file = folder.file("file", 0o600);
    let user = User { name: "12345".to_owned(), user: 12_345, group: 12_345, groups: vec![12_345] };
    assert_eq!(user.own(&file).is_ok(), is_root());
}
