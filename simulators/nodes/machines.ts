import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { images, types } from '../linode/catalogue.ts';
import type { Instance, Power } from '../linode/instance.ts';
import type { Machines } from '../linode/machines.ts';
import { hierarchies } from './cgroups.ts';
import { METADATA_ADDRESS, MIRROR_ADDRESS, MIRROR_PORT, openLab } from './lab.ts';
import { freeAddress } from './lab-name.ts';
import { MetadataService, type NodeFacts } from './metadata.ts';
import { sourcesOfHost, startMirror } from './mirror.ts';
import { Node } from './node.ts';
import { nodesFolder, rootFileSystem } from './root-file-system.ts';

/** Linodes that boot: a Debian in namespaces for each. */
export interface BootingMachines extends Machines {
  /** Of the lab's gateway. The host's ports that `lead` names are open there to the nodes. */
  readonly gateway: string;
  /** Has the port of 127.0.0.1 answer on the gateway, too. */
  lead(port: number): Promise<void>;
  /** How many machines there are, those that are being taken away included. */
  standing(): number;
  /** Takes everything away: nodes, disks, network. Call it once. */
  close(): Promise<void>;
}

/** Builds the root file system if need be. `missingForNodes` must have found nothing missing. */
export async function startMachines(log: (line: string) => void): Promise<BootingMachines> {
  const groups = hierarchies();
  if (groups === null) throw new Error('nodes that boot need cgroup v2 in /sys/fs/cgroup');
  const mirror = await startMirror(await sourcesOfHost(process.env), join(nodesFolder, 'copies'));
  const base = await rootFileSystem(mirror, log);
  const lab = await openLab();
  const facts = new Map<string, NodeFacts>();
  const nodes = new Map<number, { readonly address: string; node: Promise<Node> }>();
  const taken = new Set<string>();
  let tell: (id: number, power: Power) => void = () => {};

  const metadata = new MetadataService(() => Date.now());
  const metadataServer = createServer((request, response) => {
    const { method = '', url = '', headers, socket } = request;
    const ofNode = facts.get(socket.remoteAddress ?? '') ?? null;
    const { status, type, body } = metadata.reply({ method, path: url, headers }, ofNode);
    response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
    response.end(body);
  });
  const mirrorServer = createServer(mirror.handle);
  // By default Node closes an idle connection after 5 s, perhaps just as apt sends a request.
  mirrorServer.keepAliveTimeout = 0;
  const places = [`${METADATA_ADDRESS}:80`, `${MIRROR_ADDRESS}:${MIRROR_PORT}`];
  const [forMetadata, forMirror] = await lab.listen(places);
  forMetadata?.on('connection', (socket) => metadataServer.emit('connection', socket));
  forMirror?.on('connection', (socket) => mirrorServer.emit('connection', socket));

  /** The calls of one node one after the other; a failure is told, and the next call goes on. */
  const withNode = (id: number, use: (node: Node) => Promise<void> | void): void => {
    const entry = nodes.get(id);
    if (entry === undefined) return;
    entry.node = entry.node.then(async (node) => {
      await Promise.resolve(use(node)).catch((error: Error) =>
        log(`the node ${id}: ${error.message}`),
      );
      return node;
    });
    entry.node.catch(() => {});
  };

  const remove = async (id: number): Promise<void> => {
    const entry = nodes.get(id);
    if (entry === undefined) return;
    nodes.delete(id);
    const node = await entry.node.catch(() => null);
    await node?.remove();
    facts.delete(entry.address);
    taken.delete(entry.address);
  };

  return {
    gateway: lab.name.gateway,
    lead: lab.lead,
    standing: () => taken.size,
    onPower(listener) {
      tell = listener;
    },
    takeAddress(last) {
      const address = freeAddress(lab.name, taken, last);
      if (address !== null) taken.add(address);
      return address;
    },
    create(instance, boots) {
      const address = instance.ipv4[0] ?? '';
      const known = factsOf(instance, address);
      facts.set(address, known);
      const node = Node.make({
        id: instance.id,
        ipv4: address,
        region: instance.region,
        interfaces: instance.interfaces,
        networkHelper: instance.networkHelper,
        rootPass: instance.rootPass,
        authorizedKeys: instance.authorizedKeys,
        memoryMb: known.specs.memory,
        lab,
        base,
        hierarchies: groups,
        onPower: (power) => tell(instance.id, power),
        log,
      });
      node.catch((error: Error) => log(`the node ${instance.id} can't be made: ${error.message}`));
      nodes.set(instance.id, { address, node });
      withNode(instance.id, (made) => {
        tell(instance.id, boots ? 'booting' : 'offline');
        if (boots) made.boot();
      });
    },
    boot: (id) => withNode(id, (node) => node.boot()),
    reboot: (id) => withNode(id, (node) => node.reboot()),
    shutDown: (id) => withNode(id, (node) => node.shutDown()),
    remove(id) {
      remove(id).catch((error: Error) => log(`the node ${id} can't be removed: ${error.message}`));
    },
    async close() {
      await Promise.all([...nodes.keys()].map(remove));
      await lab.close();
      mirror.close();
    },
  };
}

function factsOf(instance: Instance, address: string): NodeFacts {
  const type = types.get(instance.type);
  const image = images.get(instance.image ?? '');
  return {
    id: instance.id,
    label: instance.label,
    region: instance.region,
    type: instance.type,
    hostUuid: createHash('sha1').update(`host of ${instance.id}`).digest('hex'),
    tags: instance.tags,
    image: image === undefined ? null : { id: image.id, label: image.label },
    specs: {
      vcpus: type?.vcpus ?? 1,
      memory: type?.memory ?? 1024,
      gpus: type?.gpus ?? 0,
      transfer: type?.transfer ?? 0,
      disk: type?.disk ?? 0,
    },
    backupsEnabled: instance.backupsEnabled,
    ipv4: address,
    ipv6: instance.ipv6,
    interfaces: instance.interfaces,
    authorizedKeys: instance.authorizedKeys,
    userData: instance.userData,
  };
}
