// How a test talks with these scripts: one JSON object a line, questions on standard output and answers on standard input.
import { createRequire } from "module";
import { createInterface } from "readline";
import { pathToFileURL } from "url";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Asks whoever drives the script, who has the person's browser. */
export async function ask(question) {
  process.stdout.write(JSON.stringify(question) + "\n");
  return JSON.parse((await lines.next()).value);
}

/** A package of the folder that the script runs in. */
export function load(name) {
  return import(pathToFileURL(createRequire(process.cwd() + "/").resolve(name)));
}

/** Runs the way that the first line names, with what it says, and tells how it went. */
export async function run(ways) {
  const { way, ...given } = JSON.parse((await lines.next()).value);
  try {
    await ask({ done: await ways[way](given) });
  } catch (error) {
    process.stdout.write(JSON.stringify({ failed: `${error.stack}\n${error.cause ?? ""} ${JSON.stringify(error.cause ?? null)}` }) + "\n");
  }
  process.exit(0);
}

/** What a public client says of itself when it registers. */
export const aboutMe = (redirect) => ({
  client_name: "Library", redirect_uris: [redirect], token_endpoint_auth_method: "none",
  grant_types: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"], response_types: ["code"],
});
