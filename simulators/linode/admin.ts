import type { SimulatedApi } from './api.ts';
import type { FaultRule } from './faults.ts';
import { isObject } from './json.ts';
import type { Incoming, Reply } from './messages.ts';
import type { SettingsChange } from './settings.ts';

type Control = Pick<
  SimulatedApi,
  | 'bill'
  | 'instances'
  | 'faults'
  | 'setFaults'
  | 'settings'
  | 'updateSettings'
  | 'requests'
  | 'makeInvoice'
  | 'send'
>;

/**
 * The answer to a request of a test or of a person under `/_simulator`: reads the bill and facts
 * that the API hides, and changes how the simulated API behaves.
 */
export function adminReply(control: Control, incoming: Incoming): Reply {
  try {
    const answer = answerOf(control, incoming);
    if (answer !== undefined) return json(200, answer);
    return json(404, { error: `There is no ${incoming.method} ${incoming.path}` });
  } catch (error) {
    if (error instanceof TypeError || error instanceof SyntaxError) {
      return json(400, { error: error.message });
    }
    throw error;
  }
}

/** undefined: there is no such route. */
function answerOf(control: Control, { method, path, query, body }: Incoming): unknown {
  const tag = query.get('tag') ?? undefined;
  switch (`${method} ${path}`) {
    case 'GET /_simulator/bill':
      return control.bill(tag);
    case 'GET /_simulator/instances':
      return control.instances(tag);
    case 'GET /_simulator/faults':
      return control.faults();
    case 'PUT /_simulator/faults':
      control.setFaults(parsedRules(body));
      return control.faults();
    case 'GET /_simulator/settings':
      return control.settings;
    case 'PATCH /_simulator/settings':
      control.updateSettings(parsedSettings(body));
      return control.settings;
    case 'POST /_simulator/invoices':
      return control.makeInvoice();
    case 'POST /_simulator/sent': {
      const { id, bytes } = parsedSending(body);
      control.send(id, bytes);
      return control.instances().find((instance) => instance.id === id);
    }
    case 'GET /_simulator/requests':
      return control.requests();
    default:
      return undefined;
  }
}

/** `setFaults` checks what is in the list. */
function parsedRules(body: string): FaultRule[] {
  const rules: unknown = JSON.parse(body);
  if (!Array.isArray(rules)) throw new TypeError('The body must be a list of faults');
  return rules as FaultRule[];
}

/** `updateSettings` checks what is in the object. */
function parsedSettings(body: string): SettingsChange {
  const change: unknown = JSON.parse(body);
  if (!isObject(change)) throw new TypeError('The body must be an object of settings');
  return change as SettingsChange;
}

function parsedSending(body: string): { readonly id: number; readonly bytes: number } {
  const sent: unknown = JSON.parse(body);
  const isCount = (value: unknown): value is number => Number.isSafeInteger(value);
  if (!isObject(sent) || !isCount(sent.id) || !isCount(sent.bytes) || sent.bytes < 0) {
    throw new TypeError('The body must be an object with the id of a Linode and bytes');
  }
  return { id: sent.id, bytes: sent.bytes };
}

function json(status: number, value: unknown): Reply {
  const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' };
  return { status, headers, body: JSON.stringify(value) };
}
