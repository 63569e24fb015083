import { describe, expect, test } from 'vitest';
import { fail, succeed } from '../model/mod.ts';
import { writeAttribute } from './attributes.ts';
import { openNotifications } from './driver-notifications.ts';
import type { Notification } from './driver-notifications.ts';
import { errnos } from './errno.ts';
import { bytesOfHex, goldens } from './golden.fixture.ts';
import { watchAddresses, watchTables } from './watch.ts';
import type { AddressEvent, TransactionEvent } from './watch.ts';
import type { Said } from './wire.fixture.ts';
import { datagram } from './wire.fixture.ts';
import type { Ear } from './wire.ts';

interface ScriptedEar extends Ear {
  /** Lets the ear hear these and calls back until there is nothing left, as polling would. */
  hear(...said: readonly Said[]): number;
  readonly closed: boolean;
}

function createEar(): ScriptedEar {
  const queue: Said[] = [];
  let onReadable = (): void => {};
  const state = { closed: false };
  return {
    get closed() {
      return state.closed;
    },
    hear(...said) {
      queue.push(...said);
      let calls = 0;
      for (; queue.length > 0 && !state.closed; calls += 1) onReadable();
      // Polling calls once more where the last call did not see the end.
      if (!state.closed) onReadable();
      return calls;
    },
    receive(into) {
      const said = queue.shift();
      if (said === undefined) return -errnos.EAGAIN;
      if (typeof said === 'number') return said;
      into.set(said.subarray(0, into.length));
      return said.length;
    },
    watch(callback) {
      onReadable = callback;
    },
    close() {
      state.closed = true;
    },
  };
}

const number = (value: number): Uint8Array => datagram({ type: 0x50, flags: 0, sequence: 0 }, (writer) => writer.u32(value));

/** A message about an element of a set of a table. */
function table(family: number, name: string): Uint8Array {
  return datagram({ type: 0xa_0c, flags: 0, sequence: 0 }, (writer) => {
    writer.bytes(Uint8Array.of(family, 0, 0, 0));
    writeAttribute(writer, 1, () => writer.bytes(Buffer.from(`${name}\0`)));
    writeAttribute(writer, 2, () => writer.bytes(Buffer.from('set\0')));
  });
}

async function listen(stopAt = Number.POSITIVE_INFINITY) {
  const ear = createEar();
  const heard: (number | string)[] = [];
  const opened = await openNotifications(
    { protocol: 0, groups: [1], open: async () => succeed(ear) },
    (notification: Notification) => {
      const value =
        notification.kind === 'message' ? notification.view.getUint32(notification.message.start, true) : notification.kind;
      heard.push(value);
      if (value === stopAt && opened.ok) opened.value.close();
    },
  );
  if (!opened.ok) throw new Error(opened.problem.message);
  return { ear, heard, subscription: opened.value };
}

describe('notifications', () => {
  test('are delivered in order, several to a datagram too', async () => {
    const { ear, heard } = await listen();
    ear.hear(number(1), Uint8Array.from([...number(2), ...number(3)]), -errnos.EINTR, number(4));
    expect(heard).toEqual([1, 2, 3, 4]);
  });

  test('an overrun is told once, and only when the queue is empty and the kernel goes on telling', async () => {
    const { ear, heard } = await listen();
    ear.hear(-errnos.ENOBUFS, number(1), number(2));
    ear.hear(number(3));
    expect(heard).toEqual([1, 2, 'overrun', 3]);
  });

  test('a datagram that was cut off counts as an overrun', async () => {
    const { ear, heard } = await listen();
    ear.hear(
      number(1).subarray(0, 18),
      datagram({ type: 0x50, flags: 0, sequence: 0 }, (writer) => writer.bytes(new Uint8Array(40_000))),
    );
    expect(heard).toEqual(['overrun']);
  });

  test('many give way to other work after each 64', async () => {
    const { ear, heard } = await listen();
    expect(ear.hear(...Array.from({ length: 150 }, (_, index) => number(index)))).toBe(3);
    expect(heard).toHaveLength(150);
  });

  test('a dead socket is told and closed; so is one that the receiver closes, which then hears nothing more', async () => {
    const dead = await listen();
    dead.ear.hear(number(1), -9, number(2));
    expect([dead.heard, dead.ear.closed]).toEqual([[1, 'failed'], true]);
    const stopped = await listen(2);
    stopped.ear.hear(Uint8Array.from([...number(1), ...number(2), ...number(3)]), number(4));
    expect([stopped.heard, stopped.ear.closed]).toEqual([[1, 2], true]);
  });

  test('a socket that cannot be opened is a problem', async () => {
    const open = async () => fail('WP_NETLINK_SOCKET', 'cannot open');
    expect(await openNotifications({ protocol: 0, groups: [1], open }, () => {})).toMatchObject({ ok: false });
  });
});

describe('watches', () => {
  test('of addresses hear arrivals and departures of their family and nothing else', async () => {
    const ear = createEar();
    const events: AddressEvent[] = [];
    await watchAddresses(
      'IPv4',
      (event) => events.push(event),
      async () => succeed(ear),
    );
    const gone = bytesOfHex(goldens.listAddresses.slice(0, 152));
    gone[4] = 21;
    const foreign = bytesOfHex(goldens.listAddresses.slice(0, 152));
    foreign[16] = 10;
    ear.hear(bytesOfHex(goldens.listAddresses.slice(152)), gone, foreign, bytesOfHex(goldens.listRoute4), -errnos.ENOBUFS);
    expect(events).toEqual([
      { kind: 'added', address: { address: '192.0.2.1', index: 1, length: 24, scope: 0 } },
      { kind: 'removed', address: { address: '127.0.0.1', index: 1, length: 8, scope: 254 } },
      { kind: 'overrun' },
    ]);
  });

  test('of the rules hear which tables a transaction changed', async () => {
    const ear = createEar();
    const events: TransactionEvent[] = [];
    const opened = await watchTables(
      (event) => events.push(event),
      async (_, groups, othersOnly) => {
        expect([groups, othersOnly]).toEqual([[7], true]);
        return succeed(ear);
      },
    );
    ear.hear(number(1), table(2, 'one'), table(10, 'two'), table(2, 'one'), bytesOfHex(goldens.generation), -errnos.ENOBUFS);
    ear.hear(bytesOfHex(goldens.generation));
    const transaction = { kind: 'transaction', generation: { id: 1, threadId: 0x52_11, threadName: 'nft' } };
    expect(events).toEqual([
      { ...transaction, tables: ['ip one', 'ip6 two'] },
      { kind: 'overrun' },
      { ...transaction, tables: [] },
    ]);
    if (opened.ok) opened.value[Symbol.dispose]();
    expect(ear.closed).toBe(true);
  });
});
