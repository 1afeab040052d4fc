use super::*;
use crate::Condition;
use crate::test_client::salted;

#[test]
fn task_names() {
    for hash in [ScramHash::Sha256, ScramHash::Sha512] {
        let task = UpgradeTask::to(hash).unwrap();
        assert_eq!(UpgradeTask::from_name(task.name()), Some(task));
    }
    for name in ["UPGR-SCRAM-SHA-1", "UPGR-SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", ""] {
        assert_eq!(UpgradeTask::from_name(name), None, "{name}");
    }
}

#[test]
fn gives_keys_the_password_fits() {
    for hash in [ScramHash::Sha256, ScramHash::Sha512] {
        let upgrade = ScramUpgrade::start(UpgradeTask::to(hash).unwrap(), *b"A_SXCRQ6sek8bf_Z", 4096);
        let salt = STANDARD.decode(upgrade.salt_base64()).unwrap();
        let sent = STANDARD.encode(salted(hash, "pencil", &salt, upgrade.iterations()));
        let keys = upgrade.finish(&format!("\n  {sent}\n")).unwrap();
        assert!(keys.check_password(&Secret::from("pencil")));
        assert_eq!((keys.hash(), keys.iterations(), keys.salt()), (hash, 4096, salt.as_slice()));
    }
}

#[test]
fn refuses_what_is_no_salted_password() {
    let table = [
        ("", Condition::MalformedRequest),
        ("AAAA", Condition::MalformedRequest),
        ("not base64", Condition::IncorrectEncoding),
        ("AAAAAAAAAAAAAAAAAAAAAAAAAAA=", Condition::MalformedRequest),
    ];
    for (sent, condition) in table {
        let upgrade =
            ScramUpgrade::start(UpgradeTask::from_name("UPGR-SCRAM-SHA-256").unwrap(), [1; 16], 4096);
        assert_eq!(upgrade.finish(sent).unwrap_err().condition, condition, "{sent:?}");
    }
}
