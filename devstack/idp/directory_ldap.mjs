// The directory as Active Directory answers it: passwords are checked by binding as the person, as AD FS does.
//
// A person is { oid, name, upn, given_name, family_name, display_name, email, place, disabled }; a group is
// { oid, name, display_name, place }. `name` is the sAMAccountName, `oid` the objectGUID as text.
import { Client, InvalidCredentialsError } from 'ldapts';

const PATIENCE = 3000; // milliseconds
const SWITCHED_OFF = 2; // of userAccountControl
const PEOPLE = '(&(objectCategory=person)(objectClass=user))';
// Tokens carry security groups only; the rule compares a bit of groupType.
const GROUPS = '(&(objectCategory=group)(groupType:1.2.840.113556.1.4.803:=2147483648))';
const IN_CHAIN = '1.2.840.113556.1.4.1941';
const FIELDS = [
  ...['objectGUID', 'objectClass', 'sAMAccountName', 'userPrincipalName', 'givenName', 'sn', 'displayName', 'cn'],
  ...['mail', 'userAccountControl', 'distinguishedName'],
];

/** The domain controller did not answer, or refused the service account. */
export class DirectoryDown extends Error {}

/** An objectGUID as text: the directory keeps its first three fields with the low byte first. */
export function guidText(bytes) {
  const swapped = Buffer.from(bytes);
  swapped.subarray(0, 4).reverse();
  swapped.subarray(4, 6).reverse();
  swapped.subarray(6, 8).reverse();
  return swapped.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** The bytes of an objectGUID that is given as text. */
export function guidBytes(text) {
  const bytes = Buffer.from(text.replaceAll('-', ''), 'hex');
  return Buffer.from(guidText(bytes).replaceAll('-', ''), 'hex');
}

/** The directory at `url`. Every function throws DirectoryDown when it does not answer. */
export function ldapDirectory({ url, ca, account, password, base }) {
  async function connected(work) {
    const waits = { timeout: PATIENCE, connectTimeout: PATIENCE };
    const client = new Client({ url, ...waits, tlsOptions: { ca }, strictDN: false });
    try {
      return await work(client);
    } finally {
      await client.unbind().catch(() => {}); // the answer is there, or its own error is on the way
    }
  }

  async function search(filter, { at = base, scope = 'sub' } = {}) {
    try {
      return await connected(async (client) => {
        await client.bind(account, password);
        const options = { filter, scope, attributes: FIELDS, explicitBufferAttributes: ['objectGUID'], paged: true };
        return (await client.search(at, options)).searchEntries;
      });
    } catch (error) {
      if (error.name === 'NoSuchObjectError') return [];
      throw new DirectoryDown(`the directory does not answer: ${error.message}`);
    }
  }

  /** What `oid` names, if it is below our base. */
  async function entryOf(oid) {
    const [entry] = await search('(objectClass=*)', { at: `<GUID=${oid}>`, scope: 'base' });
    return entry && entry.distinguishedName.toLowerCase().endsWith(base.toLowerCase()) ? entry : undefined;
  }

  return {
    /** The person with this user name (short, UPN or DOMAIN\name, any case) and password, or undefined. */
    async byPassword(username, given) {
      const wanted = escaped(username.trim().replace(/^.*\\/, ''));
      const [entry] = await search(`(&${PEOPLE}(|(sAMAccountName=${wanted})(userPrincipalName=${wanted})))`);
      // A bind without a password asks for anonymous access, and always works.
      if (!entry || !given) return undefined;
      try {
        await connected((client) => client.bind(entry.distinguishedName, given));
      } catch (error) {
        if (error instanceof InvalidCredentialsError) return undefined;
        throw new DirectoryDown(`the directory does not answer: ${error.message}`);
      }
      return personOf(entry);
    },
    /** The person with this object id who is not switched off, or undefined. */
    async byOid(oid) {
      const entry = await entryOf(oid);
      const person = entry && personOf(entry);
      return person && !person.disabled ? person : undefined;
    },
    /** All groups that the person is in, through other groups too. */
    async groupsOf({ dn }) {
      return (await search(`(&${GROUPS}(member:${IN_CHAIN}:=${escaped(dn)}))`)).map(groupOf);
    },
    async people() {
      return (await search(PEOPLE)).map(personOf);
    },
    async groups() {
      return (await search(GROUPS)).map(groupOf);
    },
    /** The people and groups directly in this group; undefined where there is no such group. */
    async membersOf(oid) {
      const group = await entryOf(oid);
      if (!group) return undefined;
      const found = await search(`(memberOf=${escaped(group.distinguishedName)})`);
      const [people, groups] = ['user', 'group'].map((kind) => found.filter((each) => each.objectClass.includes(kind)));
      return { people: people.map(personOf), groups: groups.map(groupOf) };
    },
  };
}

function personOf(entry) {
  return {
    ...groupOf(entry),
    upn: text(entry.userPrincipalName),
    given_name: text(entry.givenName),
    family_name: text(entry.sn),
    email: text(entry.mail),
    disabled: Boolean(Number(entry.userAccountControl) & SWITCHED_OFF),
  };
}

function groupOf(entry) {
  const units = [...entry.distinguishedName.matchAll(/(?<=,)OU=((?:\\.|[^,])+)/g)].map((found) => found[1]);
  return {
    oid: guidText(entry.objectGUID),
    dn: entry.distinguishedName,
    name: text(entry.sAMAccountName),
    display_name: text(entry.displayName) || text(entry.cn),
    place: units.slice(0, -1).reverse().join(' / '), // the last one holds the whole company
  };
}

/** An attribute's value; "" where the entry has none, which the library tells as an empty list. */
function text(value) {
  return Array.isArray(value) ? (value[0] ?? '') : (value ?? '');
}

/** The text as a value within a filter. */
function escaped(value) {
  return value.replace(/[\\*()\0]/g, (character) => `\\${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
