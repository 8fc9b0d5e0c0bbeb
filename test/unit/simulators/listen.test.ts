import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { assertFree, freePort, listen } from '../../../simulators/listen.ts';

describe('freePort', () => {
  it('never gives a port twice, nor one that systems give to outgoing connections', async () => {
    const ports: number[] = [];
    for (let count = 0; count < 2_000; count += 1) ports.push(await freePort());
    expect(new Set(ports).size).toBe(ports.length);
    expect(Math.max(...ports)).toBeLessThan(32_768);
  });

  it('gives none that is in use', async () => {
    const server = createServer();
    const port = await freePort();
    await listen(server, port);
    try {
      await expect(assertFree(port)).rejects.toThrow(`Port ${port} is in use`);
    } finally {
      server.close();
    }
    await expect(assertFree(port)).resolves.toBeUndefined();
  });
});
