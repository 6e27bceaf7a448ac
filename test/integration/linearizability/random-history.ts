import type { Call, End, ObjectKind, Operation } from '../../linearizability/history.ts';
import type { Answer } from '../../../examples/key-value/commands.ts';
import type { Random } from '../../simulation/random.ts';

const clients = 3;
const operationsOfEach = 4;

/**
 * A history as a correct object makes it: each operation takes effect at one moment within its interval. Some outcomes are
 * unknown, whether they took effect or not; in half of all histories one answer is then replaced by another one's.
 */
export function randomHistory(key: string, kind: ObjectKind, random: Random): Operation[] {
  const drawn = Array.from({ length: clients }, (_, client) => draw(client, kind, random)).flat();
  const object = new Set<string>();
  let value: string | null = null;
  const answers = new Map<Drawn, Answer>();
  for (const one of drawn.filter(({ isEffective }) => isEffective).toSorted((a, b) => a.effectNs - b.effectNs)) {
    const { call } = one;
    const index = 1;
    let changes = false;
    if (call.op === 'read') {
      answers.set(
        one,
        kind === 'set' ? { kind: 'members', index, members: [...object] } : { kind: 'value', index, value },
      );
      continue;
    }
    if (call.op === 'add') changes = !object.has(call.value);
    else changes = call.op === 'write' || call.expected === value;
    if (changes && call.op === 'add') object.add(call.value);
    else if (changes) value = call.value;
    const because = kind === 'set' ? 'present' : 'mismatch';
    answers.set(one, changes ? { kind: 'written', index } : { kind: 'unchanged', index, because });
  }
  if (random.chance(0.5)) swapTwo(answers, random);
  return drawn.map((one) => {
    const { client, call, callNs, returnNs } = one;
    const end: End = one.isKnown ? { outcome: 'ok', returnNs, answer: answers.get(one)! } : { outcome: 'unknown' };
    return { client, key, kind, call, callNs, end };
  });
}

interface Drawn {
  readonly client: number;
  readonly call: Call;
  readonly callNs: number;
  readonly effectNs: number;
  readonly returnNs: number;
  readonly isKnown: boolean;
  readonly isEffective: boolean;
}

function draw(client: number, kind: ObjectKind, random: Random): Drawn[] {
  let nowNs = 0;
  return Array.from({ length: operationsOfEach }, (_, number) => {
    const callNs = nowNs + 1 + Math.floor(random.exponential(20));
    const isKnown = random.chance(0.7);
    // What is unknown takes effect late, or never.
    const effectNs = callNs + 10 + Math.floor(random.exponential(isKnown ? 40 : 200));
    const returnNs = effectNs + 10 + Math.floor(random.exponential(40));
    nowNs = isKnown ? returnNs : callNs;
    const isEffective = isKnown || random.chance(0.5);
    return { client, call: callOf(kind, client, number, random), callNs, effectNs, returnNs, isKnown, isEffective };
  });
}

function callOf(kind: ObjectKind, client: number, number: number, random: Random): Call {
  const value = `${client}.${number}`;
  if (random.chance(0.4)) return { op: 'read' };
  if (kind === 'set') return { op: 'add', value: random.chance(0.2) ? `${client}.0` : value };
  if (random.chance(0.5)) return { op: 'write', value };
  const expected = `${Math.floor(random.next() * clients)}.${Math.floor(random.next() * operationsOfEach)}`;
  return { op: 'compareAndSet', expected: random.chance(0.3) ? null : expected, value };
}

/** Two answers of the same operation, so that each is one that its object could give. */
function swapTwo(answers: Map<Drawn, Answer>, random: Random): void {
  const [one, other] = random.shuffled([...answers.keys()]);
  if (one === undefined || other === undefined || (one.call.op === 'read') !== (other.call.op === 'read')) return;
  const answer = answers.get(one)!;
  answers.set(one, answers.get(other)!);
  answers.set(other, answer);
}
