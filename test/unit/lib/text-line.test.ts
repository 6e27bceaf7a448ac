import { describe, expect, it } from 'vitest';
import { roundedRecord, textLine } from '../../../node/src/lib/text-line.ts';

const where = { level: 'info', time: '2026-11-21T10:00:00.000Z', node: 'a', term: 3, run: 'run-1' };

describe('a line of the log for people', () => {
  it('says what happened, what else is known, and where', () => {
    expect(textLine({ ...where, msg: 'lost', peer: 'b', address: '10.0.0.2:7000' })).toBe(
      'lost (peer b, address 10.0.0.2:7000) · node a, term 3, run-1',
    );
    expect(textLine({ level: 'info', msg: 'node is up', node: 'a' })).toBe('node is up · node a');
    expect(textLine({ level: 'info', msg: 'alone' })).toBe('alone');
  });

  it('does not say again what the sentence says, and takes no part of a word for it', () => {
    const msg = 'elected: leads term 3 with 20 votes, 2 needed';
    expect(textLine({ ...where, msg, leader: 'a', votes: 20, needed: 2, index: 3, step: 'vote', empty: '' })).toBe(
      `${msg} (leader a, index 3, step vote, empty ) · node a, term 3, run-1`,
    );
    expect(textLine({ msg: 'members: a, b', voters: ['a', 'b'], unmet: 0 })).toBe('members: a, b (unmet 0)');
  });

  it('rounds what no one compares, with its unit', () => {
    const given = {
      msg: 'starts',
      inMs: 512.3456,
      clockErrorMs: 0.123456,
      atMs: 1.4567,
      share: 0.98765,
      count: 12_345,
    };
    expect(textLine(given)).toBe('starts (in 512 ms, clockError 0.12 ms, at 1.5 ms, share 0.99, count 12345)');
    expect(textLine({ msg: 'm', deep: { of: [1.23456, 'x'] }, none: null, list: [0.5, 'x'] })).toBe(
      'm (deep {"of":[1.2,"x"]}, none none, list [0.5, x])',
    );
  });

  it('shows of an error what it says, the stack of a bug below, and nothing a terminal would obey', () => {
    const error = { type: 'Error', message: 'boom', stack: 'Error: boom\n at x' };
    expect(textLine({ msg: 'a request handler failed', method: 'm', error })).toBe(
      'a request handler failed (method m, error boom)',
    );
    expect(textLine({ msg: 'cannot go on', stack: 'Error: boom\n at x' })).toBe(
      'cannot go on\n    Error: boom\n     at x',
    );
    expect(textLine({ msg: 'lost\u001b[2J', why: 'x\nINFO: all is well\r' })).toBe(
      'lost[2J (why x\n    INFO: all is well)',
    );
  });
});

describe('a line of the log for machines', () => {
  it('has numbers with no more figures than people are shown, and all else as it is', () => {
    const error = new Error('boom');
    const given = {
      deadlineMs: 8186.9882069937885,
      clockErrorMs: 0.123456,
      count: 12_345,
      list: [1.26, 'x'],
      deep: { of: 2.55551 },
    };
    const rounded = roundedRecord({ ...given, error, none: null, missing: undefined });
    expect(rounded).toEqual({
      deadlineMs: 8187,
      clockErrorMs: 0.12,
      count: 12_345,
      list: [1.3, 'x'],
      deep: { of: 2.6 },
      error,
      none: null,
      missing: undefined,
    });
    expect(rounded.error).toBe(error);
  });
});
