"""Two headless browsers that call each other. The pages, and what they tell each other before they are connected, go
through a web server of the test."""
import asyncio
import json
import os
import shutil
import tempfile
from urllib.parse import parse_qs, urlsplit

PAGE = """<!doctype html><title>call</title><script>
const who = WHO, other = who === 'a' ? 'b' : 'a';
const post = (to, what) => fetch('/post?to=' + to, {method: 'POST', body: JSON.stringify(what)});
const take = async () => (await fetch('/take?by=' + who)).json();
const peer = new RTCPeerConnection({iceServers: [SERVER], iceTransportPolicy: 'relay'});
peer.onicecandidate = event => { if (event.candidate) post(other, {candidate: event.candidate}); };
peer.onicecandidateerror = event => post('log', {error: event.errorCode + ' ' + event.errorText});
peer.onconnectionstatechange = () => post('log', {state: who + ' ' + peer.connectionState});
async function listen() {
  for (;;) {
    const what = await take();
    if (what.description) {
      await peer.setRemoteDescription(what.description);
      if (what.description.type === 'offer') {
        await peer.setLocalDescription();
        post(other, {description: peer.localDescription});
      }
    } else if (what.candidate) await peer.addIceCandidate(what.candidate);
  }
}
if (who === 'a') {
  const channel = peer.createDataChannel('talk');
  channel.onopen = () => channel.send('ping');
  channel.onmessage = event => post('result', {said: event.data});
  peer.setLocalDescription().then(() => post(other, {description: peer.localDescription})).then(listen);
} else {
  peer.ondatachannel = event => {
    event.channel.onmessage = message => event.channel.send('pong of ' + message.data);
  };
  listen();
}
</script>"""


class Switchboard:
    """Serves the page and carries messages from one to the other."""

    def __init__(self, server):
        self.server = server
        self.boxes = {}
        self.log = []

    def box(self, name):
        return self.boxes.setdefault(name, asyncio.Queue())

    async def handle(self, reader, writer):
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                line, *headers = head.decode().split("\r\n")
                length = next((int(text.split(":")[1]) for text in headers if text.lower().startswith("content-length")), 0)
                body = await reader.readexactly(length)
                kind, answer = await self.answer(line.split(" ")[1], body)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s"
                             % (kind, len(answer), answer))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def answer(self, target, body):
        place = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(place.query).items()}
        if place.path == "/post":
            if query["to"] == "log":
                self.log.append(body.decode())
            else:
                self.box(query["to"]).put_nowait(body)
            return b"application/json", b"{}"
        if place.path == "/take":
            return b"application/json", await self.box(query["by"]).get()
        page = PAGE.replace("WHO", json.dumps(place.path.strip("/"))).replace("SERVER", json.dumps(self.server))
        return b"text/html", page.encode()


async def browse(url, profile):
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    assert browser, "there is no Chromium"
    return await asyncio.create_subprocess_exec(
        browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-background-networking", "--disable-features=WebRtcHideLocalIpsWithMdns",
        "--allow-loopback-in-peer-connection", f"--user-data-dir={profile}", "--remote-debugging-port=0", url,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True)


async def relayed_call(url, user, password, seconds=75):
    """What the one hears from the other."""
    board = Switchboard({"urls": url, "username": user, "credential": password})
    server = await asyncio.start_server(board.handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    browsers = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            for who in ("b", "a"):
                browsers.append(await browse(f"http://127.0.0.1:{port}/{who}", os.path.join(folder, who)))
            result = await asyncio.wait_for(board.box("result").get(), seconds)
            return json.loads(result)["said"]
        except asyncio.TimeoutError:
            raise AssertionError(f"the browsers did not meet: {board.log}") from None
        finally:
            for browser in browsers:
                try:
                    os.killpg(browser.pid, 9)
                except ProcessLookupError:
                    pass
                await browser.wait()
            server.close()
