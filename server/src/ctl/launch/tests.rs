use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::{enter, make_folder, usage};
use crate::ctl::flags;
use crate::ctl::settings::{Settings, Surroundings};
use crate::testing::Folder;

#[test]
fn a_home_is_made_or_refused() {
    let folder = Folder::new();
    let home = folder.path().join("a/home");
    assert!(enter(&home).is_ok());
    make_folder(&home).unwrap();
    assert!(enter(&home).is_ok());
    assert_eq!(std::fs::metadata(&home).unwrap().permissions().mode() & 0o777, 0o700);
    std::fs::write(folder.path().join("file"), "").unwrap();
    let refused = enter(&folder.path().join("file/home")).unwrap_err();
    assert_eq!(refused.code, 6);
    assert!(refused.text.starts_with("ERROR: can not access directory "), "{}", refused.text);
}

#[test]
fn the_usage_names_what_is_in_force() {
    let words = "-s /srv/n -n a@b -d /etc/x status".split(' ').map(str::to_owned);
    let around =
        Surroundings { is_ejabberdctl: false, root: Path::new("/"), host: "h", environment: &|_| None };
    let text = usage(&Settings::resolve(&flags::parse(words).unwrap(), &around));
    for part in ["spool dir: /srv/n\n", "node name: a@b\n", "ejabberd:    /etc/x/ejabberd.yml\n", "live  "] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}
