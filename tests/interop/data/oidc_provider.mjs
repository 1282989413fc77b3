// An OpenID Connect provider for the tests: node oidc_provider.mjs FOLDER-OF-OIDC-PROVIDER JSON, see below.

import { generateKeyPairSync } from "node:crypto";
import { pathToFileURL } from "node:url";

const [, , folder, told] = process.argv;
const { issuer, redirect, alg, accounts } = JSON.parse(told);
const { default: Provider } = await import(pathToFileURL(`${folder}/lib/index.js`));

const KINDS = {
  RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  EdDSA: () => generateKeyPairSync("ed25519"),
};
const keys = Object.entries(KINDS).map(([name, make]) => ({
  ...make().privateKey.export({ format: "jwk" }),
  kid: `${name}-1`,
  alg: name,
  use: "sig",
}));

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "softphone",
      token_endpoint_auth_method: "none",
      redirect_uris: [redirect],
      grant_types: ["authorization_code"],
      response_types: ["code"],
      id_token_signed_response_alg: alg,
    },
  ],
  claims: { openid: ["sub", "dn"] },
  conformIdTokenClaims: false, // the ID token has the claims itself
  enabledJWA: { idTokenSigningAlgValues: Object.keys(KINDS) },
  jwks: { keys },
  cookies: { keys: ["for tests only"] },
  features: { devInteractions: { enabled: true } }, // its own pages for signing in and consent
  findAccount: (context, id) => id in accounts && { accountId: id, claims: () => ({ sub: id, dn: accounts[id] ?? undefined }) },
});
provider.on("server_error", (context, error) => console.error(error));
const { hostname, port } = new URL(issuer);
provider.listen(Number(port), hostname, () => console.log(`serving ${issuer}`));
