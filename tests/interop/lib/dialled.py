"""A connection for clients that say exactly what they are told."""
import asyncio
import ssl

from suite import HOST


class Dialled:
    #: The ports of a protocol: where TLS is expected is known from there.
    PORT = TLS_PORT = 0

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def dial(cls, port=None, server_name=None, certificate=None):
        context = None
        if port == cls.TLS_PORT:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            if certificate:
                context.load_cert_chain(*certificate)
        name = server_name if context else None
        return cls(*await asyncio.open_connection(HOST, port or cls.PORT, ssl=context, server_hostname=name))

    async def write(self, data):
        self.writer.write(data)
        await self.writer.drain()

    def abort(self):
        self.writer.transport.abort()
