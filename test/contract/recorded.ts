import type { IncomingHttpHeaders } from 'node:http';
import type { Exchange } from '../../simulators/linode/exchange.ts';
import { readShared } from '../support/shared.ts';

/** A recorded request to Linode's real API, and its answer. */
export interface Sample {
  readonly name: string;
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly x_filter: string | null;
    readonly body: unknown;
  };
  readonly response: {
    readonly status: number;
    readonly content_type: string;
    readonly x_ratelimit_limit?: string;
    readonly x_oauth_scopes?: string;
    readonly x_accepted_oauth_scopes?: string;
    readonly expires?: string;
    // biome-ignore lint/suspicious/noExplicitAny: a recording has any shape
    readonly body: any;
  };
}

export const samples = (): readonly Sample[] => readShared('linode/recorded-samples.json');

/** The first recorded sample with the name; throws if there is none. */
export function sampleNamed(name: string): Sample {
  const sample = samples().find((candidate) => candidate.name === name);
  if (sample === undefined) throw new Error(`no sample is named ${name}`);
  return sample;
}

export const OUR_CLIENT = 'onebuck/as-if';

/** The sample as an exchange of the simulated Linode with Onebuck's client, or with another. */
export function exchangeOf(sample: Sample, userAgent = OUR_CLIENT): Exchange {
  const { request, response } = sample;
  const url = new URL(request.url);
  const headers: IncomingHttpHeaders = {
    'user-agent': userAgent,
    ...(request.x_filter === null ? {} : { 'x-filter': request.x_filter }),
    ...(request.body === null ? {} : { 'content-type': 'application/json' }),
  };
  return {
    request: {
      method: request.method,
      path: url.pathname,
      query: url.searchParams,
      headers,
      body: request.body === null ? '' : JSON.stringify(request.body),
    },
    reply: {
      status: response.status,
      headers: { 'content-type': response.content_type },
      body: JSON.stringify(response.body),
    },
    replacedBy: null,
  };
}

/** The recorded lists. Only their items were recorded, so each list is shown as a single page. */
export function recordedLists(): readonly Sample[] {
  const files = { types: '/linode/types', regions: '/regions', images: '/images' };
  return Object.entries(files).map(([name, path]) => {
    const data: unknown[] = readShared(`linode/${name}.json`);
    return listOf(path, data);
  });
}

export function listOf(path: string, data: readonly unknown[]): Sample {
  const url = `https://api.linode.com/v4${path}?page=1&page_size=500`;
  const body = { data, page: 1, pages: 1, results: data.length };
  return {
    name: `list of ${path}`,
    request: { method: 'GET', url, x_filter: null, body: null },
    response: { status: 200, content_type: 'application/json', body },
  };
}
