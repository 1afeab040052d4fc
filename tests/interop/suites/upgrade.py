# server: none
# seconds: 60
"""An account made when one hash was stored gets another by an upgrade task (XEP-0480), without a new password."""
import hashlib
import signal

from raw import Raw, account, q, show
from sasl import Scram, b64, unb64
from server import Server
from suite import CONFIG, equal, run, test

UPGRADE = "urn:xmpp:sasl:upgrade:0"


def with_types(types):
    """The configuration with these password types stored."""
    with open(CONFIG) as file:
        lines = [line for line in file if not line.startswith("auth_stored_password_types")]
    path = f"{CONFIG}.{'-'.join(types)}"
    with open(path, "w") as file:
        file.write(f"auth_stored_password_types: [{', '.join(types)}]\n" + "".join(lines))
    return path


async def upgraded(who, salted=None):
    """Logs in by SCRAM-SHA-1 and does the upgrade task; `salted` replaces the right answer."""
    client = await Raw.connect("direct")
    offered = [e.text for e in client.features.iter("{%s}upgrade" % UPGRADE)]
    assert "UPGR-SCRAM-SHA-256" in offered, show(client.features)
    scram = Scram("SCRAM-SHA-1", who.user, who.password)
    await client.write(f"<authenticate xmlns='urn:xmpp:sasl:2' mechanism='SCRAM-SHA-1'><initial-response>{b64(scram.first())}</initial-response>"
                       f"<upgrade xmlns='{UPGRADE}'>UPGR-SCRAM-SHA-256</upgrade></authenticate>")
    challenge = await client.expect("sasl2:challenge")
    await client.write(f"<response xmlns='urn:xmpp:sasl:2'>{b64(scram.final(unb64(challenge.text).decode()))}</response>")
    answer = await client.read()
    equal(answer.tag, q("sasl2:continue"), show(answer))
    assert scram.verified(unb64(answer.findtext(q("sasl2:additional-data"))).decode())
    await client.write("<next xmlns='urn:xmpp:sasl:2' task='UPGR-SCRAM-SHA-256'/>")
    salt = (await client.expect("sasl2:task-data")).find("{urn:xmpp:scram-upgrade:0}salt")
    salted = salted or hashlib.pbkdf2_hmac("sha256", who.password.encode(), unb64(salt.text), int(salt.get("iterations")))
    await client.write(f"<task-data xmlns='urn:xmpp:sasl:2'><hash xmlns='urn:xmpp:scram-upgrade:0'>{b64(salted)}</hash></task-data>")
    return await client.read()


@test("a stronger hash is added by its owner, and a login by it follows", 50)
async def _():
    server = await Server(with_types(["scram_sha1"])).start()
    who, careless = await account(), await account()
    await server.end(signal.SIGTERM)
    server = await Server(with_types(["scram_sha1", "scram_sha256"])).start()
    try:
        client = await Raw.connect()
        equal((await client.auth(who.user, who.password, "SCRAM-SHA-256")).tag, q("sasl:failure"), "before the upgrade")
        equal((await upgraded(who)).tag, q("sasl2:success"))
        client = await Raw.connect()
        equal((await client.auth(who.user, who.password, "SCRAM-SHA-256")).tag, q("sasl:success"), "after it")
        answer = await upgraded(careless, b"too short")
        equal(answer.tag, q("sasl2:failure"), show(answer))
        client = await Raw.connect()
        equal((await client.auth(careless.user, careless.password)).tag, q("sasl:success"), "with the old hash")
    finally:
        await server.end(signal.SIGTERM)


run(at_once=1)
