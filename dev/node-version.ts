import { readFileSync } from 'node:fs';

const { engines } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as { readonly engines: { readonly node: string } };

/** The warning if `version`, such as 20.19.0, is older than package.json asks for; else null. */
export function oldNodeWarning(version: string): string | null {
  const needed = engines.node.replace('>=', '');
  const order = new Intl.Collator('en', { numeric: true });
  return order.compare(version, needed) >= 0
    ? null
    : `Node ${version} is too old: Onebuck needs ${needed} or later, and may fail in odd ways.`;
}
