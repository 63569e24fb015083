import { describe, expect, test } from 'vitest';
import type { StreamLimits } from './listen-contract.ts';
import { StreamConnection } from './stream-connection.ts';
import { HandClock, framed, question, testLimits } from './stream.fixture.ts';

function setUp(limits: Partial<StreamLimits> = {}) {
  const clock = new HandClock();
  const state = { full: false, waiting: 0, paused: false, ended: false, destroyed: false };
  const writes: Uint8Array[] = [];
  /** By id; each gives its answer when called. */
  const asked = new Map<number, (body?: string) => void>();
  const automatic = { on: false, body: 'answer' };
  const end = {
    get isFull() {
      return state.full;
    },
    get waiting() {
      return state.waiting;
    },
    write: (bytes: Uint8Array) => void writes.push(bytes),
    pause: () => void (state.paused = true),
    resume: () => void (state.paused = false),
    end: () => void (state.ended = true),
    destroy: () => void (state.destroyed = true),
  };
  const connection = new StreamConnection({
    end,
    peer: { buffer: Uint8Array.of(127, 0, 0, 1), offset: 0, octets: 4, port: 4711 },
    local: { port: 53 },
    answer(input, _peer, _local, reply) {
      const id = ((input[0] ?? 0) << 8) | (input[1] ?? 0);
      const give = (body = 'answer'): void => reply(body === '' ? new Uint8Array(0) : question(id, body));
      if (automatic.on) give(automatic.body);
      else asked.set(id, give);
    },
    limits: { ...testLimits, ...limits },
    now: clock.now,
  });
  const ask = (...ids: readonly number[]): void => connection.take(Buffer.concat(ids.map((id) => framed(question(id)))));
  const answered = (): number[] => writes.flatMap((bytes) => idsOf(bytes));
  return { connection, clock, state, writes, asked, automatic, ask, answered };
}

function idsOf(bytes: Uint8Array): number[] {
  const view = Buffer.from(bytes);
  const ids: number[] = [];
  for (let at = 0; at < view.length; at += 2 + view.readUInt16BE(at)) ids.push(view.readUInt16BE(at + 2));
  return ids;
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

describe('a connection', () => {
  test('[DNS-92] answers as answers are ready, in whatever order', () => {
    const { ask, asked, answered, connection } = setUp();
    ask(1, 2, 3);
    asked.get(3)?.();
    asked.get(1)?.();
    expect([answered(), connection.outstanding]).toEqual([[3, 1], 1]);
    asked.get(2)?.();
    asked.get(2)?.();
    expect([answered(), connection.outstanding]).toEqual([[3, 1, 2], 0]);
  });

  test('[DNS-92] what is answered at once goes out in one write for all that came together', () => {
    const { ask, automatic, answered, writes } = setUp();
    automatic.on = true;
    ask(...range(0, 50));
    expect([writes.length, answered()]).toEqual([1, range(0, 50)]);
  });

  test('[DNS-92] small questions for large answers do not pile them up: nothing more is taken than is written', () => {
    const { connection, asked, automatic, state, writes, ask } = setUp();
    automatic.on = true;
    automatic.body = 'x'.repeat(60_000);
    Object.defineProperty(state, 'full', { get: () => writes.length > 0 });
    ask(...range(0, 1000));
    expect([writes.length, state.paused, connection.outstanding, asked.size]).toEqual([1, true, 0, 0]);
  });

  test('[DNS-92] takes no more than so many without an answer, stops reading, and goes on where it stopped', () => {
    const { ask, asked, state, connection } = setUp({ outstanding: 50 });
    ask(...range(0, 60));
    expect([asked.size, connection.outstanding, state.paused]).toEqual([50, 50, true]);
    asked.get(7)?.();
    expect([asked.size, state.paused]).toEqual([51, true]);
    for (const give of asked.values()) give();
    expect([asked.size, state.paused, connection.outstanding]).toEqual([60, false, 0]);
  });

  test('[DNS-92] half-closed, gives all answers, those included that it had no room to ask, and then closes', () => {
    const { ask, asked, state, connection, answered } = setUp({ outstanding: 2 });
    ask(1, 2, 3);
    connection.finish();
    asked.get(1)?.();
    asked.get(2)?.();
    expect(state.ended).toBe(false);
    asked.get(3)?.();
    expect([answered(), state.ended]).toEqual([[1, 2, 3], true]);
  });

  test('[DNS-92] passes over what is shorter than a header, and goes on', () => {
    const { ask, asked, connection } = setUp();
    connection.take(Uint8Array.of(0, 0, 0, 1, 7, 0, 11, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
    expect(connection.outstanding).toBe(0);
    ask(9);
    expect([...asked.keys()]).toEqual([9]);
  });

  test('an empty answer is none and makes room; one longer than the length can tell is a fault', () => {
    const { ask, asked, writes, connection } = setUp();
    ask(1, 2);
    asked.get(1)?.('');
    expect([writes.length, connection.outstanding]).toEqual([0, 1]);
    expect(() => asked.get(2)?.('x'.repeat(65_536))).toThrow('65548 octets');
  });

  test('stops reading while the client does not take what is written, and closes when too much waits', () => {
    const { ask, asked, state, connection } = setUp();
    ask(1);
    state.full = true;
    asked.get(1)?.();
    expect(state.paused).toBe(true);
    state.full = false;
    connection.drained();
    expect(state.paused).toBe(false);
    ask(2, 3);
    state.waiting = 2 ** 20 + 1;
    asked.get(2)?.();
    expect(state.destroyed).toBe(true);
    asked.get(3)?.();
  });

  test('retired, takes no more and closes with its last answer', () => {
    const { ask, asked, state, connection, clock } = setUp();
    ask(1);
    connection.retire();
    ask(2);
    expect([asked.size, state.ended]).toEqual([1, false]);
    expect(connection.isExpired(clock.now() + 4999)).toBe(false);
    expect(connection.isExpired(clock.now() + 5000)).toBe(true);
    asked.get(1)?.();
    expect(state.ended).toBe(true);
  });
});

describe('the time of a connection is over', () => {
  test('[DNS-92] without a complete first message, however its octets trickle', () => {
    const { connection, clock } = setUp();
    for (const octet of framed(question(1)).subarray(0, 4)) {
      clock.advance(1200);
      expect(connection.isExpired(clock.now())).toBe(false);
      connection.take(Uint8Array.of(octet));
    }
    clock.advance(200);
    expect(connection.isExpired(clock.now())).toBe(true);
  });

  test('[DNS-92] in the middle of a later message too, counted from its beginning', () => {
    const { connection, clock, ask } = setUp();
    ask(1);
    clock.advance(9000);
    for (const octet of [0, 20, 1]) {
      connection.take(Uint8Array.of(octet));
      clock.advance(1600);
    }
    expect(connection.isExpired(clock.now())).toBe(false);
    clock.advance(200);
    expect(connection.isExpired(clock.now())).toBe(true);
  });

  test('[DNS-92] some time after the last answer, and not before', () => {
    const { connection, clock, ask, asked } = setUp();
    ask(1);
    clock.advance(15_000);
    asked.get(1)?.();
    clock.advance(19_900);
    expect(connection.isExpired(clock.now())).toBe(false);
    clock.advance(100);
    expect(connection.isExpired(clock.now())).toBe(true);
  });

  test('when a message never has an answer', () => {
    const { connection, clock, ask } = setUp();
    ask(1);
    connection.finish();
    clock.advance(20_000);
    expect(connection.isExpired(clock.now())).toBe(true);
  });

  test('but not in the middle of a message that this side does not read', () => {
    const { connection, clock, asked } = setUp({ outstanding: 1 });
    connection.take(Buffer.concat([framed(question(1)), framed(question(2)).subarray(0, 5)]));
    clock.advance(9000);
    expect(connection.isExpired(clock.now())).toBe(false);
    asked.get(1)?.();
    clock.advance(4900);
    expect(connection.isExpired(clock.now())).toBe(false);
    clock.advance(100);
    expect(connection.isExpired(clock.now())).toBe(true);
  });
});
