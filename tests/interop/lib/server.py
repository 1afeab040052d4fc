"""A server of the suite's own, started and killed by it alone."""
import asyncio

from suite import BINARY, CONFIG, HOME, HOST, LOG, PORT


class Server:
    def __init__(self, config=CONFIG):
        self.config = config

    async def start(self):
        self.log = open(LOG, "ab")
        self.process = await asyncio.create_subprocess_exec(
            BINARY, "start", "--home", HOME, "--config", self.config, stdin=asyncio.subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        for _ in range(600):
            assert self.process.returncode is None, f"the server ended: see {LOG}"
            try:
                _, writer = await asyncio.open_connection(HOST, PORT)
                writer.close()
                return self
            except OSError:
                await asyncio.sleep(0.05)
        raise AssertionError("the server did not start")

    async def end(self, with_):
        if self.process.returncode is None:
            self.process.send_signal(with_)
            await asyncio.wait_for(self.process.wait(), 20)
        self.log.close()
