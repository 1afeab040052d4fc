"""slixmpp's components (XEP-0114)."""
import asyncio
import os

import slixmpp

from raw import context
from suite import DOMAIN, HOST

PORT = int(os.environ["NJ_PORT_COMPONENT"])
TLS_PORT = int(os.environ["NJ_PORT_COMPONENT_TLS"])


class Component(slixmpp.ComponentXMPP):
    """A component that answers pings and disco#info, and sends each message back."""

    def __init__(self, name, secret):
        super().__init__(f"{name}.{DOMAIN}", secret)
        for plugin in ("xep_0030", "xep_0199"):
            self.register_plugin(plugin)
        self["xep_0030"].add_identity(category="component", itype="generic", name="of this test")
        self.messages = []
        self.add_event_handler("message", self._message)

    def _message(self, message):
        self.messages.append(message)
        if message["type"] != "error":
            message.reply(message["body"]).send()

    async def start(self, port=PORT):
        # slixmpp asks the DNS which services have TLS; for components it knows none.
        self.tls_services = {"tls"}
        self.enable_direct_tls, self.enable_plaintext = port == TLS_PORT, port != TLS_PORT
        self.ssl_context = context()
        started = asyncio.ensure_future(self.wait_until("session_start", 10))
        self.connect(HOST, port)
        await started
        return self

    async def stop(self):
        self.abort()


async def component(name, secret=None, port=PORT):
    return await Component(name, secret or f"secret of {name}").start(port)
