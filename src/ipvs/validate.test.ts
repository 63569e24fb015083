import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { families } from '../model/mod.ts';
import type { Destination, ServerKey, VirtualServer } from './virtual-server.ts';
import {
  isUnicast,
  validateDestination,
  validateMember,
  validateOperation,
  validateServer,
  validateTimeouts,
} from './validate.ts';
import {
  addressKey,
  addressOf,
  addServer,
  anyDestination,
  anyServer,
  deleteDestination,
  deleteServer,
  markKey,
  plainDestination,
  plainServer,
  wideUniverse,
} from './values.fixture.ts';

const web = addressKey('TCP', '10.96.0.1', 80);
const dns = addressKey('UDP', '10.96.0.1', 53);
const mark = markKey('IPv4', 7);
const day = { timeoutSeconds: 86_400, prefixLength: 32 };

describe('validateServer', () => {
  const good: readonly (readonly [string, VirtualServer])[] = [
    ['an address', plainServer(web)],
    ['the highest mark', plainServer(markKey('IPv6', 0xffff_ffff))],
    ['every port, with persistence', plainServer(addressKey('TCP', '10.96.0.1', 0), { persistence: day })],
    ['one packet for UDP', plainServer(dns, { onePacket: true })],
    ['one packet for a mark', plainServer(mark, { onePacket: true })],
    ['a hash scheduler with its flags', plainServer(web, { scheduler: 'mh', schedulerFlags: ['fallback', 'port'] })],
  ];
  it.each(good)('takes %s', (_, server) => expect(validateServer(server)).toBeNull());

  const bad: readonly (readonly [VirtualServer, string])[] = [
    [plainServer(addressKey('TCP', '10.96.0.1', 0)), 'port 0 needs persistence: it stands for every port'],
    [plainServer(addressKey('TCP', '10.96.0.1', 65_536)), 'port 65536 must be a whole number from 0 to 65535'],
    [plainServer(addressKey('TCP', '224.0.0.1', 80)), 'address "224.0.0.1" must be a unicast address'],
    [plainServer(markKey('IPv4', 0)), 'mark 0 must be a whole number from 1 to 4294967295'],
    [plainServer(markKey('IPv4', 2 ** 32)), 'mark 4294967296 must be a whole number from 1 to 4294967295'],
    [plainServer(web, { scheduler: '' }), 'scheduler "" must be 1 to 15 of a-z, 0-9 and _'],
    [plainServer(web, { scheduler: 'rr\n-C' }), 'scheduler "rr\\n-C" must be 1 to 15 of a-z, 0-9 and _'],
    [plainServer(web, { scheduler: 'a'.repeat(16) }), `scheduler "${'a'.repeat(16)}" must be 1 to 15 of a-z, 0-9 and _`],
    [plainServer(web, { scheduler: 'sh', schedulerFlags: ['flag-3'] }), 'schedulerFlags "flag-3" means nothing to sh and mh'],
    [plainServer(web, { persistenceEngine: 's p' }), 'persistenceEngine "s p" must be 1 to 15 of a-z, 0-9 and _'],
    [plainServer(web, { onePacket: true }), 'onePacket true is for UDP and for marks only'],
    [
      plainServer(web, { persistence: { ...day, timeoutSeconds: 0 } }),
      'timeoutSeconds 0 must be a whole number from 1 to 2678400',
    ],
    [plainServer(web, { persistence: { ...day, prefixLength: 33 } }), 'prefixLength 33 must be a whole number from 1 to 32'],
    [plainServer(web, { persistence: { ...day, prefixLength: 0 } }), 'prefixLength 0 must be a whole number from 1 to 32'],
    [
      plainServer(markKey('IPv6', 1), { persistence: { ...day, prefixLength: 129 } }),
      'prefixLength 129 must be a whole number from 1 to 128',
    ],
  ];
  it.each(bad)('[IPVS-4] refuses %o: %s', (server, message) =>
    expect(validateServer(server)).toEqual({ code: 'WP_IPVS_INVALID', message }),
  );
});

describe('validateDestination', () => {
  const good: readonly (readonly [string, ServerKey, Destination])[] = [
    ['any port behind address translation', web, plainDestination('10.244.0.1', 8080)],
    ['port 0 behind a mark', mark, plainDestination('10.244.0.1', 0)],
    ['the same port without translation', web, plainDestination('10.244.0.1', 80, { forwarding: { method: 'direct' } })],
    ['the greatest weight', web, plainDestination('10.244.0.1', 80, { weight: 2 ** 31 - 1 })],
    ['equal thresholds', web, plainDestination('10.244.0.1', 80, { upperThreshold: 4, lowerThreshold: 4 })],
  ];
  it.each(good)('takes %s', (_, key, destination) => expect(validateDestination(key, destination)).toBeNull());

  const tunnel = (
    encapsulation: 'ipip' | 'gue' | 'gre',
    port: number,
    checksum: 'none' | 'csum' | 'remcsum',
  ): Partial<Destination> => ({
    forwarding: { method: 'tunnel', encapsulation, port, checksum },
  });
  const at = (port: number, changes: Partial<Destination> = {}): Destination => plainDestination('10.244.0.1', port, changes);
  const bad: readonly (readonly [Destination, string])[] = [
    [at(80, { weight: -1 }), 'weight -1 must be a whole number from 0 to 2147483647'],
    [at(80, { weight: 1.5 }), 'weight 1.5 must be a whole number from 0 to 2147483647'],
    [at(80, { upperThreshold: 2 ** 31 }), 'upperThreshold 2147483648 must be a whole number from 0 to 2147483647'],
    [at(80, { lowerThreshold: 2 }), 'lowerThreshold 2 is above upperThreshold 0'],
    [at(0), 'port 0 of a destination must be a whole number from 1 to 65535'],
    [
      at(81, { forwarding: { method: 'direct' } }),
      'port 81 of a destination must be that of the server, 80, without address translation',
    ],
    [at(80, tunnel('gue', 0, 'none')), 'forwarding.port 0 must be from 1 to 65535'],
    [at(80, tunnel('gre', 9, 'none')), 'forwarding.port 9 is for gue only'],
    [at(80, tunnel('ipip', 0, 'csum')), 'forwarding.checksum "csum" is for gue and gre only'],
    [at(80, tunnel('gre', 0, 'remcsum')), 'forwarding.checksum "remcsum" is for gue only'],
    [plainDestination('255.255.255.255', 80), 'address "255.255.255.255" of a destination must be a unicast address'],
    [plainDestination('fd00::1', 80), 'address "fd00::1" is of the other family, which only a tunnel can carry'],
  ];
  it.each(bad)('refuses %o: %s', (destination, message) =>
    expect(validateDestination(web, destination)).toEqual({ code: 'WP_IPVS_INVALID', message }),
  );
});

describe('validateMember', () => {
  it('[IPVS-23] refuses address translation behind a one-packet server', () => {
    const server = plainServer(dns, { onePacket: true });
    expect(validateMember(server, plainDestination('10.244.0.1', 53))?.message).toBe(
      'forwarding "masquerade" loses the replies of a one-packet server',
    );
    expect(validateMember(server, plainDestination('10.244.0.1', 53, { forwarding: { method: 'direct' } }))).toBeNull();
  });

  it('[IPVS-23] refuses a port behind a persistent server of a mark', () => {
    const server = plainServer(mark, { persistence: day });
    expect(validateMember(server, plainDestination('10.244.0.1', 80))?.message).toBe(
      'port 80 is ignored in a persistent server of a mark: use 0',
    );
    expect(validateMember(server, plainDestination('10.244.0.1', 0))).toBeNull();
    expect(validateMember(plainServer(mark), plainDestination('10.244.0.1', 80))).toBeNull();
  });

  it('refuses what is wrong with the destination alone', () => {
    expect(validateMember(plainServer(web), plainDestination('10.244.0.1', 0))?.code).toBe('WP_IPVS_INVALID');
  });
});

describe('validateOperation', () => {
  it('names the operation and the field', () => {
    expect(validateOperation('IPv4', addServer(plainServer(web, { scheduler: 'Ä' })))?.message).toBe(
      'cannot add server TCP 10.96.0.1:80: scheduler "Ä" must be 1 to 15 of a-z, 0-9 and _',
    );
    expect(validateOperation('IPv6', deleteServer(web))?.message).toBe(
      'cannot delete server TCP 10.96.0.1:80: family "IPv4" is not that of this port, IPv6',
    );
    expect(validateOperation('IPv4', deleteDestination(web, { address: addressOf('10.0.0.1'), port: 0 }))?.message).toBe(
      'cannot delete destination 10.0.0.1:0 of TCP 10.96.0.1:80: port 0 of a destination must be a whole number from 1 to 65535',
    );
  });

  it('takes what generators of sound values make, where the whole makes sense', () => {
    let taken = 0;
    for (const family of families) {
      fc.assert(
        fc.property(anyServer(family, wideUniverse(family)), anyDestination(wideUniverse(family)), (server, destination) => {
          const sound: VirtualServer = {
            ...server,
            schedulerFlags: server.schedulerFlags.filter((flag) => flag !== 'flag-3'),
            onePacket: false,
          };
          const problem =
            validateServer(sound) ?? validateDestination(sound.key, { ...destination, forwarding: { method: 'masquerade' } });
          if (problem === null) taken += 1;
          return problem === null;
        }),
      );
    }
    expect(taken).toBe(200);
  });
});

describe('validateTimeouts', () => {
  it('takes 0, which keeps a value, and up to 31 days', () => {
    expect(validateTimeouts({ tcp: 0, tcpFin: 0, udp: 2_678_400 })).toBeNull();
    expect(validateTimeouts({ tcp: 0, tcpFin: 2_678_401, udp: 0 })?.message).toBe(
      'tcpFin 2678401 must be a whole number of seconds from 0 to 2678400',
    );
  });
});

describe('isUnicast', () => {
  it.each(['10.0.0.1', '127.0.0.1', '240.0.0.1', '::1', 'fd00::1', '2001:db8::'])('says yes to %s', (text) =>
    expect(isUnicast(addressOf(text))).toBe(true),
  );
  it.each(['0.0.0.0', '224.0.0.1', '239.255.255.255', '255.255.255.255', '::', 'ff02::1', 'fe80::1', 'febf::1'])(
    'says no to %s',
    (text) => expect(isUnicast(addressOf(text))).toBe(false),
  );
});
