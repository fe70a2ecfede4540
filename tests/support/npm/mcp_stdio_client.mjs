// Starts `instatunnel mcp serve` with the MCP SDK's own client, does with its tools what an agent does, and prints what it found.
import { createRequire } from "node:module";
import https from "node:https";

// Packages are found below the folder this runs in.
const require = createRequire(process.cwd() + "/");
const { Client } = require("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = require("@modelcontextprotocol/sdk/client/stdio.js");

const given = JSON.parse(process.argv[2]);

const post = (url, body) => new Promise((resolve, reject) => {
  const request = https.request(url, { method: "POST", headers: { "content-type": "application/json", authorization: "Bearer planted-secret" } }, (reply) => {
    reply.resume();
    reply.on("end", () => resolve(reply.statusCode));
  });
  request.on("error", reject);
  request.end(body);
});

const client = new Client({ name: "agent", version: "1" });
await client.connect(new StdioClientTransport({ command: given.command[0], args: given.command.slice(1), env: { ...process.env, ...given.env }, stderr: "ignore" }));
// The client checks results against the output schemas that it has listed.
const { tools } = await client.listTools();
const call = async (name, args = {}, options = {}) => {
  const result = await client.callTool({ name, arguments: args }, undefined, options);
  if (result.isError) throw new Error(result.content[0].text);
  return result.structuredContent;
};

const found = { tools: tools.map((tool) => tool.name), read_only: tools.filter((tool) => tool.annotations.readOnlyHint).map((tool) => tool.name), progress: [] };
const opened = await call("open_tunnel", { target: String(given.port) });
let begun;
const waits = new Promise((resolve) => { begun = resolve; });
const waiting = call("wait_for_request", { path: "/hook", json: { "/type": "paid" } }, { onprogress: (p) => { found.progress.push(p.progress); begun(); } });
await waits;
await post(opened.url + "/hook", '{"type":"other"}');
found.status = await post(opened.url + "/hook", '{"type":"paid"}');
const waited = await waiting;
found.waited = waited.request.request.body.text;
found.listed = (await call("list_requests", { path: "/hook" })).requests.map((one) => one.id);
found.read = (await call("read_request", { id: waited.request.id })).request.fields.filter(([name]) => name === "authorization");
const again = await call("replay_request", { id: waited.request.id, body: '{"type":"again"}' });
found.replay_of = again.replay_of === waited.request.id;
const stop = new AbortController();
const idle = call("wait_for_request", {}, { signal: stop.signal, onprogress: () => stop.abort("enough") });
found.aborted = await idle.then(() => false, () => true);
found.well = (await call("run_doctor", { port: given.port })).ok;
found.open = (await call("list_tunnels")).tunnels.length;
await call("close_tunnel", { tunnel: opened.name });
await client.close();
console.log(JSON.stringify(found));
