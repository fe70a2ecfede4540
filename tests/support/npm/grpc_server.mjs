// A gRPC server: node grpc_server.mjs ADDRESS [CERTIFICATE KEY]. Tells what happens as JSON lines.
import { readFileSync } from "fs";
import { createHash } from "crypto";
import { Echo, grpc, sizes } from "./grpc_parts.mjs";

const [address, certificate, key] = process.argv.slice(2);
const tell = (event, more = {}) => process.stdout.write(JSON.stringify({ event, ...more }) + "\n");

// What reached us of a call, so that a test sees what the tunnel did to it.
function greet(call, method) {
  const deadline = call.getDeadline();
  tell("call", {
    method, metadata: call.metadata.getMap(), peer: call.getPeer(), host: call.getHost?.() ?? null,
    left: deadline instanceof Date ? deadline - Date.now() : Number.isFinite(deadline) ? deadline - Date.now() : null,
  });
  call.on("cancelled", () => tell("cancelled", { method }));
}

function failure(text) {
  const details = new grpc.Metadata();
  details.set("reason", "told so");
  details.set("grpc-status-details-bin", Buffer.from([8, 9, 18, 3, 0, 255, 10]));
  return Object.assign(new Error(text), { code: grpc.status.FAILED_PRECONDITION, details: text, metadata: details });
}

function say(call, done) {
  greet(call, "Say");
  const { text, data, number } = call.request;
  if (text === "fail") return done(failure("für 100 % verboten\n"));
  if (text === "never") return undefined;
  if (text === "abort") return process.exit(7);
  const first = new grpc.Metadata();
  first.set("first", "head");
  first.set("first-bin", Buffer.from([0, 1, 2, 255]));
  call.sendMetadata(first);
  const last = new grpc.Metadata();
  last.set("last", "trailer");
  last.set("last-bin", Buffer.from([254, 0]));
  if (text === "hash") return done(null, { text: createHash("sha256").update(data).digest("hex"), number: data.length }, last);
  if (text === "bytes") return done(null, { data: Buffer.alloc(number, "x") }, last);
  return done(null, { text, data, number: number + 1 }, last);
}

async function count(call) {
  greet(call, "Count");
  const { text, number } = call.request;
  if (text === "flood") {
    // As fast as flow control lets us; tells how far we got.
    const data = Buffer.alloc(65536, "f");
    for (let i = 0; i < number && !call.cancelled; ++i) {
      if (!call.write({ data, number: i })) {
        tell("full", { sent: i });
        await new Promise((go) => { call.once("drain", go); call.once("cancelled", go); });
      }
    }
    tell("flooded", { number });
    return call.end();
  }
  for (let i = 0; i < number; ++i) call.write({ text, number: i });
  if (text === "wait") return undefined;
  if (text === "fail") return call.emit("error", failure("after some"));
  return call.end();
}

function sum(call, done) {
  greet(call, "Sum");
  let total = 0, seen = 0;
  call.on("data", ({ number, text }) => {
    total += number;
    tell("got", { number });
    ++seen;
    if (text === "enough") done(null, { number: total, text: "early" });
  });
  call.on("end", () => done(null, { number: total, text: `${seen}` }));
}

function chat(call) {
  greet(call, "Chat");
  call.on("data", (message) => {
    if (message.text === "fail") return call.emit("error", failure("in the middle"));
    if (message.text === "quiet") return undefined;
    return call.write({ ...message, number: message.number + 1 });
  });
  call.on("end", () => call.end());
}

const server = new grpc.Server({ ...sizes, ...JSON.parse(process.env.GRPC_OPTIONS ?? "{}") });
server.addService(Echo.service, { Say: say, Count: count, Sum: sum, Chat: chat });
const credentials = certificate
  ? grpc.ServerCredentials.createSsl(null, [{ cert_chain: readFileSync(certificate), private_key: readFileSync(key) }])
  : grpc.ServerCredentials.createInsecure();
server.bindAsync(address, credentials, (error) => (error ? tell("failed", { error: `${error}` }) : tell("ready")));
process.on("SIGTERM", () => server.tryShutdown(() => process.exit(0)));
