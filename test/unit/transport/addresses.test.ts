import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TuttiError } from '../../../node/src/lib/errors.ts';
import { addressKey, areOtherPlaces, formatAddress, parseClusterNodes } from '../../../node/src/transport/addresses.ts';
import { findSelf, type OwnAddresses } from '../../../node/src/transport/find-self.ts';

describe('parseClusterNodes', () => {
  it('reads ids, host names, IPv4, IPv6 and the default port', () => {
    expect(parseClusterNodes('a=10.0.0.1:7001, node-2.example, [::1]:7003,d=[fe80::1]')).toEqual([
      { id: 'a', host: '10.0.0.1', port: 7001 },
      { id: null, host: 'node-2.example', port: 7000 },
      { id: null, host: '::1', port: 7003 },
      { id: 'd', host: 'fe80::1', port: 7000 },
    ]);
  });

  it.each([
    ['', 'element 1 (""): is empty'],
    ['a,', 'element 2 (""): is empty'],
    ['a:7000,b:70000', 'element 2 ("b:70000"): "70000" is not a port'],
    ['a:0', '"0" is not a port (1 to 65535)'],
    ['a:99999', '"99999" is not a port (1 to 65535)'],
    ['a:x', '"x" is not a port'],
    ['a:', '"" is not a port'],
    ['::1', 'stands in brackets: [::1]:7000'],
    ['::1:27101', 'stands in brackets: [::1]:27101'],
    ['a=fe80::1:2:7000', 'stands in brackets: [fe80::1:2:7000]:7000'],
    ['a=fe80::1:2:27101', 'stands in brackets: [fe80::1:2]:27101'],
    ['[::g]:1', '"::g" is not an IPv6 address'],
    ['[::1', 'is not host, host:port or [ipv6]:port'],
    ['10.0.0.256', 'is not an IPv4 address'],
    ['a b', 'is not a host name'],
    ['http://a', 'is not a port'],
    ['=a:1', '"" is not a node id'],
    ['x/y=a', '"x/y" is not a node id'],
    ['n=', 'has no host'],
    ['a:1,a:1', 'element 2 ("a:1"): a:1 is element 1 already'],
    ['[::1]:1,[0:0::1]:1', 'element 2 ("[0:0::1]:1"): [::1]:1 is element 1 already'],
    ['x=a,x=b', 'id "x" is element 1 already'],
  ])('refuses %j, naming element and position', (text, message) => {
    expect(() => parseClusterNodes(text)).toThrow(TuttiError);
    expect(() => parseClusterNodes(text)).toThrow(message);
  });

  it('names all bad elements at once', () => {
    expect(() => parseClusterNodes('a:0,ok,b:0')).toThrow(/element 1 .*element 3 /);
  });

  it('reads what formatAddress writes', () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('node-1', 'a.b.example'));
    fc.assert(
      fc.property(host, fc.integer({ min: 1, max: 65_535 }), (name, port) => {
        expect(parseClusterNodes(formatAddress(name, port))).toEqual([{ id: null, host: name, port }]);
      }),
    );
  });

  it('knows one address in its spellings', () => {
    expect(addressKey('[0:0:0::1]', 1)).toBe(addressKey('::1', 1));
    expect(addressKey('::ffff:10.0.0.1', 1)).toBe('10.0.0.1:1');
    expect(addressKey('Node.Example.', 1)).toBe('node.example:1');
  });
});

describe('areOtherPlaces', () => {
  it.each([
    ['10.0.0.1:1', '10.0.0.1:2', true],
    ['10.0.0.1:1', '10.0.0.2:1', true],
    ['[::1]:1', '127.0.0.1:1', true],
    ['node-1:1', 'node-1:2', true],
    ['node-1:1', '10.0.0.1:2', true],
    ['10.0.0.1:1', '10.0.0.1:1', false],
    ['[::1]:1', '[0:0::1]:1', false],
    ['[::ffff:10.0.0.1]:1', '10.0.0.1:1', false],
    ['node-1:1', '10.0.0.1:1', false],
    // The short and the full name of one machine, or two services in front of one container.
    ['node-1:1', 'node-1.example:1', false],
    ['what is no address', '10.0.0.1:1', false],
  ])('%s and %s: %s', (one, other, expected) => {
    expect(areOtherPlaces(one, other)).toBe(expected);
    expect(areOtherPlaces(other, one)).toBe(expected);
  });
});

describe('findSelf', () => {
  const own: OwnAddresses = {
    nodeId: null,
    bind: { host: '127.0.0.1', port: 7000 },
    advertise: null,
    interfaceAddresses: ['127.0.0.1', '::1', '10.0.0.2', 'fd00::2'],
    hostName: 'node-2',
    resolved: new Map(),
  };
  const find = (list: string, changes: Partial<OwnAddresses> = {}): unknown =>
    findSelf(parseClusterNodes(list), { ...own, ...changes });
  const anywhere = { bind: { host: '0.0.0.0', port: 7000 } };

  it('goes by the id when the list has it, whatever the addresses say', () => {
    expect(find('a=127.0.0.1:7000,b=far:7000', { nodeId: 'b' })).toEqual({ index: 1 });
  });

  it('says so when every element has an id and none is ours', () => {
    expect(find('a=127.0.0.1:7000', { nodeId: 'z' })).toEqual({
      reason:
        'CLUSTER_NODES (a=127.0.0.1:7000) names no node "z": set CLUSTER_NODE_ID to the id of this node\'s own entry',
    });
  });

  it("never takes an element with another node's id, though the address is ours", () => {
    expect(find('a=127.0.0.1:7000,far', { nodeId: 'z' })).toHaveProperty('reason');
  });

  it('goes by the advertised address before the bind address', () => {
    const advertise = { host: 'public.example', port: 7000 };
    expect(find('127.0.0.1:7000,public.example:7000', { advertise })).toEqual({ index: 1 });
  });

  it('goes by the exact bind address among several ports of one machine', () => {
    expect(find('127.0.0.1:7001,127.0.0.1:7000')).toEqual({ index: 1 });
    expect(find('[::1]:7001,[0::1]:7000', { bind: { host: '::1', port: 7000 } })).toEqual({ index: 1 });
  });

  it.each([
    ['an interface address', '10.0.0.1,10.0.0.2,10.0.0.3', 1],
    ['an IPv6 interface address', '[fd00::1],[fd00:0::2]', 1],
    ['the host name', 'node-1,node-2,node-3', 1],
    ['loopback with our port', '127.0.0.1:7002,127.0.0.1:7000', 1],
  ])('bound to 0.0.0.0 it finds itself by %s', (_, list, index) => {
    expect(find(list, anywhere)).toEqual({ index });
  });

  it('bound to 0.0.0.0 it finds itself by what a host name resolves to', () => {
    const resolved = new Map([['db.internal', ['10.0.0.2']]]);
    expect(find('other,db.internal', { ...anywhere, resolved })).toEqual({ index: 1 });
  });

  it('bound to one address it does not take an element with another address of the machine', () => {
    expect(find('10.0.0.2:7000')).toHaveProperty('reason');
  });

  it('does not guess between two elements that are both this machine', () => {
    expect(find('10.0.0.2,node-2', anywhere)).toMatchObject({ reason: expect.stringContaining('several') as string });
  });

  it('names what it looked for and where', () => {
    const reason = expect.stringMatching(
      /10\.0\.0\.9:7000.*does not contain this node: 0\.0\.0\.0:7000.*10\.0\.0\.2/,
    ) as string;
    expect(find('10.0.0.9', anywhere)).toEqual({ reason });
  });
});
