"""coturn's client against a TURN server, with peers that send everything back."""
import asyncio
import os
import re

from suite import HOST

PORT = int(os.environ["NJ_PORT_STUN"])


class Echo(asyncio.DatagramProtocol):
    """A peer that sends everything back."""

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(data, address)


async def pair_of_echoes(address):
    """Two peers on ports that follow each other: RTP and RTCP."""
    loop = asyncio.get_running_loop()
    for _ in range(50):
        first, _ = await loop.create_datagram_endpoint(Echo, local_addr=(address, 0))
        port = first.get_extra_info("sockname")[1]
        try:
            second, _ = await loop.create_datagram_endpoint(Echo, local_addr=(address, port + 1))
            return (first, second), port
        except OSError:
            first.close()
    raise AssertionError("no two ports are free")


async def uclient(user, password, *options, host=HOST, peer="127.0.0.1", port=PORT):
    """Runs coturn's client; all of its messages must come back."""
    echoes, peer_port = await pair_of_echoes(peer)
    process = await asyncio.create_subprocess_exec(
        "turnutils_uclient", "-u", user, "-w", password, "-e", peer, "-r", str(peer_port), "-n", "25", "-m", "2",
        "-l", "700", *options, "-p", str(port), host,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    out = (await process.communicate())[0].decode(errors="replace")
    for echo in echoes:
        echo.close()
    assert "Total lost packets 0 " in out, out[-600:]
    received = re.findall(r"tot_recv_msgs=(\d+)", out)
    assert received and int(received[-1]) >= 50, out[-600:]
