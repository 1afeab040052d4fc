# server: none
# seconds: 90
"""What a node does when connections take all there is: it keeps a rest for itself, and its rules."""
import asyncio
import signal

from raw import Raw, account, online, q
from server import Server
from suite import CONFIG, DOMAIN, HOST, LOG, PORT, ctl, equal, run, test

FILES = 300


class Poor(Server):
    """A node that may open few files."""
    async def start(self):
        real = asyncio.create_subprocess_exec

        async def limited(*words, **options):
            return await real("prlimit", f"--nofile={FILES}:{FILES}", *words, **options)

        asyncio.create_subprocess_exec = limited
        try:
            return await super().start()
        finally:
            asyncio.create_subprocess_exec = real


def with_options(**options):
    """The configuration with these top-level options first."""
    with open(CONFIG) as file:
        text = file.read()
    path = f"{CONFIG}.budget"
    with open(path, "w") as file:
        file.write("".join(f"{name}: {value}\n" for name, value in options.items()) + text)
    return path


async def refused():
    """Whether one more connection is told that there are too many."""
    client = await Raw.connect("none", open=False)
    await client.write(f"<?xml version='1.0'?><stream:stream to='{DOMAIN}' version='1.0' xmlns='jabber:client' "
                       "xmlns:stream='http://etherx.jabber.org/streams'>")
    element = await client.read()
    client.abort()
    return element is not None and element.find(q("error:resource-constraint")) is not None


async def fill():
    """Connects until there is no more room."""
    writers = []
    while not await refused():
        for _ in range(5):
            _, writer = await asyncio.open_connection(HOST, PORT)
            writers.append(writer)
        assert len(writers) < FILES, "nothing was refused"
    return writers


@test("limits follow from the files a node may open", 30)
async def _():
    server = await Poor().start()
    try:
        writers = await fill()
        assert FILES // 5 - 5 <= len(writers) <= FILES // 5 + 5, len(writers)
        for writer in writers:
            writer.transport.abort()
    finally:
        await server.end(signal.SIGTERM)


@test("row 82: with every connection taken the operator gets in, and a reload keeps what holds", 60)
async def _():
    server = await Poor(with_options(unauthenticated_connections_max="infinity")).start()
    try:
        who = await account()
        resident = await online(who)
        writers = await fill()
        assert len(writers) > FILES * 8 // 10, len(writers)
        await ctl("reload_config")
        # The same configuration is in force: TLS is still required, the resident still there, the limit still met.
        # Connections of the test's own that were being closed may have left a few places.
        more = await fill()
        assert len(more) < 10, len(more)
        writers += more
        await resident.until_pong()
        await ctl("register", "another", DOMAIN, "a password")
        with open(server.config, "a") as file:
            file.write("\nnonsense: [\n")
        code, _ = await ctl("reload_config", check=False)
        assert code != 0, "a broken configuration was taken"
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0.5)
        client = await Raw.connect("none")
        equal(client.mechanisms(), [], "mechanisms before TLS")
        await online(who)
        with open(LOG) as log:
            assert "Too many open files" not in log.read(), "the node ran out of files"
    finally:
        await server.end(signal.SIGTERM)


@test("connections_max holds for those who have logged in, too, and follows a reload", 30)
async def _():
    server = await Server(with_options(connections_max=8)).start()
    try:
        residents = [await online() for _ in range(8)]
        assert await refused()
        residents.pop().abort()
        await asyncio.sleep(0.3)
        assert not await refused()
        with_options(connections_max=20)
        await ctl("reload_config")
        residents += [await online() for _ in range(5)]
        for resident in residents:
            await resident.until_pong()
    finally:
        await server.end(signal.SIGTERM)


run(at_once=1)
