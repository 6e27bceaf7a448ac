import { expect, it } from 'vitest';
import { closeAll } from '../../../node/src/node/close-all.ts';

it('closes the last opened first, and the others even if one fails; the failure is told', async () => {
  const closed: string[] = [];
  const parts = [
    () => void closed.push('directory'),
    () => Promise.reject(new Error('the log would not close')),
    () => void closed.push('api'),
  ];
  await expect(closeAll(parts)).rejects.toThrow('the log would not close');
  expect(closed).toEqual(['api', 'directory']);
});
