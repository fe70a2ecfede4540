// An MCP server of the SDK, without authorization of its own, as an app on loopback: Streamable HTTP at /mcp, the older
// HTTP+SSE at /sse. Prints {"event":"ready","port":…} and what requests came with.
import { randomUUID } from "crypto";
import { createServer } from "http";
import { createRequire } from "module";

// Packages are found below the folder this runs in, and this file stands elsewhere.
const require = createRequire(process.cwd() + "/");
const { McpServer } = require("@modelcontextprotocol/sdk/server/mcp.js");
const { SSEServerTransport } = require("@modelcontextprotocol/sdk/server/sse.js");
const { StreamableHTTPServerTransport } = require("@modelcontextprotocol/sdk/server/streamableHttp.js");
const { z } = require("zod");

const say = (event, more) => process.stdout.write(JSON.stringify({ event, ...more }) + "\n");
const text = (value) => ({ content: [{ type: "text", text: JSON.stringify(value) }] });
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function makeServer() {
  const server = new McpServer({ name: "behind the tunnel", version: "1.0.0" }, { capabilities: { logging: {} } });
  server.registerTool("headers", { description: "What came with this call", inputSchema: {} },
    async (_, extra) => text(extra.requestInfo.headers));
  server.registerTool("wait", { description: "Answers late", inputSchema: { ms: z.number() } }, async ({ ms }) => {
    await sleep(ms);
    return text({ waited: ms });
  });
  server.registerTool("ticks", { description: "Tells something every so often", inputSchema: { count: z.number(), ms: z.number() } },
    async ({ count, ms }, extra) => {
      for (let n = 1; n <= count && !extra.signal.aborted; ++n) {
        await extra.sendNotification({ method: "notifications/message", params: { level: "info", data: { n, at: Date.now() } } });
        await sleep(ms);
      }
      return text({ count });
    });
  return server;
}

const sessions = new Map(); // transports by session id

async function streamable(request, response) {
  const known = sessions.get(request.headers["mcp-session-id"]);
  if (known) return known.handleRequest(request, response);
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    onsessioninitialized: (id) => sessions.set(id, transport),
  });
  await makeServer().connect(transport);
  return transport.handleRequest(request, response);
}

async function older(request, response, url) {
  if (request.method === "POST") return sessions.get(url.searchParams.get("sessionId")).handlePostMessage(request, response);
  const transport = new SSEServerTransport("/messages", response);
  sessions.set(transport.sessionId, transport);
  return makeServer().connect(transport);
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url, "http://localhost");
  const names = request.rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
  const end = { method: request.method, path: url.pathname, origin: request.headers.origin ?? null, session: request.headers["mcp-session-id"] ?? null };
  // The tunnel's client asks too, whether this is an MCP server.
  if (!(request.headers["user-agent"] ?? "").startsWith("instatunnel/")) {
    say("request", { ...end, authorized: names.includes("authorization"), identities: names.filter((n) => n.includes("identity")).length });
    response.on("close", () => say("closed", end));
  }
  try {
    if (url.pathname === "/mcp") return await streamable(request, response);
    if (url.pathname === "/sse" || url.pathname === "/messages") return await older(request, response, url);
    response.writeHead(404).end();
  } catch (error) {
    if (!response.headersSent) response.writeHead(500).end(String(error));
  }
});
server.listen(0, "127.0.0.1", () => say("ready", { port: server.address().port }));
