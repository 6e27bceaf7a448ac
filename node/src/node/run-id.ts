import { randomBytes } from 'node:crypto';

/** Unique for ever. */
export const newRunId = (): string => `run-${randomBytes(5).toString('hex')}`;
