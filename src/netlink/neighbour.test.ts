import { describe, expect, test } from 'vitest';
import { parseAddress } from '../model/mod.ts';
import type { Address } from '../model/mod.ts';
import { ByteWriter, viewOf } from './bytes.ts';
import { readInterface } from './codec-link.ts';
import {
  neighbourTypes,
  readNeighbour,
  readProxy,
  writeNeighbourQuery,
  writeNeighbourUse,
  writeProxy,
  writeProxyQuery,
} from './codec-neighbour.ts';
import { writeAttribute } from './attributes.ts';
import { openNeighbourPort } from './driver-neighbour.ts';
import { errnos } from './errno.ts';
import type { Message } from './message.ts';
import type { NeighbourPort } from './neighbour-port.ts';
import { acknowledge, createScriptedWire, datagram, endDump } from './wire.fixture.ts';
import type { Said } from './wire.fixture.ts';

const first = { address: parseAddress('192.0.2.50') as Address, index: 2, protocol: 87 };
const second = { address: parseAddress('192.0.2.51') as Address, index: 3, protocol: 87 };

function bodyOf(write: (writer: ByteWriter) => void): { readonly view: DataView; readonly message: Message } {
  const writer = new ByteWriter();
  write(writer);
  const view = viewOf(writer.finish());
  return { view, message: { type: neighbourTypes.new, flags: 0, sequence: 1, start: 0, end: view.byteLength } };
}

async function openOn(answer: (message: Message) => readonly Said[]): Promise<NeighbourPort> {
  const opened = await openNeighbourPort({
    family: 'IPv4',
    pause: () => null,
    sleep: async () => {},
    open: async () => ({ ok: true, value: createScriptedWire(answer) }),
  });
  if (!opened.ok) throw new Error(opened.problem.message);
  return opened.value;
}

describe('proxy neighbours', () => {
  test('are written as the kernel wants them, and read again', () => {
    const { view, message } = bodyOf((writer) => writeProxy(writer, 'IPv4', first));
    // struct ndmsg with NTF_PROXY, NDA_DST, NDA_PROTOCOL (uapi/linux/neighbour.h).
    expect(Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('hex')).toBe(
      '02000000020000000000080008000100c000023205000c0057000000',
    );
    expect(readProxy(view, message, 'IPv4')).toEqual(first);
    expect(readProxy(view, message, 'IPv6')).toBeNull();
    expect(readProxy(view, { ...message, end: 8 }, 'IPv4')).toBeNull();
    const query = bodyOf((writer) => writeProxyQuery(writer, 'IPv6'));
    expect(query.view.byteLength).toBe(12);
    expect(readProxy(query.view, query.message, 'IPv6')).toBeNull();
  });

  test('real neighbours in an answer are none', () => {
    const { view, message } = bodyOf((writer) => writeProxy(writer, 'IPv4', first));
    view.setUint8(10, 0);
    expect(readProxy(view, message, 'IPv4')).toBeNull();
  });

  test('a list comes whole', async () => {
    const port = await openOn(({ sequence }) => [
      ...[first, second].map((proxy) =>
        datagram({ type: neighbourTypes.new, flags: 2, sequence }, (writer) => writeProxy(writer, 'IPv4', proxy)),
      ),
      endDump(sequence),
    ]);
    expect(await port.listProxies()).toEqual({ ok: true, value: [first, second] });
  });

  test('what is gone is no failure, and a refusal stops nothing else', async () => {
    const asked: number[] = [];
    const port = await openOn(({ type, sequence }) => {
      asked.push(type);
      return [acknowledge(sequence, type === neighbourTypes.delete ? errnos.ENOENT : asked.length === 1 ? errnos.EINVAL : 0)];
    });
    const changed = await port.changeProxies([first, second], [second]);
    expect(changed).toMatchObject({ ok: false, problem: { code: 'WP_NETLINK_REFUSED' } });
    expect(changed).toMatchObject({ problem: { message: expect.stringContaining('192.0.2.50 of interface 2') } });
    expect(asked).toEqual([neighbourTypes.new, neighbourTypes.new, neighbourTypes.delete]);
    expect(await port.changeProxies([], [])).toEqual({ ok: true, value: undefined });
  });
});

describe('neighbours', () => {
  const told = (state: number, octets = 6) =>
    bodyOf((writer) => {
      writeNeighbourUse(writer, 'IPv4', first);
      writeAttribute(writer, 2, () => writer.bytes(Uint8Array.from({ length: octets }, (_, at) => at + 10)));
      writer.patchU16(8, state);
    });

  test('are told with their link-layer address while the kernel has one', () => {
    const known = { address: first.address, index: 2, link: '0a:0b:0c:0d:0e:0f' };
    // NUD_REACHABLE, NUD_STALE, NUD_PERMANENT; NUD_NONE, NUD_INCOMPLETE, NUD_FAILED.
    for (const state of [0x02, 0x04, 0x80]) {
      const { view, message } = told(state);
      expect(readNeighbour(view, message, 'IPv4')).toEqual(known);
    }
    for (const [state, octets] of [
      [0x00, 6],
      [0x01, 6],
      [0x20, 6],
      [0x02, 20],
    ] as const) {
      const { view, message } = told(state, octets);
      expect(readNeighbour(view, message, 'IPv4')).toEqual({ ...known, link: null });
      expect(readNeighbour(view, message, 'IPv6')).toBeNull();
    }
    const proxy = bodyOf((writer) => writeProxy(writer, 'IPv4', first));
    expect(readNeighbour(proxy.view, proxy.message, 'IPv4')).toBeNull();
  });

  test('are asked for without proxies, and used', async () => {
    const query = bodyOf((writer) => writeNeighbourQuery(writer, 'IPv4'));
    expect(query.view.getUint8(10)).toBe(0);
    const port = await openOn(({ sequence }) => [acknowledge(sequence, 0)]);
    expect(await port.useNeighbours([first, second])).toEqual({ ok: true, value: undefined });
    const refusing = await openOn(({ sequence }) => [acknowledge(sequence, errnos.ENODEV)]);
    expect(await refusing.useNeighbours([first])).toMatchObject({ ok: false, problem: { code: 'WP_NETLINK_REFUSED' } });
    expect(await refusing.useNeighbours([])).toEqual({ ok: true, value: undefined });
  });
});

test('of an interface it is told whether frames can be sent on it', () => {
  const link = (kind: number, flags: number, octets: number) =>
    bodyOf((writer) => {
      writer.u16(0);
      writer.u16(kind);
      writer.u32(2);
      writer.u32(flags);
      writer.u32(0);
      writeAttribute(writer, 3, () => writer.bytes(new TextEncoder().encode('eth0\0')));
      writeAttribute(writer, 1, () => writer.bytes(new Uint8Array(octets).fill(2)));
    });
  const read = ({ view, message }: ReturnType<typeof link>) => readInterface(view, message);
  expect(read(link(1, 0x41, 6))).toEqual({ index: 2, name: 'eth0', hardware: new Uint8Array(6).fill(2), running: true });
  expect(read(link(1, 0x01, 6))).toMatchObject({ running: false });
  expect(read(link(772, 0x41, 6))).toMatchObject({ hardware: null });
  expect(read(link(1, 0x41, 20))).toMatchObject({ hardware: null });
});
