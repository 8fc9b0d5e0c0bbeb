import { createRequest } from '../../simulators/linode/create-request.ts';
import { type Instance, newInstance } from '../../simulators/linode/instance.ts';
import { defaultSettings as settings } from '../../simulators/linode/settings.ts';

/** A nanode of the simulated account, made at `now`, without an account. */
export function anInstanceAt(now: number, body: object = {}, id = 1): Instance {
  const request = createRequest({ type: 'g6-nanode-1', region: 'us-east', ...body }, settings);
  return newInstance({ id, ordinal: id, request, now, settings, address: null });
}
