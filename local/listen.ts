import type { Server } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';

/** Listens on the loopback address; port 0 is any free one. Returns the URL. */
export async function listen(server: Server, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A port that is free now; for programs that can't be told to take any. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Throws, saying what to do, if something else listens on the port. */
export function assertFree(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', () => {
      reject(new Error(`Port ${port} is in use. Set PORT to another, such as PORT=${port + 10}.`));
    });
    server.listen(port, '127.0.0.1', () => server.close(() => resolve()));
  });
}
