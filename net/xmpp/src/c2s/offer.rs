//! What a host offers a client on its stream.

use std::sync::Arc;

use nightjar_auth::{AuthOptions, FastTokens, MechanismPolicy, fast_mechanisms, mechanisms};
use nightjar_base::Host;
use nightjar_base::iq::IqTarget;
use nightjar_base::stream_options::{LegacyAuth, ScramUpgradeOptions, StreamManagementOptions};
use nightjar_net_listen::binding;
use nightjar_sasl::{ChannelBinding, Offer, ScramHash, UpgradeTask};
use nightjar_text::Text;
use nightjar_xmpp::c2s::{HostOffer, Opened, Sasl2Offer, StartTls};
use nightjar_xmpp::ns;

use super::connection::Connection;

/// The offer of `host` on this connection.
pub(super) fn offer(connection: &Connection, host: &Arc<Host>, opened: &Opened) -> HostOffer {
    let options = &connection.shared.options;
    let config = host.config();
    let secured = opened.secured;
    let sasl2 = secured || options.unencrypted_sasl2;
    let stream_features = host.stream_features.all();
    let features = |authenticated: bool| -> Vec<Text> {
        stream_features
            .iter()
            .filter(|feature| feature.authenticated == authenticated && !is_written_by_machine(&feature.xml))
            .map(|feature| feature.xml.clone())
            .collect()
    };
    HostOffer {
        stream_id: connection.shared.kernel.random.identifier(),
        lang: config.options.text("language"),
        starttls: starttls(connection, secured),
        sasl: sasl(connection, host, opened),
        sasl1: true,
        sasl2: sasl2.then(|| sasl2_offer(host)),
        max_bytes: Some(u64::from(options.settings.limits.stanza_bytes)),
        idle_seconds: None,
        sm: host.get::<StreamManagementOptions>().is_some(),
        csi: stream_features.iter().any(|feature| feature.xml.contains(ns::CSI)),
        register: host.iq.find(IqTarget::Stream, ns::REGISTER).is_some(),
        legacy_auth: secured && host.get::<LegacyAuth>().is_some(),
        features: features(false),
        features_authenticated: features(true),
    }
}

/// Elements that the machine writes by itself, from fields of the offer.
fn is_written_by_machine(xml: &str) -> bool {
    [ns::CSI, ns::REGISTER_FEATURE, ns::LEGACY_AUTH_FEATURE].iter().any(|namespace| xml.contains(namespace))
}

fn starttls(connection: &Connection, secured: bool) -> StartTls {
    let options = &connection.shared.options;
    match (secured, options.starttls, options.starttls_required) {
        (true, ..) | (_, false, _) => StartTls::Unavailable,
        (false, true, false) => StartTls::Optional,
        (false, true, true) => StartTls::Required,
    }
}

fn sasl(connection: &Connection, host: &Arc<Host>, opened: &Opened) -> Offer {
    let auth = host.get::<AuthOptions>().unwrap_or_default();
    let bindings = channel_bindings(connection, host);
    let policy = MechanismPolicy {
        tls: opened.secured,
        channel_binding: !bindings.is_empty(),
        external: offers_external(connection, host),
        oauth: host.takes_tokens(),
        sasl2: false,
        plaintext_allowed: connection.shared.options.is_unix,
    };
    let kinds: Vec<_> = bindings.iter().map(|binding| binding.kind).collect();
    let fast = if host.get::<FastTokens>().is_some() { fast_mechanisms(&kinds) } else { Vec::new() };
    Offer {
        host: host.name.clone(),
        mechanisms: mechanisms(&auth, policy),
        fast,
        channel_bindings: bindings,
        tls: opened.secured,
        plaintext_allowed: policy.plaintext_allowed,
        downgrade_protection: !host.config().options.bool("disable_sasl_scram_downgrade_protection"),
    }
}

fn channel_bindings(connection: &Connection, host: &Arc<Host>) -> Vec<ChannelBinding> {
    let tls = connection.transport.tls();
    tls.map_or_else(Vec::new, |tls| {
        binding::channel_bindings(tls, &connection.shared.certificates, &host.name)
    })
}

/// EXTERNAL is offered to a client whose certificate names an account of the host (RFC 6120 §13.7.1.4).
fn offers_external(connection: &Connection, host: &Arc<Host>) -> bool {
    super::authenticate::certificate_accounts(connection, host).next().is_some()
}

fn sasl2_offer(host: &Arc<Host>) -> Sasl2Offer {
    let mut inline = Vec::new();
    if host.iq.find(IqTarget::Account, ns::CARBONS).is_some() {
        inline.push(Text::new(ns::CARBONS));
    }
    let upgrades = host.get::<ScramUpgradeOptions>().map_or_else(Vec::new, |options| {
        let wanted = [(options.sha256, ScramHash::Sha256), (options.sha512, ScramHash::Sha512)];
        let wanted = wanted.into_iter().filter(|(offered, _)| *offered);
        wanted.filter_map(|(_, hash)| UpgradeTask::to(hash)).collect()
    });
    Sasl2Offer { bind2: Some(inline), upgrades }
}
