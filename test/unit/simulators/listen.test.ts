import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { assertFree, freePort, listen } from '../../../simulators/listen.ts';

describe('freePort', () => {
  it('never returns a port twice, nor a port in the range of outgoing connections', async () => {
    const ports: number[] = [];
    while (ports.length < 2_000) ports.push(await freePort());
    expect(new Set(ports).size).toBe(ports.length);
    expect(Math.max(...ports)).toBeLessThan(32_768);
  });

  it('returns no port that is in use', async () => {
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
