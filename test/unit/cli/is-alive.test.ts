import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ownHealthUrl } from '../../../node/src/cli/is-alive.ts';

describe('the health check of the container image', () => {
  it.each([
    [undefined, 'http://127.0.0.1:8080/health'],
    ['', 'http://127.0.0.1:8080/health'],
    ['0.0.0.0:8090', 'http://127.0.0.1:8090/health'],
    ['[::]:8090', 'http://[::1]:8090/health'],
    ['10.0.0.1:8090', 'http://10.0.0.1:8090/health'],
  ])('asks a node that listens on %s at %s', (address, url) => {
    expect(ownHealthUrl(address)).toBe(url);
  });

  it.each([
    [200, 0],
    [503, 1],
  ])('ends a node that answers %i with %i', async (status, exitCode) => {
    const server = createServer((_request, response) => response.writeHead(status).end('{}'));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    expect(await check(`127.0.0.1:${port}`)).toBe(exitCode);
    server.close();
    await once(server, 'close');
    expect(await check(`127.0.0.1:${port}`)).toBe(1);
  });
});

async function check(address: string): Promise<number | null> {
  const child = spawn(process.execPath, ['node/src/cli/is-alive.ts'], {
    env: { CLUSTER_HEALTH_ADDR: address },
    stdio: 'ignore',
  });
  return ((await once(child, 'exit')) as [number | null])[0];
}
