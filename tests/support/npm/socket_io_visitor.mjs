// Visits socket_io_app.mjs with npm `socket.io-client`. usage: node socket_io_visitor.mjs '{"way":…,"url":…}'; prints what it found.
import { randomBytes } from "crypto";
import { once } from "events";
import { createRequire } from "module";

const { io } = createRequire(process.cwd() + "/")("socket.io-client");
const given = JSON.parse(process.argv[2]);

async function connect(options = {}) {
  const socket = io(given.url, { forceNew: true, ...options });
  socket.on("connect_error", (error) => console.error(String(error)));
  await new Promise((resolve) => socket.once("connect", resolve));
  return socket;
}

async function talk(socket) {
  const wrong = [];
  const values = ["text", { deep: [1, { ä: "ü" }] }, null, "x".repeat(1 << 20)];
  for (const value of values) if (JSON.stringify(await socket.emitWithAck("echo", value)) !== JSON.stringify(value)) wrong.push(typeof value);
  const bytes = [randomBytes(10), randomBytes(1 << 20)];
  const { a, list } = await socket.emitWithAck("echo", { a: bytes[0], list: [bytes[1], "and text"] });
  if (!bytes[0].equals(a) || !bytes[1].equals(list[0]) || list[1] !== "and text") wrong.push("bytes");
  // Many acknowledgements under way at once, each with its own value.
  const answers = await Promise.all([...Array(300).keys()].map((n) => socket.emitWithAck("echo", n)));
  if (!answers.every((answer, n) => answer === n)) wrong.push("order");
  socket.on("question", (value, done) => done(value + 1));
  if ((await socket.emitWithAck("ask", 41)) !== 42) wrong.push("question");
  return wrong;
}

const ways = {
  async upgrade() {
    const socket = await connect();
    const first = socket.io.engine.transport.name;
    if (first !== "websocket") await once(socket.io.engine, "upgrade");
    return { first, then: socket.io.engine.transport.name, wrong: await talk(socket) };
  },

  async only() {
    const socket = await connect({ transports: [given.transport] });
    return { first: socket.io.engine.transport.name, wrong: await talk(socket), then: socket.io.engine.transport.name };
  },

  // Members of two rooms, over both transports; each hears its own room alone, and everything in order.
  async rooms() {
    const members = await Promise.all([...Array(10).keys()].map((n) => connect({ transports: [n % 3 ? "websocket" : "polling"] })));
    const heard = members.map(() => []);
    const whole = members.map((socket, n) => new Promise((resolve) => socket.on("told", (room, number) => {
      heard[n].push([room, number]);
      if (heard[n].length === 200) resolve();
    })));
    await Promise.all(members.map((socket, n) => socket.emitWithAck("join", n % 2 ? "odd" : "even")));
    await Promise.all(["odd", "even"].map((room, n) => members[n].emitWithAck("tell", room, 0, 200)));
    await Promise.all(whole);
    return heard.map((all, n) => all.length === 200 && all.every(([room, number], at) => room === (n % 2 ? "odd" : "even") && number === at));
  },

  // Stays while the way to the app is lost and comes back; what it says meanwhile arrives then, and what it missed too.
  async traveller() {
    const socket = await connect({ auth: { name: "traveller" }, reconnectionDelay: 50, reconnectionDelayMax: 200, transports: ["websocket"] });
    const heard = [];
    const whole = new Promise((resolve) => socket.on("told", (_, n) => {
      heard.push(n);
      if (n === 14) resolve();
    }));
    await socket.emitWithAck("join", "home");
    await socket.emitWithAck("tell", "home", 0, 5);
    const lost = once(socket, "disconnect");
    console.log(JSON.stringify({ event: "there" }));
    const [reason] = await lost;
    const back = new Promise((resolve) => socket.once("connect", resolve));
    const late = Promise.all([...Array(20).keys()].map((n) => socket.emitWithAck("echo", n)));
    console.log(JSON.stringify({ event: "away" }));
    await back;
    const answers = await late;
    await socket.emitWithAck("tell", "home", 10, 15);
    await whole;
    return { event: "back", reason, recovered: socket.recovered, answers, heard };
  },
};

console.log(JSON.stringify(await ways[given.way]()));
process.exit(0);
