// Calls an MCP server with the official SDK's client, and prints what it found as one JSON object.
import { createRequire } from "node:module";

// Packages are found below the folder this runs in.
const require = createRequire(process.cwd() + "/");
const { Client } = require("@modelcontextprotocol/sdk/client/index.js");
const { SSEClientTransport } = require("@modelcontextprotocol/sdk/client/sse.js");
const { StreamableHTTPClientTransport } = require("@modelcontextprotocol/sdk/client/streamableHttp.js");
const { CreateMessageRequestSchema, ElicitRequestSchema, ToolListChangedNotificationSchema } = require("@modelcontextprotocol/sdk/types.js");

const given = JSON.parse(process.argv[2]);
const address = () => new URL((given.path ?? "/mcp"), given.url);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function transport() {
  const options = { requestInit: { headers: given.headers ?? {} } };
  return given.transport === "sse" ? new SSEClientTransport(address(), options) : new StreamableHTTPClientTransport(address(), options);
}

async function connect(capabilities = { sampling: {}, elicitation: {} }) {
  const client = new Client({ name: "visitor", version: "1" }, { capabilities });
  client.setRequestHandler(CreateMessageRequestSchema, () => ({ model: "m", role: "assistant", content: { type: "text", text: "sampled" } }));
  client.setRequestHandler(ElicitRequestSchema, () => ({ action: "decline" }));
  const way = transport();
  await client.connect(way);
  return { client, way };
}

const textOf = (result) => result.content.map((part) => part.text ?? "").join("\n");
const call = (client, name, parameters = {}, options = {}) => client.callTool({ name, arguments: parameters }, undefined, options);
const errorOf = async (promise) => promise.then((result) => ({ result: textOf(result) }), (error) => ({ code: error.code, message: error.message }));

const ways = {
  // server-everything: all that a session does
  async everything() {
    const { client, way } = await connect();
    const found = { server: client.getServerVersion(), revision: way.protocolVersion ?? null, session: way.sessionId ?? null };
    await pause(300); // it registers some tools when the handshake is done
    found.tools = (await client.listTools()).tools.map((tool) => tool.name);
    found.echo = textOf(await call(client, "echo", { message: "grüße" }));
    found.progress = [];
    found.long = textOf(await call(client, "trigger-long-running-operation", { duration: 1, steps: 4 }, { onprogress: (p) => found.progress.push(p.progress) }));
    found.sampling = textOf(await call(client, "trigger-sampling-request", { prompt: "p", maxTokens: 5 }));
    found.elicitation = textOf(await call(client, "trigger-elicitation-request"));
    found.resources = (await client.listResources()).resources.length;
    found.prompts = (await client.listPrompts()).prompts.length;
    await way.terminateSession?.();
    await client.close();
    return found;
  },
  // mcp_app
  async session() {
    const { client, way } = await connect();
    const found = { revision: way.protocolVersion ?? null, tools: (await client.listTools()).tools.map((tool) => tool.name) };
    found.echo = textOf(await call(client, "echo", { message: "hello" }));
    found.big = textOf(await call(client, "big", { bytes: given.bytes ?? 3000000 })).length;
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 300);
    found.aborted = (await errorOf(call(client, "wait", { ms: 60000 }, { signal: stop.signal }))).message !== undefined;
    for (let i = 0; i < 100 && found.cancelled !== "1"; i++, await pause(50)) found.cancelled = textOf(await call(client, "cancelled"));
    found.asked = textOf(await call(client, "ask"));
    await client.close();
    return found;
  },
  async sessions() {
    const one = async (i) => {
      const { client, way } = await connect();
      const found = [];
      for (let n = 0; n < given.calls; n++) found.push(textOf(await call(client, "echo", { message: `${i}.${n}` })));
      const pid = textOf(await call(client, "pid"));
      await way.terminateSession?.();
      await client.close();
      return { right: found.every((t, n) => t.endsWith(`${i}.${n}`)), pid };
    };
    const all = await Promise.all(Array.from({ length: given.count }, (_, i) => one(i)));
    return { right: all.filter((one) => one.right).length, processes: new Set(all.map((one) => one.pid)).size };
  },
  // The delay of each event: the server says when it sent it.
  async ticks() {
    const { client } = await connect();
    const delays = [];
    const result = await call(client, "ticks", { count: given.count, every: given.every }, {
      onprogress: (p) => delays.push(Date.now() - Number(p.message)),
      timeout: 2 ** 31 - 1,
    });
    await client.close();
    return { text: textOf(result), events: delays.length, slowest: Math.max(...delays), spread: delays };
  },
  async call() {
    const { client } = await connect();
    const found = await errorOf(call(client, given.tool, given.arguments ?? {}));
    await client.close();
    return found;
  },
  async tools() {
    const { client } = await connect();
    const found = { tools: (await client.listTools()).tools.map((tool) => tool.name), calls: {} };
    for (const tool of given.calls ?? []) found.calls[tool] = await errorOf(call(client, tool, { message: "m" }));
    await client.close();
    return found;
  },
  async change() {
    const { client } = await connect();
    await client.listTools();
    const changed = new Promise((resolve) => client.setNotificationHandler(ToolListChangedNotificationSchema, () => resolve(true)));
    await call(client, "change", { to: given.to });
    const told = await Promise.race([changed, pause(5000)]);
    const tools = (await client.listTools()).tools;
    await client.close();
    return { told: told === true, description: tools.find((tool) => tool.name === "echo").description };
  },
  // A call that goes on while the test breaks its connection.
  async resume() {
    const { client, way } = await connect();
    const seen = [];
    console.error("calling");
    const result = await errorOf(call(client, "ticks", { count: given.count, every: given.every }, { onprogress: (p) => seen.push(p.progress), timeout: 60000 }));
    await way.terminateSession?.().catch(() => {});
    await client.close();
    return { ...result, seen };
  },
  async crash() {
    const { client } = await connect();
    const began = Date.now();
    const died = await errorOf(call(client, "die"));
    const took = Date.now() - began;
    const after = await errorOf(call(client, "echo", { message: "m" }));
    await client.close().catch(() => {});
    return { died, took, after };
  },
};

console.log(JSON.stringify(await ways[given.way]()));
process.exit(0);
