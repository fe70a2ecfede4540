// A gRPC caller that comes through the tunnel; each way is one conversation with the server.
import { readFileSync } from "fs";
import { createHash } from "crypto";
import { ask, run } from "./conversation.mjs";
import { Echo, grpc, sizes } from "./grpc_parts.mjs";

function connect({ port, host, cacert, options = {} }) {
  return new Echo(`127.0.0.1:${port}`, grpc.credentials.createSsl(readFileSync(cacert)), {
    "grpc.ssl_target_name_override": host, "grpc.default_authority": `${host}:${port}`, ...sizes, ...options,
  });
}

function metadata(fields = {}) {
  const m = new grpc.Metadata();
  for (const [name, value] of Object.entries(fields)) m.add(name, name.endsWith("-bin") ? Buffer.from(value, "hex") : value);
  return m;
}

const shown = (m) => Object.fromEntries(Object.keys(m?.getMap() ?? {}).map((name) => [
  name, m.get(name).map((value) => (Buffer.isBuffer(value) ? value.toString("hex") : value)).join(", "),
]));
const told = (e) => (e ? { code: e.code, details: e.details, metadata: shown(e.metadata) } : null);

/** One unary call; what came back, whatever it was. */
function unary(client, message, fields, options = {}) {
  return new Promise((done) => {
    const seen = {};
    const call = client.Say(message, metadata(fields), { ...options }, (error, reply) => {
      seen.error = told(error);
      if (reply) seen.reply = { text: reply.text, number: reply.number, size: reply.data.length, hash: createHash("sha256").update(reply.data).digest("hex") };
    });
    call.on("metadata", (m) => { seen.first = shown(m); });
    call.on("status", (status) => { seen.status = told(status); setImmediate(() => done(seen)); });
  });
}

/** Everything that a stream of replies brings. */
function collect(call) {
  const seen = { messages: [], bytes: 0 };
  call.on("metadata", (m) => { seen.first = shown(m); });
  call.on("data", (m) => { seen.bytes += m.data.length; if (seen.messages.length < 1000) seen.messages.push([m.text, m.number]); });
  call.on("error", (e) => { seen.error = told(e); });
  return new Promise((done) => call.on("status", (status) => { seen.status = told(status); setImmediate(() => done(seen)); }));
}

const pause = (ms) => new Promise((go) => setTimeout(go, ms));

await run({
  unary: ({ message, fields, ...to }) => unary(connect(to), { ...message, data: message.data ? Buffer.from(message.data, "hex") : undefined }, fields, { deadline: to.limit ? Date.now() + to.limit : undefined }),

  async large({ size, ...to }) {
    const client = connect(to);
    const data = Buffer.alloc(size, "0123456789");
    return { up: await unary(client, { text: "hash", data }), sent: createHash("sha256").update(data).digest("hex"),
      down: await unary(client, { text: "bytes", number: size }), both: await unary(client, { text: "echo", data }) };
  },

  many: async ({ count, ...to }) => {
    const client = connect(to);
    await unary(client, { text: "first" });
    const all = await Promise.all(Array.from({ length: count }, (_, number) => unary(client, { text: `call ${number}`, number })));
    return all.map((seen) => [seen.status.code, seen.reply?.text, seen.reply?.number]);
  },

  count: ({ message, ...to }) => collect(connect(to).Count(message)),

  async sum({ numbers, text, ...to }) {
    const client = connect(to);
    const seen = {};
    const over = new Promise((done) => {
      const call = client.Sum(metadata(), (error, reply) => { seen.error = told(error); seen.reply = reply && { text: reply.text, number: reply.number }; });
      call.on("status", (status) => { seen.status = told(status); setImmediate(done); });
      (async () => {
        for (const number of numbers) {
          call.write({ number, text });
          if ((await ask({ wrote: number })).go !== true) break;
        }
        if (!text) call.end();
      })();
    });
    await over;
    return seen;
  },

  /** Says one thing after the other, each when the answer to the one before has come. */
  async chat({ texts, ...to }) {
    const call = connect(to).Chat();
    const over = collect(call);
    const answers = [];
    call.on("data", (m) => { answers.push(m); });
    for (const text of texts) {
      const before = answers.length;
      call.write({ text, number: before });
      while (answers.length === before && !call.call?.closed && text !== "fail") await pause(1);
      if (text === "fail") break;
    }
    if (texts.at(-1) !== "fail") call.end();
    return { ...(await over), answers: answers.map((m) => [m.text, m.number]) };
  },

  /** Opens a call, waits until the test has seen it at the server, and gives it up. */
  async cancel({ method, message, ...to }) {
    const client = connect(to);
    const call = method === "Say" ? client.Say(message, () => {}) : method === "Chat" ? client.Chat() : client.Count(message);
    const over = new Promise((done) => call.on("status", (status) => done(told(status))));
    call.on("error", () => {});
    if (method === "Chat") call.write({ text: "quiet" });
    if (method !== "Say") call.on("data", () => {});
    await ask({ opened: true });
    call.cancel();
    const status = await over;
    await ask({ cancelled: true });
    return status;
  },

  /** Reads nothing until told to. */
  async slow({ message, ...to }) {
    const call = connect(to).Count(message);
    call.pause();
    await ask({ paused: true });
    const over = collect(call);
    call.resume();
    return over;
  },

  /** A stream that says nothing for a while. */
  async quiet({ rest, ...to }) {
    const call = connect(to).Chat();
    const over = collect(call);
    call.write({ text: "quiet" });
    await ask({ opened: true });
    await pause(rest);
    call.write({ text: "after all" });
    await pause(rest);
    call.write({ text: "and again" });
    call.end();
    return over;
  },

  /** The same channel over an outage. */
  async outage(to) {
    const client = connect(to);
    const before = await unary(client, { text: "before" });
    await ask({ stop: true });
    const during = await unary(client, { text: "during" });
    await ask({ start: true });
    return { before, during, after: await unary(client, { text: "after" }) };
  },
});
