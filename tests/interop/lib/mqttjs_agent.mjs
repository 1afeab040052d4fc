// What npm's mqtt sees: URL LEVEL QOS USER PASSWORD TOPIC. Prints `done` and exits with 0 if all is as it should be.
import assert from "node:assert";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const resolve = createRequire(process.env.NJ_NPM + "/package.json").resolve;
const loaded = await import(pathToFileURL(resolve("mqtt")));
const mqtt = loaded.default?.connect ? loaded.default : loaded;
const [url, level, qos, username, password, topic] = process.argv.slice(2);
const version = Number(level), quality = Number(qos);
const tag = Math.random().toString(36).slice(2, 8);

function open(name, more = {}) {
  const client = mqtt.connect(url, {
    username, password, clientId: `js${tag}${name}`, protocolVersion: version, reconnectPeriod: 0,
    protocolId: version === 3 ? "MQIsdp" : "MQTT", rejectUnauthorized: false, connectTimeout: 10000, ...more,
  });
  const waiting = [], got = [];
  // Before it is connected: what a session has kept comes at once.
  client.on("message", (topic, payload, packet) => {
    const message = { body: payload.toString(), qos: packet.qos, retain: packet.retain };
    waiting.length ? waiting.shift()(message) : got.push(message);
  });
  client.next = () => got.length ? Promise.resolve(got.shift()) : new Promise((done) => waiting.push(done));
  return new Promise((done, failed) => client.once("connect", () => done(client)).once("error", failed));
}

const sender = await open("a");
const watcher = await open("b");
await watcher.subscribeAsync(topic, { qos: quality });
await sender.publishAsync(topic, "hello", { qos: quality });
assert.deepEqual(await watcher.next(), { body: "hello", qos: quality, retain: false });

await sender.publishAsync(`${topic}/kept`, "kept", { qos: quality, retain: true });
// An answered message of QoS 1 comes after it, whatever its own QoS.
await sender.publishAsync(topic, "after", { qos: 1 });
assert.equal((await watcher.next()).body, "after");
await watcher.subscribeAsync(`${topic}/kept`, { qos: quality });
assert.deepEqual(await watcher.next(), { body: "kept", qos: quality, retain: true });

const lost = await open("c", { will: { topic, payload: "lost", qos: quality, retain: false } });
lost.stream.destroy();
assert.equal((await watcher.next()).body, "lost");

const members = [await open("d"), await open("e")];
for (const member of members) await member.subscribeAsync(`$share/g${tag}/${topic}/shared`, { qos: quality });
for (let n = 0; n < 4; n++) await sender.publishAsync(`${topic}/shared`, `${n}`, { qos: quality });
const shared = await Promise.all(members.map(async (member) => [(await member.next()).body, (await member.next()).body]));
assert.deepEqual(shared.flat().sort(), ["0", "1", "2", "3"]);

const lasting = { clean: false, ...(version === 5 ? { properties: { sessionExpiryInterval: 60 } } : {}) };
const first = await open("f", lasting);
await first.subscribeAsync(`${topic}/away`, { qos: 1 });
await first.endAsync();
await sender.publishAsync(`${topic}/away`, "while away", { qos: 1 });
const second = await open("f", lasting);
assert.equal((await second.next()).body, "while away");
console.log("done");
process.exit(0);
