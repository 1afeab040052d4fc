//! mod_time: the server's time (XEP-0202).

use std::sync::Arc;

use nightjar_base::hooks::BoxFuture;
use nightjar_base::iq::{IqHandler, IqReply, IqRequest, IqTarget, require_get};
use nightjar_base::{Clock, Feature, FeatureContext, FeatureError, Registration};
use nightjar_config::ModuleSpec;
use nightjar_text::Text;
use nightjar_xmpp::{datetime, ns};

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec =
    ModuleSpec { name: "mod_time", doc: "Tells the server's time (XEP-0202).", options: &[] };

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let mut registration = context.registration();
        registration.iq(IqTarget::Host, ns::TIME, Arc::new(Answer(Arc::clone(&context.kernel.clock))));
        Ok(registration)
    })
}

struct Answer(Arc<dyn Clock>);

impl IqHandler for Answer {
    fn handle<'a>(&'a self, request: IqRequest) -> BoxFuture<'a, IqReply> {
        Box::pin(async move {
            require_get(&request)?;
            Ok(Some(time(self.0.unix_micros(), self.0.utc_offset())))
        })
    }
}

fn time(unix_micros: i64, utc_offset: i32) -> Text {
    let sign = if utc_offset < 0 { '-' } else { '+' };
    let minutes = utc_offset.unsigned_abs() / 60;
    // Whole seconds are enough for people, and some clients read nothing finer.
    let utc = datetime::format(unix_micros);
    let seconds = utc.split_once('.').map_or(utc.as_str(), |(seconds, _)| seconds).trim_end_matches('Z');
    Text::from(format!(
        "<time xmlns='urn:xmpp:time'><tzo>{sign}{:02}:{:02}</tzo><utc>{seconds}Z</utc></time>",
        minutes / 60,
        minutes % 60,
    ))
}

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn local_time_is_told_by_its_offset() {
        let xml = time(1_166_549_880_123_456, -6 * 3600);
        assert!(xml.contains("<tzo>-06:00</tzo>"), "{xml}");
        assert!(xml.contains("<utc>2006-12-19T17:38:00Z</utc>"), "{xml}");
        assert!(time(0, 19_800).contains("<tzo>+05:30</tzo>"));
    }
}
