import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recordType } from '../../src/dns/constants.ts';
import type { Name } from '../../src/dns/name.ts';
import { octetsOf } from '../../src/dns/read-name.ts';
import { makeQuery, openAsker } from './asker.ts';
import type { Asker, QueryParts, Reply, Transport } from './asker.ts';
import { manyAddresses, nameOf, startTalking } from './messages-cluster.ts';
import type { Talking } from './messages-cluster.ts';

interface Served extends AsyncDisposable {
  ask(transport: Transport, name: Name, parts?: QueryParts): Promise<Reply>;
}

async function serve(udpLimit: number): Promise<Served> {
  const talking: Talking = await startTalking({ udpLimit });
  const askers: Readonly<Record<Transport, Asker>> = {
    udp: await openAsker('udp', talking.thread.port),
    tcp: await openAsker('tcp', talking.thread.port),
  };
  let lastId = 0;
  return {
    ask(transport, name, parts) {
      lastId += 1;
      return askers[transport].ask(makeQuery(name, { id: lastId, ...parts }));
    },
    async [Symbol.asyncDispose]() {
      for (const asker of Object.values(askers)) asker[Symbol.dispose]();
      await talking[Symbol.asyncDispose]();
    },
  };
}

let served: Served;
beforeAll(async () => {
  served = await serve(1232);
});
afterAll(() => served?.[Symbol.asyncDispose]());

const isCut = ({ bytes }: Reply): boolean => (bytes.readUInt16BE(2) & 0x0200) !== 0;
const sized = (count: number): Name => nameOf(`sized-${count}.shop.svc.cluster.local.`);
const dataOf = ({ packet }: Reply): readonly string[] =>
  (packet.answers ?? []).map((one) => ('data' in one ? String(one.data) : ''));

describe('UDP', () => {
  test.each([
    [null, 512],
    [0, 512],
    [1, 512],
    [511, 512],
    [512, 512],
    [700, 700],
    [1232, 1232],
    [1400, 1232],
    [4096, 1232],
    [65_535, 1232],
  ])('[DNS-89][DNS-90] a client that takes %s octets gets at most %i, and as many records as fit', async (size, limit) => {
    const name = sized(300);
    const reply = await served.ask('udp', name, { edns: size === null ? null : { size } });
    const length = reply.bytes.length;
    expect(length).toBeLessThanOrEqual(limit);
    expect(length).toBeGreaterThan(limit - 16);
    expect(isCut(reply)).toBe(true);
    const addresses = dataOf(reply);
    expect(addresses.length).toBe(Math.floor((limit - 12 - name.length - 4 - (size === null ? 0 : 11)) / 16));
    expect(addresses.length).toBeGreaterThanOrEqual(20);
    expect(new Set(addresses).size).toBe(addresses.length);
    expect(reply.packet.additionals?.length ?? 0).toBe(size === null ? 0 : 1);
  });

  test('[DNS-89] 60 addresses are complete in 1232 octets', async () => {
    const reply = await served.ask('udp', sized(60), { edns: { size: 1232 } });
    expect(isCut(reply)).toBe(false);
    expect(dataOf(reply).toSorted()).toEqual(manyAddresses(60).toSorted());
  });

  test('[DNS-89] no client gets more than 4096 octets, even where that is the limit', async () => {
    await using large = await serve(4096);
    for (const size of [4096, 65_535]) {
      const reply = await large.ask('udp', sized(1000), { edns: { size } });
      expect(reply.bytes.length).toBeLessThanOrEqual(4096);
      expect(reply.bytes.length).toBeGreaterThan(4096 - 16);
      expect(isCut(reply)).toBe(true);
    }
  });

  test('[DNS-90] additional records that do not fit are left out without a word', async () => {
    const reply = await served.ask('udp', nameOf('_http._tcp.sized-3.shop.svc.cluster.local.'), { type: recordType.SRV });
    const whole = await served.ask('tcp', nameOf('_http._tcp.sized-3.shop.svc.cluster.local.'), { type: recordType.SRV });
    expect([reply.packet.answers?.length, isCut(reply)]).toEqual([3, false]);
    expect([whole.packet.answers?.length, whole.packet.additionals?.length]).toEqual([3, 3]);
    const middle = await served.ask('udp', nameOf('sized-3.shop.svc.cluster.local.'), { type: recordType.SRV });
    expect([middle.packet.answers?.length, middle.packet.additionals?.length, isCut(middle)]).toEqual([6, 3, false]);
    const tight = await served.ask('udp', nameOf('_admin._tcp.sized-60.shop.svc.cluster.local.'), {
      type: recordType.SRV,
      edns: { size: 4096 },
    });
    expect(isCut(tight)).toBe(true);
    expect(tight.packet.additionals).toMatchObject([{ type: 'OPT' }]);
  });

  test('[DNS-46] SRV records of 300 endpoints are cut, and whole over TCP', async () => {
    const name = nameOf('_http._tcp.sized-300.shop.svc.cluster.local.');
    const cut = await served.ask('udp', name, { type: recordType.SRV, edns: { size: 1232 } });
    expect([isCut(cut), cut.packet.answers?.every(({ type }) => type === 'SRV')]).toEqual([true, true]);
    expect(cut.packet.answers?.length).toBeGreaterThan(10);
    const whole = await served.ask('tcp', name, { type: recordType.SRV });
    expect([isCut(whole), whole.packet.answers?.length, whole.packet.additionals?.length]).toEqual([false, 300, 300]);
  });
});

describe('TCP', () => {
  test.each([60, 300, 1000])('[DNS-57] %i addresses are complete, whatever size OPT tells', async (count) => {
    for (const edns of [null, { size: 512 }]) {
      const reply = await served.ask('tcp', sized(count), { edns });
      expect(isCut(reply)).toBe(false);
      expect(dataOf(reply).toSorted()).toEqual(manyAddresses(count).toSorted());
    }
  });

  test('[DNS-46] a set above 65535 octets is cut at a record', async () => {
    const reply = await served.ask('tcp', sized(1000), { type: recordType.SRV, edns: {} });
    expect(isCut(reply)).toBe(true);
    expect(reply.bytes.length).toBeLessThanOrEqual(65_535);
    expect(reply.bytes.length).toBeGreaterThan(65_000);
    const answers = reply.packet.answers ?? [];
    expect(answers.length).toBeGreaterThan(500);
    expect(answers.every(({ type }) => type === 'SRV')).toBe(true);
    expect(reply.packet.additionals).toMatchObject([{ type: 'OPT' }]);
  });

  test('[DNS-45] targets of SRV are written whole', async () => {
    const reply = await served.ask('tcp', nameOf('_http._tcp.sized-3.shop.svc.cluster.local.'), { type: recordType.SRV });
    for (const target of ['10-244-0-0', '10-244-0-1', '10-244-0-2']) {
      const octets = Buffer.from(octetsOf(nameOf(`${target}.sized-3.shop.svc.cluster.local.`)));
      expect(reply.bytes.includes(octets)).toBe(true);
    }
  });
});

describe('the order of addresses', () => {
  const orders = ['a b c', 'a c b', 'b a c', 'b c a', 'c a b', 'c b a'];
  const letters = new Map(manyAddresses(3).map((address, index) => [address, 'abc'[index] ?? '']));

  test.each<[string, Transport, Name]>([
    ['our own, over UDP', 'udp', sized(3)],
    ['our own, over TCP', 'tcp', sized(3)],
    ['those of others, out of the cache', 'udp', nameOf('many.test.')],
  ])('[DNS-58] each order is as likely as any other: %s', async (_, transport, name) => {
    const counts = new Map(orders.map((order) => [order, 0]));
    const asked = 1200;
    for (let round = 0; round < asked; round += 100) {
      const replies = await Promise.all(Array.from({ length: 100 }, () => served.ask(transport, name)));
      for (const reply of replies) {
        const order = dataOf(reply)
          .map((address) => letters.get(address))
          .join(' ');
        counts.set(order, (counts.get(order) ?? 0) + 1);
      }
    }
    expect([...counts.keys()].toSorted()).toEqual(orders);
    // 200 of each are expected; this far off is one run in some ten thousand millions.
    for (const count of counts.values()) expect(Math.abs(count - asked / 6)).toBeLessThan(90);
  });
});
