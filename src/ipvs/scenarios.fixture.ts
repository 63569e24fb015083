import type { Family } from '../model/mod.ts';
import type { IpvsCode } from './errors.ts';
import type { IpvsOperation } from './port.ts';
import {
  addDestination,
  addressKey,
  addServer,
  deleteDestination,
  deleteServer,
  editDestination,
  editServer,
  markKey,
  maskBits,
  plainDestination,
  plainServer,
} from './values.fixture.ts';

/** Operations on an empty kernel, the verdicts that they must get, and what must be there afterwards. */
export interface Scenario {
  readonly title: string;
  readonly family: Family;
  readonly operations: readonly IpvsOperation[];
  readonly codes: readonly (IpvsCode | null)[];
  /** As `dumpServers` writes it. */
  readonly dump: readonly string[];
}

interface Names {
  readonly family: Family;
  /** The address of the server, and of the first two destinations. */
  readonly vip: string;
  readonly first: string;
  readonly second: string;
  readonly at: (address: string, port: number) => string;
}

const names: readonly Names[] = [
  { family: 'IPv4', vip: '10.96.0.1', first: '10.244.1.1', second: '10.244.1.2', at: (address, port) => `${address}:${port}` },
  {
    family: 'IPv6',
    vip: 'fd00:10:96::1',
    first: 'fd00:10:244:1111:2222:3333:4444:5555',
    second: 'fd00:10:244::2',
    at: (address, port) => `[${address}]:${port}`,
  },
];

export const scenarios: readonly Scenario[] = names.flatMap((one) => [
  keysScenario(one),
  optionsScenario(one),
  forwardingScenario(one),
  refusalsScenario(one),
  editScenario(one),
  affinityScenario(one),
  invalidScenario(one),
]);

function keysScenario({ family, vip, at }: Names): Scenario {
  const six = family === 'IPv6' ? ' -6' : '';
  const keys = [
    addressKey('TCP', vip, 80),
    addressKey('UDP', vip, 80),
    addressKey('SCTP', vip, 80),
    markKey(family, 1),
    markKey(family, 0xffff_ffff),
  ];
  return {
    title: `[IPVS-1] ${family}: TCP, UDP, SCTP and marks; one number for both families`,
    family,
    operations: keys.map((key) => addServer(plainServer(key))),
    codes: [null, null, null, null, null],
    dump: [
      `-A -f 1${six} -s rr`,
      `-A -f 4294967295${six} -s rr`,
      `-A --sctp-service ${at(vip, 80)} -s rr`,
      `-A -t ${at(vip, 80)} -s rr`,
      `-A -u ${at(vip, 80)} -s rr`,
    ],
  };
}

function optionsScenario({ family, vip, at }: Names): Scenario {
  const mask = family === 'IPv4' ? '255.255.255.0' : '64';
  const all = family === 'IPv4' ? '255.255.255.255' : '128';
  return {
    title: `${family}: flags, persistence, one-packet and engine come back as they were given`,
    family,
    operations: [
      addServer(plainServer(addressKey('TCP', vip, 80), { scheduler: 'mh', schedulerFlags: ['fallback', 'port'] })),
      addServer(plainServer(addressKey('TCP', vip, 81), { scheduler: 'sh', schedulerFlags: ['fallback'] })),
      addServer(plainServer(addressKey('TCP', vip, 82), { scheduler: 'wrr', schedulerFlags: ['fallback', 'flag-3'] })),
      addServer(
        plainServer(addressKey('TCP', vip, 83), { persistence: { timeoutSeconds: 10_800, prefixLength: maskBits[family] } }),
      ),
      addServer(
        plainServer(addressKey('TCP', vip, 0), {
          persistence: { timeoutSeconds: 60, prefixLength: family === 'IPv4' ? 24 : 64 },
        }),
      ),
      addServer(plainServer(addressKey('UDP', vip, 84), { onePacket: true, persistenceEngine: 'sip' })),
    ],
    codes: [null, null, null, null, null, null],
    dump: [
      `-A -t ${at(vip, 0)} -s rr -p 60 -M ${mask}`,
      `-A -t ${at(vip, 80)} -s mh -b mh-fallback,mh-port`,
      `-A -t ${at(vip, 81)} -s sh -b sh-fallback`,
      `-A -t ${at(vip, 82)} -s wrr -b flag-1,flag-3`,
      `-A -t ${at(vip, 83)} -s rr -p 10800 -M ${all}`,
      `-A -u ${at(vip, 84)} -s rr --pe sip -o`,
    ],
  };
}

function forwardingScenario({ family, vip, first, second, at }: Names): Scenario {
  const key = addressKey('TCP', vip, 80);
  const gue = { method: 'tunnel', encapsulation: 'gue', port: 6080, checksum: 'remcsum' } as const;
  const gre = { method: 'tunnel', encapsulation: 'gre', port: 0, checksum: 'csum' } as const;
  const ipip = { method: 'tunnel', encapsulation: 'ipip', port: 0, checksum: 'none' } as const;
  return {
    title: `[IPVS-9] ${family}: methods, tunnels, thresholds and weights above 65535 come back as they were given`,
    family,
    operations: [
      addServer(plainServer(key)),
      addDestination(key, plainDestination(first, 8080, { weight: 70_000, upperThreshold: 10, lowerThreshold: 5 })),
      addDestination(key, plainDestination(second, 8080, { weight: 2 ** 31 - 1 })),
      addDestination(key, plainDestination(second, 80, { forwarding: { method: 'direct' }, weight: 0 })),
      addServer(plainServer(markKey(family, 7))),
      addDestination(markKey(family, 7), plainDestination(first, 0, { forwarding: ipip })),
      addDestination(markKey(family, 7), plainDestination(first, 1, { forwarding: gue })),
      addDestination(markKey(family, 7), plainDestination(first, 2, { forwarding: gre })),
      // The other family's destinations, by tunnel only.
      addDestination(markKey(family, 7), plainDestination(family === 'IPv4' ? 'fd00::9' : '10.0.0.9', 0, { forwarding: ipip })),
    ],
    codes: Array.from({ length: 9 }, () => null),
    dump: [
      `-A -f 7${family === 'IPv6' ? ' -6' : ''} -s rr`,
      ...[
        `${family === 'IPv4' ? '[fd00::9]:0' : '10.0.0.9:0'} -i --tun-type ipip -w 1 -x 0 -y 0`,
        `${at(first, 0)} -i --tun-type ipip -w 1 -x 0 -y 0`,
        `${at(first, 1)} -i --tun-type gue --tun-port 6080 --tun-remcsum -w 1 -x 0 -y 0`,
        `${at(first, 2)} -i --tun-type gre --tun-csum -w 1 -x 0 -y 0`,
      ]
        .toSorted()
        .map((text) => `-a -f 7${family === 'IPv6' ? ' -6' : ''} -r ${text}`),
      `-A -t ${at(vip, 80)} -s rr`,
      ...[
        `${at(first, 8080)} -m -w 70000 -x 10 -y 5`,
        `${at(second, 8080)} -m -w 2147483647 -x 0 -y 0`,
        `${at(second, 80)} -g -w 0 -x 0 -y 0`,
      ]
        .toSorted()
        .map((text) => `-a -t ${at(vip, 80)} -r ${text}`),
    ],
  };
}

function refusalsScenario({ family, vip, first, second, at }: Names): Scenario {
  const key = addressKey('TCP', vip, 80);
  const absent = addressKey('TCP', vip, 81);
  return {
    title: `[IPVS-3] [IPVS-12] ${family}: each refusal is that of its own operation and stops no other`,
    family,
    operations: [
      addServer(plainServer(key)),
      addServer(plainServer(key)),
      addServer(plainServer(absent, { scheduler: 'absent' })),
      addServer(plainServer(absent, { persistenceEngine: 'absent' })),
      editServer(plainServer(absent)),
      editServer(plainServer(key, { scheduler: 'absent' })),
      deleteServer(absent),
      addDestination(absent, plainDestination(first, 80)),
      editDestination(absent, plainDestination(first, 80)),
      deleteDestination(absent, plainDestination(first, 80)),
      addDestination(key, plainDestination(first, 80)),
      addDestination(key, plainDestination(first, 80, { weight: 5 })),
      editDestination(key, plainDestination(second, 80)),
      deleteDestination(key, plainDestination(second, 80)),
      addDestination(key, plainDestination(second, 80)),
      deleteDestination(key, plainDestination(second, 80)),
      deleteServer(key),
      deleteServer(key),
      addServer(plainServer(key, { scheduler: 'wrr' })),
    ],
    codes: [
      null,
      'WP_IPVS_EXISTS',
      'WP_IPVS_NO_SCHEDULER',
      'WP_IPVS_NO_SCHEDULER',
      'WP_IPVS_NO_SERVER',
      'WP_IPVS_NO_SCHEDULER',
      'WP_IPVS_NO_SERVER',
      'WP_IPVS_NO_SERVER',
      'WP_IPVS_NO_SERVER',
      'WP_IPVS_NO_SERVER',
      null,
      'WP_IPVS_EXISTS',
      'WP_IPVS_NO_DESTINATION',
      'WP_IPVS_NO_DESTINATION',
      null,
      null,
      null,
      'WP_IPVS_NO_SERVER',
      null,
    ],
    dump: [`-A -t ${at(vip, 80)} -s wrr`],
  };
}

function editScenario({ family, vip, first, at }: Names): Scenario {
  const key = addressKey('TCP', vip, 80);
  const member = plainDestination(first, 80, {
    forwarding: { method: 'tunnel', encapsulation: 'gue', port: 6080, checksum: 'csum' },
    upperThreshold: 9,
    lowerThreshold: 3,
  });
  const server = plainServer(key, {
    scheduler: 'mh',
    schedulerFlags: ['fallback'],
    persistence: { timeoutSeconds: 100, prefixLength: maskBits[family] },
  });
  const mask = family === 'IPv4' ? '255.255.255.255' : '128';
  return {
    title: `[IPVS-7] [IPVS-8] ${family}: an edit of one thing keeps the others, and flags can be taken away`,
    family,
    operations: [
      addServer(server),
      addDestination(key, member),
      editDestination(key, { ...member, weight: 0 }),
      editServer({ ...server, schedulerFlags: ['port'] }),
      editServer({ ...server, schedulerFlags: ['fallback', 'port'] }),
      editServer({ ...server, scheduler: 'sh', schedulerFlags: ['fallback'] }),
    ],
    codes: [null, null, null, null, null, null],
    dump: [
      `-A -t ${at(vip, 80)} -s sh -b sh-fallback -p 100 -M ${mask}`,
      `-a -t ${at(vip, 80)} -r ${at(first, 80)} -i --tun-type gue --tun-port 6080 --tun-csum -w 0 -x 9 -y 3`,
    ],
  };
}

function affinityScenario({ family, vip, first, at }: Names): Scenario {
  const key = addressKey('TCP', vip, 80);
  const prefixLength = family === 'IPv4' ? 24 : 64;
  return {
    title: `[IPVS-22] ${family}: affinity comes, changes and goes in place`,
    family,
    operations: [
      addServer(plainServer(key)),
      addDestination(key, plainDestination(first, 8080)),
      editServer(plainServer(key, { persistence: { timeoutSeconds: 10_800, prefixLength: maskBits[family] } })),
      editServer(plainServer(key, { persistence: { timeoutSeconds: 60, prefixLength } })),
      addServer(plainServer(markKey(family, 3), { persistence: { timeoutSeconds: 60, prefixLength } })),
      addDestination(markKey(family, 3), plainDestination(first, 0)),
      editServer(plainServer(markKey(family, 3))),
    ],
    codes: Array.from({ length: 7 }, () => null),
    dump: [
      `-A -f 3${family === 'IPv6' ? ' -6' : ''} -s rr`,
      `-a -f 3${family === 'IPv6' ? ' -6' : ''} -r ${at(first, 0)} -m -w 1 -x 0 -y 0`,
      `-A -t ${at(vip, 80)} -s rr -p 60 -M ${family === 'IPv4' ? '255.255.255.0' : '64'}`,
      `-a -t ${at(vip, 80)} -r ${at(first, 8080)} -m -w 1 -x 0 -y 0`,
    ],
  };
}

function invalidScenario({ family, vip, first, at }: Names): Scenario {
  const key = addressKey('TCP', vip, 80);
  const other = family === 'IPv4' ? 'IPv6' : 'IPv4';
  return {
    title: `[IPVS-13] ${family}: what is not valid reaches neither kernel nor tool, and the rest does`,
    family,
    operations: [
      addServer(plainServer(key)),
      addServer(plainServer(key, { scheduler: 'r r' })),
      addServer(plainServer(markKey(family, 0))),
      addServer(plainServer(markKey(other, 1))),
      addDestination(key, plainDestination(family === 'IPv4' ? '224.0.0.1' : 'ff02::1', 80)),
      addDestination(key, plainDestination(first, 80, { weight: -1 })),
      addDestination(key, plainDestination(first, 80, { upperThreshold: 1, lowerThreshold: 2 })),
      addDestination(key, plainDestination(first, 0)),
      addDestination(key, plainDestination(first, 81, { forwarding: { method: 'direct' } })),
      addDestination(key, plainDestination(first, 80)),
    ],
    codes: [null, ...Array.from({ length: 8 }, () => 'WP_IPVS_INVALID' as const), null],
    dump: [`-A -t ${at(vip, 80)} -s rr`, `-a -t ${at(vip, 80)} -r ${at(first, 80)} -m -w 1 -x 0 -y 0`],
  };
}
