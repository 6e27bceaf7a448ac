import { expect, it } from 'vitest';
import { rehearseElections } from '../../../node/src/consensus/rehearsal.ts';

it('rehearses an election, ten hand-overs and the ends of ten leaders, the same each time', () => {
  expect(rehearseElections()).toBe(21);
  expect(rehearseElections()).toBe(21);
});
