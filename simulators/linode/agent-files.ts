import { gunzipSync } from 'node:zlib';

/** The files of an agent, as its node's boot script leaves them. */
export interface AgentFiles {
  /** `https://…/agent/<cluster>/<rank>`. */
  readonly url: string;
  readonly token: string;
  /** Epoch milliseconds. */
  readonly teardownAt: number;
  /** How many nodes the cluster has. */
  readonly nodes: number;
  /** The bytes that the node may send each month without asking; null: it has no such limit. */
  readonly slice: number | null;
}

/**
 * The files that the boot script in the user data would write; null: it has no agent, or the user
 * data is none of Onebuck's.
 */
export function agentFilesIn(userData: string | null): AgentFiles | null {
  if (userData === null) return null;
  const text = unpacked(Buffer.from(userData, 'base64')).toString('latin1');
  const written = (pattern: RegExp) => pattern.exec(text)?.[1] ?? '';
  const url = written(/^echo (\S+) > \$d\/url$/m);
  const token = written(/echo (\S+) \| put \$d\/token /);
  const teardownAt = Date.parse(written(/echo (\S+) > \$d\/teardown-at$/m));
  const nodes = Number(written(/^cluster=\S+ rank=\d+ nodes=(\d+)$/m));
  const slice = written(/^cluster=\S+ rank=\d+ nodes=\d+\ncidr=.*\nslice=(\d+)$/m);
  if (url === '' || token === '' || Number.isNaN(teardownAt)) return null;
  return { url, token, teardownAt, nodes, slice: slice === '' ? null : Number(slice) };
}

function unpacked(bytes: Buffer): Buffer {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes);
  } catch {
    return bytes;
  }
}
