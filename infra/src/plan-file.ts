import { readFileSync } from 'node:fs';
import { describePlanProblems } from '../../node/src/plan/describe.ts';
import { parsePlan } from '../../node/src/plan/parse.ts';
import { StackConfigError } from './config/parse.ts';
import { type Egress, egressOf } from './plan/egress.ts';

/** What a node reads of an object at most (node/src/gcs). */
const MAX_BYTES = 1_048_576;

/**
 * The text of the plan file; the path counts from the folder in which Pulumi runs the program. Throws StackConfigError.
 */
export function readPlanFile(path: string): string {
  const bytes = read(path);
  if (bytes.length === 0 || bytes.length > MAX_BYTES)
    throw new StackConfigError([
      `tutti:plan: ${path} has ${bytes.length} bytes; a plan has at least 1 and at most ${MAX_BYTES}`,
    ]);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new StackConfigError([`tutti:plan: ${path} is not UTF-8`]);
  }
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new StackConfigError([`tutti:plan: ${path} cannot be read: ${(error as Error).message}`]);
  }
}

/** What a plan sends. Throws StackConfigError, with every problem, where the text of that file is none that a leader would take. */
export function checkedEgress(path: string, text: string): Egress {
  const parsed = parsePlan(text);
  if (!parsed.ok) throw new StackConfigError([`tutti:plan: ${describePlanProblems(path, parsed.problems)}`]);
  return egressOf(parsed.plan);
}
