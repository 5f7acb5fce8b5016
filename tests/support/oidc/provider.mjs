// A real OpenID Connect provider on loopback. Whoever signs in as `kim.pharmacist` is kim with the role pharmacist.
// node provider.mjs PORT REDIRECT_URI; its pages for signing in take any password.
import Provider from 'oidc-provider';

const [port, redirectUri] = process.argv.slice(2);
const client = {
  redirect_uris: [redirectUri],
  response_types: ['code'],
  grant_types: ['authorization_code'],
};

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    { ...client, client_id: 'careplan', client_secret: 'only for tests: %&+', },
    { ...client, client_id: 'careplan-by-post', client_secret: 'only-for-tests', token_endpoint_auth_method: 'client_secret_post' },
    { ...client, client_id: 'careplan-public', token_endpoint_auth_method: 'none' },
  ],
  pkce: { required: () => true },
  claims: { openid: ['sub'], profile: ['preferred_username', 'roles', 'realm_access'] },
  // The profile in the ID token itself for one client; the others find it at userinfo, as the standard has it.
  conformIdTokenClaims: process.env.ID_TOKEN_HAS_ALL !== '1',
  cookies: { keys: ['only for tests'] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => {
      const [name, ...roles] = id.split('.');
      return { sub: id, preferred_username: name, roles, realm_access: { roles: roles.map((role) => `CP-${role}`) } };
    },
  }),
});

provider.listen(Number(port), '127.0.0.1');
