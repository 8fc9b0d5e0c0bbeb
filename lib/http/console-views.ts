import type { Operation } from './operations.ts';

/**
 * Where a browser is sent that asks for a page at a route of the API and bears no token: to the view
 * of the console that shows what the route answers, behind the console's sign-in; null: the request
 * is no such browser's. `headers`: by lower-case names.
 */
export function consoleInPlaceOf(
  { access, method, path }: Pick<Operation, 'access' | 'method' | 'path'>,
  headers: Readonly<Record<string, string | undefined>>,
): string | null {
  const isForProgram = access === 'open' || method !== 'GET' || headers.authorization !== undefined;
  if (isForProgram || !/\btext\/html\b/i.test(headers.accept ?? '')) return null;
  return `/${views[path.split('/')[1] ?? ''] ?? ''}`;
}

/** The views in web/src/app.tsx, by the first part of a route. */
const views: Readonly<Record<string, string>> = {
  clusters: '#/clusters',
  schedules: '#/schedules',
  report: '#/history',
  budget: '#/budget',
  owners: '#/budget',
};
