//! mod_version: what runs here (XEP-0092).

use std::sync::Arc;

use nightjar_base::hooks::BoxFuture;
use nightjar_base::iq::{IqHandler, IqReply, IqRequest, IqTarget, require_get};
use nightjar_base::{Feature, FeatureContext, FeatureError, Registration};
use nightjar_config::{ModuleSpec, OptionSpec};
use nightjar_text::Text;
use nightjar_xmpp::{ns, write};

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_version",
    doc: "Tells the server's name and version (XEP-0092).",
    options: &[OptionSpec {
        name: "show_os",
        kind: "bool",
        default: "true",
        doc: "Whether the operating system is told too.",
    }],
};

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let mut registration = context.registration();
        let show_os = context.options.bool("show_os");
        registration.iq(IqTarget::Host, ns::VERSION, Arc::new(Answer { show_os }));
        Ok(registration)
    })
}

struct Answer {
    show_os: bool,
}

impl IqHandler for Answer {
    fn handle<'a>(&'a self, request: IqRequest) -> BoxFuture<'a, IqReply> {
        Box::pin(async move {
            require_get(&request)?;
            let mut xml = format!("<query xmlns='{}'>", ns::VERSION);
            write::text_element(&mut xml, "name", "Nightjar");
            write::text_element(&mut xml, "version", env!("CARGO_PKG_VERSION"));
            if self.show_os {
                write::text_element(&mut xml, "os", std::env::consts::OS);
            }
            xml.push_str("</query>");
            Ok(Some(Text::from(xml)))
        })
    }
}
