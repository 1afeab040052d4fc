# server: hostile.yml.in
# seconds: 120
"""Logins that lie: wrong names, downgrades, replays, guesses, resumption of other people's streams."""
import asyncio
import base64
import uuid

from hostile import attack, attacks
from raw import NS, Raw, account, online, q, show
from sasl import Scram, b64, plain, unb64
from suite import DOMAIN, ctl, equal, run, unique

OTHER = f"other.{DOMAIN}"


async def exchange(client, mechanism, *messages):
    """Sends an initial response, then a response for each challenge; the last answer."""
    first, *rest = messages
    body = "" if first is None else first
    await client.write(f"<auth xmlns='{NS['sasl']}' mechanism='{mechanism}'>{body}</auth>")
    answer = await client.read()
    for message in rest:
        if answer is None or answer.tag != q("sasl:challenge"):
            break
        await client.write(f"<response xmlns='{NS['sasl']}'>{message}</response>")
        answer = await client.read()
    return answer


def refused(answer, *conditions):
    """The login failed with one of these conditions, or the stream ended with an error."""
    assert answer is not None, "the stream ended without a word"
    if answer.tag == q("stream:error"):
        return
    equal(answer.tag, q("sasl:failure"), show(answer))
    names = [child.tag for child in answer]
    assert not conditions or any(q(f"sasl:{name}") in names for name in conditions), f"{show(answer)}, wanted {conditions}"


@attacks([("NONSENSE",), ("",), ("plain",), ("SCRAM-SHA-256-",), ("X" * 2000,), ("DIGEST-MD5",), ("EXTERNAL",), ("ANONYMOUS",)],
         lambda name: f"mechanism {name[:20] or '(empty)'} is refused")
async def _(name):
    client = await Raw.connect()
    assert name not in client.mechanisms(), client.mechanisms()
    refused(await exchange(client, name, "="), "invalid-mechanism", "not-authorized", "malformed-request", "incorrect-encoding")


MALFORMED = [
    ("no base64", "PLAIN", "*****"),
    ("base64 with a blank", "PLAIN", "AGEA Yg=="),
    ("nothing", "PLAIN", "="),
    ("one NUL", "PLAIN", b64(b"\0")),
    ("no NUL", "PLAIN", b64("abc")),
    ("four fields", "PLAIN", b64("\0a\0b\0c")),
    ("no user", "PLAIN", b64("\0\0b")),
    ("no UTF-8", "PLAIN", b64(b"\0a\xff\0b")),
    ("64 kB", "PLAIN", b64("\0a\0" + "b" * 40000)),
    ("nothing", "SCRAM-SHA-256", "="),
    ("no GS2 header", "SCRAM-SHA-256", b64("n=a,r=b")),
    ("a nonce left out", "SCRAM-SHA-256", b64("n,,n=a")),
    ("an unknown mandatory extension", "SCRAM-SHA-256", b64("n,,m=x,n=a,r=b")),
    ("a broken name escape", "SCRAM-SHA-256", b64("n,,n=a=2X,r=b")),
    ("an empty nonce", "SCRAM-SHA-256", b64("n,,n=a,r=")),
    ("an unknown channel binding", "SCRAM-SHA-256", b64("p=nonsense,,n=a,r=b")),
    ("a NUL in the name", "SCRAM-SHA-256", b64("n,,n=a\0b,r=c")),
    ("commas", "SCRAM-SHA-256", b64(",,,,,,,,,,")),
]


@attacks(MALFORMED, lambda what, mechanism, _: f"{mechanism} with {what} is refused")
async def _(what, mechanism, message):
    client = await Raw.connect()
    refused(await exchange(client, mechanism, message))


# Row 28: CVE of 2026; PLAIN's authzid is not a way into another account.
@attacks([("another user",), ("another host",), ("a host",), ("a broken address",), ("a full address",), ("the wrong case of another",)],
         lambda what: f"row 28: PLAIN for oneself as {what} gives nothing of others")
async def _(what):
    one, other = await account(), await account()
    authzid = {"another user": other.jid, "another host": f"{one.user}@{OTHER}", "a host": DOMAIN, "a broken address": "a@b@c",
               "a full address": f"{other.jid}/x", "the wrong case of another": other.jid.upper()}[what]
    client = await Raw.connect()
    refused(await client.auth(one.user, one.password, "PLAIN", authzid=authzid), "invalid-authzid", "not-authorized")


@attack("row 28: the same by SCRAM")
async def _():
    one, other = await account(), await account()
    for authzid in (other.jid, f"{one.user}@{OTHER}", "a@b@c"):
        client = await Raw.connect()
        refused(await client.auth(one.user, one.password, "SCRAM-SHA-1", authzid=authzid), "invalid-authzid", "not-authorized", "malformed-request")


@attack("row 28: one's own address as authzid is allowed")
async def _():
    who = await account()
    for mechanism in ("PLAIN", "SCRAM-SHA-1"):
        client = await Raw.connect()
        answer = await client.auth(who.user, who.password, mechanism, authzid=who.jid)
        equal(answer.tag, q("sasl:success"), show(answer))


@attack("row 61: a list of mechanisms cut by a man in the middle is noticed")
async def _():
    who = await account()
    client = await Raw.connect()
    assert any(name.endswith("-PLUS") for name in client.mechanisms()), client.mechanisms()
    # 'y': "I could bind, you offered no -PLUS" — which is not what this server offered.
    mechanism = next(name for name in client.mechanisms() if name.startswith("SCRAM") and not name.endswith("-PLUS"))
    refused(await client.auth(who.user, who.password, mechanism, flag="y"), "not-authorized", "malformed-request")


@attacks([("data",), ("type",), ("plain final",)], lambda what: f"row 61: a wrong channel binding ({what}) is refused")
async def _(what):
    who = await account()
    client = await Raw.connect()
    mechanism = next(name for name in client.mechanisms() if name.endswith("-PLUS"))
    kind, data = client.server_end_point()
    binding = {"data": (kind, b"\0" * 32), "type": ("tls-unique", data), "plain final": (kind, b"")}[what]
    refused(await client.auth(who.user, who.password, mechanism, binding=binding))


@attack("row 61: -PLUS without binding, and binding without -PLUS, are refused")
async def _():
    who = await account()
    client = await Raw.connect()
    plus = next(name for name in client.mechanisms() if name.endswith("-PLUS"))
    refused(await client.auth(who.user, who.password, plus))
    client = await Raw.connect()
    refused(await client.auth(who.user, who.password, plus.removesuffix("-PLUS"), binding=client.server_end_point()))


@attack("SCRAM: a wrong proof, a shortened proof, another nonce and a replay are refused")
async def _():
    who = await account()
    mechanism = "SCRAM-SHA-1"

    async def begun():
        client, scram = await Raw.connect(), Scram(mechanism, who.user, who.password)
        await client.write(f"<auth xmlns='{NS['sasl']}' mechanism='{mechanism}'>{b64(scram.first())}</auth>")
        challenge = await client.expect("sasl:challenge")
        return client, scram, unb64(challenge.text).decode()

    async def answered(client, final):
        await client.write(f"<response xmlns='{NS['sasl']}'>{b64(final)}</response>")
        return await client.read()

    client, scram, challenge = await begun()
    right = scram.final(challenge)
    refused(await answered(client, scram.final(challenge, proof=b"\0" * 20)), "not-authorized")
    client, _, _ = await begun()
    refused(await answered(client, right))
    client, scram, challenge = await begun()
    refused(await answered(client, scram.final(challenge, proof=b"")))
    client, scram, challenge = await begun()
    refused(await answered(client, scram.final(challenge).replace("r=", "r=x")))
    client, scram, challenge = await begun()
    final = scram.final(challenge)
    refused(await answered(client, final.rsplit(",p=", 1)[0]))


@attack("SCRAM: an unknown account looks like a known one with a wrong password, twice the same salt")
async def _():
    who, stranger = await account(), unique("stranger")

    async def challenge(user):
        client, scram = await Raw.connect(), Scram("SCRAM-SHA-256", user, "wrong")
        await client.write(f"<auth xmlns='{NS['sasl']}' mechanism='SCRAM-SHA-256'>{b64(scram.first())}</auth>")
        answer = await client.read()
        if answer.tag != q("sasl:challenge"):
            return answer.tag, None, show(answer)
        text = unb64(answer.text).decode()
        fields = dict(part.split("=", 1) for part in text.split(","))
        await client.write(f"<response xmlns='{NS['sasl']}'>{b64(scram.final(text))}</response>")
        last = await client.read()
        return answer.tag, (fields["s"], fields["i"]), show(last)

    known, first, second = await challenge(who.user), await challenge(stranger), await challenge(stranger)
    equal(first[0], known[0], "answer")
    equal(first[2], known[2], "failure")
    equal(first[1], second[1], "salt and count of a stranger")
    if known[1]:
        equal((len(first[1][0]), first[1][1]), (len(known[1][0]), known[1][1]), "shape of salt and count")


@attack("after too many wrong passwords the stream ends")
async def _():
    who = await account()
    client = await Raw.connect()
    for _ in range(20):
        try:
            answer = await client.auth(who.user, "wrong", "PLAIN")
        except ConnectionError:
            return
        if answer is None or answer.tag == q("stream:error"):
            return
        equal(answer.tag, q("sasl:failure"), show(answer))
    raise AssertionError("20 guesses on one stream")


@attack("abort ends the exchange, another login may follow")
async def _():
    who = await account()
    client = await Raw.connect()
    await client.write(f"<auth xmlns='{NS['sasl']}' mechanism='SCRAM-SHA-1'>{b64(Scram('SCRAM-SHA-1', who.user, 'x').first())}</auth>")
    await client.expect("sasl:challenge")
    await client.write(f"<abort xmlns='{NS['sasl']}'/>")
    refused(await client.read(), "aborted")
    equal((await client.auth(who.user, who.password)).tag, q("sasl:success"))


@attack("a response that nobody asked for is refused")
async def _():
    client = await Raw.connect()
    await client.write(f"<response xmlns='{NS['sasl']}'>{b64('x')}</response>")
    answer = await client.read()
    assert answer is None or answer.tag in (q("sasl:failure"), q("stream:error")), show(answer)


@attack("SASL2: malformed requests are refused")
async def _():
    for inner in ("<initial-response>***</initial-response>", f"<initial-response>{b64('nonsense')}</initial-response>",
                  "<initial-response>=</initial-response><user-agent id='not a uuid'/>"):
        client = await Raw.connect()
        await client.write(f"<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'>{inner}</authenticate>")
        answer = await client.read()
        assert answer is None or answer.tag in (q("sasl2:failure"), q("stream:error")), show(answer)


@attack("row 33: resumption ids are long, different and without pattern")
async def _():
    ids = []
    for _ in range(8):
        client = await online(presence=False)
        await client.enable()
        ids.append(client.sm_id)
        client.abort()
    equal(len(set(ids)), len(ids), "different ids")
    try:
        data = [base64.b64decode(id_ + "=" * (-len(id_) % 4)) for id_ in ids]
    except ValueError:
        data = [id_.encode() for id_ in ids]
    # Bits that are never the same in all eight: random ids leave about 1 in 128 of them.
    shortest = min(map(len, data))
    varying = 0
    for place in range(shortest):
        some, every = 0, 255
        for entry in data:
            some |= entry[place]
            every &= entry[place]
        varying += bin(some & ~every).count("1")
    assert varying >= 90, f"only {varying} bits of an id vary"


async def parted(who=None):
    """A session cut without a word: (account, id, its address)."""
    client = await online(who, presence=False)
    await client.enable()
    client.abort()
    return client.account, client.sm_id, client.jid


@attack("row 63: another user cannot resume a stream")
async def _():
    owner, id_, jid = await parted()
    thief = await account()
    client = await Raw.connect()
    answer = await client.resume(thief, id_, 0)
    equal(answer.tag, q("sm:failed"), show(answer))
    client.abort()
    client = await Raw.connect()
    answer = await client.resume(owner, id_, 0)
    equal(answer.tag, q("sm:resumed"), f"the owner: {show(answer)}")


@attack("row 63: a guessed or broken resumption id fails, and the stream can bind")
async def _():
    who = await account()
    for id_ in ("", "x", "A" * 5000, "../../etc/passwd", "' OR 1=1 --", str(uuid.uuid4())):
        client = await Raw.connect()
        answer = await client.resume(who, id_, 0)
        equal(answer.tag, q("sm:failed"), show(answer))
        assert await client.bind()
        client.abort()


@attack("row 63: a count of more than was sent is refused")
async def _():
    owner, id_, _ = await parted()
    client = await Raw.connect()
    answer = None
    try:
        answer = await client.resume(owner, id_, 4000000)
    except AssertionError as error:
        assert "undefined" in str(error) or "ended" in str(error), error
    assert answer is None or answer.tag == q("sm:failed"), show(answer)


@attack("row 63: a stream is resumed once; the one cut off by it is ended with an error")
async def _():
    owner, id_, _ = await parted()
    first, second = await Raw.connect(), await Raw.connect()
    equal((await first.resume(owner, id_, 0)).tag, q("sm:resumed"))
    answer = await second.resume(owner, id_, 0)
    if answer.tag == q("sm:resumed"):
        # The newer connection has the stream: the older one has lost it and is told so.
        await first.stream_error("conflict")
    else:
        await first.until_pong()


@attack("row 63: after a change of password the stream cannot be resumed with the old one")
async def _():
    owner, id_, _ = await parted()
    old = owner.password
    await ctl("change_password", owner.user, DOMAIN, "another" + unique())
    client = await Raw.connect()
    refused(await client.auth(owner.user, old), "not-authorized")


@attack("row 63: resuming without login is refused")
async def _():
    _, id_, _ = await parted()
    client = await Raw.connect()
    await client.write(f"<resume xmlns='urn:xmpp:sm:3' previd='{id_}' h='0'/>")
    answer = await client.read()
    assert answer is None or answer.tag in (q("sm:failed"), q("stream:error")), show(answer)


@attack("stream management: broken requests are refused")
async def _():
    for data in ("<a xmlns='urn:xmpp:sm:3'/>", "<a xmlns='urn:xmpp:sm:3' h='x'/>", "<a xmlns='urn:xmpp:sm:3' h='-1'/>",
                 "<a xmlns='urn:xmpp:sm:3' h='99999999999999999999'/>", "<enable xmlns='urn:xmpp:sm:3'/>",
                 "<resume xmlns='urn:xmpp:sm:3' previd='x' h='0'/>", "<nonsense xmlns='urn:xmpp:sm:3'/>"):
        client = await online()
        await client.enable()
        await client.write(data)
        answer = await client.read()
        assert answer is None or answer.tag in (q("sm:failed"), q("stream:error")), f"{data}: {show(answer)}"
        client.abort()


@attack("stream management: acknowledging more than was sent ends the stream")
async def _():
    client = await online()
    await client.enable()
    await client.write("<a xmlns='urn:xmpp:sm:3' h='1000'/>")
    await client.stream_error("undefined-condition", "policy-violation")


run()
