import { ApiError, notFound } from './api-error.ts';
import type { Call } from './call.ts';
import { pageOf } from './collection.ts';
import type { CreateRequest } from './create-request.ts';
import { pythonJson, wireTime } from './json.ts';

/** Both numbers: docs/linode.md#networks. */
const VLANS_MAX = 10;

/** Throws unless the Linode's VLANs exist in its region or can be made there. */
export function refuseVlansBeyondLimit({ account }: Call, request: CreateRequest): void {
  const { interfaces, region } = request;
  const there = account.vlans().filter((vlan) => vlan.region === region);
  const isNew = (label: string) => !there.some((vlan) => vlan.label === label);
  const made = interfaces.filter((one) => one.purpose === 'vlan' && isNew(one.label));
  if (there.length + made.length <= VLANS_MAX || made.length === 0) return;
  const reason = `You have reached the maximum of ${VLANS_MAX} VLANs in this region.`;
  throw new ApiError(400, { reason, field: 'interfaces' });
}

export function listVlans(call: Call): string {
  return pageOf(call, ['label', 'region'], () =>
    call.account.vlans().map(({ region, label, created }) => ({
      region,
      label,
      linodes: linodesIn(call, region, label),
      created: wireTime(created),
    })),
  );
}

/** Linode's words for the refusal are not known. */
export function deleteVlan(call: Call): string {
  const [region = '', label = ''] = call.params;
  const exists = call.account
    .vlans()
    .some((vlan) => vlan.region === region && vlan.label === label);
  if (!exists) throw notFound();
  if (linodesIn(call, region, label).length > 0) {
    throw new ApiError(400, { reason: 'This VLAN has Linodes attached.' });
  }
  call.account.deleteVlan(region, label);
  return '{}';
}

/** A deleted Linode that lingers is still in its VLANs. */
const linodesIn = ({ account, now }: Call, region: string, label: string): number[] =>
  account
    .present(now)
    .filter((instance) => instance.region === region)
    .filter(({ interfaces }) =>
      interfaces.some((one) => one.purpose === 'vlan' && one.label === label),
    )
    .map(({ id }) => id);

export const showFirewallSettings = ({ settings }: Call): string =>
  pythonJson({
    default_firewall_ids: {
      linode: settings.defaultFirewall,
      nodebalancer: null,
      public_interface: settings.defaultFirewall,
      vpc_interface: settings.defaultFirewall,
    },
  });
