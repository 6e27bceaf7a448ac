import { electionMutants } from './election-mutants.ts';
import { logMutants } from './log-mutants.ts';
import { membershipMutants } from './membership-mutants.ts';
import { readMutants } from './read-mutants.ts';
import { snapshotMutants } from './snapshot-mutants.ts';

/** Every known bug of the core that the simulator is measured by. */
export const allMutants = [...electionMutants, ...logMutants, ...readMutants, ...membershipMutants, ...snapshotMutants];
