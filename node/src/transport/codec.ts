import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';
import { invariant } from '../lib/invariant.ts';
import type { Message } from '../raft/messages.ts';
import type { NodeId } from '../raft/types.ts';
import type { WireFrame } from './frames.ts';

/**
 * WireFrame <-> the bytes of proto/tutti/peer/v1/peer.proto. The contract is read at run time and the mapping follows its
 * reflection, so the .proto file is the only description of the wire; field names are those of our types.
 */
const contract = protobuf.parse(
  readFileSync(new URL('../../../proto/tutti/peer/v1/peer.proto', import.meta.url), 'utf8'),
).root;
contract.resolveAll();
const frameType = contract.lookupType('tutti.peer.v1.Frame');
const enumPrefix = 'ENTRY_KIND_';

const raftKinds: ReadonlySet<string> = new Set<Message['kind']>([
  'voteRequest',
  'voteResponse',
  'timeoutNow',
  'appendRequest',
  'appendResponse',
  'heartbeat',
  'heartbeatResponse',
]);

type Plain = Record<string, unknown>;

/** The ends of the stream as the handshake proved them: a Raft message on the wire names neither. */
export interface StreamEnds {
  readonly from: NodeId;
  readonly to: NodeId;
}

/** A frame that is not one: damaged, of a newer protocol, or hostile. The stream it came on ends. */
export class BadFrame extends Error {
  override readonly name = 'BadFrame';
}

export function encodeFrame(frame: WireFrame): Uint8Array {
  const [kind, fields] = frame.kind === 'raft' ? [frame.message.kind, frame.message] : [frame.kind, frame];
  const field = frameType.fields[kind];
  invariant(field?.resolvedType instanceof protobuf.Type, `no wire form for a frame of kind ${kind}`);
  return frameType.encode({ [kind]: toWire(field.resolvedType, fields as unknown as Plain) }).finish();
}

/** Bytes in the result are copies: a log entry kept for hours must not hold on to a network buffer of 64 KiB. */
export function decodeFrame(bytes: Uint8Array, ends: StreamEnds): WireFrame {
  const decoded = parse(bytes);
  const kind = decoded['payload'];
  if (typeof kind !== 'string') throw new BadFrame('a frame without a payload this node knows');
  const type = frameType.fields[kind]?.resolvedType;
  invariant(type instanceof protobuf.Type, `payload ${kind} is not in the contract`);
  const fields = fromWire(type, decoded[kind] as Plain);
  // Held by the round-trip property over every kind: the contract's fields are the fields of our types.
  if (raftKinds.has(kind)) {
    return { kind: 'raft', message: { kind, from: ends.from, to: ends.to, ...fields } as unknown as Message };
  }
  return { kind, ...fields } as unknown as WireFrame;
}

function parse(bytes: Uint8Array): Plain {
  try {
    return frameType.decode(bytes);
  } catch (error) {
    throw new BadFrame('bytes that are not a frame', { cause: error });
  }
}

function toWire(type: protobuf.Type, value: Plain): Plain {
  const wire: Plain = {};
  for (const field of type.fieldsArray) {
    const given = value[field.name];
    if (given === null || given === undefined) {
      invariant(isOptional(field), `${type.name}.${field.name} is missing`);
    } else {
      wire[field.name] = field.repeated
        ? (given as unknown[]).map((item) => fieldToWire(field, item))
        : fieldToWire(field, given);
    }
  }
  return wire;
}

function fieldToWire(field: protobuf.Field, value: unknown): unknown {
  const type = field.resolvedType;
  if (type instanceof protobuf.Type) return toWire(type, value as Plain);
  if (type instanceof protobuf.Enum) {
    const number = type.values[enumPrefix + (value as string).toUpperCase()];
    invariant(number !== undefined, `${field.name} has no wire form for ${String(value)}`);
    return number;
  }
  if (field.type === 'uint64' || field.type === 'uint32') {
    invariant(Number.isSafeInteger(value) && (value as number) >= 0, `${field.name} is not a counting number`);
  }
  return value;
}

function fromWire(type: protobuf.Type, wire: Plain): Plain {
  const value: Plain = {};
  for (const field of type.fieldsArray) {
    if (isOptional(field) && !Object.hasOwn(wire, field.name)) value[field.name] = null;
    else if (field.repeated) {
      value[field.name] = (wire[field.name] as unknown[]).map((item) => fieldFromWire(field, item));
    } else value[field.name] = fieldFromWire(field, wire[field.name]);
  }
  return value;
}

function fieldFromWire(field: protobuf.Field, wire: unknown): unknown {
  const type = field.resolvedType;
  if (type instanceof protobuf.Type) {
    if (wire === null || wire === undefined) throw new BadFrame(`${field.name} is missing`);
    return fromWire(type, wire as Plain);
  }
  if (type instanceof protobuf.Enum) {
    const name = type.valuesById[wire as number];
    if (name === undefined || wire === 0) throw new BadFrame(`${field.name} is of an unknown kind (${String(wire)})`);
    return name.slice(enumPrefix.length).toLowerCase();
  }
  if (field.type === 'bytes') return new Uint8Array(wire as Uint8Array);
  if (field.type === 'uint64') return countingNumber(field.name, wire);
  return wire;
}

/** protobufjs gives uint64 as a Long where that package is installed, else as a number. */
function countingNumber(name: string, wire: unknown): number {
  const number = typeof wire === 'number' ? wire : (wire as { toNumber(): number }).toNumber();
  if (!Number.isSafeInteger(number) || number < 0) throw new BadFrame(`${name} is not below 2^53`);
  return number;
}

function isOptional(field: protobuf.Field): boolean {
  return field.options?.['proto3_optional'] === true;
}
