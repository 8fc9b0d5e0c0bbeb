import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, mkdirSync } from 'node:fs';
import { rename, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { listen } from '../listen.ts';
import { run } from './run.ts';

/** Where this machine gets Debian's and Python's packages. The URLs do not end in a slash. */
export interface Sources {
  /** Such as `http://deb.debian.org/debian`. */
  readonly debian: string;
  readonly debianSecurity: string;
  /** The simple index, such as `https://pypi.org/simple`. */
  readonly pythonIndex: string;
}

/** The way out of a lab: it reaches Debian's mirror and PyPI, and nothing else. */
export interface Mirror {
  /** On 127.0.0.1; a proxy for apt. */
  readonly url: string;
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void;
  close(): void;
}

/** By the settings of this machine's own apt and pip. */
export async function sourcesOfHost(env: NodeJS.ProcessEnv): Promise<Sources> {
  const sites = await printedBy('apt-get', ['indextargets', '--format', '$(SITE)']);
  const index =
    env.PIP_INDEX_URL ?? (await printedBy('pip', ['config', 'get', 'global.index-url']));
  return sourcesFrom(sites, index);
}

export function sourcesFrom(aptSites: string, pipIndex: string): Sources {
  const sites = aptSites.split('\n').map((line) => line.trim().replace(/\/+$/, ''));
  // Of a distribution that comes from Debian, apt has no mirror of Debian itself.
  const debian = sites.find((site) => site.endsWith('/debian')) ?? 'http://deb.debian.org/debian';
  const security = sites.find((site) => site.endsWith('/debian-security'));
  return {
    debian,
    debianSecurity: security ?? `${debian}-security`,
    pythonIndex: pipIndex.trim().replace(/\/+$/, '') || 'https://pypi.org/simple',
  };
}

/** Empty if this machine lacks the program, or if the program has nothing to say. */
const printedBy = (program: string, args: readonly string[]): Promise<string> =>
  run(program, args).catch(() => '');

/** What the mirror gets for a request. */
export interface Upstream {
  readonly url: string;
  /** Whether what the URL names never changes, so that a copy is as good. */
  readonly isFixed: boolean;
}

/**
 * null: the request is for another place. apt asks as of a proxy, by whole URLs of deb.debian.org;
 * pip asks for `/pypi/simple/…`, and for the files that its answers name below `/pypi/packages/`.
 */
export function upstreamOf(target: string, sources: Sources): Upstream | null {
  const debian = /^http:\/\/deb\.debian\.org\/(debian|debian-security)(\/[^?#]*)$/.exec(target);
  if (debian !== null) {
    const [, archive, path = ''] = debian;
    if (path.includes('/../')) return null;
    const base = archive === 'debian' ? sources.debian : sources.debianSecurity;
    return { url: `${base}${path}`, isFixed: /^\/pool\/|\/by-hash\//.test(path) };
  }
  const python = /^\/pypi\/(simple|packages)(\/[^?#]*)$/.exec(target);
  if (python === null || python[2]?.includes('/../')) return null;
  const [, kind, path = ''] = python;
  if (kind === 'simple') return { url: `${sources.pythonIndex}${path}`, isFixed: false };
  return { url: `${PYTHON_FILES}${path}`, isFixed: true };
}

const PYTHON_FILES = 'https://files.pythonhosted.org/packages';

/** Has pip fetch the files of an index's page from here. */
export const pageForNodes = (html: string): string =>
  html.replaceAll(`${PYTHON_FILES}/`, '/pypi/packages/');

/** Starts the way out. Copies of what never changes are kept in the folder. */
export async function startMirror(sources: Sources, folder: string): Promise<Mirror> {
  mkdirSync(folder, { recursive: true });
  const copies = new Map<string, Promise<string>>();
  const copyOf = (url: string): Promise<string> => {
    const copy = copies.get(url) ?? fetchCopy(url, folder);
    copies.set(url, copy);
    copy.catch(() => copies.delete(url));
    return copy;
  };
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    answer(request, response).catch(() => {
      if (!response.headersSent) response.writeHead(502);
      response.end();
    });
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url = '', headers } = request;
    const upstream = method === 'GET' || method === 'HEAD' ? upstreamOf(url, sources) : null;
    if (upstream === null) {
      response.writeHead(403, { 'content-type': 'text/plain' });
      response.end("Nodes reach Debian's mirror and PyPI only.\n");
    } else if (upstream.isFixed) await sendCopy(await copyOf(upstream.url), response);
    else await passOn(upstream.url, headers, response);
  };
  const server = createServer(handle);
  const url = await listen(server, 0);
  return {
    url,
    handle,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function fetchCopy(url: string, folder: string): Promise<string> {
  const path = join(folder, createHash('sha256').update(url).digest('hex'));
  if (existsSync(path)) return path;
  const response = await fetch(url);
  if (!response.ok || response.body === null) throw new Error(`${url}: ${response.status}`);
  const unfinished = `${path}.unfinished-${process.pid}`;
  await pipeline(response.body, createWriteStream(unfinished));
  await rename(unfinished, path);
  return path;
}

async function sendCopy(path: string, response: ServerResponse): Promise<void> {
  const { size } = await stat(path);
  response.writeHead(200, { 'content-length': size, 'content-type': 'application/octet-stream' });
  await pipeline(createReadStream(path), response);
}

async function passOn(
  url: string,
  asked: IncomingMessage['headers'],
  response: ServerResponse,
): Promise<void> {
  const since = asked['if-modified-since'];
  const answer = await fetch(url, {
    headers: {
      accept: 'text/html, */*',
      ...(since === undefined ? {} : { 'if-modified-since': since }),
    },
  });
  const type = answer.headers.get('content-type') ?? 'application/octet-stream';
  const modified = answer.headers.get('last-modified');
  const body = Buffer.from(await answer.arrayBuffer());
  const text = type.startsWith('text/html') ? Buffer.from(pageForNodes(body.toString())) : body;
  response.writeHead(answer.status, {
    'content-type': type,
    // An answer of 304 must not have a length of 0.
    ...(answer.status === 304 ? {} : { 'content-length': text.length }),
    ...(modified === null ? {} : { 'last-modified': modified }),
  });
  response.end(text);
}
