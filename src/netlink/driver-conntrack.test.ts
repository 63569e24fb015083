import { describe, expect, test } from 'vitest';
import { fail, succeed } from '../model/mod.ts';
import type { Address } from '../model/mod.ts';
import { readAttributes, writeNested } from './attributes.ts';
import type { ConntrackFlow } from './conntrack-port.ts';
import { conntrackTypes, writeDeletion } from './conntrack.ts';
import { createConntrackPort } from './driver-conntrack.ts';
import { errnos } from './errno.ts';
import { messageFlags } from './message.ts';
import type { Message } from './message.ts';
import { acknowledge, createScriptedWire, datagram, endDump } from './wire.fixture.ts';
import type { Said } from './wire.fixture.ts';

const flow: ConntrackFlow = {
  family: 'IPv4',
  protocol: 'UDP',
  source: '10.0.0.1' as Address,
  sourcePort: 1000,
  destination: '10.96.0.10' as Address,
  destinationPort: 53,
  replySource: '10.0.0.1' as Address,
  replySourcePort: 0,
  zone: 0,
  originalZone: 0,
  id: 5,
};
const query = { family: 'IPv4', protocol: 'UDP', destinationPorts: new Set([53]) } as const;

/** An entry as the kernel lists it; the reply says only who answers. */
function listed(sequence: number, flags = 2): Uint8Array {
  return datagram({ type: conntrackTypes.new, flags, sequence }, (writer) => {
    writeDeletion(writer, flow);
    writeNested(writer, 2, () => writeNested(writer, 1, () => writeAddress(writer)));
  });
}

function writeAddress(writer: { u16(value: number): void; be32(value: number): void }): void {
  writer.u16(8);
  writer.u16(1);
  writer.be32(0x0a_00_00_01);
}

function setUp(answer: (message: Message, view: DataView) => readonly Said[]) {
  const wires: ReturnType<typeof createScriptedWire>[] = [];
  const port = createConntrackPort({
    pause: () => null,
    sleep: async () => undefined,
    open: async () => {
      const wire = createScriptedWire(answer);
      wires.push(wire);
      return succeed(wire);
    },
  });
  return { port, wires };
}

describe('listing', () => {
  test('one dump, and the socket is closed after it', async () => {
    const { port, wires } = setUp(({ sequence }) => [listed(sequence), endDump(sequence)]);
    expect(await port.list(query)).toEqual(succeed({ flows: [flow], complete: true }));
    expect(wires.map(({ sent, closed }) => [sent.length, closed])).toEqual([[1, true]]);
  });

  test('[SP-112] an interrupted dump is taken again five times, then its partial list has to do', async () => {
    const { port, wires } = setUp(({ sequence }) => [listed(sequence, messageFlags.dumpInterrupted), endDump(sequence)]);
    expect(await port.list(query)).toEqual(succeed({ flows: [flow], complete: false }));
    expect(wires).toHaveLength(6);
    expect(wires.every(({ closed }) => closed)).toBe(true);
  });

  test('[SP-112] EINTR in any form is survived, and a retry that succeeds is complete', async () => {
    const tries: ((sequence: number) => Said[])[] = [
      (sequence) => [endDump(sequence, errnos.EINTR)],
      (sequence) => [acknowledge(sequence, errnos.EINTR)],
      (sequence) => [-errnos.EINTR, listed(sequence), endDump(sequence)],
    ];
    const { port } = setUp(({ sequence }) => tries.shift()?.(sequence) ?? []);
    expect(await port.list(query)).toEqual(succeed({ flows: [flow], complete: true }));
  });

  test('a kernel that refuses the filter is asked without it, from then on', async () => {
    const filters: boolean[] = [];
    const { port } = setUp(({ sequence, start, end }, view) => {
      const filtered = (readAttributes(view, start + 4, end) ?? []).length > 0;
      filters.push(filtered);
      return filtered ? [acknowledge(sequence, errnos.EOPNOTSUPP)] : [listed(sequence), endDump(sequence)];
    });
    for (let round = 0; round < 2; round += 1) expect(await port.list(query)).toEqual(succeed({ flows: [flow], complete: true }));
    expect(filters).toEqual([true, false, false]);
  });

  test('any other refusal is a problem with the name of the error', async () => {
    const { port } = setUp(({ sequence }) => [acknowledge(sequence, 1)]);
    const result = await port.list(query);
    expect(result.ok ? null : result.problem).toEqual({
      code: 'WP_NETLINK_REFUSED',
      message: 'the kernel refused to list the conntrack table: EPERM',
    });
  });

  test('without system calls there is a problem and no exception', async () => {
    const port = createConntrackPort({ pause: () => null, open: async () => fail('WP_NETLINK_FFI', 'no koffi') });
    expect(await port.list(query)).toMatchObject({ ok: false, problem: { code: 'WP_NETLINK_FFI' } });
    expect(await port.remove([flow])).toMatchObject({ removed: 0, problem: { code: 'WP_NETLINK_FFI' } });
  });
});

/** Header, tuple, addresses, protocol, its number, and the port attribute's own header. */
const sourcePortAt = 4 + 4 + 20 + 4 + 8 + 4;

describe('removing', () => {
  const flows = Array.from({ length: 200 }, (_, index) => ({ ...flow, sourcePort: index }));

  test('deleted, gone and refused entries are told apart', async () => {
    const errors = [0, errnos.ENOENT, 1];
    const { port } = setUp(({ sequence }) => [acknowledge(sequence, errors[sequence % 3])]);
    const { removed, gone, problem } = await port.remove(flows.slice(0, 30));
    expect([removed, gone]).toEqual([10, 10]);
    expect(problem?.message).toBe('the kernel refused to delete a conntrack entry: EPERM');
  });

  test('deletions whose verdict was lost are asked for again', async () => {
    const seen = new Map<string, number>();
    const { port } = setUp(({ sequence, start }, view) => {
      const key = String(view.getUint16(start + sourcePortAt));
      const times = (seen.get(key) ?? 0) + 1;
      seen.set(key, times);
      return times === 1 && key === '130' ? [-errnos.ENOBUFS] : [acknowledge(sequence)];
    });
    expect(await port.remove(flows)).toEqual({ removed: 200, gone: 0, problem: null });
    // The batch of 64 in which something was thrown away, without the one whose answer came.
    const again = [...seen].filter(([, times]) => times === 2).map(([key]) => Number(key));
    expect(again).toEqual(Array.from({ length: 63 }, (_, index) => 128 + index));
  });

  test('verdicts that never come through are a problem, not a success', async () => {
    const { port } = setUp(() => [-errnos.ENOBUFS]);
    expect(await port.remove([flow])).toMatchObject({ removed: 0, gone: 0, problem: { code: 'WP_NETLINK_SILENT' } });
  });

  test('nothing to delete sends nothing: an empty deletion is how the whole table is emptied', async () => {
    const { port, wires } = setUp(() => []);
    expect(await port.remove([])).toEqual({ removed: 0, gone: 0, problem: null });
    expect(wires).toEqual([]);
  });
});
