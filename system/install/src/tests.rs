use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("nightjar-install-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn plan(folder: &Path) -> Plan {
    Plan::new(&Request {
        host: "chat.example.org".to_owned(),
        folder: folder.to_owned(),
        admin: "alice".to_owned(),
        program: "/usr/bin/nightjar".into(),
        user: "nightjar".to_owned(),
    })
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn everything_is_written_with_its_rights() {
    let folder = Folder::new();
    let target = folder.0.join("deep/er");
    plan(&target).write().unwrap();
    let modes = ["home", "certs", "nightjar.yml", "nightjar.service"].map(|name| mode(&target.join(name)));
    assert_eq!(modes, [0o700, 0o700, 0o600, 0o644]);
    let configuration = fs::read_to_string(target.join("nightjar.yml")).unwrap();
    assert!(configuration.contains("  - \"chat.example.org\"\n"));
    assert!(configuration.contains("      - \"alice@chat.example.org\"\n"));
    let certificates = format!("  - \"{}/certs/*.pem\"\n", target.display());
    assert!(configuration.contains(&certificates));
}

#[test]
fn what_is_there_is_left_alone() {
    for name in ["nightjar.yml", "nightjar.service"] {
        let folder = Folder::new();
        let path = folder.0.join(name);
        fs::write(&path, "mine").unwrap();
        let error = plan(&folder.0).write().unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1, "nothing else was written");
    }
    let folder = Folder::new();
    std::os::unix::fs::symlink("nowhere", folder.0.join("nightjar.yml")).unwrap();
    assert!(matches!(plan(&folder.0).write(), Err(InstallError::Exists(_))));
}

#[test]
fn folders_that_are_there_stay_as_they_are() {
    let folder = Folder::new();
    let certs = folder.0.join("certs");
    fs::create_dir(&certs).unwrap();
    fs::set_permissions(&certs, fs::Permissions::from_mode(0o750)).unwrap();
    plan(&folder.0).write().unwrap();
    assert_eq!(mode(&certs), 0o750);
}

#[test]
fn the_file_systems_refusal_names_the_path() {
    let folder = Folder::new();
    fs::write(folder.0.join("home"), "a file").unwrap();
    let error = plan(&folder.0).write().unwrap_err();
    assert!(error.to_string().contains("/home: "), "{error}");
}

#[test]
fn nothing_is_left_to_fill_in() {
    let plan = plan(Path::new("/srv/my chat"));
    let texts = plan.files.iter().map(|file| &file.text).chain([&plan.next_steps]);
    for text in texts {
        for word in ["host", "admin", "certs", "home", "folder", "file", "program", "user"] {
            assert!(!text.contains(&format!("{{{word}")), "{{{word} in\n{text}");
        }
    }
    let unit = &plan.files[1].text;
    assert!(unit.contains("--config \"/srv/my chat/nightjar.yml\" --home \"/srv/my chat/home\"\n"));
    assert!(plan.next_steps.contains("--home '/srv/my chat/home'"));
}

#[test]
fn words_can_not_break_out() {
    let request = Request {
        host: "{admin}\"x".to_owned(),
        folder: "/a$b%c'd".into(),
        admin: "{host}".to_owned(),
        program: "/bin/n".into(),
        user: "u".to_owned(),
    };
    assert_eq!(template::fill("{host:yaml}", &request), "\"{admin}\\\"x\"");
    assert_eq!(template::fill("{home:unit}{", &request), "\"/a$$b%%c'd/home\"{");
    assert_eq!(template::fill("{home:sh}", &request), r"'/a$b%c'\''d/home'");
}
