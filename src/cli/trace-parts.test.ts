import { describe, expect, test } from 'vitest';
import { parseSetMembers } from '../iptables/mod.ts';
import { emptySnapshot, parseAddress } from '../model/mod.ts';
import type { Address, EndpointRecord, SliceRecord, Snapshot } from '../model/mod.ts';
import { parseTableNames } from '../nftables/mod.ts';
import { nameEndpoint } from './agent-names.ts';
import { makeEndpointPages } from './endpoint-page.ts';
import { makeQuestion } from './question.fixture.ts';
import { rememberedOf } from './trace-node.ts';
import { isListening } from './trace-sockets.ts';

const address = (text: string): Address => {
  const parsed = parseAddress(text);
  if (parsed === null) throw new TypeError(text);
  return parsed;
};

describe('sockets of the node', () => {
  const heading = '  sl  local_address rem_address   st tx_queue rx_queue';
  const tcp = `${heading}\n   0: 0100007F:1F90 00000000:0000 0A 0:0\n   1: 00000000:0016 00000000:0000 0A 0:0\n   2: 0B0200C0:01BB 0100007F:1234 01 0:0\n`;
  const tcp6 = `${heading}\n   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 0:0\n   1: 000010FD000000000000000001000000:0051 00000000000000000000000000000000:0000 0A 0:0\n`;
  const udp = `${heading}\n   0: 00000000:0035 00000000:0000 07 0:0\n`;
  const texts = new Map([
    ['tcp', tcp],
    ['tcp6', tcp6],
    ['udp', udp],
    ['udp6', heading],
  ]);

  test.each<['TCP' | 'UDP' | 'SCTP', string, number, boolean | null]>([
    ['TCP', '127.0.0.1', 8080, true],
    ['TCP', '192.0.2.11', 8080, false],
    ['TCP', '192.0.2.11', 22, true],
    ['TCP', 'fd10::1', 22, false],
    // Not one that listens.
    ['TCP', '192.0.2.11', 443, false],
    // The wildcard of IPv6 takes both.
    ['TCP', '192.0.2.11', 80, true],
    ['TCP', 'fd10::1', 80, true],
    ['TCP', 'fd10::1', 81, true],
    ['TCP', 'fd10::2', 81, false],
    ['UDP', '192.0.2.11', 53, true],
    ['UDP', '192.0.2.11', 22, false],
    ['SCTP', '192.0.2.11', 22, null],
  ])('%s %s port %d: %s', (protocol, to, port, expected) => {
    expect(isListening(texts, { protocol, address: address(to), port })).toBe(expected);
  });

  test('where nothing could be read nothing is said', () => {
    expect(isListening(new Map([['tcp', '']]), { protocol: 'TCP', address: address('192.0.2.11'), port: 22 })).toBe(null);
  });
});

test('what rules remember of a client is found in sets and lists, in any spelling', () => {
  const saved =
    'create A hash:ip family inet timeout 60\nadd A 10.1.0.5 timeout 55\ncreate B hash:ip family inet\nadd B 10.1.0.6\nodd';
  const clientSets = new Map([...parseSetMembers(saved), ['list', new Set(['fd00:0000:0000:0000:0000:0000:0000:0005'])]]);
  expect([...rememberedOf({ clientSets }, address('10.1.0.5'))]).toEqual([['ipset A', true]]);
  expect([...rememberedOf({ clientSets }, address('fd00::5'))]).toEqual([['ipset list', true]]);
});

test('tables are listed by name; other families, and what is no listing, are not', () => {
  const listing = {
    nftables: [{ metainfo: {} }, { table: { family: 'ip', name: 'a' } }, { table: { family: 'bridge', name: 'b' } }],
  };
  expect(parseTableNames(JSON.stringify(listing))).toEqual([{ family: 'ip', name: 'a' }]);
  expect(['', '{}', 'null', '[1]'].map(parseTableNames)).toEqual([null, null, null, null]);
});

test('an endpoint is named by its pod, else by the Service in question, else by any', () => {
  const one = { address: '10.1.0.5', node: 'node-1', pod: null };
  const endpoints = [
    { ...one, service: 'ns/api' },
    { ...one, service: 'ns/web', node: null },
    { ...one, service: 'ns/db', pod: 'ns/db-0' },
  ];
  const nameFor = (service: string | null): string | null => nameEndpoint(endpoints, '10.1.0.5', service);
  expect([nameFor('ns/web'), nameFor('ns/db'), nameFor(null)]).toEqual([
    'endpoint of ns/web',
    'pod ns/db-0 on node-1',
    'endpoint of ns/api on node-1',
  ]);
  expect(nameEndpoint(endpoints, '10.1.0.6', null)).toBe(null);
});

describe('the page of endpoints', () => {
  const endpoint = (text: string, podName: string | null): EndpointRecord => ({
    address: address(text),
    ready: true,
    serving: true,
    terminating: false,
    nodeName: 'node-1',
    zone: null,
    zoneHints: [],
    nodeHints: [],
    hostname: null,
    podName,
  });
  const slice = { endpoints: [endpoint('10.1.0.5', 'web-0'), endpoint('10.1.0.6', null)] } as unknown as SliceRecord;
  const snapshot: Snapshot = { ...emptySnapshot, slices: new Map([['ns/web', [slice]]]) };
  const ask = async (query: string, known: Snapshot | null = snapshot): Promise<unknown> => {
    const page = makeEndpointPages(() => known).get('/endpoints');
    const reply = await page?.(makeQuestion({ query: new URLSearchParams(query) }));
    return JSON.parse(reply?.body ?? '');
  };

  test('finds them by address and by pod, and nothing where nothing was asked or is known', async () => {
    const first = { address: '10.1.0.5', service: 'ns/web', node: 'node-1', pod: 'ns/web-0' };
    const second = { address: '10.1.0.6', service: 'ns/web', node: 'node-1', pod: null };
    expect(await ask('address=10.1.0.6&address=10.1.0.5')).toEqual({ endpoints: [first, second] });
    expect(await ask('pod=ns/web-0')).toEqual({ endpoints: [first] });
    expect(await ask('')).toEqual({ endpoints: [] });
    expect(await ask('address=10.1.0.6', null)).toEqual({ endpoints: [] });
  });
});
