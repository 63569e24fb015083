import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { canMakeNamespaces } from '../../test/lab/capability.ts';
import { describeWhere } from '../../test/lab/describe-lab.ts';
import { patient } from '../../test/lab/patience.ts';
import type { Plan } from './driver-udp-child.fixture.ts';

const run = promisify(execFile);
const child = fileURLToPath(new URL('driver-udp-child.fixture.ts', import.meta.url));

/** The addresses of a node: its own, the link-local one of the resolver, the one of the cluster's DNS Service. */
const addresses = ['192.0.2.10', '169.254.20.10', '10.96.0.10', '2001:db8::10', 'fd00:10:96::a', 'fd00:20::10'];
const four = addresses.filter((address) => !address.includes(':'));
const six = addresses.filter((address) => address.includes(':'));
const setUp = [
  'ip link set lo up',
  'ip link add node type veth peer name other',
  'ip link set node up',
  'ip link set other up',
  ...addresses.map((address) => `ip addr add ${address}/${address.includes(':') ? '128 nodad' : '32'} dev node`),
  'ip addr add fe80::10/64 dev node nodad',
  // Questions come from addresses that are not the ones asked.
  'ip addr add 192.0.2.99/32 dev other',
  'ip addr add 2001:db8::99/128 dev other nodad',
].join(' && ');

const everywhere = { listen: ['0.0.0.0', '::'], kind: 'batch' } as const;
const ownAddresses = { listen: addresses, ask: addresses, from: '' } as const;
const plans: readonly (Plan & { readonly title: string })[] = [
  { title: 'every address listened on, in batches', kind: 'batch', later: false, ...ownAddresses },
  { title: 'the same, later', kind: 'batch', later: true, ...ownAddresses },
  { title: 'every address listened on, plainly', kind: 'plain', later: false, ...ownAddresses },
  { title: 'the same, later', kind: 'plain', later: true, ...ownAddresses },
  { title: 'the IPv4 address asked, listening on all', ...everywhere, later: false, ask: four, from: '192.0.2.99' },
  { title: 'the same, later', ...everywhere, later: true, ask: four, from: '192.0.2.99' },
  { title: 'the IPv6 address asked, listening on all', ...everywhere, later: false, ask: six, from: '2001:db8::99' },
  { title: 'the same, later', ...everywhere, later: true, ask: six, from: '2001:db8::99' },
  { title: 'a link-local address, through its interface', ...everywhere, later: false, ask: ['fe80::10%node'], from: '' },
];

describeWhere(await canMakeNamespaces(), 'UDP sockets of a node with many addresses, in worker threads', () => {
  let results: readonly unknown[] = [];

  beforeAll(async () => {
    // The namespace is gone with its process.
    const script = `${setUp} && exec "$0" "$1" "$2"`;
    const { stdout } = await run('unshare', ['-n', 'sh', '-ec', script, process.execPath, child, JSON.stringify(plans)]);
    results = JSON.parse(stdout) as readonly unknown[];
  }, patient(60_000));

  test.each(plans.map((plan, index) => ({ ...plan, index })))('[DNS-123] answer from $title ($index)', ({ index, ask }) => {
    expect(results[index]).toEqual(ask);
  });
});
