import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { familyOf, formatAddress } from '../model/mod.ts';
import type { Address, Family, Protocol } from '../model/mod.ts';
import { readAttributes } from './attributes.ts';
import { ByteWriter, hostIsLittle, viewOf } from './bytes.ts';
import { conntrackTypes, readFlow, writeDeletion, writeQuery } from './conntrack.ts';
import type { ConntrackFlow, ConntrackQuery } from './conntrack-port.ts';
import { readMessages, writeMessage } from './message.ts';

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytesOfHex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
const any = (family: Family, protocol: Protocol = 'UDP', ...ports: number[]): ConntrackQuery => ({
  family,
  protocol,
  destinationPorts: new Set(ports.length === 0 ? [53] : ports),
});

function write(body: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter(1);
  body(writer);
  return writer.finish();
}

function readFlows(bytes: Uint8Array, query: ConntrackQuery): (ConntrackFlow | null)[] {
  const view = viewOf(bytes);
  return readMessages(view).messages.map((message) => readFlow(view, message, query));
}

const flow4: ConntrackFlow = {
  family: 'IPv4',
  protocol: 'UDP',
  source: '10.0.0.1' as Address,
  sourcePort: 1000,
  destination: '10.96.0.10' as Address,
  destinationPort: 53,
  replySource: '10.244.1.5' as Address,
  replySourcePort: 5353,
  zone: 7,
  originalZone: 0,
  id: 0x3e_e3_ef_62,
};
const flow6: ConntrackFlow = {
  ...flow4,
  family: 'IPv6',
  source: 'fd00::1' as Address,
  destination: 'fd00:10:96::a' as Address,
  replySource: 'fd00:10:244:1::5' as Address,
  zone: 0,
  id: 0x62_d3_ee_5c,
};

/** The value of CTA_TUPLE_ORIG that `conntrack -D` (conntrack-tools 1.4.7) sends for these flows. */
const sentTuples = {
  IPv4: '14000180080001000a000001080002000a60000a1c00028005000100110000000600020003e800000600030000350000',
  IPv6: '2c00018014000300fd00000000000000000000000000000114000400fd00001000960000000000000000000a1c00028005000100110000000600020003e800000600030000350000',
} as const;

/** What a kernel of the 6.18 series lists for entries that `conntrack -I` made; the first with zone 7, the second with zone-orig 9. */
const listings = {
  IPv4: `c800000000012200070000005a6d0000020000003400018014000180080001000a000001080002000a60000a1c00028005000100110000000600020003e8000006000300003500003400028014000180080001000af40105080002000a0000011c00028005000100110000000600020014e900000600030003e8000006001200000700000800030000000008080008000000000008000c003ee3ef6208000b000000000108000700000000631c001880080001000000000008000200000000000800030000000000c800000000012200070000005a6d0000020000003c00018014000180080001000a000002080002000a60000a1c00028005000100110000000600020003e80000060003000035000006000300000900003400028014000180080001000af40106080002000a0000021c00028005000100110000000600020014e900000600030003e800000800030000000008080008000000000008000c004cba0b8108000b000000000108000700000000631c001880080001000000000008000200000000000800030000000000`,
  IPv6: `f00000000001220007000000a96e00000a0000004c0001802c00018014000300fd00000000000000000000000000000114000400fd00001000960000000000000000000a1c00028005000100110000000600020003e8000006000300003500004c0002802c00018014000300fd00001002440001000000000000000514000400fd0000000000000000000000000000011c00028005000100110000000600020014e900000600030003e800000800030000000008080008000000000008000c0062d3ee5c08000b000000000108000700000000631c001880080001000000000008000200000000000800030000000000`,
} as const;

describe('frames of the standard tool and the kernel', () => {
  test.each([flow4, flow6])('a deletion names the tuple as conntrack -D does: $family', (flow) => {
    const bytes = write((writer) => writeDeletion(writer, flow));
    const golden = sentTuples[flow.family];
    expect(hexOf(bytes.subarray(8, 8 + golden.length / 2))).toBe(golden);
    const attributes = readAttributes(viewOf(bytes), 4, bytes.length);
    expect(attributes?.map((one) => one.type)).toEqual(flow.zone === 0 ? [1, 12] : [1, 18, 12]);
  });

  test('a listing is read, zones of both kinds included', () => {
    expect(readFlows(bytesOfHex(listings.IPv4), any('IPv4'))).toEqual([
      flow4,
      {
        ...flow4,
        source: '10.0.0.2',
        replySource: '10.244.1.6',
        zone: 0,
        originalZone: 9,
        id: 0x4c_ba_0b_81,
      },
    ]);
    expect(readFlows(bytesOfHex(listings.IPv6), any('IPv6'))).toEqual([flow6]);
  });

  test('what was not asked for is left out', () => {
    for (const query of [any('IPv6'), any('IPv4', 'TCP'), any('IPv4', 'SCTP'), any('IPv4', 'UDP', 5353)])
      expect(readFlows(bytesOfHex(listings.IPv4), query)).toEqual([null, null]);
  });

  test('a query is a header, and a filter by protocol where the kernel is to filter', () => {
    expect(hexOf(write((writer) => writeQuery(writer, any('IPv6'), false)))).toBe('0a000000');
    expect(hexOf(write((writer) => writeQuery(writer, any('IPv4'), true)))).toBe(
      '02000000100001800c00028005000100110000000c0019800800010008000000',
    );
  });
});

const address = {
  IPv4: fc.uint8Array({ minLength: 4, maxLength: 4 }).map(formatAddress),
  IPv6: fc
    .uint8Array({ minLength: 16, maxLength: 16 })
    .map(formatAddress)
    .filter((one) => familyOf(one) === 'IPv6'),
};

function flowOf(family: Family): fc.Arbitrary<ConntrackFlow> {
  const port = fc.nat(0xff_ff);
  return fc.record({
    family: fc.constant(family),
    protocol: fc.constantFrom<Protocol>('TCP', 'UDP', 'SCTP'),
    source: address[family],
    sourcePort: port,
    destination: address[family],
    destinationPort: port,
    replySource: address[family],
    replySourcePort: port,
    zone: port,
    originalZone: port,
    id: fc.option(fc.nat(0xff_ff_ff_ff)),
  });
}
const flow = fc.oneof(flowOf('IPv4'), flowOf('IPv6'));

test('a deletion reads back as the flow it deletes, and always has a tuple', () => {
  fc.assert(
    fc.property(flow, (wanted) => {
      const writer = new ByteWriter();
      // A deletion has the shape of a listing but for the reply, which is put in by mirroring the original tuple.
      writeMessage(writer, { type: conntrackTypes.new, flags: 0, sequence: 1 }, () => writeDeletion(writer, wanted));
      const bytes = writer.finish();
      const attributes = readAttributes(viewOf(bytes), 20, bytes.length);
      const tuple = attributes?.find(({ type }) => type === 1)?.value;
      expect(Array.isArray(tuple) && tuple.length >= 2).toBe(true);
      const withReply = writeWithReply(bytes);
      const [read] = readFlows(withReply, any(wanted.family, wanted.protocol, wanted.destinationPort));
      expect(read).toEqual({ ...wanted, replySource: wanted.source, replySourcePort: wanted.sourcePort });
    }),
  );
});

/** Adds a copy of the original tuple as the reply tuple. */
function writeWithReply(bytes: Uint8Array): Uint8Array {
  const length = viewOf(bytes).getUint16(20, hostIsLittle);
  const reply = bytes.slice(20, 20 + length);
  viewOf(reply).setUint16(2, 0x80_02, hostIsLittle);
  const all = new Uint8Array([...bytes, ...reply]);
  viewOf(all).setUint32(0, all.length, hostIsLittle);
  return all;
}

test('an address of the wrong family is a mistake, not a wider deletion', () => {
  expect(() => write((writer) => writeDeletion(writer, { ...flow4, destination: 'fd00::1' as Address }))).toThrow(
    /not an IPv4 address/,
  );
});

test('a damaged listing is survived', () => {
  fc.assert(
    fc.property(fc.nat(199), fc.nat(0xff), (at, value) => {
      const bytes = bytesOfHex(listings.IPv4).slice(0, 200);
      bytes[at] = value;
      expect(readFlows(bytes, any('IPv4')).length).toBeLessThanOrEqual(12);
    }),
  );
});
