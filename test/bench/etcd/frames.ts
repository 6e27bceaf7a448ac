/**
 * What client.ts and member.ts say to each other: messages of numbered proposals one way, of the numbers of those that are
 * applied the other way. A message is a list, so a moment's proposals may share one.
 */
export interface Proposal {
  readonly id: number;
  readonly command: Uint8Array;
}

const headerBytes = 8;

/** [id u32][length u32][command], again and again. */
export function encodeProposals(proposals: readonly Proposal[]): Buffer {
  const bytes = Buffer.allocUnsafe(proposals.reduce((sum, { command }) => sum + headerBytes + command.length, 0));
  let at = 0;
  for (const { id, command } of proposals) {
    bytes.writeUInt32LE(id, at);
    bytes.writeUInt32LE(command.length, at + 4);
    bytes.set(command, at + headerBytes);
    at += headerBytes + command.length;
  }
  return bytes;
}

export function decodeProposals(bytes: Buffer): Proposal[] {
  const proposals: Proposal[] = [];
  for (let at = 0; at < bytes.length;) {
    const from = at + headerBytes;
    const to = from + bytes.readUInt32LE(at + 4);
    proposals.push({ id: bytes.readUInt32LE(at), command: bytes.subarray(from, to) });
    at = to;
  }
  return proposals;
}

export function encodeIds(ids: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(ids.length * 4);
  ids.forEach((id, index) => bytes.writeUInt32LE(id, index * 4));
  return bytes;
}

export function decodeIds(bytes: Buffer): number[] {
  return Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readUInt32LE(index * 4));
}
