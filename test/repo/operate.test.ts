import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { metrics } from '../../lib/core/cluster/metrics.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

/** The alarms of the stack: their names in CloudFormation, and whether they are always there. */
const alarms = readdirSync(new URL('stack/', root)).flatMap((name) => {
  const { Resources = {} } = parse(read(`stack/${name}`), { logLevel: 'silent' }) as {
    Resources?: Readonly<Record<string, { readonly Type: string; readonly Condition?: string }>>;
  };
  return Object.entries(Resources)
    .filter(([, { Type }]) => Type === 'AWS::CloudWatch::Alarm')
    .map(([name, { Condition }]) => ({ name, isAlways: Condition === undefined }));
});
const declaredAlarms = alarms.map(({ name }) => name);

const page = read('docs/operate.md');
const sectionOf = (head: string) => page.split(/^## /m).find((text) => text.startsWith(head)) ?? '';
const rowsOf = (head: string) =>
  [...sectionOf(head).matchAll(/^\| `(\w+)` \| [^|]{20,} \| [^|]{20,} \|$/gm)].map(
    ([, name]) => name,
  );
/** The words on the page that look like the name of an alarm or metric, such as `ReaperNotRun`. */
const named = [...page.matchAll(/`((?:[A-Z][a-z]+)+)`/g)].map(([, name]) => name);

it('docs/operate.md says of each alarm what it means and what to do', () => {
  expect(declaredAlarms).toContain('RunsLost');
  expect(rowsOf('Alarms').toSorted()).toEqual(declaredAlarms.toSorted());
});

it('docs/operate.md lists first the alarms that are always there, then the others', () => {
  const [always = '', more = ''] = sectionOf('Alarms').split('`MORE_ALARMS: true`');
  for (const { name, isAlways } of alarms) {
    expect(isAlways ? always : more, name).toContain(`\n| \`${name}\` |`);
  }
});

it('docs/operate.md says of each metric of the dashboard what it is and when it is sent', () => {
  const drawn = [...read('stack/dashboard.yml').matchAll(/\["onebuck", "(\w+)"/g)];
  expect(rowsOf('Dashboard')).toEqual(drawn.map(([, name]) => name));
});

it('docs/operate.md names only alarms and metrics that exist', () => {
  expect(named.length).toBeGreaterThan(declaredAlarms.length);
  const known = [...declaredAlarms, ...Object.keys(metrics)];
  expect(named.filter((name = '') => !known.includes(name))).toEqual([]);
});

it('the README links to docs/operate.md', () => {
  expect(read('README.md')).toContain('(docs/operate.md)');
});
