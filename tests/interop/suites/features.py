# server: nightjar.yml.in
# seconds: 180
"""One test a feature, by slixmpp's own plugins where it has one."""
import base64
import hashlib
import re
import time
import uuid
from datetime import datetime

from slixmpp.exceptions import IqError

from clients import Slixmpp
from raw import NS, Account, Raw, account, error_condition, escape, online, q, show
from suite import BINARY, DOMAIN, ctl, equal, run, test


async def client(*plugins, who=None, resource=None, available=True):
    made = Slixmpp(who or await account(), resource=resource)
    await made.start()
    for plugin in plugins:
        made.client.register_plugin(plugin)
    if available:
        await made.available()
    return made


@test("service discovery: identity, features, items, and errors (XEP-0030)")
async def _():
    one = await client("xep_0030")
    info = await one.client["xep_0030"].get_info(jid=DOMAIN)
    kinds = {(identity[0], identity[1]) for identity in info["disco_info"]["identities"]}
    assert ("server", "im") in kinds, kinds
    features = set(info["disco_info"]["features"])
    for wanted in (NS["disco"], "http://jabber.org/protocol/disco#items", NS["ping"], "jabber:iq:version", "urn:xmpp:time",
                   "vcard-temp", "urn:xmpp:blocking", "msgoffline", "jabber:iq:register", "jabber:iq:last"):
        assert wanted in features, f"{wanted} not in {sorted(features)}"
    await one.client["xep_0030"].get_items(jid=DOMAIN)
    own = await one.client["xep_0030"].get_info(jid=one.account.jid)
    features = set(own["disco_info"]["features"])
    assert NS["mam"] in features, sorted(features)
    assert ("account", "registered") in {(identity[0], identity[1]) for identity in own["disco_info"]["identities"]}
    answer = await one.iq("get", f"<query xmlns='{NS['disco']}' node='urn:nonsense'/>", to=DOMAIN)
    equal(error_condition(answer)[1], "item-not-found")


@test("entity capabilities in the stream features lead to the server's description (XEP-0115)")
async def _():
    one = await online()
    caps = one.features.find("{http://jabber.org/protocol/caps}c")
    assert caps is not None, show(one.features)
    answer = await one.iq("get", f"<query xmlns='{NS['disco']}' node='{escape(caps.get('node') + '#' + caps.get('ver'))}'/>", to=DOMAIN)
    equal(answer.get("type"), "result", show(answer))
    assert answer.find(f"{q('disco:query')}/{q('disco:identity')}") is not None, show(answer)


@test("ping the server, one's account and a friend (XEP-0199)")
async def _():
    one, other = await client("xep_0199"), await client("xep_0199")
    for address in (DOMAIN, one.account.jid, other.jid):
        assert await one.client["xep_0199"].ping(jid=address) is not None
    plain = await online()
    equal((await plain.iq("get", "<ping xmlns='urn:xmpp:ping'/>")).get("type"), "result", "ping without an address")


@test("the server's time (XEP-0202)")
async def _():
    one = await online()
    told = (await one.iq("get", "<time xmlns='urn:xmpp:time'/>", to=DOMAIN)).find("{urn:xmpp:time}time")
    utc = datetime.fromisoformat(told.findtext("{urn:xmpp:time}utc"))
    assert abs(utc.timestamp() - time.time()) < 60, show(told)
    assert re.fullmatch(r"Z|[+-]\d\d:\d\d", told.findtext("{urn:xmpp:time}tzo")), show(told)


@test("the server's version (XEP-0092)")
async def _():
    one = await client("xep_0092")
    version = (await one.client["xep_0092"].get_version(DOMAIN))["software_version"]
    assert version["name"] and version["version"], str(version)
    equal(version["os"], "", "show_os: false")


@test("last activity of the server and of somebody away (XEP-0012)")
async def _():
    one, other = await client("xep_0012"), await client()
    uptime = await one.client["xep_0012"].get_last_activity(jid=DOMAIN)
    assert 0 <= uptime["last_activity"]["seconds"] < 3600
    try:
        await one.client["xep_0012"].get_last_activity(jid=other.account.jid)
        raise AssertionError("a stranger's last activity was told")
    except IqError as error:
        assert error.condition in ("forbidden", "subscription-required", "not-allowed", "service-unavailable"), error.condition
    await contacts(one, other)
    await other.write("<presence xmlns='jabber:client' type='unavailable'><status>tea</status></presence>")
    await one.presence("unavailable", other.jid)
    await other.stop()
    away = await one.client["xep_0012"].get_last_activity(jid=other.account.jid)
    assert 0 <= away["last_activity"]["seconds"] < 60, str(away)


async def contacts(one, other):
    """Subscribed both ways."""
    for client in (one, other):
        await client.iq("get", "<query xmlns='jabber:iq:roster'/>")
    for asker, asked in ((one, other), (other, one)):
        await asker.write(f"<presence xmlns='jabber:client' type='subscribe' to='{asked.account.jid}'/>")
        await asked.presence("subscribe", asker.account.jid)
        await asked.write(f"<presence xmlns='jabber:client' type='subscribed' to='{asker.account.jid}'/>")
        await asker.presence("subscribed", asked.account.jid)
        await asker.presence(None, asked.jid)


@test("private storage keeps what was put there, for its owner alone (XEP-0049)")
async def _():
    one = await online()
    put = "<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'><conference jid='a@b' name='&lt;x&gt;'/></storage></query>"
    equal((await one.iq("set", put)).get("type"), "result")
    again = await online(one.account)
    answer = await again.iq("get", "<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'/></query>")
    conference = next(answer.iter("{storage:bookmarks}conference"))
    equal((conference.get("jid"), conference.get("name")), ("a@b", "<x>"))
    empty = await again.iq("get", "<query xmlns='jabber:iq:private'><x xmlns='urn:nothing:there'/></query>")
    equal(len(list(next(empty.iter("{urn:nothing:there}x")))), 0)
    stranger = await online()
    equal((await stranger.iq("get", put.replace("<conference jid='a@b' name='&lt;x&gt;'/>", ""), to=one.account.jid)).get("type"), "error")


@test("a vCard is published and read by others (XEP-0054), its photo is announced (XEP-0153)")
async def _():
    one, other = await client("xep_0054"), await client("xep_0054")
    await contacts(one, other)
    card = one.client["xep_0054"].stanza.VCardTemp()
    card["FN"] = "Ängström <&>"
    card["NICKNAME"] = "Å"
    await one.client["xep_0054"].publish_vcard(card)
    seen = (await other.client["xep_0054"].get_vcard(jid=one.account.jid, local=False, cached=False))["vcard_temp"]
    equal(seen["FN"], "Ängström <&>")
    photo = "iVBORw0KGgo="
    await one.iq("set", f"<vCard xmlns='vcard-temp'><FN>x</FN><PHOTO><TYPE>image/png</TYPE><BINVAL>{photo}</BINVAL></PHOTO></vCard>")
    await one.write("<presence xmlns='jabber:client'/>")
    announced = await other.wait(lambda e: e.tag == q("presence") and e.find(".//{vcard-temp:x:update}photo") is not None and e.find(".//{vcard-temp:x:update}photo").text)
    equal(announced.findtext(".//{vcard-temp:x:update}photo"), hashlib.sha1(base64.b64decode(photo)).hexdigest())


@test("carbons: another session sees what is sent and received, once enabled, until disabled (XEP-0280)")
async def _():
    one = await client("xep_0280")
    two = await client("xep_0280", who=one.account)
    other = await client()
    await two.client["xep_0280"].enable()
    await one.send(other.jid, "out")
    sent = await two.wait(lambda e: e.find(q("carbons:sent")) is not None)
    equal(sent.findtext(f"{q('carbons:sent')}/{q('forward:forwarded')}/{q('message')}/{q('body')}"), "out")
    equal(sent.get("from"), one.account.jid)
    await other.send(one.jid, "in")
    received = await two.wait(lambda e: e.find(q("carbons:received")) is not None)
    equal(received.findtext(f"{q('carbons:received')}/{q('forward:forwarded')}/{q('message')}/{q('body')}"), "in")
    await two.client["xep_0280"].disable()
    await one.send(other.jid, "quiet")
    await other.message("quiet")
    await two.send(two.jid, "settled")
    await two.message("settled")
    assert not [e for e in two.stanzas if e.find(q("carbons:sent")) is not None]


@test("blocking: list, block, no way through, unblock (XEP-0191)")
async def _():
    one, other = await client("xep_0191"), await client()
    plugin = one.client["xep_0191"]
    equal(await plugin.get_blocked_jids(), set())
    await plugin.block(other.account.jid)
    equal({str(jid) for jid in await plugin.get_blocked_jids()}, {other.account.jid})
    await other.send(one.account.jid, "through?")
    bounced = await other.wait(lambda e: e.tag == q("message") and e.get("type") == "error")
    equal(error_condition(bounced)[1], "service-unavailable")
    await one.write(f"<message xmlns='jabber:client' to='{other.account.jid}' id='own'><body>own</body></message>")
    refused = await one.wait(lambda e: e.get("type") == "error" and e.get("id") == "own")
    equal(error_condition(refused)[1], "not-acceptable")
    await plugin.unblock(other.account.jid)
    await other.send(one.account.jid, "again")
    await one.message("again")
    equal([body for body in one.bodies() if body == "through?"], [])


@test("privacy lists: written, active, listed, removed (XEP-0016)")
async def _():
    one, other = await online(), await online()
    rule = f"<item type='jid' value='{other.account.jid}' action='deny' order='1'><message/></item>"
    equal((await one.iq("set", f"<query xmlns='jabber:iq:privacy'><list name='quiet'>{rule}</list></query>")).get("type"), "result")
    equal((await one.iq("set", "<query xmlns='jabber:iq:privacy'><active name='quiet'/></query>")).get("type"), "result")
    lists = await one.iq("get", "<query xmlns='jabber:iq:privacy'/>")
    equal([e.get("name") for e in lists.iter("{jabber:iq:privacy}active")], ["quiet"])
    await other.message(one.jid, "no")
    await other.until_pong()
    equal([e for e in await one.until_pong() if e.tag == q("message")], [])
    equal((await one.iq("set", "<query xmlns='jabber:iq:privacy'><active/></query>")).get("type"), "result")
    await other.message(one.jid, "yes")
    await one.body("yes")
    equal((await one.iq("set", "<query xmlns='jabber:iq:privacy'><list name='quiet'/></query>")).get("type"), "result")
    missing = await one.iq("get", "<query xmlns='jabber:iq:privacy'><list name='quiet'/></query>")
    equal(error_condition(missing)[1], "item-not-found")


@test("client state: presence waits while inactive, a message comes with it (XEP-0352)")
async def _():
    one, other = await client(), await client()
    await contacts(one, other)
    raw = await online(one.account)
    await raw.until_pong()
    await raw.write("<inactive xmlns='urn:xmpp:csi:0'/>")
    await raw.until_pong()
    for number in range(5):
        await other.write(f"<presence xmlns='jabber:client'><status>{number}</status></presence>")
    await one.wait(lambda e: e.tag == q("presence") and e.findtext(q("status")) == "4")
    quiet = await raw.keep_reading(0.5)
    equal([e for e in quiet if e.tag == q("presence")], [], "presence while inactive")
    await other.send(raw.jid, "wake")
    seen = []
    while not seen or seen[-1].tag != q("message"):
        seen.append(await raw.read())
    await raw.write("<active xmlns='urn:xmpp:csi:0'/>")
    seen += await raw.until_pong()
    statuses = [e.findtext(q("status")) for e in seen if e.tag == q("presence")]
    equal(statuses[-1:], ["4"], "the last presence, at the latest when active again")
    assert len(statuses) < 5, f"all presences were kept: {statuses}"


@test("roster: items, groups, names, versions (RFC 6121 §2)")
async def _():
    one = await online()
    item = "<item jid='friend@example.org' name='A &lt;friend&gt;'><group>One</group><group>Two</group></item>"
    equal((await one.iq("set", f"<query xmlns='jabber:iq:roster'>{item}</query>")).get("type"), "result")
    answer = await one.iq("get", "<query xmlns='jabber:iq:roster' ver=''/>")
    seen = next(answer.iter(q("roster:item")))
    equal((seen.get("jid"), seen.get("name"), seen.get("subscription")), ("friend@example.org", "A <friend>", "none"))
    equal(sorted(group.text for group in seen), ["One", "Two"])
    version = answer.find(q("roster:query")).get("ver")
    assert version, show(answer)
    unchanged = await one.iq("get", f"<query xmlns='jabber:iq:roster' ver='{version}'/>")
    equal(unchanged.find(q("roster:query")), None, "answer to the version we have")
    await one.iq("set", "<query xmlns='jabber:iq:roster'><item jid='friend@example.org' subscription='remove'/></query>")
    answer = await one.iq("get", "<query xmlns='jabber:iq:roster'/>")
    equal(list(answer.iter(q("roster:item"))), [])


@test("archive: form fields, preferences, times, with, ids, full text, metadata (XEP-0313, XEP-0431)")
async def _():
    one, other, third = await online(), await online(), await online()
    for sender, text in ((other, "apples and pears"), (third, "plums"), (other, "an orange")):
        await sender.message(one.account.jid, text)
        await one.body(text)
    fields = await one.iq("get", "<query xmlns='urn:xmpp:mam:2'/>")
    names = {field.get("var") for field in fields.iter(q("data:field"))}
    for wanted in ("FORM_TYPE", "with", "start", "end", "before-id", "after-id", "ids", "{urn:xmpp:fulltext:0}fulltext"):
        assert wanted in names, f"{wanted} not in {names}"

    async def query(**wanted):
        form = "".join(f"<field var='{escape(name)}'>" + "".join(f"<value>{escape(v)}</value>" for v in ([value] if isinstance(value, str) else value)) + "</field>"
                       for name, value in wanted.items())
        id_ = "q" + uuid.uuid4().hex[:6]
        await one.write(f"<iq type='set' id='{id_}'><query xmlns='urn:xmpp:mam:2' queryid='{id_}'><x xmlns='jabber:x:data' type='submit'>"
                        f"<field var='FORM_TYPE' type='hidden'><value>urn:xmpp:mam:2</value></field>{form}</x></query></iq>")
        found = []
        while True:
            element = await one.expect(lambda e: True)
            if element.get("id") == id_:
                equal(element.get("type"), "result", show(element))
                return found
            result = element.find(q("mam:result"))
            if result is not None:
                found.append((result.get("id"), result.findtext(f"{q('forward:forwarded')}/{q('message')}/{q('body')}"),
                              result.find(f"{q('forward:forwarded')}/{q('delay:delay')}").get("stamp")))

    everything = await query()
    equal([text for _, text, _ in everything], ["apples and pears", "plums", "an orange"])
    equal([text for _, text, _ in await query(**{"with": other.account.jid})], ["apples and pears", "an orange"])
    equal([text for _, text, _ in await query(**{"{urn:xmpp:fulltext:0}fulltext": "plums"})], ["plums"])
    first, second, third_id = (entry[0] for entry in everything)
    equal([text for _, text, _ in await query(**{"after-id": first})], ["plums", "an orange"])
    equal([text for _, text, _ in await query(**{"before-id": third_id})], ["apples and pears", "plums"])
    equal([text for _, text, _ in await query(ids=[first, third_id])], ["apples and pears", "an orange"])
    equal([text for _, text, _ in await query(start="2001-01-01T00:00:00Z", end="2002-01-01T00:00:00Z")], [])
    equal([text for _, text, _ in await query(start=everything[1][2])][-1], "an orange")
    metadata = await one.iq("get", "<metadata xmlns='urn:xmpp:mam:2'/>")
    equal([(e.tag.rpartition("}")[2], e.get("id")) for e in metadata.iter() if e.get("id") in (first, third_id)], [("start", first), ("end", third_id)])


@test("archive preferences: never, always, roster, and their list (XEP-0313)")
async def _():
    one, other = await online(), await online()
    prefs = "<prefs xmlns='urn:xmpp:mam:2' default='never'><always/><never/></prefs>"
    answer = await one.iq("set", prefs)
    equal(answer.find(q("mam:prefs")).get("default"), "never", show(answer))
    await other.message(one.account.jid, "not kept")
    await one.body("not kept")
    answer = await one.iq("set", prefs.replace("<always/>", f"<always><jid>{other.account.jid}</jid></always>"))
    await other.message(one.account.jid, "kept")
    await one.body("kept")
    answer = await one.iq("get", "<prefs xmlns='urn:xmpp:mam:2'/>")
    equal(answer.findtext(f"{q('mam:prefs')}/{q('mam:always')}/{q('mam:jid')}"), other.account.jid)
    await one.write("<iq type='set' id='all'><query xmlns='urn:xmpp:mam:2'/></iq>")
    seen = []
    while True:
        element = await one.expect(lambda e: True)
        if element.get("id") == "all":
            break
        seen.append(element.findtext(f".//{q('body')}"))
    equal(seen, ["kept"])


@test("password: changed in band, old one gone; account removed in band (XEP-0077)")
async def _():
    one = await online()
    old = one.account.password
    new = "another secret"
    equal((await one.iq("set", f"<query xmlns='jabber:iq:register'><username>{one.account.user}</username><password>{new}</password></query>", to=DOMAIN)).get("type"), "result")
    refused = await Raw.connect()
    equal((await refused.auth(one.account.user, old)).tag, q("sasl:failure"))
    one.account.password = new
    again = await online(one.account)
    await again.write("<iq type='set' id='remove'><query xmlns='jabber:iq:register'><remove/></query></iq>")
    await again.end()
    gone = await Raw.connect()
    equal((await gone.auth(one.account.user, new)).tag, q("sasl:failure"))


@test("anonymous login gives an address of its own, twice two (XEP-0175)")
async def _():
    jids = []
    for _ in range(2):
        guest = await Raw.connect(to=f"anon.{DOMAIN}")
        assert "ANONYMOUS" in guest.mechanisms(), guest.mechanisms()
        await guest.write(f"<auth xmlns='{NS['sasl']}' mechanism='ANONYMOUS'/>")
        await guest.expect("sasl:success")
        await guest.open(f"anon.{DOMAIN}")
        jids.append(await guest.bind())
    assert len(set(jids)) == 2 and all(f"@anon.{DOMAIN}/" in jid for jid in jids), jids


@test("ad-hoc commands: listed for those who may (XEP-0050)")
async def _():
    one = await online()
    answer = await one.iq("get", "<query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'/>", to=DOMAIN)
    assert answer.get("type") in ("result", "error"), show(answer)
    unknown = await one.iq("set", "<command xmlns='http://jabber.org/protocol/commands' node='nonsense' action='execute'/>", to=DOMAIN)
    equal(unknown.get("type"), "error")


@test("an announcement to everybody online reaches them, from those alone who may (mod_announce)")
async def _():
    if BINARY:
        await ctl("register", "admin", DOMAIN, "admin-secret", check=False)
        admin = await online(Account("admin", "admin-secret"))
        one = await online()
        await admin.write(f"<message to='{DOMAIN}/announce/online'><subject>News</subject><body>announced</body></message>")
        equal((await one.body("announced")).findtext(q("subject")), "News")
    stranger, one = await online(), await online()
    await stranger.write(f"<message to='{DOMAIN}/announce/online' id='no'><body>spam</body></message>")
    await stranger.until_pong()
    equal([e.findtext(q("body")) for e in await one.until_pong() if e.findtext(q("body")) == "spam"], [])


@test("which address the server sees (mod_sic, XEP-0279)")
async def _():
    one = await online()
    answer = await one.iq("get", "<address xmlns='urn:xmpp:sic:1'/>", to=None)
    equal(answer.findtext("{urn:xmpp:sic:1}address/{urn:xmpp:sic:1}ip"), "127.0.0.1", show(answer))


@test("offline messages one by one: headers, view, remove (XEP-0013)")
async def _():
    who, sender = await account(), await online()
    for number in range(3):
        await sender.message(who.jid, f"kept {number}")
    await sender.until_pong()
    one = await Raw.connect()
    await one.login(who)
    items = await one.iq("get", "<query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/offline'/>")
    nodes = [e.get("node") for e in items.iter("{http://jabber.org/protocol/disco#items}item")]
    equal(len(nodes), 3, show(items))
    view = await one.iq("get", f"<offline xmlns='http://jabber.org/protocol/offline'><item action='view' node='{escape(nodes[1])}'/></offline>")
    equal(view.get("type"), "result")
    equal([e.findtext(q("body")) for e in one.kept if e.tag == q("message")], ["kept 1"])
    one.kept.clear()
    equal((await one.iq("set", "<offline xmlns='http://jabber.org/protocol/offline'><purge/></offline>")).get("type"), "result")
    await one.write("<presence/>")
    equal([e for e in await one.until_pong() if e.tag == q("message")], [], "messages after the purge")


run(at_once=4)
