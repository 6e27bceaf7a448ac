import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { errorCodes } from '../../../node/src/lib/errors.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freeNodes, freePortRange } from '../../support/ports.ts';
import type { Reply } from './node.ts';
import { KeyValueNode } from './node.ts';

const root = join(import.meta.dirname, '../../..');
const run = promisify(execFile);

let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'tutti-documentation-'));
});

afterEach(() => rm(dataDir, { recursive: true }));

describe('docs/consensus.md', () => {
  it('shows the program of five minutes as it is, and the program does what the page says', async () => {
    const page = await readFile(join(root, 'docs/consensus.md'), 'utf8');
    const program = join(root, 'examples/key-value/five-minutes.ts');
    expect(/```ts\n(.*?)```/s.exec(page)?.[1]).toBe(await readFile(program, 'utf8'));
    // Left to itself it ends when its members are closed: nothing of the library keeps a process alive.
    const firstPort = `${await freePortRange(3)}`;
    const { stdout } = await run(process.execPath, [program, firstPort], { timeout: 20_000, env: { TMPDIR: dataDir } });
    const shown = /```\n("add 5".*?)```/s.exec(page)![1]!;
    const withoutIndex = (text: string): string => text.replace(/entry \d+/g, 'entry N');
    expect(withoutIndex(stdout)).toBe(withoutIndex(shown));
  });

  it('names each way a proposal can end by a code that exists', async () => {
    const page = await readFile(join(root, 'docs/consensus.md'), 'utf8');
    const section = page.slice(page.indexOf('## How can a proposal end?'), page.indexOf('## What can I watch?'));
    const codes = new Set([...section.matchAll(/`([A-Z]+(?:_[A-Z]+)*)`/g)].map((match) => match[1]!));
    expect([...codes].filter((code) => !Object.hasOwn(errorCodes, code))).toEqual([]);
    expect([...codes]).toEqual(
      expect.arrayContaining(['NOT_LEADER', 'BUSY', 'TOO_LARGE', 'SHUTTING_DOWN', 'OUTCOME_UNKNOWN']),
    );
  });
});

describe('examples/key-value/README.md', () => {
  it('asks what a node answers', async () => {
    const page = await readFile(join(root, 'examples/key-value/README.md'), 'utf8');
    const requests = [...page.replaceAll('\\\n', ' ').matchAll(/^curl (.*)$/gm)].map((match) => match[1]!);
    const node = await KeyValueNode.start('a', await freeNodes('a'), dataDir);
    try {
      await expect.poll(async () => (await node.status()).leading, { timeout: 10_000 }).toBe(true);
      const replies: Reply[] = [];
      for (const request of requests) replies.push(await askUntilAnswered(node, request));
      expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
      expect(replies.map(({ body }) => body)).toMatchObject([
        { kind: 'written' },
        { kind: 'value', value: 'red' },
        { kind: 'written' },
        // Of the first attempt at it nobody may know, on a machine that is busy.
        { kind: expect.stringMatching(/^(written|unchanged)$/) as string },
        { kind: 'members', members: ['apple'] },
        { nodeId: 'a', leading: true },
      ]);
    } finally {
      await node.kill();
    }
  });
});

/**
 * As the page says: 503 is tried again, 504 repeated. A disk that hangs for an election timeout, which other processes can
 * bring about, ends the leadership even of one that is alone (docs/adr/0041).
 */
async function askUntilAnswered(node: KeyValueNode, curl: string): Promise<Reply> {
  let reply = await ask(node, curl);
  const isAnswered = ({ status, body }: Reply): boolean => ![503, 504].includes(status) && body.leading !== false;
  await expect
    .poll(async () => isAnswered(reply) || isAnswered((reply = await ask(node, curl))), { timeout: 10_000 })
    .toBe(true);
  return reply;
}

/** What curl would send. */
function ask(node: KeyValueNode, curl: string): Promise<Reply> {
  const body = /--data '([^']*)'/.exec(curl)?.[1];
  const headers = Object.fromEntries(
    [...curl.matchAll(/-H '([^:]+): ([^']*)'/g)].map((match) => [match[1]!, match[2]!]),
  );
  const method = /-X (\w+)/.exec(curl)?.[1] ?? (body === undefined ? 'GET' : 'POST');
  return node.ask(method, /http:\/\/[^/]+(\S+)/.exec(curl)![1]!, body, headers);
}
