use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use nightjar_config::Config;

use super::{check_files, fixed_folder, names_a_path, outside, paths, sources};
use crate::home::Home;
use crate::node::read_config;
use crate::testing::Folder;

fn read(folder: &Folder, yaml: &str) -> (PathBuf, Home, Config) {
    let file = folder.path().join("conf/ejabberd.yml");
    fs::create_dir_all(folder.path().join("conf")).unwrap();
    fs::write(&file, yaml.replace("@DIR@", &folder.path().to_string_lossy())).unwrap();
    let home = Home::locate(Some(folder.path().join("home")));
    home.prepare().unwrap();
    let (config, _) = read_config(Some(&file), &home).unwrap();
    (file, home, config)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn files_that_others_could_read_are_closed_to_them() {
    let folder = Folder::new();
    let included = folder.path().join("conf/more.yml");
    fs::create_dir_all(folder.path().join("conf")).unwrap();
    fs::write(&included, "language: de\n").unwrap();
    fs::set_permissions(&included, fs::Permissions::from_mode(0o644)).unwrap();
    let key = folder.path().join("key.pem");
    fs::write(&key, "-----BEGIN PRIVATE KEY-----\n").unwrap();
    let chain = folder.path().join("chain.pem");
    fs::write(&chain, "-----BEGIN CERTIFICATE-----\n").unwrap();
    for path in [&key, &chain] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    }
    let (file, home, config) =
        read(&folder, "hosts: [localhost]\ninclude_config_file: [more.yml]\ncertfiles: [\"@DIR@/*.pem\"]\n");
    assert_eq!(sources(&config), [file.clone(), included.clone()]);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let secret = home.path().join("secret");
    fs::write(&secret, "").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o604)).unwrap();

    let remarks = check_files(&home, Some(&file), &config, false).unwrap();
    for path in [&file, &included, &key, &secret] {
        assert_eq!(mode(path), 0o600, "{}", path.display());
        let told = remarks.iter().filter(|remark| remark.contains(&path.display().to_string()));
        assert_eq!(told.count(), 1, "{remarks:?}");
    }
    // A chain of certificates is for everybody.
    assert_eq!(mode(&chain), 0o644);
    assert_eq!(check_files(&home, Some(&file), &config, false).unwrap(), Vec::<String>::new());

    let other = home.path().join("other");
    fs::hard_link(&chain, &other).unwrap();
    let refused = format!("{:#}", check_files(&home, Some(&file), &config, false).unwrap_err());
    assert!(refused.contains(&format!("run: chmod go= {}", other.display())), "{refused}");
    assert_eq!(check_files(&home, Some(&file), &config, true).unwrap().len(), 1);
}

#[test]
fn the_sandbox_has_what_the_configuration_names() {
    let folder = Folder::new();
    for name in ["run", "db", "certs"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    let yaml = "hosts: [localhost]\nsql_type: sqlite\nsql_database: \"@DIR@/db/x.db\"\nlisten:\n  \
                - module: ejabberd_c2s\n    port: \"unix:@DIR@/run/c2s.sock\"\n";
    let (_, home, config) = read(&folder, yaml);
    let log = folder.path().join("log/x.log");
    let found = paths(&home, Some(&log), &config, &[PathBuf::from("/srv/backup")]);
    let base = folder.path();
    assert_eq!(
        found.write,
        [home.path(), &base.join("log"), Path::new("/srv/backup"), &base.join("db"), Path::new("/dev/null")]
    );
    assert_eq!(found.sockets, [base.join("run")]);
    assert!(found.read.contains(&base.join("conf")));
    assert_eq!(outside(&found, &config), Vec::<PathBuf>::new());

    fs::write(base.join("certs/new.pem"), "").unwrap();
    let more = yaml.replace("/run/c2s", "/certs/c2s") + "certfiles: [\"@DIR@/certs/*.pem\"]\n";
    let (_, _, config) = read(&folder, &more);
    assert_eq!(
        outside(&found, &config),
        [base.join("certs"), base.join("certs/c2s.sock"), base.join("certs/new.pem")]
    );
}

#[test]
fn paths_and_patterns() {
    for (pattern, wanted) in [
        ("/etc/letsencrypt/live/*/*.pem", Some("/etc/letsencrypt/live")),
        ("/etc/*.pem", Some("/etc")),
        ("/*.pem", None),
        ("/etc/ssl/one.pem", None),
    ] {
        assert_eq!(fixed_folder(Path::new(pattern)), wanted.map(PathBuf::from), "{pattern}");
    }
    for (kind, wanted) in
        [("PEM file", true), ("bool|file(write)", true), ("ram|file", true), ("string", false)]
    {
        assert_eq!(names_a_path(kind), wanted, "{kind}");
    }
}
