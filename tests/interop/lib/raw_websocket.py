"""A WebSocket client that says exactly what it is told."""
import asyncio
import os

from dialled import Dialled
from suite import equal

PORT = int(os.environ["NJ_PORT_HTTP"])
TLS_PORT = int(os.environ["NJ_PORT_HTTPS"])
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
MASK = bytes([0x37, 0xFA, 0x21, 0x3D])
TEXT, BINARY, CLOSE, PING, PONG = 0x81, 0x82, 0x88, 0x89, 0x8A


def masked(payload, mask=MASK):
    return bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def frame(first, payload=b"", mask=MASK, length=None, form=None):
    """A frame, in the form of lengths that is asked for (7, 16 or 64 bits), saying this length whatever the payload is."""
    length = len(payload) if length is None else length
    form = form or (7 if length < 126 else 16 if length < 65536 else 64)
    code = {7: length, 16: 126, 64: 127}[form]
    head = bytes([first, code | (0x80 if mask else 0)]) + (length.to_bytes(form // 8, "big") if form > 7 else b"")
    return head + (mask + masked(payload, mask) if mask else payload)


def request(path, changes=(), method="GET", version="HTTP/1.1"):
    """The head of an upgrade; a change to None leaves the field out."""
    fields = {"Host": "localhost", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": KEY,
              "Sec-WebSocket-Version": "13", "Sec-WebSocket-Protocol": "mqtt"}
    fields.update(changes)
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
    return f"{method} {path} {version}\r\n{lines}\r\n".encode()


class RawWebSocket(Dialled):
    PORT, TLS_PORT = PORT, TLS_PORT

    @classmethod
    async def upgraded(cls, path, port=PORT, more=b""):
        client = await cls.dial(port)
        await client.write(request(path) + more)
        status, fields = await client.answer()
        equal((status, fields["sec-websocket-accept"], fields["sec-websocket-protocol"]), (101, ACCEPT, "mqtt"))
        return client

    async def answer(self):
        """The status of an answer, and its fields."""
        async with asyncio.timeout(10):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        fields = dict(line.split(": ", 1) for line in lines)
        return int(first.split(" ")[1]), {name.lower(): value for name, value in fields.items()}

    async def frame(self, seconds=10):
        """(first byte, payload), or None at the end."""
        try:
            async with asyncio.timeout(seconds):
                first, length = await self.reader.readexactly(2)
                assert length < 0x80, "a server masks nothing"
                if length > 125:
                    length = int.from_bytes(await self.reader.readexactly(2 if length == 126 else 8), "big")
                return first, await self.reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionResetError):
            return None

    async def closes(self, *codes, seconds=10):
        """A close frame with one of these codes, nothing after it, and the end."""
        said = []
        while (got := await self.frame(seconds)) is not None:
            assert not said or said[-1][0] != CLOSE, f"a frame after the last one: {got}"
            said.append(got)
        first, payload = said[-1] if said else (None, b"")
        equal(first, CLOSE, f"the last frame of {said}")
        code = int.from_bytes(payload[:2], "big") if payload else None
        assert code in codes, f"closed with {code} {payload[2:]}, wanted {codes}"
