import { expect, it } from 'vitest';
import { findElsewhere } from '../../../node/src/node/place.ts';

const own = (port: number, advertisedPort?: number): Parameters<typeof findElsewhere>[1] => ({
  bind: { host: '0.0.0.0', port },
  advertise: advertisedPort === undefined ? null : { host: 'proxy', port: advertisedPort },
  interfaceAddresses: ['127.0.0.1', '10.0.0.3'],
  hostName: 'three',
  resolved: new Map([['three.local', ['10.0.0.3']]]),
});
const listed = (host: string): Parameters<typeof findElsewhere>[0] => ({ id: 'c', host, port: 7003 });

it.each(['127.0.0.1', 'localhost', '10.0.0.3', '::ffff:10.0.0.3', 'three.local'])(
  'a node that listens on another port than its own element of the list says, which is %s, is told so',
  (host) => {
    expect(findElsewhere(listed(host), own(7013))).toContain('listens on 0.0.0.0:7013 (CLUSTER_BIND_ADDR)');
    expect(findElsewhere(listed(host), own(7003))).toBeNull();
  },
);

it('another machine may lead to any port of this one, and who says what others dial has said it', () => {
  expect(findElsewhere(listed('10.0.0.9'), own(7013))).toBeNull();
  expect(findElsewhere(listed('unknown.local'), own(7013))).toBeNull();
  expect(findElsewhere(listed('10.0.0.3'), own(7013, 7003))).toBeNull();
});
