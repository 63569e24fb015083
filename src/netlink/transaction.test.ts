import { describe, expect, test } from 'vitest';
import { NetlinkSocket } from './driver-socket.ts';
import type { Request, Transaction } from './driver-socket.ts';
import { errnos } from './errno.ts';
import { acknowledge, createScriptedWire, datagram, endDump } from './wire.fixture.ts';
import type { ScriptedWire } from './wire.fixture.ts';

function setUp(wire: ScriptedWire) {
  const slept: number[] = [];
  let pauses = 0;
  const pause = (): null => {
    pauses += 1;
    return null;
  };
  const socket = new NetlinkSocket({ wire, pause, sleep: async (milliseconds) => void slept.push(milliseconds) });
  return { socket, slept, pauses: () => pauses };
}

const element = (size: number): Request => ({
  type: 0xa_0c,
  flags: 0x4_00,
  body: (writer) => writer.bytes(new Uint8Array(size)),
});
const transaction = (count: number, size = 8): Transaction => ({
  subsystem: 10,
  generation: null,
  messages: Array.from({ length: count }, () => element(size)),
});

describe('transactions', () => {
  test('are one datagram between a beginning and an end, sent on a thread of its own', async () => {
    const wire = createScriptedWire(() => []);
    const { socket } = setUp(wire);
    const result = await socket.transact(transaction(3));
    expect(wire.sent.map(({ type, flags }) => [type, flags])).toEqual([
      [0x10, 1],
      [0xa_0c, 0x4_01],
      [0xa_0c, 0x4_01],
      [0xa_0c, 0x4_01],
      [0x11, 1],
    ]);
    expect([result, wire.asides]).toEqual([{ kind: 'done', bytes: 2 * 20 + 3 * 24 }, 1]);
  });

  test('an empty one is not sent', async () => {
    const wire = createScriptedWire(() => []);
    expect(await setUp(wire).socket.transact(transaction(0))).toEqual({ kind: 'done', bytes: 0 });
    expect(wire.sent).toEqual([]);
  });

  test('refusals are found by index, and what an earlier call left unread is nobody’s', async () => {
    let round = 0;
    const wire = createScriptedWire(({ sequence, type }) => {
      if (type !== 0xa_0c) return [];
      round += 1;
      return round === 2 ? [acknowledge(sequence, errnos.EEXIST), -errnos.EINTR] : [];
    });
    const { socket } = setUp(wire);
    expect(await socket.transact(transaction(3))).toMatchObject({
      kind: 'refused',
      complete: true,
      refusals: [{ index: 1, refusal: { errno: errnos.EEXIST } }],
    });
    expect(await socket.transact(transaction(3))).toMatchObject({ kind: 'done' });
  });

  test('an overrun left by an earlier call does not make a transaction refused; one of its own does', async () => {
    const noisy = createScriptedWire(({ type, sequence }) => (type === 0x20 ? [acknowledge(sequence), -errnos.ENOBUFS] : []));
    const lab = setUp(noisy);
    await lab.socket.submit([{ type: 0x20, body: () => {} }]);
    expect(await lab.socket.transact(transaction(1))).toMatchObject({ kind: 'done' });
    const own = createScriptedWire(({ type }) => (type === 0x11 ? [-errnos.ENOBUFS] : []));
    expect(await setUp(own).socket.transact(transaction(1))).toMatchObject({ kind: 'refused', refusals: [], complete: false });
  });

  test('the answer to the beginning is about the batch: stale, or without privileges', async () => {
    const saying = (errno: number): ScriptedWire =>
      createScriptedWire(({ type, sequence }) => (type === 0x10 ? [acknowledge(sequence, errno)] : []));
    expect(await setUp(saying(errnos.ERESTART)).socket.transact(transaction(2))).toMatchObject({ kind: 'stale' });
    expect(await setUp(saying(1)).socket.transact(transaction(2))).toMatchObject({
      kind: 'refused',
      refusals: [],
      batch: { errno: 1 },
    });
  });

  test('one that is too long for the socket fails unsent, saying how long it was', async () => {
    const wire = createScriptedWire(() => [], [-errnos.EMSGSIZE]);
    expect(await setUp(wire).socket.transact(transaction(2))).toMatchObject({
      kind: 'failed',
      sent: false,
      failure: {
        errno: errnos.EMSGSIZE,
        problem: { message: 'cannot send a transaction of 2 messages and 88 bytes to the kernel: EMSGSIZE' },
      },
    });
  });

  test('a full socket is waited for', async () => {
    const { socket, slept } = setUp(createScriptedWire(() => [], [-errnos.EAGAIN, -errnos.EINTR, -errnos.ENOBUFS]));
    expect(await socket.transact(transaction(1))).toMatchObject({ kind: 'done' });
    expect(slept).toEqual([1, 4]);
  });

  test('a socket that dies after the send leaves the outcome open', async () => {
    const wire = createScriptedWire(({ type }) => (type === 0x11 ? [-9] : []));
    expect(await setUp(wire).socket.transact(transaction(1))).toMatchObject({
      kind: 'failed',
      sent: true,
      failure: { errno: 9 },
    });
  });

  test('long ones give way to other work while they are written', async () => {
    const { socket, pauses } = setUp(createScriptedWire(() => []));
    await socket.transact(transaction(40, 16 * 1024));
    expect(pauses()).toBe(5);
  });

  test('calls wait for one another, one that throws included', async () => {
    const wire = createScriptedWire(({ type, sequence }) => {
      if (type === 0xa_0a) return [datagram({ type: 0xa_09, flags: 2, sequence }, (writer) => writer.u32(7)), endDump(sequence)];
      return type === 0x20 ? [acknowledge(sequence)] : [];
    });
    const { socket } = setUp(wire);
    const order: string[] = [];
    const broken = { ...transaction(1), messages: [{ type: 1, body: () => fall() }] };
    const all = [
      socket.transact(transaction(1)).then(() => order.push('transaction')),
      socket.transact(broken).catch(() => order.push('broken')),
      socket.dump({ type: 0xa_0a, body: () => {} }, 'list', () => order.push('message')).then(() => order.push('dump')),
      socket.submit([{ type: 0x20, body: () => {} }]).then(() => order.push('requests')),
    ];
    await Promise.all(all);
    expect(order).toEqual(['transaction', 'broken', 'message', 'dump', 'requests']);
    expect(wire.sent.map(({ type }) => type)).toEqual([0x10, 0xa_0c, 0x11, 0xa_0a, 0x20]);
  });
});

function fall(): never {
  throw new RangeError('a value that does not fit');
}
