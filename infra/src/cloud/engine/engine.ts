import type { StackConfig } from '../../config/schema.ts';
import type { StackOutputs } from '../../outputs.ts';

/** How many resources an operation makes, changes, replaces or deletes; `same` are left as they are. */
export type Changes = Readonly<Record<string, number>>;

/** Pulumi on one stack of the local program, as the commands use it. Each rejects with a CloudFailure. */
export interface Engine {
  /** The name of the stack. */
  stack(): Promise<string>;
  /** Its configuration, checked, with defaults. */
  config(): Promise<StackConfig>;
  /** Rejects where no leader would take the plan file of the stack. */
  checkPlan(): Promise<void>;
  /** What it says of itself; null: nothing has been made yet. */
  outputs(): Promise<StackOutputs | null>;
  preview(tell: Tell): Promise<Changes>;
  up(tell: Tell): Promise<Changes>;
  previewDestroy(tell: Tell): Promise<Changes>;
  destroy(tell: Tell): Promise<Changes>;
}

/** Is told a line at a time what is going on. */
export type Tell = (line: string) => void;
