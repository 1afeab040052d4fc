# server: nightjar.yml.in
# seconds: 90
"""Every mechanism by name, bound to the channel or not; SASL2, Bind 2 and FAST where no client speaks all of them."""
import asyncio
import hashlib
import hmac
import ssl
import uuid

from OpenSSL import SSL

from raw import NS, Raw, account, context, online, q, show, stream_header
from sasl import HASHES, Scram, b64, plain, unb64
from suite import DOMAIN, HOST, TLS_PORT, equal, run, table, test


@table([(name, tls) for name in ("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN") for tls in ("starttls", "direct")],
       lambda name, tls: f"{name} over {tls}")
async def _(name, tls):
    client = await Raw.connect(tls)
    who = await account()
    equal((await client.auth(who.user, who.password, name)).tag, q("sasl:success"))


@table([(name, version) for name in ("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512") for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)],
       lambda name, version: f"{name}-PLUS bound by tls-server-end-point over {version.name}")
async def _(name, version):
    made = context()
    made.minimum_version = made.maximum_version = version
    client = await Raw.connect("direct", tls_context=made)
    who = await account()
    equal((await client.auth(who.user, who.password, f"{name}-PLUS", binding=client.server_end_point())).tag, q("sasl:success"))


def exporter_login(who, mechanism):
    """Over OpenSSL itself, which can export keying material (RFC 9266); blocking."""
    import socket
    from xml.etree import ElementTree
    tls = SSL.Context(SSL.TLS_CLIENT_METHOD)
    tls.set_min_proto_version(SSL.TLS1_3_VERSION)
    connection = SSL.Connection(tls, socket.create_connection((HOST, TLS_PORT), 5))
    connection.set_tlsext_host_name(DOMAIN.encode())
    connection.setblocking(True)
    connection.set_connect_state()
    connection.do_handshake()
    binding = ("tls-exporter", connection.export_keying_material(b"EXPORTER-Channel-Binding", 32, b""))
    heard = b""

    def until(*ends):
        nonlocal heard
        while not any(end in heard for end in ends):
            heard += connection.recv(65536)
        text, heard = heard.decode(), b""
        return text

    connection.sendall(stream_header().encode())
    until(b"</stream:features>")
    scram = Scram(mechanism, who.user, who.password, binding)
    connection.sendall(f"<auth xmlns='{NS['sasl']}' mechanism='{mechanism}'>{b64(scram.first())}</auth>".encode())
    challenge = ElementTree.fromstring(until(b"</challenge>", b"</failure>"))
    assert challenge.tag == q("sasl:challenge"), show(challenge)
    connection.sendall(f"<response xmlns='{NS['sasl']}'>{b64(scram.final(unb64(challenge.text).decode()))}</response>".encode())
    answer = ElementTree.fromstring(until(b"</success>", b"</failure>"))
    connection.close()
    return answer


@test("SCRAM-SHA-1-PLUS bound by tls-exporter over TLS 1.3")
async def _():
    answer = await asyncio.to_thread(exporter_login, await account(), "SCRAM-SHA-1-PLUS")
    equal(answer.tag, q("sasl:success"), show(answer))


@test("which channel bindings there are (XEP-0440)")
async def _():
    for version, wanted in ((ssl.TLSVersion.TLSv1_2, {"tls-server-end-point"}), (ssl.TLSVersion.TLSv1_3, {"tls-server-end-point", "tls-exporter"})):
        made = context()
        made.minimum_version = made.maximum_version = version
        client = await Raw.connect("direct", tls_context=made)
        seen = {e.get("type") for e in client.features.iter(q("binding:channel-binding"))}
        assert wanted <= seen, f"{version.name}: {seen}"


@test("the limits of the stream are told (XEP-0478)")
async def _():
    client = await Raw.connect()
    limits = client.features.find("{urn:xmpp:stream-limits:0}limits")
    assert limits is not None, show(client.features)
    assert int(limits.findtext("{urn:xmpp:stream-limits:0}max-bytes")) >= 10000, show(limits)


@test("what was offered is hashed into the exchange (XEP-0474)")
async def _():
    client, who = await Raw.connect(), await account()
    scram = Scram("SCRAM-SHA-1", who.user, who.password)
    await client.write(f"<auth xmlns='{NS['sasl']}' mechanism='SCRAM-SHA-1'>{b64(scram.first())}</auth>")
    challenge = unb64((await client.expect("sasl:challenge")).text).decode()
    fields = dict(part.split("=", 1) for part in challenge.split(","))
    offered = "\x1e".join(sorted(client.mechanisms()))
    bindings = sorted(e.get("type") for e in client.features.iter(q("binding:channel-binding")))
    if bindings:
        offered += "\x1f" + "\x1e".join(bindings)
    equal(fields.get("h"), b64(hashlib.sha1(offered.encode()).digest()), "hash of what was offered")


@test("log-in data may come in a response of its own")
async def _():
    client, who = await Raw.connect(), await account()
    await client.write(f"<auth xmlns='{NS['sasl']}' mechanism='PLAIN'/>")
    await client.expect("sasl:challenge")
    await client.write(f"<response xmlns='{NS['sasl']}'>{plain(who.user, who.password)}</response>")
    equal((await client.read()).tag, q("sasl:success"))


async def sasl2(client, who, mechanism="SCRAM-SHA-1", inner="", binding=None):
    """The element that ends the exchange."""
    if mechanism == "PLAIN":
        first = plain(who.user, who.password)
    else:
        scram = Scram(mechanism, who.user, who.password, binding)
        first = b64(scram.first())
    await client.write(f"<authenticate xmlns='urn:xmpp:sasl:2' mechanism='{mechanism}'><initial-response>{first}</initial-response>{inner}</authenticate>")
    answer = await client.read()
    if answer.tag == q("sasl2:challenge"):
        final = scram.final(unb64(answer.text).decode())
        await client.write(f"<response xmlns='urn:xmpp:sasl:2'>{b64(final)}</response>")
        answer = await client.read()
        if answer.tag == q("sasl2:success"):
            assert scram.verified(unb64(answer.findtext(q("sasl2:additional-data"))).decode())
    return answer


BIND2 = ("<bind xmlns='urn:xmpp:bind:0'><tag>tester</tag><enable xmlns='urn:xmpp:sm:3' resume='true'/>"
         "<enable xmlns='urn:xmpp:carbons:2'/><inactive xmlns='urn:xmpp:csi:0'/></bind>")


@table([("PLAIN",), ("SCRAM-SHA-1",), ("SCRAM-SHA-1-PLUS",)], lambda name: f"SASL2 by {name}, then binding as before (XEP-0388)")
async def _(name):
    client, who = await Raw.connect("direct"), await account()
    offered = [e.text for e in client.features.iter(q("sasl2:mechanism"))]
    assert name in offered, offered
    answer = await sasl2(client, who, name, binding=client.server_end_point() if name.endswith("PLUS") else None)
    equal(answer.tag, q("sasl2:success"), show(answer))
    equal(answer.findtext(q("sasl2:authorization-identifier")).partition("/")[0], who.jid)
    client.features = await client.expect("stream:features")
    assert await client.bind()
    await client.until_pong()


@test("SASL2 with a wrong password fails, and the stream takes another try")
async def _():
    client, who = await Raw.connect("direct"), await account()
    right, who.password = who.password, "wrong"
    answer = await sasl2(client, who)
    equal(answer.tag, q("sasl2:failure"), show(answer))
    assert answer.find(q("sasl:not-authorized")) is not None, show(answer)
    who.password = right
    equal((await sasl2(client, who)).tag, q("sasl2:success"))


@test("Bind 2: one exchange logs in, binds, enables stream management and carbons (XEP-0386)")
async def _():
    client, who = await Raw.connect("direct"), await account()
    inline = client.features.find(f"{q('sasl2:authentication')}/{q('sasl2:inline')}")
    assert inline is not None and inline.find(q("bind2:bind")) is not None, show(client.features)
    answer = await sasl2(client, who, inner=BIND2)
    equal(answer.tag, q("sasl2:success"), show(answer))
    jid = answer.findtext(q("sasl2:authorization-identifier"))
    assert jid.startswith(f"{who.jid}/tester"), jid
    bound = answer.find(q("bind2:bound"))
    assert bound is not None and bound.find(q("sm:enabled")) is not None, show(answer)
    await client.expect("stream:features")
    await client.write("<active xmlns='urn:xmpp:csi:0'/><presence/>")
    other, friend = await online(who), await online()
    await other.message(friend.jid, "seen by the first as well")
    await client.expect(lambda e: e.find(q("carbons:sent")) is not None)


@test("SASL2 resumes a stream in the same exchange (XEP-0198 §2)")
async def _():
    who, sender = await account(), await online()
    client = await Raw.connect("direct")
    bound = (await sasl2(client, who, inner=BIND2)).find(q("bind2:bound"))
    id_ = bound.find(q("sm:enabled")).get("id")
    await client.expect("stream:features")
    await client.write("<active xmlns='urn:xmpp:csi:0'/><presence/>")
    await client.until_pong()
    client.abort()
    await sender.message(who.jid, "while cut off")
    await sender.until_pong()
    again = await Raw.connect("direct")
    # What was handled does not matter: the server repeats what the count leaves out.
    answer = await sasl2(again, who, inner=f"<resume xmlns='urn:xmpp:sm:3' previd='{id_}' h='0'/>")
    equal(answer.tag, q("sasl2:success"), show(answer))
    assert answer.find(q("sm:resumed")) is not None, show(answer)
    await again.body("while cut off")


def fast_response(who, token, role=b"Initiator", hash_="sha256", binding=b""):
    return hmac.new(token.encode(), role + binding, hash_).digest()


async def fast_login(client, who, token, agent, mechanism="HT-SHA-256-NONE", extra="<fast xmlns='urn:xmpp:fast:0' count='%d'/>", count=1, binding=b""):
    first = b64(who.user.encode() + b"\0" + fast_response(who, token, binding=binding))
    await client.write(f"<authenticate xmlns='urn:xmpp:sasl:2' mechanism='{mechanism}'><initial-response>{first}</initial-response>"
                       f"{agent}{extra % count}{BIND2}</authenticate>")
    return await client.read()


def user_agent():
    return f"<user-agent id='{uuid.uuid4()}'><software>tests</software><device>machine</device></user-agent>"


async def token_for(who, agent, mechanism="HT-SHA-256-NONE"):
    client = await Raw.connect("direct")
    answer = await sasl2(client, who, inner=f"{agent}<request-token xmlns='urn:xmpp:fast:0' mechanism='{mechanism}'/>{BIND2}")
    equal(answer.tag, q("sasl2:success"), show(answer))
    token = answer.find(q("fast:token"))
    assert token is not None and token.get("token") and token.get("expiry"), show(answer)
    client.abort()
    return token.get("token")


@test("FAST: a token logs in again, and the server proves that it knows it (XEP-0484)")
async def _():
    who, agent = await account(), user_agent()
    token = await token_for(who, agent)
    for count in (1, 2):
        client = await Raw.connect("direct")
        answer = await fast_login(client, who, token, agent, count=count)
        equal(answer.tag, q("sasl2:success"), show(answer))
        equal(unb64(answer.findtext(q("sasl2:additional-data"))), fast_response(who, token, b"Responder"), "the server's proof")
        client.abort()


@test("FAST: a wrong token, another device and another account are refused")
async def _():
    who, agent, other = await account(), user_agent(), await account()
    token = await token_for(who, agent)

    async def refused(*arguments, **options):
        client = await Raw.connect("direct")
        answer = await fast_login(client, *arguments, **options)
        equal(answer.tag, q("sasl2:failure"), show(answer))
        client.abort()

    await refused(who, token[:-1] + ("a" if token[-1] != "a" else "b"), agent)
    await refused(other, token, agent)
    await refused(who, token, user_agent())


@test("FAST: a token is gone after its invalidation and after a change of password")
async def _():
    who, agent = await account(), user_agent()
    token = await token_for(who, agent)
    client = await Raw.connect("direct")
    answer = await fast_login(client, who, token, agent, extra="<fast xmlns='urn:xmpp:fast:0' count='%d' invalidate='true'/>")
    equal(answer.tag, q("sasl2:success"), show(answer))
    client.abort()
    client = await Raw.connect("direct")
    equal((await fast_login(client, who, token, agent, count=2)).tag, q("sasl2:failure"))
    token = await token_for(who, agent)
    one = await online(who)
    await one.iq("set", f"<query xmlns='jabber:iq:register'><username>{who.user}</username><password>new one</password></query>", to=DOMAIN)
    client = await Raw.connect("direct")
    equal((await fast_login(client, who, token, agent)).tag, q("sasl2:failure"))


run()
