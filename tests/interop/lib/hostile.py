"""What every hostile test does besides its own: prove that somebody else noticed nothing."""
import asyncio
import functools
import os

import suite
from raw import Raw, online

_witness = None
_gate = asyncio.Lock()


async def unharmed():
    """A session of somebody else, opened before the first attack, is still served, and quickly."""
    global _witness
    async with _gate:
        if _witness is None:
            _witness = await online()
        await asyncio.wait_for(_witness.until_pong(), 5)


def attack(name, seconds=30):
    """Registers a test that is surrounded by a look at the witness."""
    def register(function):
        @functools.wraps(function)
        async def surrounded():
            await unharmed()
            await function()
            await unharmed()
        return suite.test(name, seconds)(surrounded)
    return register


def attacks(rows, name, seconds=30):
    def register(function):
        for row in rows:
            attack(name(*row), seconds)(lambda row=row: function(*row))
        return function
    return register


def memory_kib():
    """Resident memory of the server."""
    with open(f"/proc/{suite.PID}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def log_text():
    """Everything the server has logged, wherever its configuration lets it."""
    places = [suite.LOG] + [os.path.join(folder, name) for folder, _, names in os.walk(suite.HOME or "/nonexistent")
                            for name in names if name.endswith(".log")]
    texts = []
    for place in places:
        if place and os.path.exists(place):
            with open(place, errors="replace") as log:
                texts.append(log.read())
    return "\n".join(texts)


def local_port(client: Raw):
    return client.writer.get_extra_info("sockname")[1]
