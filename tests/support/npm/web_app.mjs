// What a modern web app speaks, as an app on loopback: a site's files, WebSocket, event streams, uploads, streams, cookies,
// redirects, CORS. usage: node web_app.mjs FOLDER; prints {"event":"ready","port":…}.
import { createHash } from "crypto";
import { EventEmitter, once } from "events";
import { createReadStream, existsSync } from "fs";
import { createServer } from "http";
import { createRequire } from "module";
import { basename, join } from "path";

// Packages are found below the folder this runs in, and this file stands elsewhere.
const { WebSocketServer } = createRequire(process.cwd() + "/")("ws");
const folder = process.argv[2];
const types = { html: "text/html", css: "text/css", js: "text/javascript", mjs: "text/javascript", png: "image/png", json: "application/json" };

// A stream of events goes on when the visitor says that it has the last one: a piece that is held back would stop it for good.
const said = new EventEmitter().setMaxListeners(0);
const heard = (query, n) => once(said, `${query.get("key")}/${n}`);

function answer(response, status, value, headers = {}) {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));
}

async function body(request) {
  const digest = createHash("sha256");
  let size = 0;
  for await (const part of request) {
    digest.update(part);
    size += part.length;
  }
  return { size, sha256: digest.digest("hex") };
}

const routes = {
  empty(request, response) {
    response.writeHead(200, { "content-type": "text/html" }).end('<!doctype html><html lang=en><title>Empty</title><link rel="icon" href="data:,">');
  },

  async echo(request, response) {
    const seen = await body(request);
    answer(response, 200, { method: request.method, url: request.url, headers: request.headers, trailers: request.trailers, ...seen });
  },

  // Five events a connection, then its end: the visitor comes back and says what it had.
  async events(request, response, query) {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
    const first = Number(request.headers["last-event-id"] ?? 0) + 1;
    if (first === 1) response.write("retry: 20\n\n");
    for (let n = first; n < first + 5; ++n) {
      const next = heard(query, n);
      response.write(`id: ${n}\nevent: step\ndata: ${JSON.stringify({ n, since: first })}\n\n`);
      await next;
    }
    response.end();
  },

  async stream(request, response, query) {
    response.writeHead(200, { "content-type": "application/octet-stream" });
    for (let n = 0; n < 20; ++n) {
      const next = heard(query, n);
      response.write(Buffer.alloc(1 + n * 997, n));
      await next;
    }
    response.end();
  },

  // Tells for each part of a request that it has come; the visitor makes the next one only then.
  async conversation(request, response) {
    response.writeHead(200, { "content-type": "application/octet-stream" });
    for await (const part of request) response.write(part);
    response.end();
  },

  said(request, response, query) {
    said.emit(`${query.get("key")}/${query.get("n")}`);
    response.writeHead(204).end();
  },

  "set-cookies"(request, response) {
    response.writeHead(200, {
      "set-cookie": ["plain=1; Path=/", "hidden=2; Path=/; HttpOnly; Secure; SameSite=Strict", "__Host-mine=3; Path=/; Secure",
        "old=x; Path=/; Max-Age=0", "quoted=a=b; Path=/; Expires=Wed, 21 Oct 2037 07:28:00 GMT"],
    }).end("cookies");
  },

  redirect(request, response, query) {
    request.resume();
    response.writeHead(Number(query.get("status")), { location: "/echo?after=" + query.get("status") }).end();
  },

  // A body whose hash comes after it.
  trailers(request, response) {
    request.resume();
    response.writeHead(200, { "content-type": "application/octet-stream", trailer: "x-sha256, x-end" });
    const digest = createHash("sha256");
    for (let n = 0; n < 50; ++n) {
      const part = Buffer.alloc(1000 + n, n);
      digest.update(part);
      response.write(part);
    }
    response.addTrailers({ "x-sha256": digest.digest("hex"), "x-end": "yes" });
    response.end();
  },

  // As many bytes as asked for, made from the number.
  bytes(request, response, query) {
    const [n, size] = [Number(query.get("n")), Number(query.get("size"))];
    const content = Buffer.alloc(size, `${n},`);
    response.writeHead(200, { "content-length": size, "x-sha256": createHash("sha256").update(content).digest("hex") }).end(content);
  },

  // Never ends by itself; says when its visitor has gone.
  endless(request, response, query) {
    request.resume();
    if (!query.has("silent")) response.write("begun");
    const timer = query.has("silent") ? null : setInterval(() => response.write("more"), 20);
    response.on("close", () => {
      clearInterval(timer);
      console.log(JSON.stringify({ event: "left", url: request.url }));
    });
    console.log(JSON.stringify({ event: "begun", url: request.url }));
  },

  // Another site's page may ask, if it asks first.
  async cors(request, response) {
    const allow = { "access-control-allow-origin": request.headers.origin, "access-control-allow-credentials": "true", vary: "origin" };
    if (request.method === "OPTIONS") {
      response.writeHead(204, {
        ...allow, "access-control-allow-methods": "PUT", "access-control-allow-headers": request.headers["access-control-request-headers"],
        "access-control-max-age": "60",
      }).end();
      console.log(JSON.stringify({ event: "preflight", method: request.headers["access-control-request-method"], origin: request.headers.origin,
        headers: request.headers["access-control-request-headers"] }));
      return;
    }
    answer(response, 200, { method: request.method, mine: request.headers["x-mine"], ...(await body(request)) },
      { ...allow, "access-control-expose-headers": "x-shown", "x-shown": "yes" });
  },

  "no-cors"(request, response) {
    request.resume();
    answer(response, 200, {});
  },
};

const server = createServer((request, response) => {
  const url = new URL(request.url, "http://app");
  const route = routes[url.pathname.slice(1)];
  const file = join(folder, basename(url.pathname));
  if (route) {
    Promise.resolve(route(request, response, url.searchParams)).catch(() => response.destroy());
  } else if (url.pathname !== "/" && existsSync(file)) {
    response.writeHead(200, { "content-type": types[file.split(".").pop()] ?? "application/octet-stream" });
    createReadStream(file).pipe(response);
  } else {
    response.writeHead(404).end();
  }
});
server.requestTimeout = 0;

const sockets = new WebSocketServer({ server, maxPayload: 1 << 30, perMessageDeflate: { threshold: 1024 }, handleProtocols: (offered) => [...offered].at(-1) });
sockets.on("connection", (socket, request) => {
  const url = new URL(request.url, "http://app");
  if (url.pathname === "/close") {
    socket.close(Number(url.searchParams.get("code")), "reason of the app");
    return;
  }
  if (url.pathname === "/cut") {
    socket.terminate();
    return;
  }
  if (url.pathname === "/ping") {
    socket.on("pong", (data) => socket.send(`pong ${data}`));
    socket.ping("are you there?");
    return;
  }
  socket.on("message", (data, binary) => socket.send(data, { binary }));
  socket.on("close", (code, reason) => console.log(JSON.stringify({ event: "closed", path: request.url, code, reason: String(reason) })));
  socket.on("error", () => {});
});

server.listen({ port: 0, host: "127.0.0.1", backlog: 1024 }, () => console.log(JSON.stringify({ event: "ready", port: server.address().port })));
