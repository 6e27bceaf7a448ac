import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { errorCodes } from '../../../node/src/lib/errors.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/consensus.md'), 'utf8');

/** The errors that other consensus services export, and those that they keep to themselves. */
const sentinels = [
  ...['NotLeader', 'NoLeader', 'NotStarted', 'AlreadyStarted', 'NodeNotFound', 'ClusterNotFound'],
  ...['StorageUnavailable', 'TransportUnavailable', 'DiscoveryUnavailable', 'NoQuorum', 'InvalidTerm', 'StaleTerm'],
  ...['LogInconsistent', 'SnapshotFailed', 'CompactionFailed', 'ElectionTimeout', 'InvalidPeer', 'PeerExists'],
  ...['PeerNotFound', 'InsufficientPeers', 'InvalidConfig', 'NoAvailablePeers', 'FailoverFailed', 'OperationFailed'],
  ...['ReplicationFailed', 'Timeout', 'ConnectionFailed', 'StaleRead', 'RateLimitExceeded', 'AuthenticationFailed'],
  ...['PoolExhausted', 'ConnectionTimeout'],
];

/** The cells of the rows of the table that begins with this header. */
function tableUnder(firstHeader: string): string[][] {
  const lines = page.split('\n');
  const from = lines.findIndex((line) => line.startsWith('|') && line.split('|')[1]!.trim() === firstHeader);
  const behind = lines.slice(from + 2);
  const rows = behind.slice(
    0,
    behind.findIndex((line) => !line.startsWith('|')),
  );
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const codesIn = (text: string): string[] => [...text.matchAll(/`([A-Z][A-Z_]+)`/g)].map(([, code]) => code!);

describe('the errors in docs/consensus.md', () => {
  it.each(['outcome', 'refused with', 'elsewhere'])('are codes that there are, in the table under "%s"', (header) => {
    const codes = tableUnder(header).flatMap(([first, second]) => codesIn(header === 'elsewhere' ? second! : first!));
    expect(codes.length).toBeGreaterThan(4);
    expect(codes.filter((code) => !(code in errorCodes))).toEqual([]);
  });

  it.each(sentinels)('say once what %s is here: a code, or why it cannot arise', (sentinel) => {
    const rows = tableUnder('elsewhere').filter(([names]) => names!.split(/[,;]\s*/).includes(sentinel));
    expect(rows).toHaveLength(1);
    const [, here] = rows[0]!;
    expect(codesIn(here!).length > 0 || here!.startsWith('cannot arise: ')).toBe(true);
  });

  it('name no other sentinels', () => {
    const named = tableUnder('elsewhere').flatMap(([names]) => names!.split(/[,;]\s*/));
    expect(named.toSorted()).toEqual(sentinels.toSorted());
  });
});
