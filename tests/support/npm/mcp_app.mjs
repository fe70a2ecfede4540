// An MCP server of the official SDK with tools that tests need: node mcp_app.mjs stdio | http | sse
import { createServer } from "node:http";
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";

// Packages are found below the folder this runs in, or the one that is named.
const require = createRequire((process.env.MCP_PACKAGES ?? process.cwd()) + "/");
const { Server } = require("@modelcontextprotocol/sdk/server/index.js");
const { StdioServerTransport } = require("@modelcontextprotocol/sdk/server/stdio.js");
const { StreamableHTTPServerTransport } = require("@modelcontextprotocol/sdk/server/streamableHttp.js");
const { SSEServerTransport } = require("@modelcontextprotocol/sdk/server/sse.js");
const { CallToolRequestSchema, ListToolsRequestSchema } = require("@modelcontextprotocol/sdk/types.js");

let description = "Says it again";
let cancelled = 0;
const starts = randomUUID();
const text = (value) => ({ content: [{ type: "text", text: String(value) }] });
const pause = (ms, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => (clearTimeout(timer), resolve()));
  });

const tools = {
  echo: ({ message }) => text(message),
  pid: () => text(process.pid),
  start: () => text(starts),
  environment: ({ name }) => text(process.env[name] ?? ""),
  big: ({ bytes }) => text("x".repeat(bytes)),
  cancelled: () => text(cancelled),
  die: () => process.exit(7),
  async wait({ ms }, extra) {
    await pause(ms, extra.signal);
    if (extra.signal.aborted) cancelled++;
    return text("waited");
  },
  async ticks({ count, every }, extra) {
    for (let i = 1; i <= count && !extra.signal.aborted; i++) {
      await pause(every, extra.signal);
      const progressToken = extra._meta?.progressToken;
      if (progressToken !== undefined)
        await extra.sendNotification({ method: "notifications/progress", params: { progressToken, progress: i, total: count, message: String(Date.now()) } });
    }
    await pause(30); // the SDK forgets the listener of a progress that comes with the answer
    return text("ticked");
  },
  async change({ to }, extra) {
    description = to;
    await extra.sendNotification({ method: "notifications/tools/list_changed" });
    return text("changed");
  },
  async ask(_, extra) {
    const answer = await extra.sendRequest({ method: "sampling/createMessage", params: { messages: [], maxTokens: 5 } }, { parse: (value) => value, _zod: undefined, safeParse: (data) => ({ success: true, data }) });
    return text(JSON.stringify(answer.content));
  },
};

function newServer() {
  const server = new Server({ name: "mcp-app", version: "1.2.3" }, { capabilities: { tools: { listChanged: true } } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: Object.keys(tools).map((name) => ({ name, description: name === "echo" ? description : `The tool ${name}`, inputSchema: { type: "object" } })),
  }));
  server.setRequestHandler(CallToolRequestSchema, ({ params }, extra) => {
    if (!(params.name in tools)) throw new Error(`no tool ${params.name}`);
    return tools[params.name](params.arguments ?? {}, extra);
  });
  return server;
}

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return parts.length === 0 ? undefined : JSON.parse(Buffer.concat(parts).toString());
}

async function streamable(request, response, sessions) {
  const id = request.headers["mcp-session-id"];
  let transport = sessions.get(id);
  if (transport === undefined) {
    if (id !== undefined) return response.writeHead(404).end();
    transport = new StreamableHTTPServerTransport({ sessionIdGenerator: randomUUID, onsessioninitialized: (sid) => sessions.set(sid, transport) });
    await newServer().connect(transport);
  }
  await transport.handleRequest(request, response, request.method === "POST" ? await body(request) : undefined);
}

async function older(request, response, sessions) {
  const url = new URL(request.url, "http://localhost");
  if (request.method === "GET" && url.pathname === "/sse") {
    const transport = new SSEServerTransport("/messages", response);
    sessions.set(transport.sessionId, transport);
    return newServer().connect(transport);
  }
  const transport = sessions.get(url.searchParams.get("sessionId"));
  if (request.method !== "POST" || transport === undefined) return response.writeHead(404).end();
  await transport.handlePostMessage(request, response, await body(request));
}

const way = process.argv[2];
if (way === "stdio") {
  console.error("mcp-app speaks to stderr");
  await newServer().connect(new StdioServerTransport());
} else {
  const sessions = new Map();
  const handle = way === "sse" ? older : streamable;
  const http = createServer((request, response) => handle(request, response, sessions).catch(() => response.destroy()));
  http.requestTimeout = 0;
  http.listen(Number(process.argv[3] ?? 0), "127.0.0.1", () => console.log(JSON.stringify({ event: "ready", port: http.address().port })));
}
