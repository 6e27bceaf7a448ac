import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';
import { invariant } from '../lib/invariant.ts';
import type { AppendRequest, Message } from '../raft/messages.ts';
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

/** One field of a message, on its way to the library's form and back. */
interface FieldForm {
  readonly name: string;
  readonly isOptional: boolean;
  readonly isRepeated: boolean;
  readonly toWire: (value: unknown) => unknown;
  readonly fromWire: (wire: unknown) => unknown;
}

/** Of every type of message that was met: an append has thousands of fields, too many to ask the contract about each. */
const forms = new Map<protobuf.Type, readonly FieldForm[]>();

/** The ends of the stream as the handshake proved them: a Raft message on the wire names neither. */
export interface StreamEnds {
  readonly from: NodeId;
  readonly to: NodeId;
}

/** A frame that is not one: damaged, of a newer protocol, or hostile. The stream it came on ends. */
export class BadFrame extends Error {
  override readonly name = 'BadFrame';
}

/** The append that was encoded last: a leader has the same one for each of its followers, one after the other. */
let lastAppend: { readonly message: AppendRequest; readonly bytes: Uint8Array } | null = null;

/** The bytes may be those of an earlier call: nobody writes to them. */
export function encodeFrame(frame: WireFrame): Uint8Array {
  if (frame.kind !== 'raft') return encode(frame.kind, frame);
  const { message } = frame;
  if (message.kind !== 'appendRequest' || message.entries.length === 0) return encode(message.kind, message);
  if (lastAppend === null || !isSameAppend(lastAppend.message, message)) {
    lastAppend = { message, bytes: encode(message.kind, message) };
  }
  return lastAppend.bytes;
}

function encode(kind: string, fields: object): Uint8Array {
  const type = frameType.fields[kind]?.resolvedType;
  invariant(type instanceof protobuf.Type, `no wire form for a frame of kind ${kind}`);
  return frameType.encode({ [kind]: toWire(type, fields as Plain) }).finish();
}

/** As far as the wire has it, which names neither end. Entries are never changed, so the same ones have the same bytes. */
function isSameAppend(one: AppendRequest, other: AppendRequest): boolean {
  return (
    one.term === other.term &&
    one.prevLogIndex === other.prevLogIndex &&
    one.prevLogTerm === other.prevLogTerm &&
    one.commitIndex === other.commitIndex &&
    one.entries.length === other.entries.length &&
    one.entries.every((entry, at) => entry === other.entries[at])
  );
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
  for (const field of formsOf(type)) {
    const given = value[field.name];
    if (given === null || given === undefined) {
      if (!field.isOptional) invariant(false, `${type.name}.${field.name} is missing`);
    } else {
      wire[field.name] = field.isRepeated ? (given as unknown[]).map(field.toWire) : field.toWire(given);
    }
  }
  return wire;
}

function fromWire(type: protobuf.Type, wire: Plain): Plain {
  const value: Plain = {};
  for (const field of formsOf(type)) {
    if (field.isOptional && !Object.hasOwn(wire, field.name)) value[field.name] = null;
    else if (field.isRepeated) value[field.name] = (wire[field.name] as unknown[]).map(field.fromWire);
    else value[field.name] = field.fromWire(wire[field.name]);
  }
  return value;
}

function formsOf(type: protobuf.Type): readonly FieldForm[] {
  let known = forms.get(type);
  if (known === undefined) {
    known = type.fieldsArray.map((field) => ({
      name: field.name,
      isOptional: field.options?.['proto3_optional'] === true,
      isRepeated: field.repeated,
      ...conversionOf(field),
    }));
    forms.set(type, known);
  }
  return known;
}

function conversionOf({ name, type, resolvedType }: protobuf.Field): Pick<FieldForm, 'toWire' | 'fromWire'> {
  if (resolvedType instanceof protobuf.Type) return messageConversion(name, resolvedType);
  if (resolvedType instanceof protobuf.Enum) return enumConversion(name, resolvedType);
  const asIs = (value: unknown): unknown => value;
  const counting = (value: unknown): unknown => {
    if (!isCounting(value)) invariant(false, `${name} is not a counting number`);
    return value;
  };
  if (type === 'bytes') return { toWire: asIs, fromWire: (wire) => copyOf(wire as Uint8Array) };
  if (type === 'uint64') return { toWire: counting, fromWire: (wire) => countingNumber(name, wire) };
  return { toWire: type === 'uint32' ? counting : asIs, fromWire: asIs };
}

function messageConversion(name: string, type: protobuf.Type): Pick<FieldForm, 'toWire' | 'fromWire'> {
  return {
    toWire: (value) => toWire(type, value as Plain),
    fromWire: (wire) => {
      if (wire === null || wire === undefined) throw new BadFrame(`${name} is missing`);
      return fromWire(type, wire as Plain);
    },
  };
}

function enumConversion(name: string, { values }: protobuf.Enum): Pick<FieldForm, 'toWire' | 'fromWire'> {
  const known = Object.entries(values).filter(([, number]) => number !== 0);
  const named = known.map(([wireName, number]) => [wireName.slice(enumPrefix.length).toLowerCase(), number] as const);
  const numberOf = new Map<unknown, number>(named);
  const nameOf = new Map<unknown, string>(named.map(([valueName, number]) => [number, valueName]));
  return {
    toWire: (value) => {
      const number = numberOf.get(value);
      if (number === undefined) invariant(false, `${name} has no wire form for ${String(value)}`);
      return number;
    },
    fromWire: (wire) => {
      const valueName = nameOf.get(wire);
      if (valueName === undefined) throw new BadFrame(`${name} is of an unknown kind (${String(wire)})`);
      return valueName;
    },
  };
}

/** protobufjs gives uint64 as a Long where that package is installed, else as a number. */
function countingNumber(name: string, wire: unknown): number {
  const number = typeof wire === 'number' ? wire : (wire as { toNumber(): number }).toNumber();
  if (!isCounting(number)) throw new BadFrame(`${name} is not below 2^53`);
  return number;
}

function isCounting(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Copies of up to half of it share one: memory of its own costs each of a thousand small entries more than its bytes do. */
const POOL_BYTES = 8 * 1024;
let pool = new Uint8Array(0);
let pooledBytes = 0;

function copyOf(bytes: Uint8Array): Uint8Array {
  if (bytes.length > POOL_BYTES / 2) return new Uint8Array(bytes);
  if (pooledBytes + bytes.length > pool.length) {
    pool = new Uint8Array(POOL_BYTES);
    pooledBytes = 0;
  }
  const copy = pool.subarray(pooledBytes, pooledBytes + bytes.length);
  copy.set(bytes);
  pooledBytes += bytes.length;
  return copy;
}
