import { membershipMutants } from './membership-mutants.ts';
import { mutants } from './mutants.ts';
import { snapshotMutants } from './snapshot-mutants.ts';

/** Every known bug that the simulator is measured by. */
export const allMutants = [...mutants, ...membershipMutants, ...snapshotMutants];
