import { Standstill } from './standstill.ts';

/**
 * An idle process of normal priority that notes when the machine itself stood still. What it lost at a moment, nobody else can be
 * blamed for.
 */
const { pauses } = new Standstill();

process.on('message', () => process.send?.({ pauses }));
process.on('disconnect', () => process.exit(0));
