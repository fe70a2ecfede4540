// A client of the MCP SDK, whose own OAuth client is what proves the authorization in front of a tunnel. See conversation.mjs.
import { createRequire } from "module";
import { ask, load, run } from "./conversation.mjs";

const require = createRequire(process.cwd() + "/");
const { Client } = require("@modelcontextprotocol/sdk/client/index.js");
const { SSEClientTransport } = require("@modelcontextprotocol/sdk/client/sse.js");
const { StreamableHTTPClientTransport } = require("@modelcontextprotocol/sdk/client/streamableHttp.js");
const { UnauthorizedError } = require("@modelcontextprotocol/sdk/client/auth.js");
const { createRemoteJWKSet, jwtVerify } = await load("jose");

/** What the SDK wants an application to remember. */
class Memory {
  constructor(redirect, document) {
    this.redirectUrl = redirect;
    this.clientMetadataUrl = document; // instead of a registration
    this.clientMetadata = {
      client_name: "SDK client", redirect_uris: [redirect], token_endpoint_auth_method: "none",
      grant_types: ["authorization_code", "refresh_token"], response_types: ["code"],
    };
  }
  clientInformation() { return this.client; }
  saveClientInformation(client) { this.client = client; }
  tokens() { return this.known; }
  saveTokens(tokens) { this.known = tokens; this.saved = (this.saved ?? 0) + 1; }
  redirectToAuthorization(url) { this.asked = url; }
  saveCodeVerifier(verifier) { this.verifier = verifier; }
  codeVerifier() { return this.verifier; }
}

const transports = { http: StreamableHTTPClientTransport, sse: SSEClientTransport };
const make = (kind, url, options) => new transports[kind](new URL(url), options);
const newClient = () => new Client({ name: "test", version: "1.0.0" });
const call = async (client, name, args = {}) => JSON.parse((await client.callTool({ name, arguments: args })).content[0].text);

/** Connects, with a person's consent when the server asks for it. */
async function signIn(kind, url, memory) {
  const first = make(kind, url, { authProvider: memory });
  try {
    const client = newClient();
    await client.connect(first);
    return { client, transport: first };
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
  }
  const { came } = await ask({ visit: memory.asked.href });
  const answer = new URL(came).searchParams;
  if (answer.get("error")) throw new Error(answer.get("error"));
  await first.finishAuth(answer.get("code"));
  const client = newClient();
  const transport = make(kind, url, { authProvider: memory });
  await client.connect(transport);
  return { client, transport };
}

const refusal = async (promise) => {
  try {
    await promise;
  } catch (error) {
    return error.code ?? error.message;
  }
  return "not refused";
};

await run({
  async oauth({ url, redirect, kind = "http", issuer, document }) {
    const memory = new Memory(redirect, document);
    const { client } = await signIn(kind, url, memory);
    const tools = (await client.listTools()).tools.map((tool) => tool.name);
    const headers = await call(client, "headers");
    const identity = headers["x-instatunnel-identity"];
    const keys = createRemoteJWKSet(new URL(issuer + "/.well-known/jwks.json"));
    const { payload, protectedHeader } = await jwtVerify(identity, keys, { issuer, audience: new URL(url).origin, typ: "instatunnel-identity+jwt" });
    // A token that no longer works is replaced by the SDK itself.
    memory.known = { ...memory.known, access_token: "ita_" + "x".repeat(40) };
    const afterwards = (await call(client, "headers"))["x-instatunnel-identity"] !== undefined;
    await client.close();
    return { tools, authorization: headers.authorization ?? null, payload, alg: protectedHeader.alg, scope: memory.known.scope, refreshed: memory.saved, afterwards,
      registered: memory.client.client_id, identity };
  },
  async denied({ url, redirect }) {
    return refusal(signIn("http", url, new Memory(redirect)));
  },
  async bearer({ url, token, kind = "http" }) {
    const client = newClient();
    await client.connect(make(kind, url, { requestInit: { headers: { Authorization: `Bearer ${token}` } } }));
    const headers = await call(client, "headers");
    await client.close();
    return { authorization: headers.authorization ?? null, identity: headers["x-instatunnel-identity"] ?? null };
  },
  async refused({ url, token, kind = "http" }) {
    return refusal(newClient().connect(make(kind, url, { requestInit: { headers: { Authorization: `Bearer ${token}` } } })));
  },
  async slow({ url, token, kind = "http", ms }) {
    const client = newClient();
    await client.connect(make(kind, url, { requestInit: { headers: { Authorization: `Bearer ${token}` } } }));
    const waited = await call(client, "wait", { ms });
    const delays = [];
    client.setNotificationHandler(require("@modelcontextprotocol/sdk/types.js").LoggingMessageNotificationSchema,
      ({ params }) => void delays.push(Date.now() - params.data.at));
    await call(client, "ticks", { count: 5, ms: 400 });
    await client.close();
    return { waited: waited.waited, events: delays.length, latest: Math.max(...delays) };
  },
  /** Begins a call that tells something for a long time, and says when that was cut. */
  async held({ url, redirect }) {
    const memory = new Memory(redirect);
    const { client } = await signIn("http", url, memory);
    let heard = 0;
    const begun = new Promise((resolve) =>
      client.setNotificationHandler(require("@modelcontextprotocol/sdk/types.js").LoggingMessageNotificationSchema, () => (++heard, resolve())));
    const done = refusal(client.callTool({ name: "ticks", arguments: { count: 1000, ms: 100 } }, undefined, { timeout: 60000 }));
    await begun;
    await ask({ held: memory.known.access_token, refresh: memory.known.refresh_token, client: memory.client.client_id });
    const before = heard;
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const after = heard;
    await new Promise((resolve) => setTimeout(resolve, 1000));
    void done;
    return { before, after, later: heard, again: await refusal(client.listTools()) };
  },
});
