import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { families } from '../model/mod.ts';
import { parseRestore, parseSave } from './parse-save.ts';
import { renderOperation } from './render.ts';
import { validateOperation } from './validate.ts';
import {
  addDestination,
  addressKey,
  addServer,
  anyOperation,
  deleteDestination,
  deleteServer,
  editDestination,
  editServer,
  markKey,
  plainDestination,
  plainServer,
  wideUniverse,
} from './values.fixture.ts';

const web = addressKey('TCP', '10.96.0.1', 80);
const six = markKey('IPv6', 0xf000_0001);
const pod = plainDestination('fd00::9', 0, { weight: 70_000, upperThreshold: 9, lowerThreshold: 2 });

describe('renderOperation', () => {
  it('[IPVS-14] writes marks in decimal, -6 on every line of an IPv6 mark, -s on edits and the method on every destination', () => {
    const lines = [
      addServer(plainServer(six)),
      editServer(plainServer(six, { scheduler: 'wrr' })),
      addDestination(six, pod),
      editDestination(six, { ...pod, forwarding: { method: 'direct' } }),
      deleteDestination(six, pod),
      deleteServer(six),
    ].map(renderOperation);
    expect(lines).toEqual([
      '-A -f 4026531841 -6 -s rr',
      '-E -f 4026531841 -6 -s wrr',
      '-a -f 4026531841 -6 -r [fd00::9]:0 -m -w 70000 -x 9 -y 2',
      '-e -f 4026531841 -6 -r [fd00::9]:0 -g -w 70000 -x 9 -y 2',
      '-d -f 4026531841 -6 -r [fd00::9]:0',
      '-D -f 4026531841 -6',
    ]);
  });

  it('writes the whole of a server', () => {
    const server = plainServer(addressKey('UDP', 'fd00::1', 53), {
      scheduler: 'mh',
      schedulerFlags: ['fallback', 'port'],
      persistence: { timeoutSeconds: 300, prefixLength: 56 },
      persistenceEngine: 'sip',
      onePacket: true,
    });
    expect(renderOperation(editServer(server))).toBe('-E -u [fd00::1]:53 -s mh -b mh-fallback,mh-port -p 300 -M 56 --pe sip -o');
    const masked = plainServer(web, { persistence: { timeoutSeconds: 300, prefixLength: 20 } });
    expect(renderOperation(addServer(masked))).toBe('-A -t 10.96.0.1:80 -s rr -p 300 -M 255.255.240.0');
  });
});

describe('parseSave', () => {
  it.each(families)('reads back whatever is written, %s', (family) => {
    fc.assert(
      fc.property(fc.array(anyOperation(family, wideUniverse(family)), { maxLength: 8 }), (operations) => {
        const sound = operations.filter((operation) => validateOperation(family, operation) === null);
        const parsed = parseSave(sound.map((operation) => `${renderOperation(operation)}\n`).join(''));
        expect(parsed).toEqual({ ok: true, value: sound });
      }),
      { numRuns: 500 },
    );
  });

  it('reads what ipvsadm --save -n prints: signed marks, its order of options, its defaults', () => {
    const parsed = parseSave(`
-A -f -1 -6 -s wrr -b flag-1,flag-2,flag-3
-A -t 10.96.0.1:80 -s mh -p 100 -M 255.255.255.0 -b mh-fallback,mh-port
-a -t 10.96.0.1:80 -r 10.1.0.2:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-csum
-a -t 10.96.0.1:80 -r 10.1.0.3:80 -g -w 0
-A -u 10.96.0.1:53 -s rr --pe sip -o
-A -t [fd00::2]:80 -s wrr -p 100 
-A -t 10.8.8.8:8 -s rr -p 30 -M 0.0.0.0
`);
    expect(parsed).toEqual({
      ok: true,
      value: [
        addServer(
          plainServer(markKey('IPv6', 0xffff_ffff), { scheduler: 'wrr', schedulerFlags: ['fallback', 'port', 'flag-3'] }),
        ),
        addServer(
          plainServer(web, {
            scheduler: 'mh',
            schedulerFlags: ['fallback', 'port'],
            persistence: { timeoutSeconds: 100, prefixLength: 24 },
          }),
        ),
        addDestination(
          web,
          plainDestination('10.1.0.2', 80, {
            forwarding: { method: 'tunnel', encapsulation: 'gue', port: 6080, checksum: 'csum' },
          }),
        ),
        addDestination(web, plainDestination('10.1.0.3', 80, { forwarding: { method: 'direct' }, weight: 0 })),
        addServer(plainServer(addressKey('UDP', '10.96.0.1', 53), { onePacket: true, persistenceEngine: 'sip' })),
        addServer(
          plainServer(addressKey('TCP', 'fd00::2', 80), {
            scheduler: 'wrr',
            persistence: { timeoutSeconds: 100, prefixLength: 128 },
          }),
        ),
        addServer(plainServer(addressKey('TCP', '10.8.8.8', 8), { persistence: { timeoutSeconds: 30, prefixLength: 0 } })),
      ],
    });
  });

  it("has the tool's defaults for what a line leaves out", () => {
    expect(parseSave('-A -t 10.96.0.1:80 -p\n-a -t 10.96.0.1:80 -r 10.1.0.2:80')).toEqual({
      ok: true,
      value: [
        addServer(plainServer(web, { scheduler: 'wlc', persistence: { timeoutSeconds: 300, prefixLength: 32 } })),
        addDestination(web, plainDestination('10.1.0.2', 80, { forwarding: { method: 'direct' } })),
      ],
    });
  });

  const bad: readonly (readonly [string, string])[] = [
    ['# a comment', 'begins with none of -A, -E, -D, -a, -e and -d'],
    ['-C', 'begins with none of -A, -E, -D, -a, -e and -d'],
    ['-A -t 10.0.0.1:80 -z', '-z is not an option'],
    ['-A -t 10.0.0.1:80 -s', '-s has no value'],
    ['-A -t 10.0.0.1:80 -s -o', '-s has no value'],
    ['-A -t 10.0.0.1:80 -t 10.0.0.2:80', '-t is given twice'],
    ['-A -s rr', 'must have one of -t, -u, --sctp-service and -f'],
    ['-A -t 10.0.0.1:80 -f 1', 'must have one of -t, -u, --sctp-service and -f'],
    ['-A -t 10.0.0.1:80 -6', '-6 is for marks only'],
    ['-A -t 10.0.0.1', '-t must be address:port'],
    ['-A -t fd00::1:80', '-t must be address:port'],
    ['-A -t web.example:80', '-t must be address:port'],
    ['-A -t 10.0.0.1:http', '-t must be address:port'],
    ['-A -t 10.0.0.1:70000', '-t must be address:port'],
    ['-A -f 0x10', '-f must be a mark in decimal, not 0'],
    ['-A -f 0', '-f must be a mark in decimal, not 0'],
    ['-A -f 4294967296', '-f must be a mark in decimal, not 0'],
    ['-A -t 10.0.0.1:80 -b sh-port', '-b names a flag that scheduler wlc does not have'],
    ['-A -t 10.0.0.1:80 -p soon', '-p must be a number of seconds'],
    ['-A -t 10.0.0.1:80 -p 1 -M x', '-M must be a mask or a prefix length'],
    ['-a -t 10.0.0.1:80 -m', '-r must be address:port'],
    ['-a -t 10.0.0.1:80 -r 10.0.0.2:80 -w many', '-w, -x and -y must be numbers'],
    ['-a -t 10.0.0.1:80 -r 10.0.0.2:80 -m -g', 'must have at most one of -m, -g and -i'],
    ['-a -t 10.0.0.1:80 -r 10.0.0.2:80 -m --tun-type gue', '--tun-type needs -i'],
    ['-a -t 10.0.0.1:80 -r 10.0.0.2:80 -i --tun-type l2tp', '--tun-type must be ipip, gue or gre'],
  ];
  it.each(bad)('[IPVS-13] refuses "%s" and names its line', (line, why) => {
    expect(parseSave(`\n-D -t 10.0.0.1:1\n${line}\n`)).toEqual({
      ok: false,
      problem: { code: 'WP_IPVS_UNREADABLE', message: `line 3 "${line}": ${why}` },
    });
  });

  it('[IPVS-13] never throws, whatever it is given', () => {
    const words = fc.constantFrom(
      '-A',
      '-a',
      '-t',
      '-f',
      '-r',
      '-i',
      '-p',
      '-M',
      '10.0.0.1:80',
      '[::1]:80',
      '7',
      '-6',
      '--tun-port',
      '\n',
      '-w',
      ':',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(words, fc.string())), (parts) => {
        const parsed = parseSave(parts.join(' '));
        expect(parsed.ok ? 'read' : parsed.problem.code).toMatch(/^(read|WP_IPVS_UNREADABLE)$/);
      }),
    );
  });
});

describe('parseRestore', () => {
  it('[IPVS-13] refuses lines that the tool would stop at or the kernel would take in another sense', () => {
    expect(parseRestore('-A -t 10.0.0.1:0 -s rr\n')).toMatchObject({ ok: false, problem: { code: 'WP_IPVS_INVALID' } });
    expect(parseRestore('-a -t 10.0.0.1:80 -r 10.0.0.2:81\n')).toMatchObject({ ok: false, problem: { code: 'WP_IPVS_INVALID' } });
    expect(parseRestore('-C\n')).toMatchObject({ ok: false, problem: { code: 'WP_IPVS_UNREADABLE' } });
    expect(parseRestore('-A -t 10.0.0.1:80 -s rr\n')).toEqual({
      ok: true,
      value: [addServer(plainServer(addressKey('TCP', '10.0.0.1', 80)))],
    });
  });
});
