// SPDX-License-Identifier: Apache-2.0
// An OpenID-certified provider as an operator would set it up for the platform: one public client
// (the command slideway), access tokens as JWTs for the platform, any user name signs in.
//
// usage: node provider.js FOLDER PORT KEYS AUDIENCE     FOLDER holds node_modules; KEYS is a JWKS with
//        private keys, of which the first signs
const fs = require('node:fs');
const { createRequire } = require('node:module');
const { pathToFileURL } = require('node:url');

const [folder, port, keysPath, audience] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;

async function main() {
  const path = createRequire(`${folder}/package.json`).resolve('oidc-provider');
  const { default: Provider } = await import(pathToFileURL(path));
  const provider = new Provider(issuer, {
    jwks: JSON.parse(fs.readFileSync(keysPath)),
    clients: [{
      client_id: 'slideway',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      redirect_uris: ['http://127.0.0.1/callback'],
      response_types: ['code'],
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    }],
    features: {
      deviceFlow: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'urn:platform',
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: '', audience, accessTokenFormat: 'jwt', accessTokenTTL: 3600, jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
    findAccount: (context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    extraTokenClaims: () => ({ org_id: 'hospital' }),
    cookies: { keys: ['a key of the tests'] },
    pkce: { methods: ['S256'], required: () => true },
  });
  provider.listen(Number(port), '127.0.0.1', () => console.log('listening'));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
