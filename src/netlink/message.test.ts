import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteWriter, hostIsLittle, viewOf } from './bytes.ts';
import { messageFlags, readAnswer, readMessages, writeMessage } from './message.ts';
import type { Answer } from './message.ts';

const bytesOfHex = (text: string): Uint8Array => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

function readAll(hex: string): { readonly answers: readonly Answer[]; readonly whole: boolean } {
  const view = viewOf(bytesOfHex(hex));
  const { messages, whole } = readMessages(view);
  return { answers: messages.map((message) => readAnswer(view, message)), whole };
}

describe('messages', () => {
  test('what was written is read back, many to a datagram', () => {
    const one = fc.record({
      type: fc.integer({ min: 16, max: 0xff_ff }),
      flags: fc.nat(0xff_ff),
      sequence: fc.nat(0xff_ff_ff_ff),
      payload: fc.uint8Array({ maxLength: 50 }),
    });
    fc.assert(
      fc.property(fc.array(one), (wanted) => {
        const writer = new ByteWriter(1);
        for (const { payload, ...header } of wanted) writeMessage(writer, header, () => writer.bytes(payload));
        const bytes = writer.finish();
        const { messages, whole } = readMessages(viewOf(bytes));
        expect(whole).toBe(true);
        const read = messages.map(({ start, end, ...header }) => ({ ...header, payload: bytes.slice(start, end) }));
        expect(read).toEqual(wanted.map((each) => ({ ...each, payload: Uint8Array.from(each.payload) })));
      }),
    );
  });

  test('no byte string makes the reader throw or loop', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        const view = viewOf(bytes);
        for (const message of readMessages(view).messages) expect(readAnswer(view, message).kind).toMatch(/^[a-z]+$/);
      }),
    );
  });

  test('every control message cut short anywhere is survived', () => {
    const refusal = bytesOfHex(goldens.prefixLength);
    for (let length = 16; length < refusal.length; length += 1) {
      const bytes = refusal.slice(0, length);
      viewOf(bytes).setUint32(0, length, hostIsLittle);
      const view = viewOf(bytes);
      const [message] = readMessages(view).messages;
      if (message === undefined) throw new Error('the header is whole, so there is a message');
      expect(readAnswer(view, message).kind).toBe(length < 36 ? 'lost' : 'refused');
    }
  });
});

/** Read from a kernel of the 6.18 series on amd64: refusals of RTM_SETLINK and RTM_NEWROUTE, with and without NETLINK_CAP_ACK. */
const goldens = {
  noDevice: '240000000200000107000000ad6d0000edffffff28000000100005000700000000000000',
  noDeviceEchoed:
    '3c0000000200000007000000ad6d0000edffffff2800000010000500070000000000000000000000000000000000000000000000080003006e6f7000',
  prefixLength:
    '400000000200000308000000ad6d0000eaffffff240000001800050008000000000000001a000100496e76616c696420707265666978206c656e677468000000',
  prefixLengthEchoed:
    '540000000200000208000000ad6d0000eaffffff2400000018000500080000000000000002280000000000000000000008000100050000001a000100496e76616c696420707265666978206c656e677468000000',
  endOfDump: '1400000003000200070000005a6d000000000000',
} as const;

describe('what a kernel says', () => {
  test.each([
    ['noDevice', 19, ''],
    ['noDeviceEchoed', 19, ''],
    ['prefixLength', 22, 'Invalid prefix length'],
    ['prefixLengthEchoed', 22, 'Invalid prefix length'],
  ] as const)('a refusal with its number and the sentence of the extended acknowledgement: %s', (name, errno, text) => {
    expect(readAll(goldens[name])).toEqual({
      answers: [{ kind: 'refused', refusal: { errno, text, offset: null, missing: null } }],
      whole: true,
    });
  });

  test('the end of a dump', () => {
    expect(readAll(goldens.endOfDump)).toEqual({ answers: [{ kind: 'done', refusal: null }], whole: true });
  });

  test('an acknowledgement', () => {
    const ok = goldens.noDevice.replace('edffffff', '00000000');
    expect(readAll(ok).answers).toEqual([{ kind: 'acknowledged' }]);
  });
});

test('a refusal names the attribute it is about', () => {
  const writer = new ByteWriter();
  // NLM_F_CAPPED and NLM_F_ACK_TLVS, then NLMSGERR_ATTR_OFFS and _MISS_TYPE.
  writeMessage(writer, { type: 2, flags: 0x3_00, sequence: 1 }, () => {
    writer.u32(-22 >>> 0);
    writer.bytes(new Uint8Array(16));
    for (const [type, value] of [
      [2, 20],
      [5, 3],
    ] as const) {
      writer.u16(8);
      writer.u16(type);
      writer.u32(value);
    }
  });
  const view = viewOf(writer.finish());
  const answers = readMessages(view).messages.map((message) => readAnswer(view, message));
  expect(answers).toEqual([{ kind: 'refused', refusal: { errno: 22, text: '', offset: 20, missing: 3 } }]);
});

test('a dump that failed on its way says so at its end', () => {
  const writer = new ByteWriter();
  writeMessage(writer, { type: 3, flags: 2, sequence: 1 }, () => writer.u32(-4 >>> 0));
  const view = viewOf(writer.finish());
  const [message] = readMessages(view).messages;
  expect(message && readAnswer(view, message)).toMatchObject({ kind: 'done', refusal: { errno: 4 } });
  expect(messageFlags.dump).toBe(0x3_00);
});
