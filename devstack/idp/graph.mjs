// The parts of Microsoft Graph that the portal uses: who a person is in, and the whole directory for an app.
//
// A test tells how Graph is to behave in the moods file, which is read at each call:
//   { "graph": { "page": 5, "busy_every": 3, "retry_after": 1 } }
// page: at most so many rows a page; busy_every: each so manieth call is answered 429 with Retry-After.
import crypto from 'node:crypto';

const LARGEST_PAGE = 999;
const USUAL_PAGE = 100;
const LIFE = 3600; // seconds
// What Graph answers when nothing is selected; the rest must be asked for by name.
const USUAL_OF_USERS = ['id', 'displayName', 'givenName', 'surname', 'mail', 'userPrincipalName'];
const USUAL_OF_GROUPS = ['id', 'displayName', 'mail', 'securityEnabled', 'onPremisesSamAccountName'];

/** Graph over this directory. `moods` reads the moods file. */
export function graphOf({ directory, moods }) {
  const tokens = new Map(); // token -> { oid, ends }; an app has no oid
  let calls = 0;

  /** A new token for the person with this object id, or for an app. */
  function issue(oid) {
    const token = `graph-${crypto.randomBytes(24).toString('base64url')}`;
    tokens.set(token, { oid, ends: Date.now() + LIFE * 1000 });
    return { token_type: 'Bearer', access_token: token, expires_in: LIFE };
  }

  function user(person) {
    return {
      id: person.oid,
      displayName: person.display_name,
      givenName: person.given_name,
      surname: person.family_name,
      mail: person.email || null,
      userPrincipalName: person.upn,
      accountEnabled: !person.disabled,
      userType: (moods().guests ?? []).includes(person.name) ? 'Guest' : 'Member',
      onPremisesSamAccountName: person.name,
      onPremisesDistinguishedName: person.dn ?? null,
      department: person.place || null,
    };
  }

  function group(found) {
    return {
      id: found.oid,
      displayName: found.display_name,
      mail: null,
      securityEnabled: true,
      onPremisesSamAccountName: found.name,
      description: found.place || null,
    };
  }

  const typed = (kind, value) => ({ '@odata.type': `#microsoft.graph.${kind}`, ...value });

  async function members(oid) {
    const found = await directory.membersOf(oid);
    return found && [
      ...found.people.map((each) => typed('user', user(each))),
      ...found.groups.map((each) => typed('group', group(each))),
    ];
  }

  /** One page of `rows`, cut to the selected fields. */
  function page(url, rows, usual, { longest = LARGEST_PAGE } = {}) {
    const selected = url.searchParams.get('$select')?.split(',').map((name) => name.trim()) ?? usual;
    if (!['', 'securityEnabled eq true'].includes(url.searchParams.get('$filter') ?? '')) {
      return fault(400, 'Request_UnsupportedQuery', 'This stand-in knows the filter securityEnabled eq true only');
    }
    const asked = Number(url.searchParams.get('$top') ?? USUAL_PAGE);
    if (!(asked >= 1 && asked <= LARGEST_PAGE)) return fault(400, 'BadRequest', `$top must be 1 to ${LARGEST_PAGE}`);
    const size = Math.min(asked, longest, moods().graph?.page ?? LARGEST_PAGE);
    const begin = Number(url.searchParams.get('$skiptoken') ?? 0);
    const value = rows.slice(begin, begin + size).map((row) => {
      const kept = Object.entries(row).filter(([name]) => selected.includes(name) || name === '@odata.type');
      return Object.fromEntries(kept);
    });
    const next = new URL(url);
    next.searchParams.set('$skiptoken', String(begin + size));
    return { status: 200, body: { ...(begin + size < rows.length ? { '@odata.nextLink': next.href } : {}), value } };
  }

  /** The answer to one call: { status, headers, body }. */
  async function answer(url, authorization) {
    const { busy_every: busy, retry_after: wait = 1 } = moods().graph ?? {};
    calls += 1;
    if (busy && calls % busy === 0) {
      return { ...fault(429, 'TooManyRequests', 'Too many requests'), headers: { 'retry-after': String(wait) } };
    }
    const holder = tokens.get((authorization ?? '').replace(/^Bearer /, ''));
    if (!holder || holder.ends < Date.now()) return fault(401, 'InvalidAuthenticationToken', 'The token is not valid');
    const path = url.pathname.replace('/v1.0', '');
    if (path === '/me/transitiveMemberOf/microsoft.graph.group' && holder.oid) {
      const person = await directory.byOid(holder.oid);
      const rows = person ? (await directory.groupsOf(person)).map(group) : [];
      // One a page, so that who reads only the first is found out.
      return page(url, rows, USUAL_OF_GROUPS, { longest: 1 });
    }
    if (holder.oid) return fault(403, 'Authorization_RequestDenied', 'Insufficient privileges');
    if (path === '/users') return page(url, (await directory.people()).map(user), USUAL_OF_USERS);
    if (path === '/groups') return page(url, (await directory.groups()).map(group), USUAL_OF_GROUPS);
    const [, oid] = path.match(/^\/groups\/([0-9a-f-]{36})\/members$/) ?? [];
    const rows = oid && (await members(oid));
    return rows ? page(url, rows, USUAL_OF_USERS) : fault(404, 'Request_ResourceNotFound', 'There is no such resource');
  }

  return { issue, answer };
}

function fault(status, code, message) {
  return { status, body: { error: { code, message } } };
}
