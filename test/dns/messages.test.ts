import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rcode, recordType } from '../../src/dns/constants.ts';
import { longestName } from '../../src/dns/name.ts';
import type { Name } from '../../src/dns/name.ts';
import { octetsOf } from '../../src/dns/read-name.ts';
import { makeQuery, openAsker, transports } from './asker.ts';
import type { Asker, QueryParts, Reply } from './asker.ts';
import { listMalformed } from './malformed.ts';
import { nameOf, startTalking, web } from './messages-cluster.ts';
import type { Talking } from './messages-cluster.ts';

let talking: Talking;
beforeAll(async () => {
  talking = await startTalking();
});
afterAll(() => talking?.[Symbol.asyncDispose]());

const codeOf = ({ bytes }: Reply): number => bytes.readUInt16BE(2) & 15;
const flagsOf = ({ bytes }: Reply): number => bytes.readUInt16BE(2);
const records = ({ packet }: Reply): number => (packet.answers?.length ?? 0) + (packet.authorities?.length ?? 0);

interface Opt {
  readonly udpPayloadSize: number;
  readonly extendedRcode: number;
  readonly ednsVersion: number;
  readonly flags: number;
  readonly options: readonly unknown[];
}

function optsOf({ packet }: Reply): readonly Opt[] {
  return (packet.additionals ?? []).filter(({ type }) => type === 'OPT').map((opt) => opt as unknown as Opt);
}

describe.each(transports)('over %s', (transport) => {
  let asker: Asker;
  let lastId = 1000;
  beforeAll(async () => {
    asker = await openAsker(transport, talking.thread.port);
  });
  afterAll(() => asker?.[Symbol.dispose]());

  const ask = (name: Name, parts: QueryParts = {}): Promise<Reply> => {
    lastId += 1;
    return asker.ask(makeQuery(name, { id: lastId, ...parts }));
  };

  /** Whatever was sent before, the next question is answered. */
  const expectService = async (): Promise<void> => {
    const reply = await ask(web);
    expect(reply.packet.answers).toMatchObject([{ type: 'A', data: '10.96.0.80', ttl: 30 }]);
  };

  test('[DNS-1][DNS-2] the address of a Service', async () => {
    const reply = await ask(web);
    expect(flagsOf(reply)).toBe(0x8580);
    expect(reply.packet.answers).toMatchObject([{ name: 'web.shop.svc.cluster.local', type: 'A', data: '10.96.0.80', ttl: 30 }]);
  });

  test.each(['WEB.shop.SVC.cluster.local.', 'wEb.sHoP.sVc.ClUsTeR.lOcAl.', 'wbE.shop.svc.cluster.LOCAL.', 'eXample.TEST.'])(
    '[DNS-76] %s is repeated as it is spelled',
    async (text) => {
      const name = nameOf(text);
      const reply = await ask(name);
      expect(reply.bytes.subarray(12, 12 + name.length).toString('latin1')).toBe(name);
      for (const answer of reply.packet.answers ?? []) expect(`${answer.name}.`).toBe(text);
    },
  );

  test.each([0, 1, 0x7fff, 0xffff])('[DNS-77] the id %i', async (id) => {
    expect((await ask(web, { id })).packet).toMatchObject({ id, answers: [{ data: '10.96.0.80' }] });
  });

  test.each([
    ['nothing', 0, 0x8480],
    ['RD', 0x0100, 0x8580],
    ['CD', 0x0010, 0x8490],
    ['AD and Z, which are not repeated', 0x0060, 0x8480],
    ['AA, TC, RA and a code, which mean nothing in a question', 0x068f, 0x8480],
    ['everything', 0x07ff, 0x8590],
  ])('[DNS-77][DNS-83] flags: %s', async (_, flags, expected) => {
    expect(flagsOf(await ask(web, { flags }))).toBe(expected);
  });

  test('[DNS-78] a reply is not answered, nor what is too short to be a message', async () => {
    asker.send(makeQuery(web, { id: 7, flags: 0x8100 }));
    for (let length = transport === 'udp' ? 0 : 1; length < 12; length += 1)
      asker.send(makeQuery(web, { id: 7 }).subarray(0, length));
    await expectService();
    expect(asker.others).toEqual([]);
  });

  test.each(Array.from({ length: 15 }, (_, index) => index + 1))('[DNS-79] opcode %i is not implemented', async (opcode) => {
    const reply = await ask(web, { flags: (opcode << 11) | 0x0100 });
    expect(flagsOf(reply)).toBe(0x8000 | (opcode << 11) | 0x0180 | rcode.NOTIMP);
    expect(records(reply)).toBe(0);
  });

  test.each([0, 2, 3, 4, 254, 255, 256, 0xffff])('[DNS-80] class %i is refused and not forwarded', async (number) => {
    const before = talking.upstream.questions();
    for (const name of [web, nameOf(`class-${number}.test.`)]) {
      const reply = await ask(name, { class: number });
      expect([codeOf(reply), records(reply)]).toEqual([rcode.REFUSED, 0]);
    }
    expect(talking.upstream.questions()).toBe(before);
  });

  test.each(['version.bind.', 'hostname.bind.', 'id.server.', 'version.server.', 'authors.bind.', 'VERSION.BIND.'])(
    '[DNS-81] %s of class CH says nothing',
    async (text) => {
      const reply = await ask(nameOf(text), { class: 3, type: recordType.TXT });
      expect([codeOf(reply), records(reply)]).toEqual([rcode.REFUSED, 0]);
    },
  );

  test.each(['.', 'cluster.local.', 'web.shop.svc.cluster.local.', 'example.test.', '96.10.in-addr.arpa.'])(
    '[DNS-82] no transfer of %s',
    async (text) => {
      const before = talking.upstream.questions();
      for (const type of [recordType.AXFR, recordType.IXFR]) {
        const reply = await ask(nameOf(text), { type });
        expect([codeOf(reply), records(reply)]).toEqual([rcode.REFUSED, 0]);
      }
      expect(talking.upstream.questions()).toBe(before);
    },
  );

  test.each([
    ['a cluster name', web, {}],
    ['a missing one', nameOf('wbe.shop.svc.cluster.local.'), {}],
    ['a name of others', nameOf('example.test.'), {}],
    ['a refusal', web, { type: recordType.AXFR }],
    ['a failure', nameOf('fail.test.'), {}],
  ])('[DNS-83] RA is set for %s', async (_, name, parts) => {
    expect(flagsOf(await ask(name, parts)) & 0x0080).toBe(0x0080);
  });

  test.each<[string, Name, QueryParts, number]>([
    ['NOERROR', web, {}, rcode.NOERROR],
    ['NODATA', web, { type: recordType.TXT }, rcode.NOERROR],
    ['NXDOMAIN', nameOf('wbe.shop.svc.cluster.local.'), {}, rcode.NXDOMAIN],
    ['REFUSED', web, { type: recordType.AXFR }, rcode.REFUSED],
    ['REFUSED for a class', web, { class: 3 }, rcode.REFUSED],
    ['NOTIMP', web, { flags: 0x2000 }, rcode.NOTIMP],
    ['FORMERR for a type', web, { type: 0 }, rcode.FORMERR],
    ['SERVFAIL', nameOf('fail.test.'), {}, rcode.SERVFAIL],
    ['a forwarded answer', nameOf('opt.test.'), {}, rcode.NOERROR],
  ])('[DNS-84][DNS-86] %s comes with OPT if it was asked with OPT', async (_, name, parts, code) => {
    const without = await ask(name, parts);
    expect([codeOf(without), optsOf(without)]).toEqual([code, []]);
    for (const dnssecOk of [0, 0x8000]) {
      const reply = await ask(name, { ...parts, edns: { size: 1232, flags: 0x7fff | dnssecOk, code: 0xab } });
      expect(codeOf(reply)).toBe(code);
      expect(optsOf(reply)).toMatchObject([
        { name: '.', udpPayloadSize: 1232, extendedRcode: 0, ednsVersion: 0, flags: dnssecOk, options: [] },
      ]);
    }
  });

  test.each([1, 2, 255])('[DNS-85][DNS-84] version %i of EDNS is not supported', async (version) => {
    const before = talking.upstream.questions();
    for (const name of [web, nameOf(`version-${version}.test.`)]) {
      const reply = await ask(name, { edns: { version, flags: 0x8000 } });
      expect([codeOf(reply), records(reply)]).toEqual([0, 0]);
      expect(optsOf(reply)).toMatchObject([{ extendedRcode: 1, ednsVersion: 0, flags: 0x8000 }]);
    }
    expect(talking.upstream.questions()).toBe(before);
  });

  test.each([
    ['an unknown one', '\xff\xfe\0\x02ab'],
    ['client subnet', '\0\x08\0\x07\0\x01\x18\0\x0a\0\0'],
    ['NSID', '\0\x03\0\0'],
    ['the cookie of a client', '\0\x0a\0\x0812345678'],
    ['cookies of both sides', `\0\x0a\0\x18${'12345678'.repeat(3)}`],
    ['keepalive', '\0\x0b\0\0'],
    ['padding', '\0\x0c\0\x04\0\0\0\0'],
    ['several', '\0\x03\0\0\xff\xfe\0\x02ab\0\x0a\0\x0812345678'],
  ])('[DNS-87] options: %s is not echoed', async (_, options) => {
    const reply = await ask(web, { edns: { options } });
    expect(reply.packet.answers).toHaveLength(1);
    expect(optsOf(reply)).toMatchObject([{ options: [] }]);
  });

  test.each([1, 7, 9, 15, 41])('[DNS-87][DNS-88] a cookie of %i octets is malformed', async (length) => {
    const reply = await ask(web, { edns: { options: `\0\x0a\0${String.fromCharCode(length)}${'x'.repeat(length)}` } });
    expect([codeOf(reply), records(reply)]).toEqual([rcode.FORMERR, 0]);
  });

  test.each(listMalformed(web))('[DNS-88][DNS-91] %s is malformed', async (_, message) => {
    lastId += 1;
    message.writeUInt16BE(lastId, 0);
    const reply = await asker.ask(message);
    expect([codeOf(reply), records(reply)]).toEqual([rcode.FORMERR, 0]);
    expect(reply.bytes.length).toBeLessThanOrEqual(message.length + 11);
    await expectService();
  });

  test.each([0, recordType.OPT, recordType.TSIG, recordType.TKEY, 253, 254, 0xffff])(
    '[DNS-91] type %i is no question',
    async (type) => {
      const before = talking.upstream.questions();
      for (const name of [web, nameOf(`type-${type}.test.`)]) {
        const reply = await ask(name, { type });
        expect(records(reply)).toBe(0);
        expect([rcode.FORMERR, rcode.NOTIMP]).toContain(codeOf(reply));
      }
      expect(talking.upstream.questions()).toBe(before);
    },
  );

  test('[DNS-91] a signature that is not understood does no harm', async () => {
    lastId += 1;
    const signed = Buffer.concat([makeQuery(web, { id: lastId }), octetsOf('\x03key\0\0\xfa\0\xff\0\0\0\0\0\x04abcd')]);
    signed.writeUInt16BE(1, 10);
    expect([rcode.NOERROR, rcode.REFUSED, rcode.FORMERR]).toContain(codeOf(await asker.ask(signed)));
    await expectService();
  });

  test('[DNS-91] octets behind the last record are passed over', async () => {
    lastId += 1;
    const reply = await asker.ask(Buffer.concat([makeQuery(web, { id: lastId }), Buffer.from('more')]));
    expect(reply.packet.answers).toHaveLength(1);
  });

  test('[DNS-91] whatever octets come, the next question is answered', async () => {
    const good = makeQuery(web, { id: 9, edns: { options: '\0\x03\0\0' } });
    const changed = fc
      .tuple(fc.array(fc.tuple(fc.integer({ min: 2, max: good.length - 1 }), fc.nat(255)), { maxLength: 6 }), fc.nat(good.length))
      .map(([patches, end]) => {
        const bytes = Buffer.from(good);
        for (const [at, octet] of patches) bytes[at] = octet;
        return new Uint8Array(bytes.subarray(0, end));
      });
    const message = fc.oneof(fc.uint8Array({ maxLength: 600 }), changed);
    const property = fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 20 }), async (messages) => {
      for (const bytes of messages) {
        // An id that no other question here has.
        if (bytes.length > 1) bytes.set([0, 9]);
        asker.send(bytes);
      }
      await expectService();
    });
    const details = await fc.check(property, { numRuns: 60 });
    expect(details).toMatchObject({ failed: false, numRuns: 60 });
  });

  test('[DNS-24] names of 255 octets and of 127 labels', async () => {
    const behind = nameOf('svc.cluster.local.');
    const manyLabels = '\x01a'.repeat((longestName - behind.length) / 2) + behind;
    const longLabels = `${`\x3f${'b'.repeat(63)}`.repeat(3)}\x2b${'c'.repeat(43)}${behind}`;
    for (const name of [manyLabels, longLabels, `${'\x01a'.repeat(127)}\0`]) {
      expect(name.length).toBe(longestName);
      const reply = await ask(name);
      expect([rcode.NXDOMAIN, rcode.NOERROR]).toContain(codeOf(reply));
      expect(reply.bytes.length).toBeLessThanOrEqual(512);
    }
  });

  test.each(['web.shop.svc.cluster.local.', 'sized-1000.shop.svc.cluster.local.', 'cluster.local.', 'example.test.', '.'])(
    '[DNS-14] ANY of %s is small',
    async (text) => {
      const reply = await ask(nameOf(text), { type: recordType.ANY, edns: { size: 4096 } });
      expect(reply.bytes.length).toBeLessThanOrEqual(300);
      expect(reply.packet.answers?.length ?? 0).toBeLessThanOrEqual(1);
    },
  );
});
