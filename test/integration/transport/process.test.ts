import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../node/src/lib/clock.ts';
import type { Transport } from '../../../node/src/transport/transport.ts';
import { LoopbackCluster, networkTransports } from './loopback.ts';
import { Recorder } from './recorder.ts';

const script = fileURLToPath(new URL('echo-process.ts', import.meta.url));

let cluster: LoopbackCluster;
let a: Transport;
let seen: Recorder;
const children: ChildProcess[] = [];

function spawnB(transport: string): ChildProcess {
  const [own, other] = [cluster.listed[1]!.port, cluster.listed[0]!.port];
  const child = spawn(process.execPath, [script, String(own), String(other), transport], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  children.push(child);
  return child;
}

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await cluster.close();
});

const upTimes = (count: number): Promise<void> => seen.until(() => seen.up.length === count);
const downTimes = (count: number): Promise<void> => seen.until(() => seen.down.length === count);

describe.each(networkTransports)('%s transport between processes', (name, create) => {
  const startB = (): ChildProcess => spawnB(name);
  beforeEach(async () => {
    cluster = new LoopbackCluster(create, ['a', 'b']);
    a = cluster.make(0, 'a');
    seen = new Recorder();
    await a.start(seen);
  });

  it('notices a killed process at once, and connects to its successor', async () => {
    const first = startB();
    await upTimes(1);
    const killedMs = systemClock.nowMs();
    first.kill('SIGKILL');
    await downTimes(1);
    // The kernel resets the connections of a dead process; this must not be left to a timeout (SILENT_AFTER_MS is 2000).
    expect(systemClock.nowMs() - killedMs).toBeLessThan(1_000);
    expect(seen.down[0]?.reason).toMatch(/^reset/);
    // And nothing listens at its address any more: whatever it led can be led by another one (raft/fast-election.ts).
    await seen.until(() => seen.order.includes('ended b'));
    expect(systemClock.nowMs() - killedMs).toBeLessThan(1_000);
    expect(seen.order).toEqual(['up b', 'down b', 'ended b']);
    const second = startB();
    await upTimes(2);
    expect(seen.up.map(({ session }) => session)).toEqual([String(first.pid), String(second.pid)]);
    a.send('b', { kind: 'request', requestId: 7, method: 'echo', body: new Uint8Array([1]) });
    await seen.until(() => seen.frames.length === 1);
    expect(seen.frames[0]?.frame).toEqual({ kind: 'response', requestId: 7, body: new Uint8Array([1]) });
  });

  it('takes a process that says nothing for lost, and takes it back when it wakes (L9)', async () => {
    const child = startB();
    await upTimes(1);
    child.kill('SIGSTOP');
    await downTimes(1);
    expect(seen.down[0]?.reason).toMatch(/^silent/);
    // Its port still takes connections: it may only be slow.
    expect(seen.order).not.toContain('ended b');
    expect(a.send('b', { kind: 'response', requestId: 1, body: new Uint8Array() })).toBe(false);
    child.kill('SIGCONT');
    await upTimes(2);
    expect(seen.up[1]?.session).toBe(String(child.pid));
  });

  it('measures a clock offset of zero, within its stated error: two processes of one machine share the clock', async () => {
    startB();
    await upTimes(1);
    for (let round = 1; a.clockOffset('b') === null || round < 20; round += 1) {
      a.send('b', { kind: 'request', requestId: round, method: 'echo', body: new Uint8Array() });
      await seen.until(() => seen.frames.length === round);
    }
    const { offsetMs, errorMs } = a.clockOffset('b')!;
    // 0.05 ms: how exactly lib/clock.ts ties the two clocks of a process together, with room for a preempted reading.
    expect(Math.abs(offsetMs)).toBeLessThanOrEqual(errorMs + 0.05);
  });

  it('bounds what it keeps for a process that has stopped reading', async () => {
    const child = startB();
    await upTimes(1);
    child.kill('SIGSTOP');
    const frame = { kind: 'request', requestId: 1, method: 'bulk', body: new Uint8Array(1024 * 1024) } as const;
    let accepted = 0;
    while (accepted < 100 && a.send('b', frame)) accepted += 1;
    expect(accepted).toBeLessThanOrEqual(9);
    await downTimes(1);
    child.kill('SIGCONT');
    await upTimes(2);
    expect(a.send('b', frame)).toBe(true);
    await seen.until(() => seen.frames.length >= 1);
  });
});
