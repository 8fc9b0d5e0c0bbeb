import { agentFilesIn } from '../../simulators/linode/agent-files.ts';
import type { LinodeSimulator } from '../../simulators/linode/simulator.ts';
import { SPEC } from '../deploy/deployment.ts';
import { expect, until } from '../deploy/expect.ts';
import { eventOf, type HttpAnswer } from './events.ts';
import { type Functions, PUBLIC_URL } from './world.ts';

interface Cluster {
  readonly id: string;
  readonly status: string;
  readonly startedAt: string | null;
  readonly readyAt: string | null;
  readonly endReason: string | null;
}

/**
 * Launches a cluster by the API. The launch's own invocation of `reconcile` is lost, so that a tick of
 * the reaper must find the cluster and have its nodes created.
 */
export async function beginLife(functions: Functions): Promise<string> {
  functions.loseNext();
  const { id } = await call<Cluster>(functions, 'POST', '/clusters', SPEC);
  await functions.invoke('reap', eventOf('reap'));
  await untilStatus(functions, id, 'running');
  return id;
}

/** Has each node say that it is ready, with the token in the user data that Linode was given. */
export async function becomeReady(
  functions: Functions,
  linode: LinodeSimulator,
  id: string,
): Promise<void> {
  for (const { label, userData } of linode.instances(`onebuck=${id}`)) {
    const { url = '', token = '' } = agentFilesIn(userData) ?? {};
    expect(url.startsWith(PUBLIC_URL), `the agent of ${label} would call ${url}`);
    const path = url.slice(PUBLIC_URL.length);
    await call(functions, 'POST', path, { event: 'ready' }, { authorization: `Bearer ${token}` });
  }
  const { readyAt } = await call<Cluster>(functions, 'GET', `/clusters/${id}`);
  expect(readyAt !== null, `${id} is not ready although all its nodes are`);
}

/** Waits until passes have torn the cluster down at the end of its hour, and reads the bill. */
export async function endLife(
  functions: Functions,
  linode: LinodeSimulator,
  id: string,
): Promise<number> {
  await untilStatus(functions, id, 'deleted');
  const { startedAt, endReason } = await call<Cluster>(functions, 'GET', `/clusters/${id}`);
  expect(startedAt !== null && endReason === 'maxHours', `${id} ended by ${endReason}`);
  const living = linode.instances(`onebuck=${id}`).filter(({ deleted }) => deleted === null);
  expect(living.length === 0, `${living.length} Linodes of ${id} are left`);
  const billed = linode.bill(`onebuck=${id}`).totalMicroUsd;
  expect(billed > 0 && billed <= SPEC.budgetUsd * 1e6, `${id} costs ${billed} micro-dollars`);
  return billed / 1e6;
}

/** Ends a cluster on request. */
export async function destroy(functions: Functions, id: string): Promise<void> {
  await call(functions, 'DELETE', `/clusters/${id}`);
  await untilStatus(functions, id, 'deleted');
}

async function untilStatus(functions: Functions, id: string, wanted: string): Promise<void> {
  await until(`${id} is ${wanted}`, 120, async () => {
    const { status } = await call<Cluster>(functions, 'GET', `/clusters/${id}`);
    return status === wanted;
  });
}

async function call<T>(
  { invoke }: Functions,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<T> {
  const event = eventOf('api') as { requestContext: { http: object }; headers: object };
  const { requestContext } = event;
  const answer = (await invoke('api', {
    ...event,
    routeKey: `${method} ${path}`,
    rawPath: path,
    headers: { ...event.headers, ...headers },
    requestContext: { ...requestContext, http: { ...requestContext.http, method, path } },
    body: body === undefined ? undefined : JSON.stringify(body),
  })) as HttpAnswer;
  expect(answer.statusCode < 300, `${method} ${path}: ${answer.statusCode} ${answer.body}`);
  return JSON.parse(answer.body) as T;
}
