import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { metrics } from '../../lib/core/cluster/metrics.ts';

const root = new URL('../../', import.meta.url);
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
const sectionOf = (head: string) => page.split(/^## /m).find((text) => text.startsWith(head)) ?? '';
const rowsOf = (head: string) =>
  [...sectionOf(head).matchAll(/^\| `(\w+)` \| [^|]{20,} \| [^|]{20,} \|$/gm)].map(
    ([, name]) => name,
  );
/** Words such as `ReaperNotRun`, wherever they are. */
const named = [...page.matchAll(/`((?:[A-Z][a-z]+)+)`/g)].map(([, name]) => name);

it('tells of each alarm what it means and what to do', () => {
  expect(declared).toContain('RunsLost');
  expect(rowsOf('Alarms').toSorted()).toEqual(declared.toSorted());
});

it('tells of each metric of the dashboard what it is and when it is sent', () => {
  const drawn = [...read('stack/dashboard.yml').matchAll(/\["onebuck", "(\w+)"/g)];
  expect(rowsOf('Dashboard')).toEqual(drawn.map(([, name]) => name));
});

it('names no alarm and no metric that does not exist', () => {
  expect(named.length).toBeGreaterThan(declared.length);
  const known = [...declared, ...Object.keys(metrics)];
  expect(named.filter((name = '') => !known.includes(name))).toEqual([]);
});

it('is linked from the README', () => {
  expect(read('README.md')).toContain('(docs/operate.md)');
});
