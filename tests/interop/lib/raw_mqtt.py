"""An MQTT client that says exactly what it is told."""
import asyncio
import hashlib
import os

from dialled import Dialled
from suite import DOMAIN, ctl, equal, unique

PORT = int(os.environ["NJ_PORT_MQTT"])
TLS_PORT = int(os.environ["NJ_PORT_MQTT_TLS"])
PASSWORD = "secret"
_accounts = {}


async def account(name="hostile"):
    """One account of each name, registered once however many ask."""
    if name not in _accounts:
        made = unique(name)
        _accounts[name] = made, asyncio.ensure_future(ctl("register", made, DOMAIN, PASSWORD))
    made, registered = _accounts[name]
    await registered
    return made


def length(number):
    out = bytearray()
    while True:
        number, low = divmod(number, 128)
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)


def text(value):
    value = value.encode() if isinstance(value, str) else value
    return len(value).to_bytes(2, "big") + value


def packet(first, body=b""):
    return bytes([first]) + length(len(body)) + body


def connect(id_, user="", keep_alive=60, level=5, properties=b"", flags=0xC2, will=b"", password=PASSWORD):
    head = text("MQTT") + bytes([level, flags]) + keep_alive.to_bytes(2, "big")
    head += length(len(properties)) + properties if level == 5 else b""
    return packet(0x10, head + text(id_) + will + text(user) + text(password))


def publish(topic, payload=b"x", qos=0, id_=1, properties=b"", first=None):
    body = text(topic) + (id_.to_bytes(2, "big") if qos else b"") + length(len(properties)) + properties + payload
    return packet(0x30 | qos << 1 if first is None else first, body)


def subscribe(*filters, options=0, id_=1, first=0x82):
    return packet(first, id_.to_bytes(2, "big") + b"\0" + b"".join(text(f) + bytes([options]) for f in filters))


def auth(reason, method, data):
    properties = b"\x15" + text(method) + b"\x16" + text(data)
    return packet(0xF0, bytes([reason]) + length(len(properties)) + properties)


def asking(method, data, id_="scram", user_name=None):
    """CONNECT that begins enhanced authentication."""
    properties = b"\x15" + text(method) + (b"" if data is None else b"\x16" + text(data))
    head = text("MQTT") + bytes([5, 2 if user_name is None else 0x82]) + b"\0\x3C" + length(len(properties)) + properties
    return packet(0x10, head + text(id_) + (b"" if user_name is None else text(user_name)))


def property_of(properties, wanted):
    """The value of a property of CONNACK or AUTH, without the length in front of all."""
    sizes = {0x11: 4, 0x13: 2, 0x21: 2, 0x22: 2, 0x24: 1, 0x25: 1, 0x27: 4, 0x28: 1, 0x29: 1, 0x2A: 1}
    at = 0
    while at < len(properties):
        kind = properties[at]
        if kind in sizes:
            value = properties[at + 1:at + 1 + sizes[kind]]
            at += 1 + sizes[kind]
        else:
            size = int.from_bytes(properties[at + 1:at + 3], "big")
            value = properties[at + 3:at + 3 + size]
            at += 3 + size
        if kind == wanted:
            return value
    return None


class RawMqtt(Dialled):
    PORT, TLS_PORT = PORT, TLS_PORT

    @classmethod
    async def dial(cls, port=None, address=None, **tls):
        """`address`: where a load balancer says that the client comes from."""
        client = await super().dial(port, **tls)
        if address:
            await client.write(f"PROXY TCP4 {address} 127.0.0.1 1 {port}\r\n".encode())
        return client

    def end_point(self):
        """tls-server-end-point (RFC 5929) of a certificate that is signed with SHA-256."""
        der = self.writer.get_extra_info("ssl_object").getpeercert(True)
        return hashlib.sha256(der).digest()

    @classmethod
    async def online(cls, id_=None, user=None, **options):
        client = await cls.dial()
        await client.write(connect(id_ or unique("c"), user or await account(), **options))
        first, body = await client.read()
        equal((first, body[1]), (0x20, 0), "CONNACK")
        return client

    async def read(self, seconds=10):
        """(first byte, body), or None at the end."""
        try:
            async with asyncio.timeout(seconds):
                first, = await self.reader.readexactly(1)
                size = shift = 0
                while True:
                    byte, = await self.reader.readexactly(1)
                    size |= (byte & 0x7F) << shift
                    shift += 7
                    if byte < 0x80:
                        return first, await self.reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionResetError):
            return None

    async def ends(self, *reasons, seconds=10):
        """DISCONNECT for one of these reasons (no reasons: nothing need be said), then the end."""
        said = None
        while (got := await self.read(seconds)) is not None:
            if got[0] == 0xE0:
                said = got[1][0]
        if reasons:
            assert said in reasons, f"ended for {said and hex(said)}, wanted {[hex(reason) for reason in reasons]}"

    async def pong(self):
        await self.write(b"\xC0\0")
        while (got := await self.read()) is not None:
            if got[0] == 0xD0:
                return
        raise AssertionError("ended before PINGRESP")
