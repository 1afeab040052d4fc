//! The features, in the order in which they start on each host that names them.
//!
//! Listeners of one event and stage run in the order of registration, so the order matters where two features of the
//! list work on the same event.

use nightjar_base::feature::Feature;
use nightjar_config::ModuleSpec;

/// All features.
pub(crate) static FEATURES: &[&Feature] = &[
    // Nothing is said to a banned address, and nobody works for a stranger.
    &nightjar_guard::fail2ban::FEATURE,
    &nightjar_guard::block_strangers::FEATURE,
    // What is blocked is never looked at by others.
    &nightjar_im::privacy::FEATURE,
    &nightjar_im::privacy::blocking::FEATURE,
    // Others ask it who may see whom.
    &nightjar_im::roster::FEATURE,
    &nightjar_im::disco::FEATURE,
    &nightjar_im::caps::FEATURE,
    &nightjar_im::ping::FEATURE,
    &nightjar_im::time::FEATURE,
    &nightjar_im::version::FEATURE,
    &nightjar_im::stun_disco::FEATURE,
    &nightjar_im::sic::FEATURE,
    &nightjar_im::stats::FEATURE,
    &nightjar_im::last::FEATURE,
    &nightjar_im::private::FEATURE,
    &nightjar_im::vcard::FEATURE,
    &nightjar_im::vcard_xupdate::FEATURE,
    &nightjar_im::adhoc::FEATURE,
    // Takes what is sent to its own resources of the host before anybody archives it.
    &nightjar_im::announce::FEATURE,
    &nightjar_im::register::FEATURE,
    // Archived messages carry their identifier before copies are made of them.
    &nightjar_im::mam::FEATURE,
    &nightjar_im::offline::FEATURE,
    &nightjar_im::carboncopy::FEATURE,
    &nightjar_im::stream_mgmt::FEATURE,
    &nightjar_im::client_state::FEATURE,
    &nightjar_im::auth_fast::FEATURE,
    &nightjar_im::scram_upgrade::FEATURE,
    &nightjar_im::legacy_auth::FEATURE,
    &nightjar_net_xmpp::S2S_DIALBACK,
    &nightjar_net_xmpp::S2S_BIDI,
    &nightjar_gateway::jidprep::FEATURE,
    &nightjar_gateway::delegation::FEATURE,
    &nightjar_gateway::privilege::FEATURE,
    &nightjar_gateway::multicast::FEATURE,
    // Copies what passed all others.
    &nightjar_gateway::service_log::FEATURE,
    &nightjar_admin::FEATURE,
    &nightjar_web::http_api::FEATURE,
    &nightjar_mqtt_broker::FEATURE,
    // Takes part in the host's broker.
    &nightjar_net_mqtt::BRIDGE,
];

/// The feature's names and options.
pub(crate) fn specs() -> Vec<&'static ModuleSpec> {
    FEATURES.iter().map(|feature| feature.spec).collect()
}
