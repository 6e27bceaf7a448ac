import { readFileSync } from 'node:fs';
import { StackConfigError } from './config/parse.ts';

/** What a node reads of an object at most (node/src/gcs). */
const MAX_BYTES = 1_048_576;

/**
 * The text of the plan file; the path counts from the folder in which Pulumi runs the program. Whether it is a plan is judged by the leader.
 * Throws StackConfigError.
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
