// Visits the WebSockets of web_app.mjs with npm `ws`. usage: node websocket_visitor.mjs '{"way":…,"url":…}'; prints what it found.
import { createHash, randomBytes } from "crypto";
import { once } from "events";
import { createRequire } from "module";

const { WebSocket } = createRequire(process.cwd() + "/")("ws");
const given = JSON.parse(process.argv[2]);
const sha256 = (data) => createHash("sha256").update(data).digest("hex");

async function connect(path = "/socket", options = {}) {
  const socket = new WebSocket(given.url.replace("https", "wss") + path, options.protocols ?? [], options);
  await once(socket, "open");
  return socket;
}

async function exchange(socket, data) {
  const back = once(socket, "message");
  socket.send(data);
  const [received, binary] = await back;
  return binary === (typeof data !== "string") && Buffer.from(data).equals(received);
}

async function end(socket) {
  const [code, reason] = await once(socket, "close");
  return [code, String(reason)];
}

const ways = {
  async messages() {
    const socket = await connect("/socket", { protocols: ["first", "second"] });
    const wrong = [];
    for (const data of ["", "hällo \u{1F600}", "x".repeat(125), "y".repeat(126), "z".repeat(65536), "a".repeat(5 << 20),
      ...[0, 1, 125, 126, 65535, 65536, 3 << 20].map((size) => randomBytes(size))]) {
      if (!(await exchange(socket, data))) wrong.push(data.length);
    }
    socket.close(4000, "until then");
    return { wrong, protocol: socket.protocol, end: await end(socket) };
  },

  // Pieces of one message, with a ping between them, which RFC 6455 §5.4 allows.
  async fragments() {
    const socket = await connect("/socket", { perMessageDeflate: false });
    const back = once(socket, "message");
    const pong = once(socket, "pong");
    const pieces = [...Array(50).keys()].map((n) => randomBytes(n * 501));
    pieces.forEach((piece, n) => {
      if (n === 25) socket.ping("between");
      socket.send(piece, { binary: true, fin: n === pieces.length - 1 });
    });
    const [received] = await back;
    return { same: received.equals(Buffer.concat(pieces)), pong: String((await pong)[0]) };
  },

  async pings() {
    const socket = await connect();
    const pong = once(socket, "pong");
    socket.ping("x".repeat(125));
    const long = String((await pong)[0]).length;
    const other = await connect("/ping");
    const [answer] = await once(other, "message");
    return { long, answer: String(answer) };
  },

  async codes() {
    const fromApp = [];
    for (const code of [1000, 1001, 1008, 1011, 3000, 4999]) {
      const socket = await connect(`/close?code=${code}`);
      fromApp.push(await end(socket));
    }
    const fromUs = [];
    for (const code of [1000, 1001, 3001, 4998]) {
      const socket = await connect(`/socket?code=${code}`);
      socket.close(code, `reason ${code}`);
      fromUs.push(await end(socket));
    }
    const cut = await connect("/cut");
    return { fromApp, fromUs, cut: (await end(cut))[0] };
  },

  // What can be packed takes fewer bytes on the visitor's connection; the context goes on from message to message.
  async deflate() {
    const packed = await connect("/socket", { perMessageDeflate: { threshold: 0 } });
    const plain = await connect("/socket", { perMessageDeflate: false });
    const data = JSON.stringify([...Array(20000).keys()]);
    const sizes = {};
    for (const [name, socket] of Object.entries({ packed, plain })) {
      const before = socket._socket.bytesRead;
      for (let n = 0; n < 10; ++n) if (!(await exchange(socket, data + n))) throw new Error("another message came back");
      sizes[name] = socket._socket.bytesRead - before;
    }
    return { packed: packed.extensions, plain: plain.extensions, sizes, bytes: data.length * 10 };
  },

  // Many messages of all sizes, sent without waiting: nothing is lost, doubled or out of order.
  async bulk() {
    const socket = await connect("/socket", { perMessageDeflate: given.deflate });
    const sent = createHash("sha256"), received = createHash("sha256");
    let total = 0, count = 0, back = 0, got = 0;
    const all = new Promise((resolve) => socket.on("message", (data) => {
      received.update(data);
      back += data.length;
      got += 1;
      if (count && got === count) resolve();
    }));
    let messages = 0;
    while (total < given.bytes) {
      const data = randomBytes((messages * 7919) % 262144);
      sent.update(data);
      total += data.length;
      messages += 1;
      await new Promise((resolve) => socket.send(data, resolve));
    }
    count = messages;
    if (got < count) await all;
    return { messages, same: sent.digest("hex") === received.digest("hex"), total, back, got };
  },

  async many() {
    const sockets = await Promise.all([...Array(given.count)].map(() => connect()));
    const open = sockets.filter((socket) => socket.readyState === WebSocket.OPEN).length;
    const right = await Promise.all(sockets.map(async (socket, n) => {
      let same = 0;
      for (let turn = 0; turn < 5; ++turn) same += await exchange(socket, `${n}/${turn}/` + "m".repeat(n * 31));
      return same;
    }));
    const ends = await Promise.all(sockets.map((socket, n) => {
      socket.close(4000, `number ${n}`);
      return end(socket);
    }));
    return { open, same: right.every((same) => same === 5), ends: ends.every(([code, reason], n) => code === 4000 && reason === `number ${n}`) };
  },
};

console.log(JSON.stringify(await ways[given.way]()));
process.exit(0);
