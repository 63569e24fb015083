import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { parseAddress } from '../model/mod.ts';
import { datagramRoom, datagramSlots } from './datagram-memory.ts';
import { openDatagrams } from './driver-datagrams.ts';
import type { Datagrams } from './driver-datagrams.ts';
import { errnos } from './errno.ts';

async function open(text: string): Promise<Datagrams> {
  const address = parseAddress(text);
  if (address === null) throw new TypeError(text);
  const opened = await openDatagrams({ address, port: 0, reusePort: false });
  if (!opened.ok) throw new Error(opened.problem.message);
  return opened.value;
}

/** A client and what it received, as text. */
async function openClient(port: number) {
  const socket = createSocket('udp4');
  const heard: string[] = [];
  socket.on('message', (message) => heard.push(message.toString('latin1')));
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const send = (text: string): Promise<void> =>
    new Promise((resolve) => void socket.send(Buffer.from(text, 'latin1'), () => resolve()));
  return {
    socket,
    send,
    async hear(count: number) {
      while (heard.length < count) await once(socket, 'message');
      return heard;
    },
  };
}

function textOf(datagrams: Datagrams, slot: number): string {
  const start = datagrams.datagramAt(slot);
  return Buffer.from(datagrams.bytes.subarray(start, start + datagrams.lengthOf(slot))).toString('latin1');
}

function write(datagrams: Datagrams, entry: number, slot: number, text: string): void {
  datagrams.bytes.set(Buffer.from(text, 'latin1'), datagrams.datagramAt(slot));
  datagrams.stage(entry, slot, text.length);
}

describe('datagrams in batches', () => {
  test.each(['127.0.0.1', '0.0.0.0'])('come into slots in order and go out of entries, to whom each is for: %s', async (text) => {
    const datagrams = await open(text);
    const [one, two] = [await openClient(datagrams.port), await openClient(datagrams.port)];
    // Three times over the same memory, with other lengths and other entries for the slots.
    for (const round of [0, 1, 2]) {
      expect(datagrams.receive()).toBe(-errnos.EAGAIN);
      await one.send('a'.repeat(10 + round));
      await two.send('b');
      await one.send('');
      expect(datagrams.receive()).toBe(3);
      expect([0, 1, 2].map((slot) => textOf(datagrams, slot))).toEqual(['a'.repeat(10 + round), 'b', '']);
      expect(datagrams.portOf(1)).toBe(two.socket.address().port);
      const at = datagrams.addressAt(0);
      expect([...datagrams.bytes.subarray(at, at + datagrams.octets)]).toEqual([127, 0, 0, 1]);
      // Both entries may be of one slot.
      write(datagrams, 0, round, `x${round}`);
      write(datagrams, 1, 1, `y${round}`);
      expect(datagrams.send(0, 2)).toBe(2);
      expect(datagrams.send(1, 1)).toBe(1);
    }
    expect(await one.hear(2)).toEqual(['x0', 'x2']);
    expect(await two.hear(7)).toEqual(['y0', 'y0', 'y1', 'y1', 'y1', 'y2', 'y2']);
    for (const { socket } of [one, two]) socket.close();
    datagrams.close();
  });

  test('stay where they are while memory is collected all around', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const datagrams = await open('127.0.0.1');
    const client = await openClient(datagrams.port);
    for (let round = 0; round < 20; round += 1) {
      const litter = Array.from({ length: 20_000 }, (_, index) => new Uint8Array(index % 100));
      collect();
      await client.send(`question ${round}`);
      expect([datagrams.receive(), textOf(datagrams, 0), litter.length]).toEqual([1, `question ${round}`, 20_000]);
      write(datagrams, 0, 0, `reply ${round}`);
      collect();
      datagrams.send(0, 1);
    }
    expect(await client.hear(20)).toEqual(Array.from({ length: 20 }, (_, round) => `reply ${round}`));
    client.socket.close();
    datagrams.close();
  });

  test('are taken by the batch, and those too long for their slot are told', async () => {
    const datagrams = await open('127.0.0.1');
    const client = await openClient(datagrams.port);
    for (let index = 0; index < datagramSlots + 3; index += 1) await client.send(`${index}`);
    await client.send('x'.repeat(datagramRoom));
    await client.send('x'.repeat(datagramRoom + 1));
    expect([datagrams.receive(), datagrams.receive(), datagrams.receive()]).toEqual([datagramSlots, 5, -errnos.EAGAIN]);
    expect([2, 3, 4].map((slot) => datagrams.lengthOf(slot))).toEqual([2, datagramRoom, -1]);
    client.socket.close();
    datagrams.close();
  });

  test('a way back outlives its batch; a reply beyond the room is refused', async () => {
    const datagrams = await open('0.0.0.0');
    const [one, two] = [await openClient(datagrams.port), await openClient(datagrams.port)];
    await one.send('1');
    datagrams.receive();
    const path = datagrams.keepPath(0);
    await two.send('2');
    datagrams.receive();
    write(datagrams, 0, 0, 'now');
    expect(datagrams.sendLate(path, Buffer.from('late'))).toBe(1);
    expect(datagrams.send(0, 1)).toBe(1);
    expect([await one.hear(1), await two.hear(1)]).toEqual([['late'], ['now']]);
    expect(datagrams.sendLate(path, new Uint8Array(datagramRoom + 1))).toBe(-errnos.EMSGSIZE);
    for (const { socket } of [one, two]) socket.close();
    datagrams.close();
  });

  test('a reply that the kernel refuses is an error number', async () => {
    const datagrams = await open('127.0.0.1');
    const client = await openClient(datagrams.port);
    await client.send('1');
    datagrams.receive();
    // Nothing can be sent to port 0.
    datagrams.bytes.fill(0, datagrams.addressAt(0) - 2, datagrams.addressAt(0));
    write(datagrams, 0, 0, 'reply');
    expect(datagrams.send(0, 1)).toBe(-errnos.EINVAL);
    client.socket.close();
    datagrams.close();
    datagrams.close();
    expect(() => datagrams.receive()).toThrow('closed');
  });
});

describe('in worker threads', () => {
  test('sockets are closed however the thread ends, and no end takes the process with it', async () => {
    const probe = createSocket('udp4').bind(0, '127.0.0.1');
    await once(probe, 'listening');
    const { port } = probe.address();
    probe.close();
    const child = fileURLToPath(new URL('driver-datagrams-child.fixture.ts', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [child, `${port}`]);
    const free = ['ok', 'WP_NETLINK_BIND', 'ok', 'ok'];
    expect(JSON.parse(stdout)).toEqual([
      ['early', 'WP_NETLINK_FFI', 'ok'],
      ['exit', ...free],
      ['throw', ...free],
      ['close', ...free],
      ['terminate', 'ok', 'WP_NETLINK_BIND', 'WP_NETLINK_BIND', 'ok'],
    ]);
  });
});
