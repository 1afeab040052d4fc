use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Settings, Surroundings};
use crate::ctl::flags;
use crate::testing::Folder;

/// `@/` stands for the folder that takes the place of `/`.
struct Machine(Folder);

impl Machine {
    fn with(files: &[(&str, &str)]) -> Self {
        let machine = Self(Folder::new());
        for (path, text) in files {
            let path = machine.0.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        machine
    }

    fn root(&self) -> String {
        format!("{}/", self.0.path().display())
    }

    fn path(&self, text: &str) -> PathBuf {
        text.replace("@/", &self.root()).into()
    }

    fn resolve(&self, is_ejabberdctl: bool, line: &str, variables: &[(&str, &str)]) -> Settings {
        let root = self.root();
        let words = line.split_whitespace().map(|word| word.replace("@/", &root));
        let flags = flags::parse(words).unwrap();
        let variables: BTreeMap<_, _> =
            variables.iter().map(|(name, value)| (*name, value.replace("@/", &root))).collect();
        let environment = |name: &str| variables.get(name).cloned();
        let around =
            Surroundings { is_ejabberdctl, root: self.0.path(), host: "box", environment: &environment };
        Settings::resolve(&flags, &around)
    }
}

#[test]
fn flags_come_before_the_file_and_the_file_before_the_environment() {
    let machine =
        Machine::with(&[("c/ejabberdctl.cfg", "SPOOL_DIR=/file\nERLANG_NODE=file@h\nLOGS_DIR=/l\n")]);
    let from = |line: &str, variables: &[(&str, &str)]| {
        let settings = machine.resolve(false, line, variables);
        let log = settings.log_file.unwrap_or_default();
        (settings.home.path().to_owned(), settings.node, log)
    };
    let environment: &[(&str, &str)] = &[("SPOOL_DIR", "/env"), ("ERLANG_NODE", "env@h"), ("LOGS_DIR", "/e")];
    let wanted = |home: &str, node: &str, log: &str| (home.into(), Some(node.to_owned()), log.into());
    assert_eq!(from("status", environment), wanted("/env", "env@h", "/e/ejabberd.log"));
    let file = wanted("/file", "file@h", "/l/ejabberd.log");
    assert_eq!(from("--config-dir @/c status", environment), file);
    assert_eq!(from("-c @/c/ejabberdctl.cfg status", environment), file);
    let line = "-d @/c -s /flag -n flag -l /f status";
    assert_eq!(from(line, environment), wanted("/flag", "flag@box", "/f/ejabberd.log"));
    for (name, value) in [("CONFIG_DIR", "@/c"), ("EJABBERDCTL_CONFIG_PATH", "@/c/ejabberdctl.cfg")] {
        assert_eq!(from("status", &[(name, value)]), file, "{name}");
    }
    let named = from("-d @/c status", &[("EJABBERD_LOG_PATH", "/x/y.log")]).2;
    assert_eq!(named, Path::new("/x/y.log"));
    assert_eq!(from("-s /a status", &[]).1, None);
}

#[test]
fn the_configuration_file_is_found() {
    let machine = Machine::with(&[]);
    for (line, variables, wanted) in [
        ("status", &[][..], None),
        ("-d /c status", &[("EJABBERD_CONFIG_PATH", "/e.yml")], Some("/e.yml")),
        ("-d /c status", &[], Some("/c/ejabberd.yml")),
        ("-f /f.yml -d /c status", &[("EJABBERD_CONFIG_PATH", "/e.yml")], Some("/f.yml")),
        ("status", &[("CONFIG_DIR", "/v")], Some("/v/ejabberd.yml")),
    ] {
        let settings = machine.resolve(false, line, variables);
        assert_eq!(settings.config.as_deref(), wanted.map(Path::new), "{line} {variables:?}");
    }
}

#[test]
fn ejabberdctl_looks_where_ejabberds_packages_put_things() {
    let machine = Machine::with(&[
        ("etc/ejabberd/ejabberd.yml", ""),
        ("etc/ejabberd/ejabberdctl.cfg", "ERLANG_NODE=debian@localhost\n"),
        ("var/lib/ejabberd/x", ""),
        ("var/log/ejabberd/x", ""),
    ]);
    let settings = machine.resolve(true, "status", &[]);
    assert_eq!(settings.config, Some(machine.path("@/etc/ejabberd/ejabberd.yml")));
    assert_eq!(settings.node.as_deref(), Some("debian@localhost"));
    assert_eq!(settings.home.path(), machine.path("@/var/lib/ejabberd"));
    assert_eq!(settings.log_file, Some(machine.path("@/var/log/ejabberd/ejabberd.log")));
    // A program of its own name looks only where it is told to.
    let settings = machine.resolve(false, "status", &[]);
    assert_eq!((settings.config, settings.node), (None, None));
    let settings = machine.resolve(true, "status", &[("SPOOL_DIR", "/elsewhere")]);
    assert_eq!((settings.home.path(), settings.log_file), (Path::new("/elsewhere"), None));
}

#[test]
fn a_node_that_is_started_gets_what_is_meant_for_it() {
    let cfg = "ERL_OPTIONS=\"-setcookie abc\"\nexport EJABBERD_OPTS='-kernel x y'\nFIREWALL_WINDOW=4200-4210\n\
               EJABBERD_MACRO_HOST=example.org\nEJABBERD_BYPASS_WARNINGS=true\nCTL_OVER_HTTP=/run/ctl\n\
               INSTALLUSER=op\nOTHER=1\nulimit -n 10\n";
    let machine = Machine::with(&[("c/ejabberdctl.cfg", cfg)]);
    let settings = machine.resolve(
        false,
        "-d @/c start",
        &[("EJABBERD_PID_PATH", "/run/p"), ("PATH", "/bin"), ("CTL_ON_START", "")],
    );
    let exported: Vec<_> = settings.exported.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(
        exported,
        [
            "EJABBERD_MACRO_HOST=example.org",
            "EJABBERD_PID_PATH=/run/p",
            "ERL_OPTIONS=-setcookie abc -kernel x y",
            "FIREWALL_WINDOW=4200-4210"
        ]
    );
    assert!(settings.bypass_warnings);
    assert_eq!(settings.http_socket.as_deref(), Some(Path::new("/run/ctl")));
    assert_eq!(settings.user.as_deref(), Some("op"));
    assert_eq!(settings.warnings.len(), 1, "{:?}", settings.warnings);
    assert!(settings.warnings[0].contains("line 9: `ulimit -n 10`"), "{:?}", settings.warnings);
    let missing = machine.resolve(false, "-c @/none start", &[]);
    assert_eq!(missing.warnings.len(), 1, "{:?}", missing.warnings);
}

#[test]
fn words_for_the_virtual_machine_are_read_from_vm_args() {
    let machine = Machine::with(&[("c/vm.args", "# cookie\n-setcookie xyz\n\n+P 1000 # many\n")]);
    for (line, variables) in [("-d @/c start", &[][..]), ("start", &[("VMARGS", "@/c/vm.args")])] {
        let settings = machine.resolve(false, line, variables);
        assert_eq!(settings.exported.get("ERL_OPTIONS").unwrap(), "-setcookie xyz +P 1000", "{line}");
    }
}
