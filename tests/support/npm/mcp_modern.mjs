// The official SDK for MCP 2026-07-28, which has no sessions: node mcp_modern.mjs stdio | http PORT | visit JSON
import { createServer } from "node:http";
import { createRequire } from "node:module";

// Packages are found below the folder this runs in, or the one that is named.
const require = createRequire((process.env.MCP_PACKAGES ?? process.cwd()) + "/");
const way = process.argv[2];
const textOf = (result) => result.content.map((part) => part.text ?? "").join("\n");
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function newServer() {
  const { McpServer, fromJsonSchema } = require("@modelcontextprotocol/server");
  const server = new McpServer({ name: "modern", version: "2.0.0" }, { capabilities: { tools: {} } });
  const schema = fromJsonSchema({ type: "object", properties: { message: { type: "string" }, count: { type: "number" } } });
  const text = (value) => ({ content: [{ type: "text", text: String(value) }] });
  server.registerTool("echo", { description: "Says it again", inputSchema: schema }, ({ message }) => text(message));
  server.registerTool("rm", { description: "Removes", inputSchema: schema }, () => text("removed"));
  server.registerTool("ticks", { description: "Ticks", inputSchema: schema }, async ({ count }, context) => {
    const progressToken = context.mcpReq?._meta?.progressToken;
    for (let progress = 1; progress <= count; progress++) {
      await pause(100);
      if (progressToken !== undefined) await context.mcpReq.notify({ method: "notifications/progress", params: { progressToken, progress, total: count } });
    }
    return text("ticked");
  });
  return server;
}

async function visit(given) {
  const { Client, StreamableHTTPClientTransport } = require("@modelcontextprotocol/client");
  const client = new Client({ name: "visitor", version: "2" }, { versionNegotiation: { mode: given.mode ?? { pin: "2026-07-28" } } });
  await client.connect(new StreamableHTTPClientTransport(new URL("/mcp", given.url)));
  const found = { revision: client.getNegotiatedProtocolVersion?.() ?? null, tools: (await client.listTools()).tools.map((tool) => tool.name) };
  const call = (name, parameters, options) => client.callTool({ name, arguments: parameters }, options);
  found.echo = await Promise.all(Array.from({ length: 20 }, (_, i) => call("echo", { message: `m${i}` }).then(textOf)));
  found.progress = [];
  found.ticks = textOf(await call("ticks", { count: 3 }, { onprogress: (p) => found.progress.push(p.progress) }));
  found.rm = await call("rm", {}).then(textOf, (error) => error.message);
  await client.close();
  return found;
}

if (way === "stdio") {
  require("@modelcontextprotocol/server/stdio").serveStdio(newServer);
} else if (way === "http") {
  const handler = require("@modelcontextprotocol/server").createMcpHandler(newServer);
  const http = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = parts.length === 0 ? undefined : Buffer.concat(parts);
    const reply = await handler.fetch(new Request(`http://127.0.0.1${request.url}`, { method: request.method, headers: request.headers, body }));
    response.writeHead(reply.status, Object.fromEntries(reply.headers));
    if (reply.body) for await (const part of reply.body) response.write(part);
    response.end();
  });
  http.listen(Number(process.argv[3] ?? 0), "127.0.0.1", () => console.log(JSON.stringify({ event: "ready", port: http.address().port })));
} else {
  console.log(JSON.stringify(await visit(JSON.parse(process.argv[3]))));
  process.exit(0);
}
