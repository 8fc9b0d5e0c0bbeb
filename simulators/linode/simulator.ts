import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { adminReply } from './admin.ts';
import { playAgents } from './agents.ts';
import { type RequestCount, SimulatedApi, type SimulatorOptions } from './api.ts';
import type { Bill } from './bill.ts';
import type { FaultRule, FaultState } from './faults.ts';
import type { Instance } from './instance.ts';
import type { Invoice } from './invoices.ts';
import type { Incoming, Reply } from './messages.ts';
import type { SettingsChange, SimulatorSettings } from './settings.ts';

export type { RequestCount, SimulatorOptions } from './api.ts';
export type { Bill, BilledInstance } from './bill.ts';
export type { FaultKind, FaultRule, FaultState } from './faults.ts';
export type { Instance } from './instance.ts';
export type { InvoiceSettings } from './invoice-settings.ts';
export type { Invoice, InvoiceItem } from './invoices.ts';
export type { SettingsChange, SimulatorSettings } from './settings.ts';

export interface LinodeSimulator {
  /** `http://127.0.0.1:PORT/v4`. */
  readonly url: string;
  /** `http://127.0.0.1:PORT/_simulator`. */
  readonly adminUrl: string;
  /** The bill up to now of all Linodes, or of the Linodes that have or had the tag. */
  bill(tag?: string): Bill;
  /**
   * Every Linode that the account ever had, or those that have or had the tag. The Linodes have
   * fields that the API never shows.
   */
  instances(tag?: string): Instance[];
  /** The rules in force and how often each has struck. */
  faults(): FaultState[];
  /** Replaces all rules; all counts restart at 0. Throws a TypeError if a rule is malformed. */
  setFaults(rules: readonly FaultRule[]): void;
  readonly settings: SimulatorSettings;
  /** Throws a TypeError that names a setting that can't have the value. */
  updateSettings(change: SettingsChange): void;
  /** A person resizes a Linode, or migrates it to another region. */
  become(id: number, kind: { readonly type?: string; readonly region?: string }): void;
  /** Linode multiplies its prices, those of Linodes that exist too, from their next hours on. */
  raisePrices(factor: number): void;
  /**
   * Bills what no invoice has billed yet, as at a threshold, up to `date`, which may lie ahead;
   * absent: up to now.
   */
  makeInvoice(date?: number): Invoice;
  /** Linode multiplies the amounts of the items whose labels match, in an invoice of before. */
  correctInvoice(id: number, change: { readonly labels: string; readonly factor: number }): void;
  /** The Linode sends so many bytes to the internet, at once, beside what the setting `sends` says. */
  send(id: number, bytes: number): void;
  /** The agent on the Linode hands a larger allowance for a month to the firewall. */
  allow(id: number, allowance: { readonly month: string; readonly bytes: number }): void;
  /** Somebody takes away the firewall's table that limits what the Linode sends. */
  unlimit(id: number): void;
  /** The number of requests, by method and route, for example `GET /linode/instances/{}`. */
  requests(): Record<string, RequestCount>;
  /** Ends open connections, too. May be called twice. */
  close(): Promise<void>;
}

export interface ServerOptions extends SimulatorOptions {
  /** Whether it calls Onebuck as the agents on the Linodes would. Default: it does not. */
  readonly playsAgents?: boolean;
}

/** Starts the simulated API of Linode on 127.0.0.1. Rejects if the port is in use. */
export async function startLinodeSimulator(options: ServerOptions): Promise<LinodeSimulator> {
  const api = new SimulatedApi(options);
  const server = createServer((request, response) => {
    serve(api, request, response).catch((error: unknown) => {
      // Either the client closed the connection, or the simulator has a bug. The log keeps a bug
      // apart from a fault.
      if (!request.destroyed) console.error('Linode simulator:', error);
      response.destroy();
    });
  });
  // By default Node closes an idle connection after 5 s, perhaps just as a client sends a request.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const stopAgents = options.playsAgents
    ? playAgents({
        now: options.now,
        instances: () => api.instances(),
        instance: (id) => api.instance(id),
        allow: (id, allowance) => api.allow(id, allowance),
        settings: () => api.settings,
      })
    : () => {};
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
    become: (id, kind) => api.become(id, kind),
    raisePrices: (factor) => api.raisePrices(factor),
    makeInvoice: (date) => api.makeInvoice(date),
    correctInvoice: (id, change) => api.correctInvoice(id, change),
    send: (id, bytes) => api.send(id, bytes),
    allow: (id, allowance) => api.allow(id, allowance),
    unlimit: (id) => api.unlimit(id),
    requests: () => api.requests(),
    close: async () => {
      stopAgents();
      await new Promise((resolve) => {
        // `resolve` gets an error if the server is closed already; that is no failure.
        server.close(resolve);
        server.closeAllConnections();
      });
      await api.written();
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
