import { describe, expect, test } from 'vitest';
import { fail, succeed } from '../model/mod.ts';
import type { Outcome } from '../model/mod.ts';
import { address } from './feed.fixture.ts';
import { settle } from './forward.fixture.ts';
import { TurnedClock } from './settings-clock.fixture.ts';
import type { UdpSocket } from './udp-socket.ts';
import { ListenSet } from './worker-listen.ts';
import type { ListenPoint } from './worker-messages.ts';

const pointOf = (last: number, port = 53): ListenPoint => ({ address: address(`10.0.0.${last}`), port, serves: 53 });

class Bench {
  readonly clock = new TurnedClock();
  /** Sockets that are open: `udp 10.0.0.1:53`. */
  readonly open = new Set<string>();
  /** Sockets that cannot be had. */
  readonly refused = new Set<string>();
  readonly problems: string[] = [];
  changes = 0;
  readonly set: ListenSet;

  constructor() {
    this.set = new ListenSet({
      clock: this.clock,
      report: ({ code }) => this.problems.push(code),
      changed: () => (this.changes += 1),
      udp: (point) => this.#take('udp', point, (close) => ({ ...socketOf(point), close })),
      tcp: (point) => this.#take('tcp', point, (close) => ({ ...point, close: () => Promise.resolve(close()) })),
    });
  }

  #take<T>(kind: string, { address: at, port }: ListenPoint, make: (close: () => void) => T): Promise<Outcome<T>> {
    const key = `${kind} ${at}:${port}`;
    if (this.refused.has(key)) return Promise.resolve(fail('WP_DNS_BIND', key));
    if (this.open.has(key)) throw new Error(`${key} is open already`);
    this.open.add(key);
    return Promise.resolve(succeed(make(() => void this.open.delete(key))));
  }
}

function socketOf({ address: at, port }: ListenPoint): UdpSocket {
  return {
    address: at,
    port,
    descriptor: port,
    counts: { received: 0, sent: 0, lost: 0, cutOff: 0 },
    keepPath: () => null,
    send() {},
    close() {},
  };
}

describe('the sockets of a worker', () => {
  test('[DNS-123] one of each kind for every address; what is not wished for any more is closed, the rest stays', async () => {
    const { set, open } = new Bench();
    await set.listen([pointOf(1), pointOf(2)]);
    expect([...open].toSorted()).toEqual(['tcp 10.0.0.1:53', 'tcp 10.0.0.2:53', 'udp 10.0.0.1:53', 'udp 10.0.0.2:53']);
    expect(set.points).toEqual([pointOf(1), pointOf(2)]);
    await set.listen([pointOf(2), pointOf(3, 54)]);
    expect([...open].toSorted()).toEqual(['tcp 10.0.0.2:53', 'tcp 10.0.0.3:54', 'udp 10.0.0.2:53', 'udp 10.0.0.3:54']);
    expect(set.descriptors).toEqual([53, 54]);
    await set.close();
    expect([...open, ...set.points, ...set.descriptors]).toEqual([]);
  });

  test.each(['udp 10.0.0.1:53', 'tcp 10.0.0.1:53'])(
    'without %s that address has none, and is tried again and again',
    async (missing) => {
      const bench = new Bench();
      const { set, open, refused, clock, problems } = bench;
      refused.add(missing);
      await set.listen([pointOf(1), pointOf(2)]);
      expect(set.points).toEqual([pointOf(2)]);
      expect(open.size).toBe(2);
      clock.turn(1000);
      await settle();
      expect(problems).toEqual(['WP_DNS_BIND', 'WP_DNS_BIND']);
      refused.clear();
      const before = bench.changes;
      clock.turn(1000);
      await settle();
      expect(set.points).toEqual([pointOf(2), pointOf(1)]);
      expect(bench.changes).toBe(before + 1);
      clock.turn(10_000);
      await settle();
      expect([problems.length, clock.waiting]).toEqual([2, 0]);
    },
  );

  test('wishes that come while others are followed are followed in turn, and the last counts', async () => {
    const { set, open } = new Bench();
    await Promise.all([set.listen([pointOf(1)]), set.listen([pointOf(2)]), set.listen([pointOf(1), pointOf(3)])]);
    expect([...open].toSorted()).toEqual(['tcp 10.0.0.1:53', 'tcp 10.0.0.3:53', 'udp 10.0.0.1:53', 'udp 10.0.0.3:53']);
  });

  test('that are closed are not tried for again', async () => {
    const { set, clock, refused, problems } = new Bench();
    refused.add('udp 10.0.0.1:53');
    await set.listen([pointOf(1)]);
    await set.close();
    clock.turn(5000);
    await settle();
    expect(problems).toHaveLength(1);
  });
});
