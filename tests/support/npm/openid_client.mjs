// The grants of the authorization server as apps use them that are built on openid-client.
import { aboutMe, ask, load, run } from "./conversation.mjs";

const client = await load("openid-client");
const options = { algorithm: "oauth2" };
const ways = { basic: client.ClientSecretBasic, post: client.ClientSecretPost };
const known = ({ issuer, id, secret, auth }) => client.discovery(new URL(issuer), id, secret, secret ? ways[auth](secret) : client.None(), options);

async function consent(config, redirect, scope, change = (url) => url) {
  const verifier = client.randomPKCECodeVerifier();
  const state = client.randomState();
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: redirect, scope, state, code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
  });
  const { came } = await ask({ visit: url.href });
  return client.authorizationCodeGrant(config, change(new URL(came)), { pkceCodeVerifier: verifier, expectedState: state });
}

const callApi = async (config, token) =>
  (await client.fetchProtectedResource(config, token, new URL("/v1/tunnels", config.serverMetadata().issuer), "GET")).status;

const refused = async (promise) => {
  try {
    await promise;
  } catch (error) {
    return error.status ?? error.cause?.status ?? error.code;
  }
  return "not refused";
};

async function life(config, redirect) {
  const first = await consent(config, redirect, "tunnels:read tunnels:write");
  const second = await client.refreshTokenGrant(config, first.refresh_token);
  const seen = { first: await callApi(config, first.access_token), second: await callApi(config, second.access_token), scope: second.scope, type: second.token_type };
  return { second, seen };
}

await run({
  async public({ issuer, redirect }) {
    const config = await client.dynamicClientRegistration(new URL(issuer), aboutMe(redirect), client.None(), options);
    const { second, seen } = await life(config, redirect);
    await client.tokenRevocation(config, second.refresh_token);
    return { ...seen, afterwards: await refused(callApi(config, second.access_token)) };
  },
  async confidential(given) {
    const config = await known(given);
    const { second, seen } = await life(config, given.redirect);
    const before = await client.tokenIntrospection(config, second.access_token);
    await client.tokenRevocation(config, second.access_token);
    const after = await client.tokenIntrospection(config, second.access_token);
    return { ...seen, active: [before.active, after.active], about: [before.client_id, before.scope, before.iss], afterwards: await refused(callApi(config, second.access_token)) };
  },
  async device({ issuer, redirect }) {
    const config = await client.dynamicClientRegistration(new URL(issuer), aboutMe(redirect), client.None(), options);
    const asked = await client.initiateDeviceAuthorization(config, { scope: "tunnels:read" });
    await ask({ approve: asked.verification_uri_complete, code: asked.user_code });
    const tokens = await client.pollDeviceAuthorizationGrant(config, asked);
    return { first: await callApi(config, tokens.access_token), scope: tokens.scope };
  },
  async itself(given) {
    const config = await known(given);
    const tokens = await client.clientCredentialsGrant(config, { scope: "tunnels:read" });
    return { first: await callApi(config, tokens.access_token), scope: tokens.scope, refresh: tokens.refresh_token ?? null };
  },
  async mixedUp({ issuer, redirect }) {
    const config = await client.dynamicClientRegistration(new URL(issuer), aboutMe(redirect), client.None(), options);
    const other = (url) => (url.searchParams.set("iss", "https://evil.example"), url);
    const none = (url) => (url.searchParams.delete("iss"), url);
    return [await refused(consent(config, redirect, "tunnels:read", other)), await refused(consent(config, redirect, "tunnels:read", none))];
  },
});
