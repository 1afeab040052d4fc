// npm's mqtt proves itself by SCRAM-SHA-256, and again while connected: URL USER PASSWORD. Prints the reason that CONNACK or
// DISCONNECT has, or `done`.
import assert from "node:assert";
import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const resolve = createRequire(process.env.NJ_NPM + "/package.json").resolve;
const loaded = await import(pathToFileURL(resolve("mqtt")));
const mqtt = loaded.default?.connect ? loaded.default : loaded;
const [url, user, password] = process.argv.slice(2);
const method = "SCRAM-SHA-256";
const mac = (key, data) => createHmac("sha256", key).update(data).digest();

class Scram {
  bare = `n=${user},r=${randomBytes(18).toString("base64")}`;
  first() { return Buffer.from(`n,,${this.bare}`); }
  last(challenge) {
    const field = Object.fromEntries(challenge.split(",").map((part) => [part[0], part.slice(2)]));
    const salted = pbkdf2Sync(password, Buffer.from(field.s, "base64"), Number(field.i), 32, "sha256");
    const key = mac(salted, "Client Key");
    const without = `c=biws,r=${field.r}`;
    const message = [this.bare, challenge, without].join(",");
    const mask = mac(createHash("sha256").update(key).digest(), message);
    this.signature = `v=${mac(mac(salted, "Server Key"), message).toString("base64")}`;
    return Buffer.from(`${without},p=${Buffer.from(key.map((byte, at) => byte ^ mask[at])).toString("base64")}`);
  }
}

let scram = new Scram();
const client = mqtt.connect(url, {
  protocolVersion: 5, reconnectPeriod: 0, clientId: `scram${randomBytes(4).toString("hex")}`,
  properties: { authenticationMethod: method, authenticationData: scram.first() },
});
let renewed;
client.handleAuth = (packet, callback) => {
  const data = packet.properties.authenticationData.toString();
  if (packet.reasonCode === 0) {
    renewed(data);
    return callback();
  }
  const properties = { authenticationMethod: method, authenticationData: scram.last(data) };
  callback(null, { cmd: "auth", reasonCode: 24, properties });
};
client.once("error", (error) => {
  console.log(error.code ?? error.message);
  process.exit(1);
});
const connack = await new Promise((done) => client.once("connect", done));
assert.equal(connack.properties.authenticationMethod, method);
assert.equal(connack.properties.authenticationData.toString(), scram.signature);
const got = new Promise((done) => client.once("message", (_, body) => done(body.toString())));
await client.subscribeAsync("free/scram", { qos: 1 });
await client.publishAsync("free/scram", "hello", { qos: 1 });
assert.equal(await got, "hello");
scram = new Scram();
const again = new Promise((done) => (renewed = done));
client._sendPacket({ cmd: "auth", reasonCode: 25,
  properties: { authenticationMethod: method, authenticationData: scram.first() } });
assert.equal(await again, scram.signature);
await client.publishAsync("free/scram", "still here", { qos: 1 });
console.log("done");
process.exit(0);
