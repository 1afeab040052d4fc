//! Options of mod_register.

use nightjar_config::access::AccessRef;
use nightjar_config::{ModuleSpec, OptionSpec, Options, Value};
use nightjar_jid::Jid;
use nightjar_text::Text;

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_register",
    doc: "Lets people make accounts, change passwords and remove accounts with their client (XEP-0077).",
    options: &[
        OptionSpec {
            name: "access",
            kind: "access rule",
            default: "all",
            doc: "Which accounts may be made; the rule is asked about the new account's address.",
        },
        OptionSpec {
            name: "access_from",
            kind: "access rule",
            default: "none",
            doc: "Which accounts that are logged in may make others.",
        },
        OptionSpec {
            name: "access_remove",
            kind: "access rule",
            default: "all",
            doc: "Which accounts may remove themselves.",
        },
        OptionSpec {
            name: "allow_modules",
            kind: "all|[name]",
            default: "all",
            doc: "Which modules may make accounts.",
        },
        OptionSpec {
            name: "captcha_protected",
            kind: "bool",
            default: "false",
            doc: "Whether a CAPTCHA must be solved; CAPTCHAs are not supported yet, so nobody can register then.",
        },
        OptionSpec {
            name: "ip_access",
            kind: "access rule",
            default: "all",
            doc: "From which IP addresses accounts may be made.",
        },
        OptionSpec {
            name: "password_strength",
            kind: "number>=0",
            default: "0",
            doc: "The entropy in bits that a password needs; 32 is a good start.",
        },
        OptionSpec {
            name: "registration_watchers",
            kind: "[jid]",
            default: "[]",
            doc: "Who gets a message about every new account.",
        },
        OptionSpec {
            name: "redirect_url",
            kind: "url",
            default: "unset",
            doc: "Where people without an account are sent instead.",
        },
        OptionSpec {
            name: "welcome_message",
            kind: "map",
            default: "{subject: \"\", body: \"\"}",
            doc: "A message that every new account gets.",
        },
        OptionSpec { name: "welcome_message.subject", kind: "string", default: "\"\"", doc: "Its subject." },
        OptionSpec { name: "welcome_message.body", kind: "string", default: "\"\"", doc: "Its text." },
    ],
};

/// The options, read once.
pub(super) struct RegisterOptions {
    pub access: AccessRef,
    pub access_from: AccessRef,
    pub access_remove: AccessRef,
    pub ip_access: AccessRef,
    /// Whether `allow_modules` lets this module make accounts.
    pub module_may: bool,
    pub captcha_protected: bool,
    pub password_strength: f64,
    pub watchers: Vec<Jid>,
    pub redirect_url: Option<Text>,
    pub welcome_subject: Text,
    pub welcome_body: Text,
}

impl RegisterOptions {
    pub(super) fn read(options: &Options) -> RegisterOptions {
        let module_may = match options.typed("allow_modules") {
            Value::List(modules) => modules.iter().any(|module| module.as_str() == Some(SPEC.name)),
            _ => true,
        };
        RegisterOptions {
            access: options.access("access"),
            access_from: options.access("access_from"),
            access_remove: options.access("access_remove"),
            ip_access: options.access("ip_access"),
            module_may,
            captcha_protected: options.bool("captcha_protected"),
            password_strength: options.number("password_strength"),
            watchers: options.jids("registration_watchers"),
            redirect_url: options.opt_text("redirect_url").filter(|url| !url.is_empty()),
            welcome_subject: options.text("welcome_message.subject"),
            welcome_body: options.text("welcome_message.body"),
        }
    }

    /// Whether it makes sense to tell clients about registration (XEP-0077 §8).
    pub(super) fn is_offered(&self) -> bool {
        let nobody = [&self.access, &self.ip_access].into_iter().any(|rule| *rule == AccessRef::None);
        self.redirect_url.is_some() || !(nobody || self.captcha_protected || !self.module_may)
    }
}
