import { describe, expect, it } from 'vitest';
import { isLoopback } from '../../../node/src/lib/loopback.ts';
import { refuseOpenDoor } from '../../../node/src/transport/doors.ts';

const open = { bindHost: '0.0.0.0', hasSecret: false, hasMutualTls: false, insecure: false };

describe('doors', () => {
  it.each(['127.0.0.1', '127.8.9.10', '::1', '[::1]', '0:0:0:0:0:0:0:1', 'localhost', 'LOCALHOST', '::ffff:127.0.0.1'])(
    'takes %s for loopback, which needs no lock',
    (bindHost) => {
      expect(isLoopback(bindHost)).toBe(true);
      expect(refuseOpenDoor({ ...open, bindHost })).toBeNull();
    },
  );

  it.each([
    '0.0.0.0',
    '::',
    '[::]',
    '10.0.0.1',
    '128.0.0.1',
    'fe80::1',
    '::ffff:10.0.0.1',
    'example.com',
    '127.evil.example',
    '',
  ])('refuses %s without a lock, and says what to set', (bindHost) => {
    expect(refuseOpenDoor({ ...open, bindHost })).toMatch(/CLUSTER_SECRET.*TLS.*127\.0\.0\.1.*CLUSTER_INSECURE=true/);
  });

  it.each([{ hasSecret: true }, { hasMutualTls: true }, { insecure: true }])('opens with %j', (lock) => {
    expect(refuseOpenDoor({ ...open, ...lock })).toBeNull();
  });
});
