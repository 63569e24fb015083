import { describe, expect, test } from 'vitest';
import { ByteWriter, viewOf } from './bytes.ts';
import { judgeBatch, writeBatchBegin, writeBatchEnd } from './codec-batch.ts';
import { generationTypes, readGeneration, readSender, writeGenerationQuery } from './codec-generation.ts';
import { readFamilyId, writeFamilyQuery } from './codec-generic.ts';
import { askGeneration } from './generation.ts';
import { resolveFamily } from './generic.ts';
import { NetlinkSocket } from './driver-socket.ts';
import { errnos } from './errno.ts';
import { bytesOfHex, goldens, hexOf, readEach } from './golden.fixture.ts';
import { acknowledge, createScriptedWire, datagram } from './wire.fixture.ts';
import type { Said } from './wire.fixture.ts';
import { writeAttribute } from './attributes.ts';
import type { Message } from './message.ts';

const refusal = (errno: number) => ({ errno, text: '', offset: null, missing: null });

function socketOn(answer: (message: Message) => readonly Said[]): NetlinkSocket {
  return new NetlinkSocket({ wire: createScriptedWire(answer), pause: () => null, sleep: async () => {} });
}

describe('batches', () => {
  test('begin and end are those of nft, byte for byte', () => {
    const writer = new ByteWriter();
    writeBatchBegin(writer, 0, 10, null);
    writer.bytes(bytesOfHex(goldens.addTable.slice(40, 112)));
    writeBatchEnd(writer, 2, 10);
    expect(hexOf(writer.finish())).toBe(goldens.addTable);
  });

  test('a generation is an attribute of the beginning', () => {
    const writer = new ByteWriter();
    writeBatchBegin(writer, 1, 10, 0x01_02_03_04);
    expect(hexOf(writer.finish())).toBe('1c0000001000010001000000000000000000000a0800010001020304');
  });

  test('silence is consent; anything else is not', () => {
    expect(judgeBatch([], 3, false)).toEqual({ kind: 'done' });
    expect(judgeBatch([], 3, true)).toEqual({ kind: 'refused', refusals: [], batch: null, complete: false });
    expect(judgeBatch([{ index: -1, refusal: refusal(errnos.ERESTART) }], 3, false)).toEqual({ kind: 'stale' });
    const second = { index: 1, refusal: refusal(2) };
    expect(judgeBatch([second, { index: 3, refusal: refusal(12) }], 3, false)).toEqual({
      kind: 'refused',
      refusals: [second],
      batch: refusal(12),
      complete: true,
    });
  });
});

describe('generations', () => {
  test('the question and its answer are those of nft', () => {
    const writer = new ByteWriter();
    writeGenerationQuery(writer);
    expect(hexOf(writer.finish())).toBe(goldens.askGeneration.slice(32));
    expect(readEach(goldens.generation, (view, message) => [message.type, readGeneration(view, message)])).toEqual([
      [generationTypes.new, { id: 1, threadId: 0x52_11, threadName: 'nft' }],
    ]);
    expect(readEach(goldens.generation, readSender)).toEqual([0x52_11]);
  });

  test('asking for it', async () => {
    const answer = ({ sequence }: Message): Uint8Array[] => {
      const bytes = bytesOfHex(goldens.generation);
      viewOf(bytes).setUint32(8, sequence, true);
      return [bytes, acknowledge(sequence)];
    };
    expect(await askGeneration(socketOn(answer))).toMatchObject({ ok: true, value: { id: 1 } });
    expect(await askGeneration(socketOn(({ sequence }) => [acknowledge(sequence)]))).toMatchObject({
      problem: { code: 'WP_NETLINK_SILENT' },
    });
    expect(await askGeneration(socketOn(({ sequence }) => [acknowledge(sequence, 1)]))).toMatchObject({
      problem: { code: 'WP_NETLINK_REFUSED', message: 'the kernel refused to tell the generation of the nftables rules: EPERM' },
    });
  });
});

describe('families of generic netlink', () => {
  const named =
    (id: number) =>
    (sequence: number): Uint8Array =>
      datagram({ type: 16, flags: 0, sequence }, (writer) => {
        writer.u32(0x02_01);
        writeAttribute(writer, 2, () => writer.bytes(new TextEncoder().encode('IPVS\0')));
        writeAttribute(writer, 1, () => writer.u16(id));
      });

  test('the question is that of ipvsadm', () => {
    const writer = new ByteWriter();
    writeFamilyQuery(writer, 'IPVS');
    writer.align();
    expect(hexOf(writer.finish())).toBe(goldens.resolveIpvs.slice(32));
  });

  test('the number in the answer; no such family; anything else', async () => {
    const found = await resolveFamily(
      socketOn(({ sequence }) => [named(32)(sequence), acknowledge(sequence)]),
      'IPVS',
    );
    expect(found).toEqual({ ok: true, value: 32 });
    const absent = await resolveFamily(
      socketOn(({ sequence }) => [acknowledge(sequence, errnos.ENOENT)]),
      'IPVS',
    );
    expect(absent).toMatchObject({ problem: { code: 'WP_NETLINK_FAMILY' } });
    const denied = await resolveFamily(
      socketOn(({ sequence }) => [acknowledge(sequence, 1)]),
      'IPVS',
    );
    expect(denied).toMatchObject({ problem: { code: 'WP_NETLINK_REFUSED' } });
    const empty = await resolveFamily(
      socketOn(({ sequence }) => [acknowledge(sequence)]),
      'IPVS',
    );
    expect(empty).toMatchObject({ problem: { code: 'WP_NETLINK_FAMILY' } });
  });

  test('an answer without a number is none', () => {
    expect(readEach('18000000100000000100000000000000030100000400020000', readFamilyId)).toEqual([null]);
  });
});
