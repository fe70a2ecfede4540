// The grants of the authorization server as apps use them that are built on oauth4webapi, which checks every answer closely.
import { aboutMe, ask, load, run } from "./conversation.mjs";

const oauth = await load("oauth4webapi");
const auths = { basic: oauth.ClientSecretBasic, post: oauth.ClientSecretPost };
const own = ({ id, secret, auth }) => ({ client: { client_id: id }, auth: secret ? auths[auth](secret) : oauth.None() });

async function discover(issuer) {
  const url = new URL(issuer);
  return oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, { algorithm: "oauth2" }));
}

async function register(as, redirect) {
  const made = await oauth.processDynamicClientRegistrationResponse(await oauth.dynamicClientRegistrationRequest(as, aboutMe(redirect)));
  return { client: made, auth: oauth.None() };
}

async function consent(as, { client, auth }, redirect, scope, change = (url) => url) {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const url = new URL(as.authorization_endpoint);
  const query = { client_id: client.client_id, redirect_uri: redirect, response_type: "code", scope, state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256" };
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const { came } = await ask({ visit: url.href });
  const answer = oauth.validateAuthResponse(as, client, change(new URL(came)), state);
  const response = await oauth.authorizationCodeGrantRequest(as, client, auth, answer, redirect, verifier);
  return oauth.processAuthorizationCodeResponse(as, client, response);
}

const callApi = async (as, token) => (await oauth.protectedResourceRequest(token, "GET", new URL("/v1/tunnels", as.issuer))).status;

const refused = async (promise) => {
  try {
    await promise;
  } catch (error) {
    return error.status ?? error.cause?.status ?? error.code;
  }
  return "not refused";
};

async function life(as, me, redirect) {
  const first = await consent(as, me, redirect, "tunnels:read tunnels:write");
  const second = await oauth.processRefreshTokenResponse(as, me.client, await oauth.refreshTokenGrantRequest(as, me.client, me.auth, first.refresh_token));
  const seen = { first: await callApi(as, first.access_token), second: await callApi(as, second.access_token), scope: second.scope, type: second.token_type };
  return { second, seen };
}

const revoke = async (as, me, token) => oauth.processRevocationResponse(await oauth.revocationRequest(as, me.client, me.auth, token));
const introspect = async (as, me, token) =>
  oauth.processIntrospectionResponse(as, me.client, await oauth.introspectionRequest(as, me.client, me.auth, token));

await run({
  async public({ issuer, redirect }) {
    const as = await discover(issuer);
    const me = await register(as, redirect);
    const { second, seen } = await life(as, me, redirect);
    await revoke(as, me, second.refresh_token);
    return { ...seen, afterwards: await refused(callApi(as, second.access_token)) };
  },
  async confidential(given) {
    const as = await discover(given.issuer);
    const me = own(given);
    const { second, seen } = await life(as, me, given.redirect);
    const before = await introspect(as, me, second.access_token);
    await revoke(as, me, second.access_token);
    const after = await introspect(as, me, second.access_token);
    return { ...seen, active: [before.active, after.active], about: [before.client_id, before.scope, before.iss], afterwards: await refused(callApi(as, second.access_token)) };
  },
  async device({ issuer, redirect }) {
    const as = await discover(issuer);
    const me = await register(as, redirect);
    const request = await oauth.deviceAuthorizationRequest(as, me.client, me.auth, { scope: "tunnels:read" });
    const asked = await oauth.processDeviceAuthorizationResponse(as, me.client, request);
    const poll = async () =>
      oauth.processDeviceCodeResponse(as, me.client, await oauth.deviceCodeGrantRequest(as, me.client, me.auth, asked.device_code));
    const pending = await poll().then(() => "not refused", (error) => error.error);
    await ask({ approve: asked.verification_uri_complete, code: asked.user_code });
    const tokens = await poll();
    return { pending, first: await callApi(as, tokens.access_token), scope: tokens.scope };
  },
  async itself(given) {
    const as = await discover(given.issuer);
    const me = own(given);
    const tokens = await oauth.processClientCredentialsResponse(as, me.client,
      await oauth.clientCredentialsGrantRequest(as, me.client, me.auth, { scope: "tunnels:read" }));
    return { first: await callApi(as, tokens.access_token), scope: tokens.scope, refresh: tokens.refresh_token ?? null };
  },
  async mixedUp({ issuer, redirect }) {
    const as = await discover(issuer);
    const me = await register(as, redirect);
    const other = (url) => (url.searchParams.set("iss", "https://evil.example"), url);
    const none = (url) => (url.searchParams.delete("iss"), url);
    return [await refused(consent(as, me, redirect, "tunnels:read", other)), await refused(consent(as, me, redirect, "tunnels:read", none))];
  },
});
