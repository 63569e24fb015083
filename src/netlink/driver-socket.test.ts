import { describe, expect, test } from 'vitest';
import { viewOf } from './bytes.ts';
import { NetlinkSocket } from './driver-socket.ts';
import type { Request } from './driver-socket.ts';
import { errnos } from './errno.ts';
import { messageFlags } from './message.ts';
import { acknowledge, createScriptedWire, datagram, endDump } from './wire.fixture.ts';
import type { ScriptedWire } from './wire.fixture.ts';

function setUp(wire: ScriptedWire) {
  const slept: number[] = [];
  let pauses = 0;
  const socket = new NetlinkSocket({
    wire,
    pause: () => {
      pauses += 1;
      return null;
    },
    sleep: async (milliseconds) => void slept.push(milliseconds),
  });
  return { socket, slept, pauses: () => pauses };
}

const request = (value: number, size = 4): Request => ({
  type: 0x1_02,
  body: (writer) => {
    writer.u32(value);
    writer.bytes(new Uint8Array(size));
  },
});
const requests = (count: number): Request[] => Array.from({ length: count }, (_, index) => request(index));

const number = (sequence: number, value: number, flags = 2): Uint8Array =>
  datagram({ type: 0x1_00, flags, sequence }, (writer) => writer.u32(value));

async function dumpNumbers(wire: ScriptedWire) {
  const lab = setUp(wire);
  const taken: number[] = [];
  const result = await lab.socket.dump({ type: 0x1_01, body: (writer) => writer.u32(0) }, 'list numbers', (view, { start }) =>
    taken.push(view.getUint32(start, true)),
  );
  return { ...lab, taken, result };
}

describe('requests', () => {
  test('each gets its own verdict, in batches that wait for one another', async () => {
    const wire = createScriptedWire(({ sequence, start }, view) => [
      acknowledge(sequence, view.getUint32(start, true) % 10 === 3 ? errnos.ENOENT : 0),
    ]);
    const { socket, pauses } = setUp(wire);
    const { verdicts, failure } = await socket.submit(requests(150));
    expect(failure).toBeNull();
    expect(verdicts.map((verdict, index) => [index % 10 === 3, verdict.kind])).toEqual(
      verdicts.map((_, index) => [index % 10 === 3, index % 10 === 3 ? 'refused' : 'done']),
    );
    // The last of each batch: one answer to be read for 64 requests.
    const asking = wire.sent.flatMap(({ flags }, index) => ((flags & messageFlags.acknowledge) === 0 ? [] : [index]));
    expect(asking).toEqual([63, 127, 149]);
    expect(wire.sent.every(({ flags }) => (flags & ~messageFlags.acknowledge) === messageFlags.request)).toBe(true);
    expect(new Set(wire.sent.map(({ sequence }) => sequence)).size).toBe(150);
    expect(pauses()).toBe(3);
  });

  test('large requests make more batches', async () => {
    const wire = createScriptedWire(({ sequence }) => [acknowledge(sequence)]);
    const { socket, pauses } = setUp(wire);
    const { verdicts } = await socket.submit(Array.from({ length: 20 }, (_, index) => request(index, 30_000)));
    expect(verdicts.every(({ kind }) => kind === 'done')).toBe(true);
    expect(pauses()).toBe(7);
  });

  test('a full socket is waited for; one that stays full is a failure', async () => {
    const answer = ({ sequence }: { sequence: number }): Uint8Array[] => [acknowledge(sequence)];
    const brief = setUp(createScriptedWire(answer, [-errnos.ENOBUFS, -errnos.EINTR, -errnos.EAGAIN]));
    expect(await brief.socket.submit(requests(1))).toEqual({ verdicts: [{ kind: 'done' }], failure: null });
    expect(brief.slept).toEqual([1, 4]);
    const stuck = setUp(
      createScriptedWire(
        answer,
        Array.from({ length: 100 }, () => -errnos.ENOBUFS),
      ),
    );
    const { verdicts, failure } = await stuck.socket.submit(requests(1));
    expect(verdicts).toEqual([{ kind: 'lost' }]);
    expect(failure?.problem).toMatchObject({ code: 'WP_NETLINK_SOCKET', message: 'cannot send to the kernel: ENOBUFS' });
  });

  test.each([
    ['the refusal of one', 5, ['lost', 'lost', 'refused', 'lost', 'done']],
    ['the last acknowledgement', 4, ['lost', 'lost', 'refused', 'lost', 'lost']],
  ])('what an overrun threw away leaves requests lost: %s', async (_, answered, kinds) => {
    const wire = createScriptedWire(({ sequence }) => {
      if (sequence === 2) return [-errnos.ENOBUFS];
      if (sequence === 3) return [acknowledge(sequence, errnos.EEXIST)];
      return sequence <= answered ? [acknowledge(sequence)] : [];
    });
    const { verdicts, failure } = await setUp(wire).socket.submit(requests(5));
    expect(failure).toBeNull();
    expect(verdicts.map(({ kind }) => kind)).toEqual(kinds);
  });

  test('a batch whose last request is refused is as well known as another', async () => {
    const wire = createScriptedWire(({ sequence }) => [acknowledge(sequence, sequence === 5 ? errnos.ENOENT : 0)]);
    const { verdicts } = await setUp(wire).socket.submit(requests(5));
    expect(verdicts.map(({ kind }) => kind)).toEqual(['done', 'done', 'done', 'done', 'refused']);
  });

  test('a kernel that never answers ends in a failure, after two seconds of waiting', async () => {
    const { socket, slept } = setUp(createScriptedWire(() => []));
    const { verdicts, failure } = await socket.submit(requests(1));
    expect([verdicts[0]?.kind, failure?.problem.code]).toEqual(['lost', 'WP_NETLINK_SILENT']);
    expect(slept.reduce((sum, each) => sum + each, 0)).toBe(2047);
  });

  test('late answers to other requests are nobody’s', async () => {
    const wire = createScriptedWire(({ sequence }) => [
      acknowledge(sequence + 77),
      acknowledge(0),
      -errnos.EINTR,
      acknowledge(sequence),
    ]);
    expect((await setUp(wire).socket.submit(requests(1))).verdicts).toEqual([{ kind: 'done' }]);
  });

  test('disposing closes the socket', () => {
    const wire = createScriptedWire(() => []);
    {
      using socket = setUp(wire).socket;
      expect(socket).toBeDefined();
      expect(wire.closed).toBe(false);
    }
    expect(wire.closed).toBe(true);
  });
});

describe('dumps', () => {
  test('messages are taken in order until the end, giving way after each datagram', async () => {
    const wire = createScriptedWire(({ sequence }) => [
      number(sequence, 1),
      number(sequence + 5, 99),
      -errnos.EINTR,
      number(sequence, 2),
      endDump(sequence),
    ]);
    const { taken, result, pauses } = await dumpNumbers(wire);
    expect([taken, result]).toEqual([[1, 2], { ok: true, interrupted: false }]);
    expect(pauses()).toBe(3);
    expect(wire.sent[0]?.flags).toBe(messageFlags.request | messageFlags.dump);
  });

  test.each([
    ['the flag on a message', (sequence: number) => [number(sequence, 1, messageFlags.dumpInterrupted), endDump(sequence)]],
    ['an overrun', (sequence: number) => [number(sequence, 1), -errnos.ENOBUFS, endDump(sequence)]],
    ['an overrun that took the end along', (sequence: number) => [number(sequence, 1), -errnos.ENOBUFS]],
    ['EINTR as its result', (sequence: number) => [number(sequence, 1), endDump(sequence, errnos.EINTR)]],
  ])('it was interrupted: %s', async (_, said) => {
    const { taken, result } = await dumpNumbers(createScriptedWire(({ sequence }) => said(sequence)));
    expect([taken, result]).toEqual([[1], { ok: true, interrupted: true }]);
  });

  test.each([
    ['refused at once', (sequence: number) => [acknowledge(sequence, errnos.EINVAL)], 'WP_NETLINK_REFUSED', errnos.EINVAL],
    ['refused at its end', (sequence: number) => [endDump(sequence, 12)], 'WP_NETLINK_REFUSED', 12],
    ['cut off', (sequence: number) => [number(sequence, 1).subarray(0, 18)], 'WP_NETLINK_MALFORMED', 0],
    ['longer than the buffer', (sequence: number) => [tooLong(sequence)], 'WP_NETLINK_MALFORMED', 0],
    ['silent', () => [], 'WP_NETLINK_SILENT', 0],
    ['a dead socket', () => [-9], 'WP_NETLINK_SOCKET', 9],
  ])('it failed: %s', async (_, said, code, errno) => {
    const { result } = await dumpNumbers(createScriptedWire(({ sequence }) => said(sequence)));
    expect(result).toMatchObject({ ok: false, failure: { errno, problem: { code } } });
  });
});

function tooLong(sequence: number): Uint8Array {
  const bytes = datagram({ type: 0x1_00, flags: 2, sequence }, (writer) => writer.bytes(new Uint8Array(40_000)));
  expect(viewOf(bytes).byteLength).toBeGreaterThan(32 * 1024);
  return bytes;
}
