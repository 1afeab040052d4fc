//! The `auth_*` options as plain data, built by whoever reads the configuration.

use std::time::Duration;

use nightjar_sasl::ScramHash;

/// Options of one host.
#[derive(Clone, Debug)]
pub struct AuthOptions {
    /// `auth_method`, in order.
    pub methods: Vec<AuthMethod>,
    /// `auth_password_format`, if the file sets it.
    pub password_format: Option<PasswordFormat>,
    /// `auth_scram_hash`, if the file sets it.
    pub scram_hash: Option<ScramHash>,
    /// `auth_stored_password_types`; not empty, it overrules the two above.
    pub stored_password_types: Vec<PasswordType>,
    /// `auth_password_types_hidden_in_sasl1`
    pub hidden_in_sasl1: Vec<PasswordType>,
    /// `disable_sasl_mechanisms`, upper case.
    pub disabled_mechanisms: Vec<String>,
    /// `auth_use_cache` and the options of the cache; `None` without cache.
    pub cache: Option<CacheOptions>,
    /// `anonymous_protocol`
    pub anonymous_protocol: AnonymousProtocol,
    /// `allow_multiple_connections`
    pub allow_multiple_connections: bool,
}

impl Default for AuthOptions {
    fn default() -> AuthOptions {
        AuthOptions {
            methods: vec![AuthMethod::Sql],
            password_format: None,
            scram_hash: None,
            stored_password_types: Vec::new(),
            hidden_in_sasl1: Vec::new(),
            disabled_mechanisms: Vec::new(),
            cache: Some(CacheOptions::default()),
            anonymous_protocol: AnonymousProtocol::SaslAnon,
            allow_multiple_connections: false,
        }
    }
}

impl AuthOptions {
    /// In which forms a new password is stored, and so which mechanisms can be offered.
    ///
    /// Where the file says nothing, SCRAM with every hash: ejabberd would keep the password as it is, and the weaker
    /// setting has to be asked for by name here.
    pub fn stored_types(&self) -> Vec<PasswordType> {
        if !self.stored_password_types.is_empty() {
            return self.stored_password_types.clone();
        }
        match (self.password_format, self.scram_hash) {
            (Some(PasswordFormat::Plain), _) => vec![PasswordType::Plain],
            (Some(PasswordFormat::Scram), hash) => vec![PasswordType::Scram(hash.unwrap_or(ScramHash::Sha1))],
            (None, Some(hash)) => vec![PasswordType::Scram(hash)],
            (None, None) => ScramHash::ALL.map(PasswordType::Scram).to_vec(),
        }
    }
}

/// A value of `auth_method`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuthMethod {
    /// `sql`, and `internal` and `mnesia`, whose accounts live in the same table here.
    Sql,
    Anonymous,
    External,
    Http,
    Jwt,
    Ldap,
    Pam,
}

impl AuthMethod {
    pub fn from_name(name: &str) -> Option<AuthMethod> {
        match name {
            "sql" | "odbc" | "internal" | "mnesia" => Some(AuthMethod::Sql),
            "anonymous" => Some(AuthMethod::Anonymous),
            "external" => Some(AuthMethod::External),
            "http" => Some(AuthMethod::Http),
            "jwt" => Some(AuthMethod::Jwt),
            "ldap" => Some(AuthMethod::Ldap),
            "pam" => Some(AuthMethod::Pam),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            AuthMethod::Sql => "sql",
            AuthMethod::Anonymous => "anonymous",
            AuthMethod::External => "external",
            AuthMethod::Http => "http",
            AuthMethod::Jwt => "jwt",
            AuthMethod::Ldap => "ldap",
            AuthMethod::Pam => "pam",
        }
    }
}

/// `auth_password_format`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordFormat {
    Plain,
    Scram,
}

/// A form in which a password is kept: an item of `auth_stored_password_types`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PasswordType {
    Plain,
    Scram(ScramHash),
}

impl PasswordType {
    pub const ALL: [PasswordType; 4] = [
        PasswordType::Plain,
        PasswordType::Scram(ScramHash::Sha1),
        PasswordType::Scram(ScramHash::Sha256),
        PasswordType::Scram(ScramHash::Sha512),
    ];

    pub fn name(self) -> &'static str {
        match self {
            PasswordType::Plain => "plain",
            PasswordType::Scram(ScramHash::Sha1) => "scram_sha1",
            PasswordType::Scram(ScramHash::Sha256) => "scram_sha256",
            PasswordType::Scram(ScramHash::Sha512) => "scram_sha512",
        }
    }

    pub fn from_name(name: &str) -> Option<PasswordType> {
        PasswordType::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// `anonymous_protocol`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnonymousProtocol {
    /// SASL ANONYMOUS, the server makes up the name.
    SaslAnon,
    /// Any name that is not taken, with any password.
    LoginAnon,
    Both,
}

impl AnonymousProtocol {
    pub fn from_name(name: &str) -> Option<AnonymousProtocol> {
        match name {
            "sasl_anon" => Some(AnonymousProtocol::SaslAnon),
            "login_anon" => Some(AnonymousProtocol::LoginAnon),
            "both" => Some(AnonymousProtocol::Both),
            _ => None,
        }
    }

    pub const fn allows_sasl(self) -> bool {
        matches!(self, AnonymousProtocol::SaslAnon | AnonymousProtocol::Both)
    }

    pub const fn allows_login(self) -> bool {
        matches!(self, AnonymousProtocol::LoginAnon | AnonymousProtocol::Both)
    }
}

/// `auth_cache_size`, `auth_cache_life_time`, `auth_cache_missed`
#[derive(Clone, Copy, Debug)]
pub struct CacheOptions {
    /// Accounts; `None` is without limit.
    pub size: Option<u64>,
    /// `None` is without limit.
    pub life_time: Option<Duration>,
    /// Whether the absence of an account is remembered too.
    pub missed: bool,
}

impl Default for CacheOptions {
    fn default() -> CacheOptions {
        CacheOptions { size: Some(1000), life_time: Some(Duration::from_secs(3600)), missed: true }
    }
}
