import { randomInt } from 'node:crypto';
import type { Server } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';

/** Listens on 127.0.0.1, on any free port if `port` is 0. Returns the URL without a path. */
export async function listen(server: Server, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const handedOut = new Set<number>();
const TRIES_MAX = 1_000;

/**
 * A port of 127.0.0.1 that is free now, for programs that can't choose a free port themselves. No
 * two calls in a process return the same port. The range ends below the ports that Linux gives to
 * outgoing connections, so that no connection takes the port before the program listens.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const port = randomInt(15_000, 32_768);
    if (handedOut.has(port) || !(await isFree(port))) continue;
    handedOut.add(port);
    return port;
  }
  throw new Error(`no free port among ${TRIES_MAX} from 15000 to 32767`);
}

/** Throws an error that says what to do if the port of 127.0.0.1 is in use or reserved. */
export async function assertFree(port: number): Promise<void> {
  if (await isFree(port)) return;
  throw new Error(
    `Port ${port} is in use or reserved. Set PORT to another, such as PORT=${port + 10}.`,
  );
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      // EACCES: the operating system reserves the port.
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    });
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
