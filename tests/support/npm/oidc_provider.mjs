// An outside OpenID provider for tests. usage: PROVIDER_SECRET=… node oidc_provider.mjs PORT REDIRECT_URI
// Who signs in is whoever types a name; an address that begins with "unverified" is not verified.
import Provider from "oidc-provider";

const [port, redirectUri] = process.argv.slice(2);
const secret = process.env.PROVIDER_SECRET;
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  clients: [{ client_id: "edge", client_secret: secret, redirect_uris: [redirectUri], grant_types: ["authorization_code"], response_types: ["code"] }],
  scopes: ["openid", "email", "profile"],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  pkce: { required: () => true },
  cookies: { keys: [secret] },
  features: { devInteractions: { enabled: true } },
  async findAccount(_context, id) {
    return {
      accountId: id,
      claims: async () => ({ sub: id, email: id, email_verified: !id.startsWith("unverified"), name: `Name of ${id}` }),
    };
  },
});
provider.listen(Number(port), "127.0.0.1", () => console.log(JSON.stringify({ event: "provider.ready", issuer })));
