//! Every XML namespace the server speaks, written once.

/// RFC 6120 §4.8: the stream element and its features.
pub const STREAMS: &str = "http://etherx.jabber.org/streams";
/// RFC 6120 §4.8.2: content of client streams.
pub const CLIENT: &str = "jabber:client";
/// RFC 6120 §4.8.2: content of server streams.
pub const SERVER: &str = "jabber:server";
/// XEP-0220: dialback.
pub const DIALBACK: &str = "jabber:server:dialback";
/// XEP-0220 §2.1.1: dialback as a stream feature.
pub const DIALBACK_FEATURE: &str = "urn:xmpp:features:dialback";
/// XEP-0288: bidirectional streams between servers.
pub const BIDI: &str = "urn:xmpp:bidi";
/// XEP-0288 §2.1 as a stream feature.
pub const BIDI_FEATURE: &str = "urn:xmpp:features:bidi";
/// XEP-0114: external components.
pub const COMPONENT_ACCEPT: &str = "jabber:component:accept";
/// RFC 7395: WebSocket framing.
pub const FRAMING: &str = "urn:ietf:params:xml:ns:xmpp-framing";
/// RFC 6120 §4.9.2: stream error conditions.
pub const STREAM_ERRORS: &str = "urn:ietf:params:xml:ns:xmpp-streams";
/// RFC 6120 §8.3: stanza error conditions.
pub const STANZA_ERRORS: &str = "urn:ietf:params:xml:ns:xmpp-stanzas";
/// RFC 6120 §5: STARTTLS.
pub const TLS: &str = "urn:ietf:params:xml:ns:xmpp-tls";
/// RFC 6120 §6: SASL.
pub const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";
/// RFC 6120 §7: resource binding.
pub const BIND: &str = "urn:ietf:params:xml:ns:xmpp-bind";
/// RFC 3921 §3: the session request that RFC 6121 made a formality.
pub const SESSION: &str = "urn:ietf:params:xml:ns:xmpp-session";
/// The `xml` prefix (Namespaces in XML 1.0 §3).
pub const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// XEP-0388: extensible SASL profile.
pub const SASL2: &str = "urn:xmpp:sasl:2";
/// XEP-0386: Bind 2.
pub const BIND2: &str = "urn:xmpp:bind:0";
/// XEP-0484: fast authentication tokens.
pub const FAST: &str = "urn:xmpp:fast:0";
/// XEP-0480: upgrade of stored credentials.
pub const SASL_UPGRADE: &str = "urn:xmpp:sasl:upgrade:0";
/// XEP-0480 §3: SCRAM upgrade tasks.
pub const SCRAM_UPGRADE: &str = "urn:xmpp:scram-upgrade:0";
/// XEP-0440: channel-binding types.
pub const SASL_CHANNEL_BINDING: &str = "urn:xmpp:sasl-cb:0";
/// XEP-0474: downgrade protection.
pub const SASL_DOWNGRADE_PROTECTION: &str = "urn:xmpp:ssdp:0";
/// XEP-0478: limits a server advertises for its streams.
pub const STREAM_LIMITS: &str = "urn:xmpp:stream-limits:0";
/// XEP-0198: stream management.
pub const SM: &str = "urn:xmpp:sm:3";
/// XEP-0198, the version before, still spoken by old clients.
pub const SM_2: &str = "urn:xmpp:sm:2";
/// XEP-0352: client state indication.
pub const CSI: &str = "urn:xmpp:csi:0";
/// XEP-0138: stream compression.
pub const COMPRESS: &str = "http://jabber.org/protocol/compress";
/// XEP-0138: stream compression as a feature.
pub const COMPRESS_FEATURE: &str = "http://jabber.org/features/compress";
/// XEP-0078: authentication before SASL.
pub const LEGACY_AUTH: &str = "jabber:iq:auth";
/// XEP-0078 as a stream feature.
pub const LEGACY_AUTH_FEATURE: &str = "http://jabber.org/features/iq-auth";

/// RFC 6121 §2: roster.
pub const ROSTER: &str = "jabber:iq:roster";
/// RFC 6121 §2.6: roster versions as a stream feature.
pub const ROSTER_VERSIONS: &str = "urn:xmpp:features:rosterver";
/// RFC 6121 §3.4: subscription pre-approval as a stream feature.
pub const SUBSCRIPTION_PREAPPROVAL: &str = "urn:xmpp:features:pre-approval";
/// XEP-0012: last activity.
pub const LAST: &str = "jabber:iq:last";
/// XEP-0016: privacy lists.
pub const PRIVACY: &str = "jabber:iq:privacy";
/// XEP-0049: private storage.
pub const PRIVATE: &str = "jabber:iq:private";
/// XEP-0077: in-band registration.
pub const REGISTER: &str = "jabber:iq:register";
/// XEP-0077 §10 as a stream feature.
pub const REGISTER_FEATURE: &str = "http://jabber.org/features/iq-register";
/// XEP-0092: software version.
pub const VERSION: &str = "jabber:iq:version";
/// XEP-0055: search.
pub const SEARCH: &str = "jabber:iq:search";
/// XEP-0065: SOCKS5 bytestreams.
pub const BYTESTREAMS: &str = "http://jabber.org/protocol/bytestreams";
/// XEP-0004: data forms.
pub const DATA_FORMS: &str = "jabber:x:data";
/// XEP-0122: data forms validation.
pub const DATA_FORMS_VALIDATE: &str = "http://jabber.org/protocol/xdata-validate";
/// XEP-0221: media in data forms.
pub const DATA_FORMS_MEDIA: &str = "urn:xmpp:media-element";
/// XEP-0066: out-of-band data in messages.
pub const OOB: &str = "jabber:x:oob";
/// XEP-0091: delivery stamps before XEP-0203.
pub const LEGACY_DELAY: &str = "jabber:x:delay";
/// XEP-0249: direct room invitations.
pub const CONFERENCE: &str = "jabber:x:conference";
/// XEP-0022: message events.
pub const MESSAGE_EVENTS: &str = "jabber:x:event";

/// XEP-0013: flexible offline message retrieval.
pub const OFFLINE: &str = "http://jabber.org/protocol/offline";
/// XEP-0160: offline storage as a disco feature.
pub const OFFLINE_FEATURE: &str = "msgoffline";
/// XEP-0030: what an entity is.
pub const DISCO_INFO: &str = "http://jabber.org/protocol/disco#info";
/// XEP-0030: what an entity has.
pub const DISCO_ITEMS: &str = "http://jabber.org/protocol/disco#items";
/// XEP-0033: extended addressing.
pub const ADDRESS: &str = "http://jabber.org/protocol/address";
/// XEP-0045: rooms.
pub const MUC: &str = "http://jabber.org/protocol/muc";
/// XEP-0045: rooms, owners' requests.
pub const MUC_OWNER: &str = "http://jabber.org/protocol/muc#owner";
/// XEP-0045: rooms, moderators' requests.
pub const MUC_ADMIN: &str = "http://jabber.org/protocol/muc#admin";
/// XEP-0045: rooms, what users see.
pub const MUC_USER: &str = "http://jabber.org/protocol/muc#user";
/// XEP-0045 §17.3: a client's own rooms.
pub const MUC_ROOMS: &str = "http://jabber.org/protocol/muc#rooms";
/// XEP-0050: ad-hoc commands.
pub const COMMANDS: &str = "http://jabber.org/protocol/commands";
/// XEP-0054: vcard-temp.
pub const VCARD: &str = "vcard-temp";
/// XEP-0153: vCard-based avatars.
pub const VCARD_UPDATE: &str = "vcard-temp:x:update";
/// XEP-0292: vCard4.
pub const VCARD4: &str = "urn:ietf:params:xml:ns:vcard-4.0";
/// XEP-0398: avatar conversion.
pub const PEP_VCARD_CONVERSION: &str = "urn:xmpp:pep-vcard-conversion:0";
/// XEP-0059: result set management.
pub const RSM: &str = "http://jabber.org/protocol/rsm";
/// XEP-0060: publish-subscribe.
pub const PUBSUB: &str = "http://jabber.org/protocol/pubsub";
/// XEP-0060: events.
pub const PUBSUB_EVENT: &str = "http://jabber.org/protocol/pubsub#event";
/// XEP-0060: owners' requests.
pub const PUBSUB_OWNER: &str = "http://jabber.org/protocol/pubsub#owner";
/// XEP-0060 §7.1.5: publish options.
pub const PUBSUB_PUBLISH_OPTIONS: &str = "http://jabber.org/protocol/pubsub#publish-options";
/// XEP-0060: error conditions.
pub const PUBSUB_ERRORS: &str = "http://jabber.org/protocol/pubsub#errors";
/// XEP-0079: advanced message processing.
pub const AMP: &str = "http://jabber.org/protocol/amp";
/// XEP-0085: chat states.
pub const CHAT_STATES: &str = "http://jabber.org/protocol/chatstates";
/// XEP-0115: entity capabilities.
pub const CAPS: &str = "http://jabber.org/protocol/caps";
/// XEP-0390: entity capabilities 2.0.
pub const CAPS2: &str = "urn:xmpp:caps";
/// XEP-0124: BOSH.
pub const HTTP_BIND: &str = "http://jabber.org/protocol/httpbind";
/// XEP-0206: XMPP over BOSH.
pub const XBOSH: &str = "urn:xmpp:xbosh";
/// XEP-0133: service administration.
pub const ADMIN: &str = "http://jabber.org/protocol/admin";
/// XEP-0131: headers.
pub const SHIM: &str = "http://jabber.org/protocol/shim";
/// XEP-0039: statistics gathering.
pub const STATS: &str = "http://jabber.org/protocol/stats";
/// XEP-0157: contact addresses for services, a form type.
pub const SERVER_INFO: &str = "http://jabber.org/network/serverinfo";
/// XEP-0084: avatar data.
pub const AVATAR_DATA: &str = "urn:xmpp:avatar:data";
/// XEP-0084: avatar metadata.
pub const AVATAR_METADATA: &str = "urn:xmpp:avatar:metadata";
/// XEP-0172: nicknames.
pub const NICK: &str = "http://jabber.org/protocol/nick";
/// XEP-0158: CAPTCHA forms.
pub const CAPTCHA: &str = "urn:xmpp:captcha";
/// XEP-0231: bits of binary.
pub const BITS_OF_BINARY: &str = "urn:xmpp:bob";

/// XEP-0184: delivery receipts.
pub const RECEIPTS: &str = "urn:xmpp:receipts";
/// XEP-0191: blocking command.
pub const BLOCKING: &str = "urn:xmpp:blocking";
/// XEP-0191 §3.5: the error condition.
pub const BLOCKING_ERRORS: &str = "urn:xmpp:blocking:errors";
/// XEP-0377: spam reporting.
pub const REPORTING: &str = "urn:xmpp:reporting:1";
/// XEP-0199: ping.
pub const PING: &str = "urn:xmpp:ping";
/// XEP-0202: entity time.
pub const TIME: &str = "urn:xmpp:time";
/// XEP-0203: delayed delivery.
pub const DELAY: &str = "urn:xmpp:delay";
/// XEP-0215: external service discovery.
pub const EXTERNAL_SERVICES: &str = "urn:xmpp:extdisco:2";
/// XEP-0224: attention.
pub const ATTENTION: &str = "urn:xmpp:attention:0";
/// XEP-0280: message carbons.
pub const CARBONS: &str = "urn:xmpp:carbons:2";
/// XEP-0280 §7.3: which messages are copied.
pub const CARBONS_RULES: &str = "urn:xmpp:carbons:rules:0";
/// XEP-0297: stanza forwarding.
pub const FORWARD: &str = "urn:xmpp:forward:0";
/// XEP-0308: message correction.
pub const MESSAGE_CORRECT: &str = "urn:xmpp:message-correct:0";
/// XEP-0313: message archive.
pub const MAM: &str = "urn:xmpp:mam:2";
/// XEP-0313 §4.3: fields `before-id`, `after-id`, `ids`, `include-groupchat`.
pub const MAM_EXTENDED: &str = "urn:xmpp:mam:2#extended";
/// XEP-0313 as old clients know it.
pub const MAM_1: &str = "urn:xmpp:mam:1";
/// XEP-0313 as older clients know it.
pub const MAM_0: &str = "urn:xmpp:mam:0";
/// XEP-0313 of the first versions.
pub const MAM_TMP: &str = "urn:xmpp:mam:tmp";
/// XEP-0431: full-text search in archives.
pub const FULL_TEXT_SEARCH: &str = "urn:xmpp:fulltext:0";
/// XEP-0333: chat markers.
pub const CHAT_MARKERS: &str = "urn:xmpp:chat-markers:0";
/// XEP-0334: message processing hints.
pub const HINTS: &str = "urn:xmpp:hints";
/// XEP-0353: Jingle message initiation.
pub const JINGLE_MESSAGE: &str = "urn:xmpp:jingle-message:0";
/// XEP-0355: namespace delegation.
pub const DELEGATION: &str = "urn:xmpp:delegation:2";
/// XEP-0356: privileged entities.
pub const PRIVILEGE: &str = "urn:xmpp:privilege:2";
/// XEP-0357: push notifications.
pub const PUSH: &str = "urn:xmpp:push:0";
/// XEP-0359: unique and stable stanza identifiers.
pub const STANZA_ID: &str = "urn:xmpp:sid:0";
/// XEP-0363: HTTP upload.
pub const HTTP_UPLOAD: &str = "urn:xmpp:http:upload:0";
/// XEP-0369: MIX.
pub const MIX_CORE: &str = "urn:xmpp:mix:core:1";
/// XEP-0405: MIX for personal accounts.
pub const MIX_PAM: &str = "urn:xmpp:mix:pam:2";
/// XEP-0380: explicit message encryption.
pub const EXPLICIT_ENCRYPTION: &str = "urn:xmpp:eme:0";
/// XEP-0384: OMEMO as deployed.
pub const OMEMO: &str = "eu.siacs.conversations.axolotl";
/// XEP-0384: OMEMO 2.
pub const OMEMO_2: &str = "urn:xmpp:omemo:2";
/// XEP-0401: invitations.
pub const INVITE: &str = "urn:xmpp:invite";
/// XEP-0445: pre-authenticated registration.
pub const INVITE_TOKEN: &str = "urn:xmpp:ibr-token:0";
/// XEP-0379: pre-authenticated roster subscription.
pub const PARS: &str = "urn:xmpp:pars:0";
/// XEP-0410: room self-ping.
pub const MUC_SELF_PING: &str = "http://jabber.org/protocol/muc#self-ping-optimization";
/// XEP-0421: occupant ids.
pub const OCCUPANT_ID: &str = "urn:xmpp:occupant-id:0";
/// XEP-0422: message fastening.
pub const FASTEN: &str = "urn:xmpp:fasten:0";
/// XEP-0424: message retraction.
pub const RETRACT: &str = "urn:xmpp:message-retract:1";
/// XEP-0425: moderated retraction in rooms.
pub const MODERATE: &str = "urn:xmpp:message-moderate:1";
/// XEP-0232: software information, a form type.
pub const SOFTWARE_INFO: &str = "urn:xmpp:dataforms:softwareinfo";
/// XEP-0444: reactions.
pub const REACTIONS: &str = "urn:xmpp:reactions:0";
/// XEP-0461: replies.
pub const REPLY: &str = "urn:xmpp:reply:0";
/// XEP-0486: room avatars as a form field.
pub const MUC_AVATAR: &str = "urn:xmpp:muc-avatar";
/// XEP-0490: displayed synchronisation.
pub const DISPLAYED_SYNC: &str = "urn:xmpp:mds:displayed:0";
/// XEP-0402: bookmarks.
pub const BOOKMARKS: &str = "urn:xmpp:bookmarks:1";
/// XEP-0402: bookmarks compatible with private storage.
pub const BOOKMARKS_COMPAT: &str = "urn:xmpp:bookmarks:1#compat";
/// XEP-0048: bookmarks in private storage.
pub const BOOKMARKS_STORAGE: &str = "storage:bookmarks";
