import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { parseAddress, succeed } from '../model/mod.ts';
import { datagramSlots, errnos } from '../netlink/mod.ts';
import type { Datagrams } from '../netlink/mod.ts';
import { openBatchUdp } from './driver-udp-batch.ts';
import { unwrap } from './driver-udp.fixture.ts';

const address = parseAddress('127.0.0.1')!;
const refused = -1;

/** A kernel that receives and sends as it is told; what is not told of sending, succeeds. */
function setUp(receives: readonly number[], sends: readonly number[] = []) {
  const script = { receives: [...receives], sends: [...sends] };
  const sent: string[] = [];
  let wake = (): void => {};
  let staged: number[] = [];
  const datagrams: Datagrams = {
    port: 5353,
    descriptor: 1,
    bytes: new Uint8Array(16),
    octets: 4,
    receive: () => script.receives.shift() ?? -errnos.EAGAIN,
    datagramAt: (slot) => slot,
    lengthOf: (slot) => (slot === 5 ? -1 : 12),
    addressAt: () => 0,
    portOf: (slot) => slot + 1000,
    stage(entry, slot) {
      staged = staged.slice(0, entry);
      staged[entry] = slot;
    },
    send(first, count) {
      const result = script.sends.shift() ?? count;
      if (result > 0) sent.push(staged.slice(first, first + result).join(' '));
      return result;
    },
    keepPath: () => new Uint8Array(0),
    sendLate: () => script.sends.shift() ?? 1,
    watch: (onReadable) => void (wake = onReadable),
    close: () => {},
  };
  const opening = openBatchUdp(
    { address, port: 5353, reusePort: false, answer: (_socket, _input, start) => (start === 1 ? 0 : 12) },
    async () => succeed(datagrams),
  );
  return { opening, sent, script, wake: () => wake() };
}

describe('a batch', () => {
  test('is answered with one call; slots without a reply leave no gap', async () => {
    const { opening, sent, wake } = setUp([4]);
    const socket = unwrap(await opening);
    wake();
    expect([sent, socket.counts]).toEqual([['0 2 3'], { received: 4, sent: 3, lost: 0, cutOff: 0 }]);
  });

  test('of which the kernel takes a part goes on with the rest', async () => {
    const { opening, sent, wake } = setUp([5], [1, -errnos.EINTR, 2]);
    const socket = unwrap(await opening);
    wake();
    expect([sent, socket.counts]).toEqual([['0', '2 3', '4'], { received: 5, sent: 4, lost: 0, cutOff: 0 }]);
  });

  test('loses a reply that the kernel refuses, and that alone; what was cut off is not answered', async () => {
    const { opening, sent, wake } = setUp([7], [2, refused]);
    const socket = unwrap(await opening);
    wake();
    expect([sent, socket.counts]).toEqual([['0 2', '4 6'], { received: 7, sent: 4, lost: 1, cutOff: 1 }]);
  });

  test('for which there is no room is sent once more when the loop has gone round', async () => {
    const { opening, sent, wake } = setUp([4], [1, -errnos.EAGAIN]);
    const socket = unwrap(await opening);
    wake();
    expect(socket.counts.sent).toBe(1);
    await turn();
    expect([sent, socket.counts]).toEqual([['0', '2 3'], { received: 4, sent: 3, lost: 0, cutOff: 0 }]);
  });

  test('for which there is no room twice is lost, and counted once', async () => {
    const { opening, sent, wake } = setUp([4], [-errnos.EAGAIN, 1, -errnos.EAGAIN]);
    const socket = unwrap(await opening);
    wake();
    await turn();
    await turn();
    expect([sent, socket.counts]).toEqual([['0'], { received: 4, sent: 1, lost: 2, cutOff: 0 }]);
  });

  test('that comes before what was left has gone sends that first', async () => {
    const { opening, sent, wake } = setUp([3], [-errnos.EAGAIN]);
    const socket = unwrap(await opening);
    wake();
    wake();
    expect([sent, socket.counts.sent]).toEqual([['0 2'], 2]);
    await turn();
    expect(socket.counts).toEqual({ received: 3, sent: 2, lost: 0, cutOff: 0 });
  });

  test('after another, until a turn has taken its share', async () => {
    const { opening, script, wake } = setUp(Array.from({ length: 20 }, () => datagramSlots));
    unwrap(await opening);
    wake();
    expect(script.receives).toHaveLength(12);
    wake();
    expect(script.receives).toHaveLength(4);
  });

  test('comes after errors of earlier datagrams', async () => {
    const { opening, sent, wake } = setUp([-errnos.EINTR, -111, 1, 1]);
    unwrap(await opening);
    wake();
    expect(sent).toEqual(['0']);
  });

  test('late replies are counted; closed, there are none', async () => {
    const { opening, wake } = setUp([1], [1, 1, -errnos.EAGAIN]);
    const socket = unwrap(await opening);
    socket.send(new Uint8Array(0), new Uint8Array(12));
    socket.send(new Uint8Array(0), new Uint8Array(12));
    socket.send(new Uint8Array(0), new Uint8Array(12));
    expect(socket.counts).toEqual({ received: 0, sent: 2, lost: 1, cutOff: 0 });
    socket.close();
    socket.close();
    socket.send(new Uint8Array(0), new Uint8Array(12));
    wake();
    expect(socket.counts).toEqual({ received: 0, sent: 2, lost: 1, cutOff: 0 });
  });
});
