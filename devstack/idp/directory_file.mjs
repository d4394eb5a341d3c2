// The directory where there is no domain controller: people.json, read again at each use, so a test may change it.
import fs from 'node:fs';

/** The directory in this file, with the functions that `directory_ldap.mjs` describes. */
export function fileDirectory(path) {
  const read = () => JSON.parse(fs.readFileSync(path, 'utf8'));
  const personOf = ({ password, groups, ...facts }) => ({ ...facts, disabled: Boolean(facts.disabled) });
  const groupOf = ({ groups, ...facts }) => facts;

  /** Everything that `entry` is in: the groups named by it, those that they are in, and so on. */
  function above(entry, all) {
    const found = new Map();
    const open = [...entry.groups];
    while (open.length) {
      const wanted = open.pop();
      const group = all.find(({ name }) => name === wanted);
      if (!group || found.has(group.name)) continue;
      found.set(group.name, group);
      open.push(...group.groups);
    }
    return [...found.values()].map(groupOf);
  }

  return {
    async byPassword(username, password) {
      const wanted = username.trim().toLowerCase();
      const person = read().people.find(({ name, upn }) => [name, upn].some((each) => each.toLowerCase() === wanted));
      return person && !person.disabled && person.password === password ? personOf(person) : undefined;
    },
    async byOid(oid) {
      const person = read().people.find((each) => each.oid === oid && !each.disabled);
      return person && personOf(person);
    },
    async groupsOf({ oid }) {
      const { people, groups } = read();
      const person = people.find((each) => each.oid === oid);
      return person ? above(person, groups) : [];
    },
    async people() {
      return read().people.map(personOf);
    },
    async groups() {
      return read().groups.map(groupOf);
    },
    async membersOf(oid) {
      const { people, groups } = read();
      const group = groups.find((each) => each.oid === oid);
      if (!group) return undefined;
      const inside = (each) => each.groups.includes(group.name);
      return { people: people.filter(inside).map(personOf), groups: groups.filter(inside).map(groupOf) };
    },
  };
}
