import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressBits, families, familyOf, formatAddress, parsePrefix } from '../model/mod.ts';
import type { Address, Family } from '../model/mod.ts';
import { ByteWriter, viewOf } from './bytes.ts';
import { readAddress, readLink, writeLinkQuery } from './codec-link.ts';
import { readRoute, routeTypes, writeRoute } from './codec-route.ts';
import type { KernelRoute } from './codec-route.ts';
import { readRule, ruleTypes, writeRule } from './codec-rule.ts';
import { bytesOfHex, goldens, hexOf, readEach } from './golden.fixture.ts';
import { readMessages, writeMessage } from './message.ts';
import type { Message } from './message.ts';
import type { RoutingRule } from './route-port.ts';

const u32 = fc.nat(0xff_ff_ff_ff);
const addressIn = (family: Family): fc.Arbitrary<Address> => {
  const length = addressBits(family) / 8;
  // An IPv4 address in IPv6 clothes is the one thing that is not read.
  return fc
    .uint8Array({ minLength: length, maxLength: length })
    .map(formatAddress)
    .filter((address) => familyOf(address) === family);
};
const prefixIn = (family: Family) =>
  fc
    .tuple(addressIn(family), fc.nat(addressBits(family)))
    .map(([address, length]) => parsePrefix(`${address}/${length}`))
    .filter((prefix) => prefix !== null)
    .filter((prefix) => prefix.family === family);

const routeIn = (family: Family): fc.Arbitrary<KernelRoute> =>
  fc
    .record({
      destination: prefixIn(family),
      table: u32.filter((table) => table > 0),
      type: fc.constantFrom('unicast', 'local', 'blackhole', 'unreachable'),
      index: fc.option(fc.integer({ min: 1, max: 0x7f_ff_ff_ff })),
      source: fc.option(addressIn(family)),
      gateway: fc.option(addressIn(family)),
      protocol: fc.nat(255),
      priority: u32,
    })
    .map((route) => (route.type === 'blackhole' || route.type === 'unreachable' ? { ...route, index: null } : route));

const ruleArbitrary: fc.Arbitrary<RoutingRule> = fc.record({
  priority: u32,
  mark: fc.option(fc.record({ value: u32, mask: u32 })).map((mark) => (mark?.value === 0 && mark.mask === 0 ? null : mark)),
  table: u32.filter((table) => table > 0),
  protocol: fc.nat(255),
  further: fc.constant(false),
});

function roundTrip<T>(type: number, body: (writer: ByteWriter) => void, read: (view: DataView, message: Message) => T): T {
  const writer = new ByteWriter();
  writeMessage(writer, { type, flags: 0, sequence: 1 }, body);
  const view = viewOf(writer.finish());
  const [message] = readMessages(view).messages;
  if (message === undefined) throw new Error('there is a message');
  return read(view, message);
}

describe.each(families)('routes and rules of %s', (family) => {
  test('what was written is read back', () => {
    fc.assert(
      fc.property(routeIn(family), (route) => {
        const read = roundTrip(
          routeTypes.new,
          (writer) => writeRoute(writer, family, route, 'add'),
          (view, message) => readRoute(view, message, family),
        );
        expect(read).toEqual(route);
      }),
    );
    fc.assert(
      fc.property(ruleArbitrary, (rule) => {
        const read = roundTrip(
          ruleTypes.new,
          (writer) => writeRule(writer, family, rule),
          (view, message) => readRule(view, message, family),
        );
        expect(read).toEqual(rule);
      }),
    );
  });

  test('no payload makes a reader throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const message = { type: 24, flags: 0, sequence: 1, start: 0, end: bytes.length };
        const view = viewOf(bytes);
        for (const read of [readRoute, readRule, readAddress]) {
          const value = read(view, message, family);
          expect(value === null || typeof value === 'object').toBe(true);
        }
        expect(readLink(view, message)?.name ?? '').not.toContain('\0');
      }),
    );
  });

  test('cut short anywhere, a whole message gives a value or null', () => {
    for (const frame of [goldens.listRoute4, goldens.listRoute6, goldens.listRules, goldens.listAddresses]) {
      const bytes = bytesOfHex(frame);
      for (let end = 16; end < bytes.length; end += 1) {
        const cut = viewOf(bytes.slice(0, end));
        const message = { type: 24, flags: 0, sequence: 1, start: 16, end };
        for (const read of [readRoute, readRule, readAddress]) expect(() => read(cut, message, family)).not.toThrow();
      }
    }
  });

  test('what cannot be written is not', () => {
    const [route, rule] = [fc.sample(routeIn(family), 1)[0], fc.sample(ruleArbitrary, 1)[0]];
    if (route === undefined || rule === undefined) throw new Error('a sample has one value');
    expect(() => writeRoute(new ByteWriter(), family, { ...route, type: 'other' }, 'add')).toThrow(RangeError);
    expect(() => writeRule(new ByteWriter(), family, { ...rule, further: true })).toThrow(RangeError);
  });
});

describe('frames of the real tools and kernel', () => {
  const route4 = {
    destination: { family: 'IPv4', address: '10.96.0.1', length: 32 },
    table: 87,
    type: 'local',
    index: 1,
    source: '192.0.2.1',
    gateway: null,
    protocol: 87,
    priority: 0,
  };
  const route6 = {
    ...route4,
    destination: { family: 'IPv6', address: 'fd00:96::1', length: 128 },
    source: 'fd00::1',
    table: 300,
  };
  const rule = { priority: 100, mark: { value: 0x5700_0000, mask: 0xff00_0000 }, table: 300, protocol: 87, further: false };

  test('routes', () => {
    const read = (family: Family) => (view: DataView, message: Message) => readRoute(view, message, family);
    expect(readEach(goldens.addRoute4, read('IPv4'))).toEqual([route4]);
    expect(readEach(goldens.listRoute4, read('IPv4'))).toEqual([route4]);
    expect(readEach(goldens.addRoute6, read('IPv6'))).toEqual([route6]);
    expect(readEach(goldens.listRoute6, read('IPv6'))).toEqual([{ ...route6, priority: 1024 }]);
    expect(readEach(goldens.listRoute6, read('IPv4'))).toEqual([null]);
  });

  test('the header of a route is the one that ip writes', () => {
    const writer = new ByteWriter();
    const [read] = readEach(goldens.addRoute4, (view, message) => readRoute(view, message, 'IPv4'));
    if (read === null || read === undefined) throw new Error('it is a route');
    writeRoute(writer, 'IPv4', read, 'add');
    expect(hexOf(writer.finish()).slice(0, 24)).toBe(goldens.addRoute4.slice(32, 56));
  });

  test('rules', () => {
    const read = (view: DataView, message: Message) => readRule(view, message, 'IPv4');
    expect(readEach(goldens.addRule, read)).toEqual([rule]);
    const kernel = { mark: null, protocol: 2, further: false };
    expect(readEach(goldens.listRules, read).slice(0, 4)).toEqual([
      { ...kernel, priority: 0, table: 255 },
      rule,
      { ...kernel, priority: 32_766, table: 254 },
      { ...kernel, priority: 32_767, table: 253 },
    ]);
  });

  test('addresses', () => {
    expect(readEach(goldens.listAddresses, (view, message) => readAddress(view, message, 'IPv4'))).toEqual([
      { address: '127.0.0.1', index: 1, length: 8, scope: 254 },
      { address: '192.0.2.1', index: 1, length: 24, scope: 0 },
    ]);
  });

  test('addresses whose preferred lifetime is over', () => {
    const read = readEach(goldens.listAddresses, (view, message) => {
      // The flags stand behind family and prefix length; IFA_F_PERMANENT is set besides.
      view.setUint8(message.start + 2, 0x80 | 0x20);
      return readAddress(view, message, 'IPv4')?.deprecated;
    });
    expect(read).toEqual([true, true]);
  });

  test('the question for an interface is that of ip, which asks for virtual functions besides', () => {
    const writer = new ByteWriter();
    writeLinkQuery(writer, 'lo');
    expect(hexOf(writer.finish())).toBe(goldens.findLink.slice(32).replace('08001d0009', '08001d0008'));
  });
});
