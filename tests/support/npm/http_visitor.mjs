// Visits web_app.mjs with npm `undici` and with node's own HTTP. usage: node http_visitor.mjs '{"way":…,"url":…}'; prints what it found.
import { createHash, randomBytes } from "crypto";
import { subscribe } from "diagnostics_channel";
import { once } from "events";
import { connect } from "http2";
import { request as httpsRequest } from "https";
import { createRequire } from "module";

const { Agent, Client, FormData, fetch, request } = createRequire(process.cwd() + "/")("undici");
const given = JSON.parse(process.argv[2]);
const sha256 = (data) => createHash("sha256").update(data).digest("hex");
const bytes = (body) => body.arrayBuffer().then((all) => Buffer.from(all));

const agent = () => new Agent({ allowH2: given.h2 ?? false });

// With another version than the one asked for a test would prove nothing.
subscribe("undici:client:connected", ({ socket }) => {
  if (socket.alpnProtocol !== (given.h2 ? "h2" : "http/1.1")) {
    console.error(`connected with ${socket.alpnProtocol}`);
    process.exit(1);
  }
});

async function numbered(dispatcher, n) {
  const { statusCode, headers, body } = await request(`${given.url}/bytes?n=${n}&size=${(n * 6151) % 200000}`, { dispatcher });
  const content = await bytes(body);
  const expected = Buffer.alloc((n * 6151) % 200000, `${n},`);
  return statusCode === 200 && content.equals(expected) && headers["x-sha256"] === sha256(content);
}

const ways = {
  // One connection, ten requests on their way before the first answer; answers in the order of the requests.
  async pipelining() {
    const client = new Client(given.url, { pipelining: 10 });
    let connections = 0;
    client.on("connect", () => { connections += 1; });
    const order = [], right = [];
    await Promise.all([...Array(100).keys()].map(async (n) => {
      const { body, headers } = await client.request({ path: `/bytes?n=${n}&size=${n * 311}`, method: "GET" });
      const content = await bytes(body);
      order.push(n);
      right.push(headers["x-sha256"] === sha256(content) && content.equals(Buffer.alloc(n * 311, `${n},`)));
    }));
    return { connections, ordered: order.every((n, at) => n === at), right: right.every(Boolean), deepest: client.pipelining };
  },

  async hundred() {
    const dispatcher = agent();
    const right = await Promise.all([...Array(100).keys()].map((n) => numbered(dispatcher, n)));
    return right.filter(Boolean).length;
  },

  // A body of unknown length that is made while it is sent.
  async upload() {
    const digest = createHash("sha256");
    let size = 0;
    async function* parts() {
      for (let n = 0; size < given.bytes; ++n) {
        const part = randomBytes((n * 7919) % 131072 + 1);
        digest.update(part);
        size += part.length;
        yield part;
      }
    }
    const { body } = await request(given.url + "/echo", { method: "POST", body: parts(), dispatcher: agent() });
    const seen = await body.json();
    return { same: seen.sha256 === digest.digest("hex") && seen.size === size, length: seen.headers["content-length"] ?? null,
      coding: seen.headers["transfer-encoding"] ?? null };
  },

  async form() {
    const form = new FormData();
    form.append("name", "Jörg");
    form.append("file", new Blob([Buffer.alloc(500000, "f")]), "a.bin");
    const answer = await (await fetch(given.url + "/echo", { method: "POST", body: form, dispatcher: agent() })).json();
    return [answer.size > 500000, answer.headers["content-type"].split(";")[0]];
  },

  // undici tells trailers over HTTP/1.1 alone.
  async trailers() {
    const { body, trailers } = await request(given.url + "/trailers", { dispatcher: agent() });
    const content = await bytes(body);
    return { size: content.length, same: trailers["x-sha256"] === sha256(content), end: trailers["x-end"] ?? null };
  },

  // Given up before the answer, and in its middle; the connection or a new one serves the next.
  async abort() {
    const dispatcher = agent();
    const told = [];
    for (const silent of [true, false]) {
      const stop = new AbortController();
      const path = `/endless?${silent ? "silent&" : ""}h2=${Boolean(given.h2)}`;
      const answer = request(given.url + path, { dispatcher, signal: stop.signal });
      try {
        if (silent) {
          answer.catch(() => {});
          const go = once(process, "SIGUSR2"); // the app has it
          console.log(JSON.stringify({ event: "waiting", path }));
          await go;
          stop.abort();
          await answer;
        } else {
          const { body } = await answer;
          for await (const _ of body) stop.abort();
        }
        told.push("no error");
      } catch (error) {
        told.push(error.name);
      }
    }
    return { event: "done", told, next: await numbered(dispatcher, 7) };
  },

  // Node's own client over HTTP/1.1: trailers after a chunked body.
  async "request trailers"() {
    const req = httpsRequest(given.url + "/echo", { method: "POST", headers: { trailer: "x-sum", "transfer-encoding": "chunked" } });
    for (let n = 0; n < 10; ++n) req.write("part " + n);
    req.addTrailers({ "x-sum": "42" });
    req.end();
    const [response] = await once(req, "response");
    return JSON.parse(Buffer.concat(await response.toArray()));
  },

  // Node's own HTTP/2: many streams of one session side by side, up and down at once, trailers both ways.
  async session() {
    const session = connect(given.url);
    const all = await Promise.all([...Array(60).keys()].map(async (n) => {
      const content = randomBytes(n * 5003);
      const stream = session.request({ ":method": "POST", ":path": `/echo?n=${n}` }, { endStream: false, waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "x-number": String(n) }));
      stream.end(content);
      const [headers] = await once(stream, "response");
      const seen = JSON.parse(Buffer.concat(await stream.toArray()));
      return headers[":status"] === 200 && seen.sha256 === sha256(content) && seen.url === `/echo?n=${n}` && seen.trailers["x-number"] === String(n);
    }));
    const stream = session.request({ ":path": "/trailers" });
    const end = once(stream, "trailers");
    const content = Buffer.concat(await stream.toArray());
    const [trailers] = await end;
    session.close();
    return { right: all.filter(Boolean).length, trailers: trailers["x-sha256"] === sha256(content) };
  },
};

console.log(JSON.stringify(await ways[given.way]()));
process.exit(0);
