import type { Fault } from '../base/fault.ts';
import type { Spec } from '../cluster/spec.ts';
import type { NetworkKind } from '../room/network.ts';
import type { Image, Region } from './lists.ts';

/*
 * What makes the nodes of a cluster one room needs cloud-init in the image, and the region's
 * Metadata, which hands cloud-init its work; a network needs the region's Vlans.
 */

/** The distributions on which the setups work. */
const SETUP_VENDORS = ['Debian', 'Ubuntu'];

/** The faults of the fields that region or image can't give; null: it is not known. */
export function roomFaults(
  { nodes = 1, network = null, setup = [], openPorts = [], job = null }: Partial<Spec>,
  image: Image | null,
  region: Region | null,
): Fault[] {
  const faults: Fault[] = [];
  const demand = (
    path: 'network' | 'setup' | 'openPorts' | 'job',
    capabilities: readonly string[],
  ) => {
    if (image !== null && !hasCloudInit(image)) {
      const message = `${path} needs an image with cloud-init, which ${image.id} lacks`;
      faults.push({ path, message });
    }
    const lacking = region === null ? undefined : lackingOf(region, capabilities);
    if (lacking !== undefined) {
      const message = `${path} needs a region with ${lacking}, which ${region?.id} lacks`;
      faults.push({ path, message });
    }
  };
  if (network === 'private' || network === 'isolated') demand('network', NETWORK);
  if (setup.length > 0) demand('setup', nodes > 1 && network === null ? NETWORK : METADATA);
  if (openPorts.length > 0) demand('openPorts', METADATA);
  if (job !== null) demand('job', METADATA);
  const vendor = image?.vendor ?? null;
  if (setup.length > 0 && vendor !== null && !SETUP_VENDORS.includes(vendor)) {
    const message = `setup needs an image of Debian or Ubuntu, and ${image?.id} is of ${vendor}`;
    faults.push({ path: 'setup', message });
  }
  return faults;
}

/** The network that a launch gives the nodes. */
export type NetworkChoice =
  | { readonly kind: NetworkKind }
  /** `why`: why several nodes get none; null: the spec asks for none, or has one node. */
  | { readonly kind: null; readonly why: string | null };

/**
 * The network of a spec without `roomFaults`. `hasKey`: the deployment has the key from which the
 * keys of a cluster are derived.
 */
export function networkFor(
  { nodes, network }: Pick<Spec, 'nodes' | 'network'>,
  image: Image,
  region: Region,
  hasKey: boolean,
): NetworkChoice {
  if (network === 'private' || network === 'isolated') return { kind: network };
  if (network === 'none' || nodes === 1) return { kind: null, why: null };
  const lacking = lackingOf(region, NETWORK);
  if (lacking !== undefined) return { kind: null, why: `region ${region.id} lacks ${lacking}` };
  if (!hasCloudInit(image)) return { kind: null, why: `image ${image.id} lacks cloud-init` };
  if (hasKey) return { kind: 'private' };
  return {
    kind: null,
    why: "the deployment's secret has no passwordKey, which the operator can add",
  };
}

/** The fields that need the deployment's key, as far as the spec asks for them. */
export const keyedFields = ({ network, setup, openPorts, job }: Spec): string[] => [
  ...(network === 'private' || network === 'isolated' ? ['network'] : []),
  ...(setup.length > 0 ? ['setup'] : []),
  ...(openPorts.length > 0 ? ['openPorts'] : []),
  ...(job === null ? [] : ['job']),
];

/** The warning that several nodes get no private network, and why. */
export const noNetwork = (why: string): string => `the nodes get no private network: ${why}`;

/** Warnings about the room of a cluster that a launch accepts all the same. */
export function roomWarnings(
  { setup }: Pick<Spec, 'setup'>,
  { id, vendor }: Image,
  choice: NetworkChoice,
): string[] {
  const warnings: string[] = [];
  if (choice.kind === null && choice.why !== null) {
    warnings.push(noNetwork(choice.why));
  }
  if (setup.length > 0 && vendor === null) {
    warnings.push(
      `Linode does not say of which distribution image ${id} is: ${setup.join(', ')} will fail on ` +
        'any but Debian and Ubuntu',
    );
  }
  return warnings;
}

const METADATA = ['Metadata'];
const NETWORK = ['Metadata', 'Vlans'];

const hasCloudInit = ({ capabilities }: Image): boolean => capabilities.includes('cloud-init');

const lackingOf = (region: Region, capabilities: readonly string[]): string | undefined =>
  capabilities.find((capability) => !region.capabilities.includes(capability));
