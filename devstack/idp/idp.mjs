// The identity provider of the development stack. One TLS port speaks like AD FS (under /adfs) and like
// Entra ID v2 (under /<tenant>/v2.0), so that both modes of the portal's login run against a real OpenID provider.
//
// Settings come from the environment:
//   IDP_PORT                       port on 127.0.0.1; the origin is https://localhost:<port>
//   IDP_TLS_KEY, IDP_TLS_CERT      files of the server's certificate (name: localhost)
//   IDP_SIGN_KEY, IDP_SIGN_CERT    files of the key that signs tokens and of its certificate
//   IDP_LDAP_URL                   the domain controller that knows people and groups, with IDP_LDAP_CA (file),
//                                  IDP_LDAP_ACCOUNT, IDP_LDAP_PASSWORD (file), IDP_LDAP_BASE; without it
//   IDP_PEOPLE                     people.json; read again at each use, so a test may change it while we run
//   IDP_MOODS                      a file that a test may write to change how we behave, read again at each use:
//                                  { "overage": [names], "guests": [names], "graph": { see graph.mjs } }
//   IDP_CLIENT_ID, IDP_CLIENT_SECRET, IDP_RELYING_PARTY_ID
//   IDP_TENANT                     the directory's id at Entra
//   IDP_REDIRECT_URI               where the portal may be sent back to; several are parted by commas
// Sessions and codes are kept in memory: a restart signs everybody out.
import crypto from 'node:crypto';
import fs from 'node:fs';
import https from 'node:https';
import { Provider } from 'oidc-provider';
import { fileDirectory } from './directory_file.mjs';
import { DirectoryDown, guidBytes, ldapDirectory } from './directory_ldap.mjs';
import { graphOf } from './graph.mjs';
import * as pages from './pages.mjs';

// People's own kubectl, by the plugin oidc-login. The API server takes ID tokens that were made for it.
const CLUSTER_CLIENT = 'slipway-kubernetes';
const CLUSTER_REDIRECTS = ['http://localhost:8000', 'http://localhost:18000']; // the plugin's own
const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const HOUR = 3600;
// The cluster believes the groups in a token until it ends, also of somebody who was switched off meanwhile.
const CLUSTER_TOKEN = 600;

function required(name) {
  const value = process.env[name];
  if (!value) {
    console.error(`idp error: the environment variable ${name} is missing.`);
    process.exit(2);
  }
  return value;
}

const settings = {
  port: Number(required('IDP_PORT')),
  tenant: required('IDP_TENANT'),
  clientId: required('IDP_CLIENT_ID'),
  clientSecret: required('IDP_CLIENT_SECRET'),
  relyingParty: required('IDP_RELYING_PARTY_ID'),
  redirectUris: required('IDP_REDIRECT_URI').split(',').map((uri) => uri.trim()),
  tlsKey: fs.readFileSync(required('IDP_TLS_KEY')),
  tlsCert: fs.readFileSync(required('IDP_TLS_CERT')),
  signKey: fs.readFileSync(required('IDP_SIGN_KEY')),
  signCert: fs.readFileSync(required('IDP_SIGN_CERT'), 'utf8'),
};
const origin = `https://localhost:${settings.port}`;
const afterSignOut = settings.redirectUris.map((uri) => new URL('/sign-in/', uri).href);

// ---- people ----

const directory = process.env.IDP_LDAP_URL
  ? ldapDirectory({
      url: process.env.IDP_LDAP_URL,
      ca: fs.readFileSync(required('IDP_LDAP_CA')),
      account: required('IDP_LDAP_ACCOUNT'),
      password: fs.readFileSync(required('IDP_LDAP_PASSWORD'), 'utf8').trim(),
      base: required('IDP_LDAP_BASE'),
    })
  : fileDirectory(required('IDP_PEOPLE'));

const moods = () => JSON.parse(fs.existsSync(process.env.IDP_MOODS) ? fs.readFileSync(process.env.IDP_MOODS, 'utf8') : '{}');
const inMood = (mood, person) => (moods()[mood] ?? []).includes(person.name);
const graph = graphOf({ directory, moods });
const { tenant } = settings;

// ---- one provider for each shape ----

const signingKey = {
  ...crypto.createPrivateKey(settings.signKey).export({ format: 'jwk' }),
  use: 'sig',
  alg: 'RS256',
  kid: 'signing-1',
  x5c: [settings.signCert.replace(/-----[^-]+-----|\s/g, '')],
};

const adfsShape = {
  path: '/adfs',
  issuer: `${origin}/adfs`,
  // Real AD FS writes another issuer into its access tokens than into its ID tokens.
  tokenIssuer: 'http://localhost/adfs/services/trust',
  resource: settings.relyingParty,
  routes: {
    authorization: '/oauth2/authorize',
    token: '/oauth2/token',
    jwks: '/discovery/keys',
    end_session: '/oauth2/logout',
    userinfo: '/userinfo',
    device_authorization: '/oauth2/devicecode',
    code_verification: '/oauth2/deviceauth',
  },
  discovery: { access_token_issuer: 'http://localhost/adfs/services/trust' },
  // An attribute of bytes, such as objectGUID, goes into claims as base64.
  tokenClaims: (person, groups) => ({
    ...commonClaims(person),
    oid: guidBytes(person.oid).toString('base64'),
    winaccountname: person.name,
    group: groups.map(({ name }) => name),
    ver: '1.0',
  }),
};

const entraShape = {
  path: `/${tenant}/v2.0`,
  issuer: `${origin}/${tenant}/v2.0`,
  tokenIssuer: `${origin}/${tenant}/v2.0`,
  resource: `api://${settings.clientId}`,
  routes: {
    authorization: '/authorize',
    token: '/token',
    jwks: '/keys',
    end_session: '/logout',
    device_authorization: '/devicecode',
    code_verification: '/deviceauth',
  },
  discovery: { msgraph_host: `localhost:${settings.port}`, tenant_region_scope: 'EU' },
  tokenClaims: (person, groups) => ({
    ...commonClaims(person),
    preferred_username: person.upn,
    ver: '2.0',
    scp: 'access_as_user',
    // Entra leaves the groups out of a token when there are too many of them, and says where to ask.
    ...(inMood('overage', person)
      ? { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'graph' } } }
      : { groups: groups.map(({ oid }) => oid) }),
  }),
};

function commonClaims(person) {
  const { upn, given_name, family_name, email, oid } = person;
  const tid = inMood('guests', person) ? '00000000-0000-4000-8000-00000000f00d' : tenant;
  return { upn, given_name, family_name, email, oid, tid, appid: settings.clientId };
}

const codeErrors = {
  NoCodeError: 'Enter the code that the program shows.',
  NotFoundError: 'There is no such code. Compare it with what the program shows.',
  ExpiredError: 'This code is too old. Start the program again to get a new one.',
  AlreadyUsedError: 'This code was used already. Start the program again to get a new one.',
  AbortedError: 'Nothing was allowed. You can close this page.',
};

function providerOf(shape) {
  const apiScope = `api://${settings.clientId}/.default`;
  const provider = new Provider(shape.issuer, {
    clients: [
      {
        client_id: settings.clientId,
        client_secret: settings.clientSecret,
        redirect_uris: settings.redirectUris,
        post_logout_redirect_uris: afterSignOut,
        response_types: ['code'],
        grant_types: ['authorization_code', 'refresh_token', DEVICE_GRANT],
        token_endpoint_auth_method: 'client_secret_post',
      },
      {
        client_id: 'slipway-cli',
        redirect_uris: [],
        response_types: [],
        grant_types: [DEVICE_GRANT, 'refresh_token'],
        token_endpoint_auth_method: 'none',
        application_type: 'web', // 'native' would add a consent page
      },
      {
        client_id: CLUSTER_CLIENT,
        redirect_uris: CLUSTER_REDIRECTS,
        response_types: ['code'],
        grant_types: ['authorization_code', 'refresh_token', DEVICE_GRANT],
        token_endpoint_auth_method: 'none',
        application_type: 'web',
      },
    ],
    jwks: { keys: [signingKey] },
    cookies: { keys: [crypto.randomBytes(32).toString('hex')] },
    pkce: { required: () => true },
    scopes: ['openid', 'offline_access', 'profile', 'email'],
    claims: { openid: ['sub', 'upn', 'group'], email: ['email'], profile: ['given_name', 'family_name'] },
    routes: shape.routes,
    discovery: shape.discovery,
    features: {
      devInteractions: { enabled: false },
      deviceFlow: {
        enabled: true,
        userCodeInputSource: (ctx, form, out, error) => {
          ctx.body = pages.deviceCode({
            action: ctx.oidc.urlFor('code_verification'),
            xsrf: ctx.oidc.session.state.secret,
            code: error?.userCode,
            problem: error ? (codeErrors[error.name] ?? 'This did not work. Enter the code again.') : '',
          });
        },
        userCodeConfirmSource: (ctx, form, client, deviceInfo, code) => {
          ctx.body = pages.deviceConfirm({ form, program: client.clientId, code });
        },
        successSource: (ctx) => {
          ctx.body = pages.page('The program is signed in', '<p>You can close this page.</p>');
        },
      },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          ctx.body = pages.signOut({ form });
        },
        postLogoutSuccessSource: (ctx) => {
          ctx.body = pages.page('You are signed out', '<p>You can close this page.</p>');
        },
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => shape.resource,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          audience: shape.resource,
          scope: `openid ${apiScope}`,
          accessTokenFormat: 'jwt',
          accessTokenTTL: HOUR,
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
    findAccount: async (ctx, oid) => {
      const person = await directory.byOid(oid);
      if (!person) return undefined;
      const groups = ctx.oidc.client?.clientId === CLUSTER_CLIENT ? await directory.groupsOf(person) : undefined;
      const group = groups && { group: groups.map(({ name }) => name) };
      return { accountId: oid, claims: () => ({ sub: oid, ...commonClaims(person), ...group }) };
    },
    extraTokenClaims: async (ctx, token) => {
      const person = await directory.byOid(token.accountId);
      return person ? shape.tokenClaims(person, await directory.groupsOf(person)) : {};
    },
    formats: {
      customizers: {
        jwt: (ctx, token, parts) => {
          parts.payload.iss = shape.tokenIssuer;
          return parts;
        },
      },
    },
    interactions: { url: (ctx, interaction) => `${shape.path}/login/${interaction.uid}` },
    // As AD FS does; it is refused once the person is switched off.
    issueRefreshToken: (ctx, client, code) =>
      client.grantTypeAllowed('refresh_token') &&
      (client.clientId === CLUSTER_CLIENT || code.scopes.has('offline_access')),
    // AD FS asks for no consent.
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client.clientId,
        accountId: ctx.oidc.session.accountId,
      });
      grant.addOIDCScope('openid offline_access profile email');
      grant.addResourceScope(shape.resource, `openid ${apiScope}`);
      await grant.save();
      return grant;
    },
    renderError: (ctx, out) => {
      ctx.type = 'html';
      ctx.body = pages.failure(out);
    },
    ttl: {
      AccessToken: HOUR,
      AuthorizationCode: 60,
      DeviceCode: 600,
      Grant: HOUR,
      IdToken: (ctx, token, client) => (client.clientId === CLUSTER_CLIENT ? CLUSTER_TOKEN : HOUR),
      Interaction: 600,
      RefreshToken: 24 * HOUR,
      Session: HOUR,
    },
  });
  provider.on('server_error', (ctx, error) => console.error('idp error:', error));
  provider.on('authorization.error', (ctx, error) => logRefusal('authorize', error));
  provider.on('grant.error', (ctx, error) => logRefusal('token', error));
  return provider;
}

function logRefusal(where, error) {
  console.error(`idp refused (${where}): ${error.message} ${error.error_description ?? ''} ${error.error_detail ?? ''}`);
}

// ---- HTTP ----

const shapes = [adfsShape, entraShape].map((shape) => ({ ...shape, provider: providerOf(shape) }));

async function formOf(request) {
  let text = '';
  for await (const part of request) {
    text += part;
    if (text.length > 65536) throw new Error('the form is too long');
  }
  return new URLSearchParams(text);
}

function answer(response, status, type, body, headers = {}) {
  response.writeHead(status, {
    ...headers,
    'content-type': type,
    'cache-control': 'no-store',
    // No form-action here: browsers would apply it to the redirect back to the portal too.
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  });
  response.end(body);
}
const answerPage = (response, status, body) => answer(response, status, 'text/html; charset=utf-8', body);
const answerJson = (response, body, status = 200, headers = {}) =>
  answer(response, status, 'application/json', JSON.stringify(body), headers);

async function signIn(provider, request, response) {
  try {
    await provider.interactionDetails(request, response);
  } catch (error) {
    if (error.name !== 'SessionNotFound') throw error;
    const hint = 'This sign-in is too old. Go back to the portal and start again.';
    return answerPage(response, 400, pages.failure({ error: hint }));
  }
  if (request.method !== 'POST') return answerPage(response, 200, pages.signIn({}));
  const form = await formOf(request);
  let person;
  try {
    person = await directory.byPassword(form.get('username') ?? '', form.get('password') ?? '');
  } catch (error) {
    if (!(error instanceof DirectoryDown)) throw error;
    console.error('idp error:', error.message);
    const problem = 'The company directory does not answer, so your password can not be checked. Try again in a minute.';
    return answerPage(response, 503, pages.signIn({ problem, username: form.get('username') ?? '' }));
  }
  if (!person) {
    const problem = 'The user name or the password is wrong.';
    return answerPage(response, 401, pages.signIn({ problem, username: form.get('username') ?? '' }));
  }
  const result = { login: { accountId: person.oid } };
  return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

/** A person's access token of ours, checked. Returns the object id, "" for any other token. */
function holderOf(assertion) {
  const [head = '', body = '', signature = ''] = assertion.split('.');
  const signed = Buffer.from(`${head}.${body}`);
  if (!crypto.verify('RSA-SHA256', signed, settings.signCert, Buffer.from(signature, 'base64url'))) return '';
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
  return claims.exp * 1000 > Date.now() && [settings.clientId, entraShape.resource].includes(claims.aud) ? claims.oid : '';
}

/** Tokens for Graph: in exchange for a person's own (who has too many groups for a token), or for the app itself. */
async function graphToken(request, response) {
  const form = await formOf(request);
  const known = form.get('client_id') === settings.clientId && form.get('client_secret') === settings.clientSecret;
  if (!known) return answerJson(response, { error: 'invalid_client', error_description: 'Wrong credential' }, 401);
  if (form.get('grant_type') === 'client_credentials') return answerJson(response, graph.issue(''));
  const oid = holderOf(form.get('assertion') ?? '');
  if (!oid) return answerJson(response, { error: 'invalid_grant', error_description: 'Wrong assertion' }, 400);
  return answerJson(response, graph.issue(oid));
}

async function askGraph(url, request, response) {
  try {
    const { status, headers = {}, body } = await graph.answer(url, request.headers.authorization);
    return answerJson(response, body, status, headers);
  } catch (error) {
    if (!(error instanceof DirectoryDown)) throw error;
    console.error('idp error:', error.message);
    return answerJson(response, { error: { code: 'ServiceNotAvailable', message: error.message } }, 503);
  }
}

async function route(request, response) {
  const url = new URL(request.url, origin);
  if (url.pathname.startsWith('/v1.0/')) return askGraph(url, request, response);
  if (url.pathname === `/${tenant}/oauth2/v2.0/token`) return graphToken(request, response);
  const shape = shapes.find(({ path }) => url.pathname.startsWith(`${path}/`));
  if (!shape) return answerPage(response, 404, pages.failure({ error: 'There is no such page.' }));
  const rest = url.pathname.slice(shape.path.length);
  if (rest.startsWith('/login/')) return signIn(shape.provider, request, response);
  // The login library asks with GET and a form body.
  if (shape === shapes[1] && rest === '/token' && request.method === 'GET') return graphToken(request, response);
  request.originalUrl = request.url;
  request.url = request.url.slice(shape.path.length);
  return shape.provider.callback()(request, response);
}

const server = https.createServer({ key: settings.tlsKey, cert: settings.tlsCert }, (request, response) => {
  route(request, response).catch((error) => {
    console.error('idp error:', error);
    if (!response.headersSent) response.writeHead(500);
    response.end();
  });
});
server.on('error', (error) => {
  console.error(`idp error: cannot listen on 127.0.0.1:${settings.port}: ${error.message}`);
  process.exit(1);
});
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
server.listen(settings.port, '127.0.0.1', () => console.log(`idp listens on ${origin} (${shapes.map((s) => s.path).join(', ')})`));
