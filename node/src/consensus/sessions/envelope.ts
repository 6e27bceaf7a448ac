/** What a session puts around a command in the log: 1 and a nonce opens one; 2, session, sequence, first pending, then the command. */
export type Envelope =
  | { readonly kind: 'open'; readonly nonce: string }
  | {
      readonly kind: 'command';
      /** The index of the entry that opened the session. */
      readonly session: number;
      /** Of this command within the session, from 1 on. */
      readonly sequence: number;
      /** Answers to commands before it are not asked for any more. */
      readonly firstPending: number;
      readonly command: Uint8Array;
    };

const openKind = 1;
const commandKind = 2;
export const nonceBytes = 16;
const headBytes = 25;

export function encodeOpen(nonce: string): Uint8Array {
  return Buffer.concat([Uint8Array.of(openKind), Buffer.from(nonce, 'hex')]);
}

export function encodeCommand(
  session: number,
  sequence: number,
  firstPending: number,
  command: Uint8Array,
): Uint8Array {
  const bytes = Buffer.alloc(headBytes + command.byteLength);
  bytes[0] = commandKind;
  bytes.writeBigUInt64BE(BigInt(session), 1);
  bytes.writeBigUInt64BE(BigInt(sequence), 9);
  bytes.writeBigUInt64BE(BigInt(firstPending), 17);
  bytes.set(command, headBytes);
  return bytes;
}

/** Null: it was not proposed by a session. */
export function decodeEnvelope(data: Uint8Array): Envelope | null {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (bytes[0] === openKind && bytes.byteLength === 1 + nonceBytes) {
    return { kind: 'open', nonce: bytes.toString('hex', 1) };
  }
  if (bytes[0] !== commandKind || bytes.byteLength < headBytes) return null;
  const [session, sequence, firstPending] = [1, 9, 17].map((at) => Number(bytes.readBigUInt64BE(at)));
  return {
    ...{ kind: 'command', session: session!, sequence: sequence!, firstPending: firstPending! },
    command: data.subarray(headBytes),
  };
}
