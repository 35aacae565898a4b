// A strict client of the field against the daemon: oauth.mjs FLOW CONFIGURATION
// CONFIGURATION: JSON {issuer, client_id, client_secret, redirect_uri, ...what the flow asks for}.
// The library holds every answer against its RFC; what the flow found goes to standard output.
import { webcrypto } from "node:crypto";
import * as oauth from "oauth4webapi";

globalThis.crypto ??= webcrypto; // Node 18
const [flow, text] = process.argv.slice(2);
const given = JSON.parse(text);
const plain = { [oauth.allowInsecureRequests]: true }; // loopback
const client = { client_id: given.client_id };
const authentication =
  given.authentication === "post"
    ? oauth.ClientSecretPost(given.client_secret)
    : oauth.ClientSecretBasic(given.client_secret);

async function discover() {
  const issuer = new URL(given.issuer);
  const answer = await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...plain });
  return oauth.processDiscoveryResponse(issuer, answer);
}

async function credentials(as, parameters = {}) {
  const answer = await oauth.clientCredentialsGrantRequest(as, client, authentication, parameters, plain);
  return oauth.processClientCredentialsResponse(as, client, answer);
}

async function introspect(as, token) {
  const answer = await oauth.introspectionRequest(as, client, authentication, token, plain);
  return oauth.processIntrospectionResponse(as, client, answer);
}

// RFC 6749 4.1 with RFC 7636. `verifier` redeems in the place of the one that was made.
async function code(as, verifier) {
  const made = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const url = new URL(as.authorization_endpoint);
  for (const [name, value] of Object.entries({
    client_id: client.client_id,
    redirect_uri: given.redirect_uri,
    response_type: "code",
    scope: given.scope ?? "",
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(made),
    code_challenge_method: "S256",
  }))
    if (value) url.searchParams.set(name, value);
  const sent = await fetch(url, { redirect: "manual" });
  const back = new URL(sent.headers.get("location"));
  const parameters = oauth.validateAuthResponse(as, client, back, state);
  const answer = await oauth.authorizationCodeGrantRequest(
    as, client, authentication, parameters, given.redirect_uri, verifier ?? made, plain);
  return oauth.processAuthorizationCodeResponse(as, client, answer);
}

const flows = {
  discovery: discover,
  async client_credentials() {
    return credentials(await discover(), given.scope ? { scope: given.scope } : {});
  },
  async code() {
    return code(await discover());
  },
  async code_with_another_verifier() {
    return code(await discover(), oauth.generateRandomCodeVerifier());
  },
  async introspection() {
    const as = await discover();
    const { access_token } = await credentials(as);
    return { known: await introspect(as, access_token), unknown: await introspect(as, "x" + access_token) };
  },
  async revocation() {
    const as = await discover();
    const { access_token } = await credentials(as);
    const before = await introspect(as, access_token);
    const answer = await oauth.revocationRequest(as, client, authentication, access_token, plain);
    await oauth.processRevocationResponse(answer);
    return { before: before.active, after: (await introspect(as, access_token)).active };
  },
  // RFC 9068 by the published keys, as a resource server does it.
  async access_token() {
    const as = await discover();
    const { access_token } = await credentials(as);
    const request = new Request(given.issuer + "/v1/keys", {
      headers: { authorization: `Bearer ${access_token}` },
    });
    return oauth.validateJwtAccessToken(as, request, given.issuer, plain);
  },
  // RFC 8693: the client acts as a user.
  async exchange() {
    const as = await discover();
    const answer = await oauth.genericTokenEndpointRequest(
      as, client, authentication, "urn:ietf:params:oauth:grant-type:token-exchange",
      { subject_token: given.user, subject_token_type: "urn:chatelaine:token-type:user-id" }, plain);
    const token = await oauth.processGenericTokenEndpointResponse(as, client, answer);
    return { token, what: await introspect(as, token.access_token) };
  },
};

try {
  console.log(JSON.stringify(await flows[flow]()));
} catch (error) {
  // What the server answered by the RFC is an outcome; all else is a fault of one of the two.
  if (!(error instanceof oauth.ResponseBodyError || error instanceof oauth.WWWAuthenticateChallengeError))
    throw error;
  console.log(JSON.stringify({ refused: error.error ?? error.cause?.[0]?.scheme, status: error.status }));
}
