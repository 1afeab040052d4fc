// @xmpp/client under somebody else's hand: a JSON command a line comes in, answers and events go out.
//   {"n":1,"do":"start","options":{…}}  {"n":2,"do":"send","xml":"<…/>"}  {"n":3,"do":"cut"}  {"n":4,"do":"stop"}
//   {"n":1,"answer":…} or {"n":1,"error":"…"}; {"event":"stanza","xml":"<…/>"}, {"event":"resumed"}, {"event":"status","is":"online"}
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import readline from "node:readline";

process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
process.removeAllListeners("warning");
process.on("warning", () => {});
process.on("uncaughtException", (error) => say({ event: "library", message: String(error.message) }));
process.on("unhandledRejection", () => {});
const require = createRequire(process.env.NJ_NPM + "/package.json");
const load = (name) => import(pathToFileURL(require.resolve(name)));
const { client } = await load("@xmpp/client");
const { default: parse } = await load("@xmpp/xml/lib/parse.js");
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");

let xmpp;
const act = {
  async start({ options }) {
    xmpp = client(options);
    xmpp.reconnect.delay = 100;
    // Its two seconds are short on a machine that compiles beside the tests.
    xmpp.timeout = 10000;
    xmpp.on("error", (error) => say({ event: "error", condition: error.condition, message: String(error.message) }));
    xmpp.on("status", (is) => say({ event: "status", is }));
    xmpp.on("element", (element) => say({ event: element.is("features") || !["message", "presence", "iq"].includes(element.name) ? "nonza" : "stanza", xml: element.toString() }));
    xmpp.streamManagement.on("resumed", () => say({ event: "resumed" }));
    xmpp.fast?.saveToken && xmpp.fast.on?.("error", () => {});
    return String(await xmpp.start());
  },
  async send({ xml }) { await xmpp.send(parse(xml)); return true; },
  // What the library wanted to say on the socket we took from it is no verdict on the server.
  async cut({ delay }) {
    xmpp.reconnect.delay = delay ?? 100;
    await xmpp._closeSocket().catch(() => {});
    await xmpp.disconnect().catch(() => {});
    return true;
  },
  async stop() { xmpp.reconnect.stop(); await xmpp.stop(); return true; },
};
for await (const line of readline.createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  act[command.do](command).then((answer) => say({ n: command.n, answer }), (error) => say({ n: command.n, error: `${error.name} ${error.condition ?? error.message}` }));
}
process.exit(0);
