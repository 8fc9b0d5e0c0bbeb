import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';

const root = new URL('../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

/** By the names that CloudFormation makes the deployed ones from. */
const declared = readdirSync(new URL('stack/', root)).flatMap((name) => {
  const { Resources } = parse(read(`stack/${name}`), { logLevel: 'silent' }) as {
    Resources: Readonly<Record<string, { readonly Type: string }>>;
  };
  return Object.entries(Resources)
    .filter(([, { Type }]) => Type === 'AWS::CloudWatch::Alarm')
    .map(([name]) => name);
});

const page = read('docs/operate.md');
const rows = [...page.matchAll(/^\| `(\w+)` \| [^|]{20,} \| [^|]{20,} \|$/gm)].map(
  ([, name]) => name,
);
/** Words such as `ReaperNotRun`, wherever they are. */
const named = [...page.matchAll(/`((?:[A-Z][a-z]+)+)`/g)].map(([, name]) => name);

it('tells of each alarm what it means and what to do', () => {
  expect(declared).toContain('RunsLost');
  expect(rows.toSorted()).toEqual(declared.toSorted());
});

it('names no alarm that does not exist', () => {
  expect(named.length).toBeGreaterThan(declared.length);
  expect(named.filter((name = '') => !declared.includes(name))).toEqual([]);
});

it('is linked from the README', () => {
  expect(read('README.md')).toContain('(docs/operate.md)');
});
