// server: ejabberd.yml.in
// seconds: 240
// What npm's @xmpp/client sees over each transport. Transports whose port is not given are no part of the run.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
process.removeAllListeners("warning");
process.on("warning", () => {});
// the library can throw from a socket callback after a cut; that is no verdict on the server
process.on("uncaughtException", (e) => console.error("library:", String(e.message).slice(0, 120)));
process.on("unhandledRejection", () => {});
const E = process.env;
const req = createRequire(E.NJ_NPM + "/package.json");
const load = async (n) => import(pathToFileURL(req.resolve(n)));
// Node 20 has no WebSocket of its own: npm's ws stands in
const { default: Ws } = await load("ws");
globalThis.WebSocket = class extends Ws { constructor(u, p) { super(u, p, { rejectUnauthorized: false }); } };
const { client, xml, jid } = await load("@xmpp/client");
const H = E.NJ_HOST, D = E.NJ_DOMAIN, ANON = `anon.${D}`;
const tag = E.NJ_TAG ?? Date.now().toString(36), [U1, U2, PW] = [`xjsa${tag}`, `xjsb${tag}`, `pw${tag}`];
if (E.NJ_BIN) for (const user of [U1, U2]) execFileSync(E.NJ_BIN, ["ctl", "--home", E.NJ_HOME, "register", user, D, PW]);
const P = { c2s: E.NJ_PORT_C2S, tls: E.NJ_PORT_C2S_TLS, http: E.NJ_WS, https: E.NJ_WSS };
const WS = "/ws";
const LIMIT = Number(E.TEST_TIMEOUT || 15) * 1000;
const only = E.NJ_ONLY || "";
const rows = [];

const transports = {
  starttls: P.c2s && `xmpp://${H}:${P.c2s}`,
  directtls: P.tls && `xmpps://${H}:${P.tls}`,
  ws: P.http && `ws://${H}:${P.http}${WS}`,
  wss: P.https && `wss://${H}:${P.https}${WS}`,
};
let open = [];
function mk(service, user = U1, opts = {}) {
  const c = client({ service, domain: D, ...(user ? { username: user, password: opts.password ?? PW } : {}), resource: opts.resource, ...opts.params });
  if (opts.domain) c.options.domain = opts.domain;
  c.reconnect.delay = 200;
  c.timeout = 8000;
  c.on("error", () => {});
  open.push(c);
  if (E.DEBUG) {
    c.on("element", (x) => console.error("<", x.toString())); c.on("send", (x) => console.error(">", x.toString()));
    c.on("status", (s) => console.error("status", s));
  }
  return c;
}
const ok = (c, m) => { if (!c) throw new Error(m || "assertion failed"); };
const eq = (a, b, m) => ok(a === b, `${m || "got"} ${JSON.stringify(a)}, wanted ${JSON.stringify(b)}`);
const once = (em, ev, pred = () => true, ms = 5000) => { const p = once0(em, ev, pred, ms); p.catch(() => {}); return p; };
const once0 = (em, ev, pred, ms) => new Promise((res, rej) => {
  const t = setTimeout(() => { em.off(ev, f); rej(new Error(`no ${ev} in ${ms} ms`)); }, ms);
  const f = (x) => { if (pred(x)) { clearTimeout(t); em.off(ev, f); res(x); } };
  em.on(ev, f);
});
const within = (p, ms, what) => Promise.race([p, new Promise((_, r) => setTimeout(() => r(new Error("no " + what)), ms))]);
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
const iqErr = async (p) => { try { await p; } catch (e) { return e; } throw new Error("an error was expected"); };

async function test(name, f, need = true) {
  if (!need || (only && !name.includes(only))) return;
  const t0 = Date.now();
  let res = "ok", note = "";
  try { await within(f(), LIMIT, "end of test"); } catch (e) { res = "FAIL"; note = String(e.message || e).slice(0, 300).replace(/\s+/g, " "); }
  for (const c of open) { try { c.reconnect?.stop(); await within(c.stop(), 1500, "stop"); } catch { try { await c._closeSocket?.(); } catch {} } }
  open = [];
  rows.push(res);
  console.log(`${res} ${name}${note && ": "}${note} (${((Date.now() - t0) / 1000).toFixed(2)} s)`);
}

for (const [t, url] of Object.entries(transports)) {
  const T = (n, f) => test(`${t}: ${n}`, f, !!url);
  await T("logs in and binds the account's bare address", async () => {
    const c = mk(url); const a = await c.start();
    eq(a.bare().toString(), `${U1}@${D}`); ok(a.resource, "no resource");
  });
  await T("binds the resource asked for", async () => {
    const c = mk(url, U1, { resource: "desk" }); const a = await c.start();
    // Bind 2 makes of a tag a resource that begins with it (XEP-0386 §3.2).
    ok(/^desk(\.|$)/.test(a.resource), a.resource);
  });
  await T("wrong password gives SASL not-authorized", async () => {
    const c = mk(url, U1, { password: "nope" }); c.reconnect.stop();
    const e = await iqErr(c.start()); eq(e.name, "SASLError"); eq(e.condition, "not-authorized");
  });
  await T("unknown account gives SASL not-authorized", async () => {
    const c = mk(url, "nosuchuser" + Date.now()); c.reconnect.stop();
    const e = await iqErr(c.start()); eq(e.condition, "not-authorized");
  });
  await T("statuses of a connection in order", async () => {
    const c = mk(url); const s = []; c.on("status", (x) => s.push(x)); await c.start();
    ok(/^connecting,connect(,opening,open)+,online$/.test(s.join()), s.join()); const n = s.length;
    c.reconnect.stop(); await c.stop(); eq(s.slice(n).join(), "closing,close,disconnecting,disconnect,offline");
  });
  await T("server closes the stream in answer to ours", async () => {
    const c = mk(url); await c.start(); c.reconnect.stop();
    const got = once(c, "close", () => true, 3000); c.stop(); await got;
  });
  await T("reconnects after the transport is cut", async () => {
    const c = mk(url); await c.start(); const p = once(c, "online", () => true, 8000).catch(() => null);
    const q = once(c.streamManagement, "resumed", () => true, 8000).catch(() => null);
    await c.disconnect(); ok(await Promise.race([p, q.then(() => "resumed")]), "did not come back");
  });
  await T("ping to the server", async () => {
    const c = mk(url); await c.start(); const r = await c.iqCaller.get(xml("ping", "urn:xmpp:ping"), D, 5000); ok(r === undefined || r === null || r, "");
  });
  await T("disco#info of the server has identity server/im", async () => {
    const c = mk(url); await c.start();
    const q = await c.iqCaller.get(xml("query", "http://jabber.org/protocol/disco#info"), D, 5000);
    ok(q.getChildren("identity").some((i) => i.attrs.category === "server" && i.attrs.type === "im"), "no server/im");
    ok(q.getChildren("feature").some((i) => i.attrs.var === "http://jabber.org/protocol/disco#info"), "no disco#info feature");
  });
  await T("unknown iq namespace gives service-unavailable", async () => {
    const c = mk(url); await c.start();
    const e = await iqErr(c.iqCaller.get(xml("query", "urn:example:unknown"), D, 5000)); eq(e.condition, "service-unavailable"); eq(e.type, "cancel");
  });
  await T("roster get answers with a query", async () => {
    const c = mk(url); await c.start();
    const q = await c.iqCaller.get(xml("query", "jabber:iq:roster"), undefined, 5000); eq(q.attrs.xmlns || q.getNS(), "jabber:iq:roster");
  });
  await T("message with text outside ASCII to self", async () => {
    const c = mk(url); const a = await c.start(); await c.send(xml("presence"));
    const txt = "żółć 🦀 <&>\"' \u202e end", id = "m" + Date.now();
    const p = once(c, "stanza", (s) => s.is("message") && s.attrs.id === id);
    await c.send(xml("message", { to: a.toString(), type: "chat", id }, xml("body", {}, txt)));
    const m = await p; eq(m.getChildText("body"), txt); eq(m.attrs.from, a.toString());
  });
  await T("60 kB body passes unharmed", async () => {
    const c = mk(url); const a = await c.start(); const txt = "0123456789ab".repeat(5000), id = "big" + Date.now();
    const p = once(c, "stanza", (s) => s.is("message") && s.attrs.id === id);
    await c.send(xml("message", { to: a.toString(), type: "chat", id }, xml("body", {}, txt))); eq((await p).getChildText("body").length, txt.length);
  });
  await T("two accounts exchange messages, 200 in order", async () => {
    const a = mk(url), b = mk(url, U2); await a.start(); const bj = await b.start();
    const got = []; const done = new Promise((r) => b.on("stanza", (s) => { if (s.is("message") && s.getChild("body")) { got.push(s.getChildText("body")); if (got.length === 200) r(); } }));
    for (let i = 0; i < 200; i++) a.send(xml("message", { to: bj.toString(), type: "chat" }, xml("body", {}, String(i))));
    await within(done, 10000, `200 messages (${got.length})`); eq(got.join(), [...Array(200).keys()].join());
  });
  await T("message to a full address that is gone: chat goes to the bare address", async () => {
    const a = mk(url), b = mk(url, U2); await a.start(); const bj = await b.start(); await b.send(xml("presence"));
    await sleep(150); const p = once(b, "stanza", (s) => s.is("message") && s.getChildText("body") === "gone");
    await a.send(xml("message", { to: bj.bare() + "/elsewhere", type: "chat" }, xml("body", {}, "gone"))); await p;
  });
  await T("same resource twice: the older connection gets conflict or the newer another name", async () => {
    const a = mk(url, U1, { resource: "twin" }); await a.start(); a.reconnect.stop();
    let cond = null; a.on("element", (e) => { if (e.getName?.() === "error" && e.getChild("conflict")) cond = "conflict"; });
    const b = mk(url, U1, { resource: "twin" }); const bj = await b.start();
    for (let i = 0; i < 30 && bj.resource === "twin" && !cond; i++) await sleep(100);
    ok(bj.resource !== "twin" || cond === "conflict", `resource ${bj.resource}, error ${cond}`);
  });
  await T("second session of the account gets its own messages by bare address", async () => {
    const a = mk(url, U2), b = mk(url, U1, { resource: "one" }), c = mk(url, U1, { resource: "two" });
    await a.start(); await b.start(); await c.start(); await b.send(xml("presence")); await c.send(xml("presence")); await sleep(200);
    const p = Promise.all([b, c].map((x) => once(x, "stanza", (s) => s.is("message") && s.getChildText("body") === "both")));
    await a.send(xml("message", { to: `${U1}@${D}`, type: "chat" }, xml("body", {}, "both"))); await p;
  });
  await T("stream management: stanzas get acknowledged", async () => {
    const c = mk(url); c.streamManagement.requestAckDebounce = 10; const p = once(c.streamManagement, "ack");
    await c.start(); for (let i = 0; i < 20 && !c.streamManagement.enabled; i++) await sleep(100);
    ok(c.streamManagement.enabled, "not enabled"); await c.send(xml("presence")); const s = await p; eq(s.name, "presence");
  });
  await T("stream management: resumption after the transport is cut", async () => {
    const c = mk(url); const a = await c.start(); await sleep(150); const id0 = c.streamManagement.id; ok(id0, "no resumption id");
    const p = once(c.streamManagement, "resumed", () => true, 8000); await c._closeSocket(); await c.disconnect(); await p;
    eq(c.jid.toString(), a.toString());
    await c.iqCaller.get(xml("ping", "urn:xmpp:ping"), D, 5000);
  });
  await T("stream management: messages for a cut connection come after resumption", async () => {
    const a = mk(url, U2), c = mk(url, U1, { resource: "resume" }); await a.start(); const cj = await c.start();
    await c.send(xml("presence")); await sleep(200); c.reconnect.delay = 1200;
    const p = once(c, "stanza", (s) => s.is("message") && s.getChildText("body") === "while you were out", 9000);
    await c._closeSocket(); await c.disconnect(); await sleep(100);
    await a.send(xml("message", { to: cj.toString(), type: "chat" }, xml("body", {}, "while you were out"))); await p;
  });
  await T("anonymous login gives an address of the anonymous domain", async () => {
    const c = client({ service: url, domain: ANON }); open.push(c); c.on("error", () => {});
    const a = await c.start(); eq(a.domain, ANON); ok(a.local, "no local part");
  });
  await T("unserved domain gives host-unknown", async () => {
    const c = client({ service: url, domain: "no-such-domain.invalid", username: U1, password: PW }); open.push(c); c.reconnect.stop();
    let cond; c.on("error", (e) => { cond ??= e.condition; });
    try { await c.start(); } catch (e) { cond ??= e.condition; } await sleep(300); eq(cond, "host-unknown");
  });
  await T("iq to an absent resource of another account gives service-unavailable", async () => {
    const c = mk(url); await c.start();
    const e = await iqErr(c.iqCaller.get(xml("ping", "urn:xmpp:ping"), `${U2}@${D}/absent`, 5000)); eq(e.condition, "service-unavailable");
  });
  await T("presence subscription both ways, and removal", async () => {
    const a = mk(url), b = mk(url, U2); await a.start(); await b.start();
    for (const x of [a, b]) { await x.iqCaller.get(xml("query", "jabber:iq:roster")); await x.send(xml("presence")); }
    const A = `${U1}@${D}`, B = `${U2}@${D}`;
    const push = (c, sub, of) => once(c, "stanza", (s) => s.is("iq") && s.attrs.type === "set" && s.getChild("query", "jabber:iq:roster")?.getChild("item")?.attrs.subscription === sub && s.getChild("query").getChild("item").attrs.jid === of);
    let p = once(b, "stanza", (s) => s.is("presence") && s.attrs.type === "subscribe" && s.attrs.from === A);
    await a.send(xml("presence", { to: B, type: "subscribe" })); await p;
    p = Promise.all([push(a, "to", B), push(b, "from", A)]); await b.send(xml("presence", { to: A, type: "subscribed" })); await p;
    p = once(a, "stanza", (s) => s.is("presence") && s.attrs.type === "subscribe" && s.attrs.from === B);
    await b.send(xml("presence", { to: A, type: "subscribe" })); await p;
    p = Promise.all([push(a, "both", B), push(b, "both", A)]); await a.send(xml("presence", { to: B, type: "subscribed" })); await p;
    p = push(a, "remove", B);
    await a.iqCaller.set(xml("query", "jabber:iq:roster", xml("item", { jid: B, subscription: "remove" }))); await p;
    await b.iqCaller.set(xml("query", "jabber:iq:roster", xml("item", { jid: A, subscription: "remove" })));
  });
}

// every two transports must reach each other
for (const [x, y] of [["starttls", "ws"], ["directtls", "wss"], ["ws", "directtls"]])
  await test(`cross: message from ${x} to ${y}`, async () => {
    const a = mk(transports[x]), b = mk(transports[y], U2); await a.start(); const bj = await b.start();
    const p = once(b, "stanza", (s) => s.is("message") && s.getChildText("body") === "hi"); await a.send(xml("message", { to: bj.toString() }, xml("body", {}, "hi"))); await p;
  }, !!(transports[x] && transports[y]));

const n = (k) => rows.filter((r) => r === k).length;
console.log(`xmppjs: ${n("ok")} passed, ${n("FAIL")} failed, 0 skipped`);
process.exit(n("FAIL") ? 1 : 0);
