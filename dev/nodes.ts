import { type BootingMachines, startMachines } from '../simulators/nodes/machines.ts';
import { missingForNodes } from '../simulators/nodes/requirements.ts';
import type { LocalSettings } from './settings.ts';

/** A local stack whose Linodes boot. */
export interface NodeSettings extends LocalSettings {
  readonly machines: BootingMachines;
}

/**
 * Has the simulated Linodes of a local stack boot, and lets them reach its API. Throws a sentence
 * that says what to do if the settings or this machine don't allow it.
 */
export async function withNodes(
  settings: LocalSettings,
  log: (line: string) => void,
): Promise<NodeSettings> {
  if (settings.linodeUrl !== null) {
    throw new Error('Nodes boot with the simulated Linode only: unset LINODE_API_URL.');
  }
  // What runs on a node takes real time.
  if (settings.clock.rate !== 1) throw new Error('Nodes boot at CLOCK_RATE 1 only: unset it.');
  const missing = await missingForNodes();
  if (missing !== null) throw new Error(missing);
  const machines = await startMachines(log);
  return { ...settings, machines, ...(await placesFor(machines, settings.port)) };
}

/** How the nodes reach the API, whose port on 127.0.0.1 is given, and the files of jobs. */
export async function placesFor(
  { gateway, lead }: Pick<BootingMachines, 'gateway' | 'lead'>,
  port: number,
): Promise<Pick<LocalSettings, 'publicUrl' | 'leadToFiles'>> {
  await lead(port);
  const leadToFiles = async (filesPort: number) => {
    await lead(filesPort);
    return gateway;
  };
  return { publicUrl: `http://${gateway}:${port}`, leadToFiles };
}
