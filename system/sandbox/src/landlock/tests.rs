use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Paths, is_in_force, is_loader, mapped, restrict};
use crate::testing::{Folder, in_child};

#[test]
fn only_what_is_named_can_be_touched() {
    in_child("landlock::tests::only_what_is_named_can_be_touched", || {
        let (home, config, run, other) = (Folder::new(), Folder::new(), Folder::new(), Folder::new());
        let read = config.file("ejabberd.yml", 0o600);
        let secret = other.file("shadow", 0o600);
        let paths = Paths {
            read: vec![config.path().to_owned()],
            write: vec![home.path().to_owned()],
            sockets: vec![run.path().to_owned()],
            execute: Vec::new(),
        };
        assert!(!is_in_force());
        match restrict(&paths.clone().with_system()) {
            Ok(said) => assert!(said.contains("Landlock"), "{said}"),
            // A kernel without it says so, and that is all there is to test.
            Err(why) => return assert!(why.contains("Landlock"), "{why}"),
        }
        assert!(is_in_force());
        let denied = |result: std::io::Result<()>| result.unwrap_err().kind() == ErrorKind::PermissionDenied;

        assert_eq!(fs::read(&read).unwrap(), b"ejabberd.yml");
        assert!(denied(fs::write(&read, "changed")));
        let inside = home.path().join("new");
        fs::write(&inside, "data").unwrap();
        fs::rename(&inside, home.path().join("newer")).unwrap();
        fs::create_dir(home.path().join("logs")).unwrap();
        drop(UnixListener::bind(run.path().join("socket")).unwrap());
        fs::remove_file(run.path().join("socket")).unwrap();
        assert!(denied(fs::write(run.path().join("file"), "")));
        assert!(denied(fs::read(&secret).map(drop)));
        assert!(denied(fs::read_dir(other.path()).map(drop)));
        // Threads that are started later are limited too.
        let in_thread = std::thread::spawn(move || fs::read(&secret).map(drop));
        assert!(denied(in_thread.join().unwrap()));

        // Nothing can be run but this program.
        assert!(denied(Command::new("/bin/true").status().map(drop)));
        let itself = Command::new("/proc/self/exe").arg("--list").output().unwrap();
        assert!(itself.status.success());
        // And what every process needs is there.
        File::open("/etc/resolv.conf")
            .map(drop)
            .or_else(|error| match error.kind() {
                ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            })
            .unwrap();
        File::options().write(true).open("/dev/null").unwrap();
        fs::read("/proc/self/status").unwrap();
        assert!(std::thread::available_parallelism().is_ok());
    });
}

#[test]
fn renewed_certificates_stay_readable() {
    let folder = Folder::new();
    let (live, archive) = (folder.path().join("live/example.org"), folder.path().join("archive/example.org"));
    fs::create_dir_all(&live).unwrap();
    fs::create_dir_all(&archive).unwrap();
    fs::write(archive.join("key1.pem"), "").unwrap();
    fs::write(archive.join("key2.pem"), "").unwrap();
    symlink(archive.join("key1.pem"), live.join("key.pem")).unwrap();
    let mut paths = Paths::default();
    paths.read_beside(&live.join("key.pem"));
    assert_eq!(paths.read, [live.clone(), folder.path().to_owned()]);
    assert!(paths.allows_reading(&archive.join("key2.pem")));
    assert!(!paths.allows_reading(Path::new("/etc/passwd")));
    assert!(!paths.allows_writing(&live) && !paths.allows_sockets(&live));
    paths.write.push(live.clone());
    assert!(paths.allows_writing(&live) && paths.allows_sockets(&live));
}

#[test]
fn loaders_are_found_among_what_is_mapped() {
    let maps = "7f00-7f01 r-xp 00000000 08:01 1234    /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2\n\
                7f02-7f03 r-xp 00000000 08:01 1235    /usr/lib/x86_64-linux-gnu/libc.so.6\n\
                7f04-7f05 rw-p 00000000 00:00 0       [heap]\n";
    let found = mapped(maps);
    assert_eq!(found.len(), 2);
    let loaders: Vec<&PathBuf> = found.iter().filter(|path| is_loader(path)).collect();
    assert_eq!(loaders, [Path::new("/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")]);
}
