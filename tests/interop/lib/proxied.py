"""Connections from somewhere else, through a listener that believes PROXY headers."""
import asyncio
import os

from raw import Raw
from suite import DOMAIN, HOST

PORT = int(os.environ.get("NJ_PORT_COMPONENT", "0"))


def header(ip):
    family, own = ("TCP6", "::1") if ":" in ip else ("TCP4", "127.0.0.1")
    return f"PROXY {family} {ip} {own} 40000 5222\r\n"


async def connect(ip, open=True, to=DOMAIN):
    """A client from `ip`; `open` opens the stream and does STARTTLS."""
    reader, writer = await asyncio.open_connection(HOST, PORT, limit=1 << 24)
    client = Raw(reader, writer)
    await client.write(header(ip))
    if open:
        await client.open(to)
        await client.starttls()
        await client.open(to)
    return client


async def request(port, head, body="", ip=None):
    """(status, body) of one HTTP request; `head` is its first line and headers, without Host and lengths."""
    reader, writer = await asyncio.open_connection(HOST, port)
    first, _, rest = head.partition("\r\n")
    lines = [first, f"Host: {DOMAIN}", f"Content-Length: {len(body.encode())}", "Connection: close"]
    lines += [line for line in rest.split("\r\n") if line]
    writer.write(((header(ip) if ip else "") + "\r\n".join(lines) + "\r\n\r\n" + body).encode())
    answer = (await asyncio.wait_for(reader.read(), 10)).decode()
    writer.close()
    head, _, body = answer.partition("\r\n\r\n")
    return int(head.split(" ")[1]), body
