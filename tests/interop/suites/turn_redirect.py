# server: turn_redirect.yml.in
# seconds: 120
"""A server without room for more relays sends coturn's client to another one: a Nightjar, or a coturn."""
import asyncio
import os

from aioice import stun, turn

from raw import account
from relays import uclient
from suite import DOMAIN, HOST, ctl, equal, run, test

# aioice doesn't know it (RFC 8489 §14.15).
ALTERNATE_SERVER = (0x8023, "ALTERNATE-SERVER", stun.pack_address, stun.unpack_address)
stun.ATTRIBUTES_BY_TYPE[ALTERNATE_SERVER[0]] = stun.ATTRIBUTES_BY_NAME[ALTERNATE_SERVER[1]] = ALTERNATE_SERVER
PORT = int(os.environ["NJ_PORT_STUN"])
OTHER_PORT = int(os.environ["NJ_PORT_STUN_OTHER"])
PEER_PORT = int(os.environ["NJ_PORT_STUN_PEER"])


async def counters():
    lines = (await ctl("turn_statistics"))[1].splitlines()
    return {name: int(value) for name, value in (line.split("\t") for line in lines)}


async def more(before, *names):
    """By how much counters have grown."""
    now = await counters()
    return tuple(now[name] - before[name] for name in names)


async def endpoint(who, port):
    relay, _ = await turn.create_turn_endpoint(
        asyncio.DatagramProtocol, server_addr=(HOST, port), username=who.user, password=who.password)
    return relay


async def refused(who, port):
    """The answer to a client that isn't given a relay; aioice follows none."""
    try:
        (await endpoint(who, port)).close()
    except stun.TransactionFailed as error:
        return error.response.attributes
    raise AssertionError("there is a relay")


async def coturn(who):
    """Debian's coturn, which knows the account."""
    process = await asyncio.create_subprocess_exec(
        "turnserver", "-n", "-L", HOST, "-E", HOST, "--no-tls", "--no-dtls", "-a", "-u", f"{who.user}:{who.password}",
        "-r", DOMAIN, "--allow-loopback-peers", "--no-cli", "--listening-port", str(PEER_PORT), "--min-port", "56000",
        "--max-port", "56999", "--no-stdout-log", "--log-file", os.devnull, "--pidfile", os.path.abspath("coturn.pid"),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL)
    while True:
        try:
            _, writer = await asyncio.open_connection(HOST, PEER_PORT)
            writer.close()
            return process
        except OSError:
            assert process.returncode is None, "coturn has ended"
            await asyncio.sleep(0.05)


@test("a server that is full sends clients to another one, and takes them again when it isn't", seconds=60)
async def _():
    who = await account()
    relay = await endpoint(who, PORT)
    answer = await refused(await account(), PORT)
    equal(answer["ERROR-CODE"][0], 300)
    # Of several aioice keeps the last, which is the one of the other family; coturn's client takes the first.
    equal(answer["ALTERNATE-SERVER"], ("::1", OTHER_PORT))
    before = await counters()
    await uclient(who.user, who.password, port=PORT)
    redirected, full = await more(before, "redirected", "quota_of_server_reached")
    assert redirected > 0 and redirected == full, (redirected, full)
    relay.close()
    before = await counters()
    for _ in range(50):
        # Closing only sends a request.
        if (await counters())["relay_ports_used"] == 0:
            break
        await asyncio.sleep(0.1)
    (await endpoint(who, PORT)).close()
    equal(await more(before, "redirected", "allocations"), (0, 1))


@test("turn_drain sends clients to a coturn; relays that are there go on", seconds=60)
async def _():
    who = await account()
    other = await coturn(who)
    try:
        relay = await endpoint(who, OTHER_PORT)
        await ctl("turn_drain", "on")
        before = await counters()
        await uclient(who.user, who.password, port=OTHER_PORT)
        redirected, allocations = await more(before, "redirected", "allocations")
        assert redirected > 0 and allocations == 0, (redirected, allocations)
        assert "127.0.0.1:%d" % relay.get_extra_info("sockname")[1] in (await ctl("turn_allocations"))[1]
        await ctl("turn_drain", "off")
        before = await counters()
        await uclient(who.user, who.password, port=OTHER_PORT)
        redirected, allocations = await more(before, "redirected", "allocations")
        assert redirected == 0 and allocations > 0, (redirected, allocations)
        relay.close()
    finally:
        other.terminate()
        await other.wait()


@test("who hasn't shown a password, or has a wrong one, isn't told of another server")
async def _():
    await ctl("turn_drain", "on")
    try:
        who = await account()
        who.password = "guess"
        answer = await refused(who, OTHER_PORT)
        equal((answer["ERROR-CODE"][0], "ALTERNATE-SERVER" in answer), (401, False))
    finally:
        await ctl("turn_drain", "off")
    equal((await ctl("turn_drain", "maybe", check=False))[0] != 0, True)


run(at_once=1)
