import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { adminReply } from './admin.ts';
import { type RequestCount, SimulatedApi, type SimulatorOptions } from './api.ts';
import type { Bill } from './bill.ts';
import type { FaultRule, FaultState } from './faults.ts';
import type { LedgerEntry } from './instance.ts';
import type { Incoming, Reply } from './messages.ts';
import type { SettingsChange, SimulatorSettings } from './settings.ts';

export type { RequestCount, SimulatorOptions } from './api.ts';
export type { Bill, BilledInstance } from './bill.ts';
export type { FaultKind, FaultRule, FaultState } from './faults.ts';
export type { LedgerEntry } from './instance.ts';
export type { SettingsChange, SimulatorSettings } from './settings.ts';

export interface LinodeSimulator {
  /** `http://127.0.0.1:PORT/v4`. */
  readonly url: string;
  /** `http://127.0.0.1:PORT/_simulator`. */
  readonly adminUrl: string;
  /** Up to now, for all Linodes or for those that bear or bore the tag. */
  bill(tag?: string): Bill;
  /** Every Linode there ever was, deleted ones too, with what the API never shows. */
  instances(tag?: string): LedgerEntry[];
  /** The rules in force and how often each has struck. */
  faults(): FaultState[];
  /** In place of the old rules; counting starts anew. */
  setFaults(rules: readonly FaultRule[]): void;
  readonly settings: SimulatorSettings;
  updateSettings(change: SettingsChange): void;
  /** By method and route, such as `GET /linode/instances/{}`. */
  requests(): Record<string, RequestCount>;
  /** Ends open connections, too. May be called twice. */
  close(): Promise<void>;
}

/** Starts Linode's API, as far as it is simulated, on 127.0.0.1. */
export async function startLinodeSimulator(options: SimulatorOptions): Promise<LinodeSimulator> {
  const api = new SimulatedApi(options);
  const server = createServer((request, response) => {
    serve(api, request, response).catch((error: unknown) => {
      // The client went away, or there is a bug in here, which must not look like a fault.
      if (!request.destroyed) console.error('Linode simulator:', error);
      response.destroy();
    });
  });
  // Closing idle connections would race with clients that are about to use them.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `${origin}/v4`,
    adminUrl: `${origin}/_simulator`,
    bill: (tag) => api.bill(tag),
    instances: (tag) => api.instances(tag),
    faults: () => api.faults(),
    setFaults: (rules) => api.setFaults(rules),
    get settings() {
      return api.settings;
    },
    updateSettings: (change) => api.updateSettings(change),
    requests: () => api.requests(),
    close: async () => {
      await new Promise((resolve) => {
        // An error says that it was closed before, which is as good.
        server.close(resolve);
        server.closeAllConnections();
      });
      await api.settled();
    },
  };
}

async function serve(
  api: SimulatedApi,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const incoming = await received(request);
  const reply = incoming.path.startsWith('/_simulator/')
    ? adminReply(api, incoming)
    : await api.reply(incoming);
  if (reply === 'hang') return;
  if (reply === 'drop') response.destroy();
  else send(reply, response);
}

async function received(request: IncomingMessage): Promise<Incoming> {
  const [path = '/', query = ''] = (request.url ?? '/').split('?', 2);
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return {
    method: request.method ?? 'GET',
    path,
    query: new URLSearchParams(query),
    headers: request.headers,
    body: Buffer.concat(chunks).toString('utf8'),
  };
}

function send({ status, headers, body }: Reply, response: ServerResponse): void {
  response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}
