import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { families, unknownTraffic } from '../model/mod.ts';
import { ByteWriter, walkAttributes, writeAttribute, writeGenericHeader, writeNested } from '../netlink/mod.ts';
import type { Message } from '../netlink/mod.ts';
import {
  readDestinationAnswer,
  readInfo,
  readServerAnswer,
  readTimeouts,
  writeOperation,
  writeTimeouts,
} from './codec-command.ts';
import type { IpvsOperation } from './port.ts';
import {
  addDestination,
  addressKey,
  addServer,
  anyDestination,
  anyServer,
  deleteDestination,
  markKey,
  plainDestination,
  plainServer,
  wideUniverse,
} from './values.fixture.ts';

function written(body: (writer: ByteWriter) => void): { view: DataView; message: Message } {
  const writer = new ByteWriter();
  body(writer);
  const bytes = writer.finish();
  return {
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
    message: { type: 0, flags: 0, sequence: 0, start: 0, end: bytes.length },
  };
}

/** The attributes of an operation as `top.inner` to hex, and the command. */
function attributesOf(operation: IpvsOperation): Record<string, string> {
  const { view, message } = written((writer) => writeOperation(writer, operation));
  const found: Record<string, string> = { command: String(view.getUint8(0)), version: String(view.getUint8(1)) };
  walkAttributes(view, 4, message.end, (top, start, end) => {
    walkAttributes(view, start, end, (type, from, to) => {
      found[`${top}.${type}`] = Buffer.from(view.buffer, view.byteOffset + from, to - from).toString('hex');
    });
  });
  return found;
}

// Numbers in host order are spelled for little-endian machines, as all are that Waypost is built for.
describe('writeOperation', () => {
  it('[IPVS-4] [IPVS-5] [IPVS-6] writes ports, addresses and masks in network order, the rest in host order, and no foreign flag', () => {
    const server = plainServer(addressKey('SCTP', '10.96.0.1', 443), {
      scheduler: 'mh',
      schedulerFlags: ['fallback', 'port'],
      persistence: { timeoutSeconds: 10_800, prefixLength: 24 },
    });
    expect(attributesOf(addServer(server))).toEqual({
      command: '1',
      version: '1',
      '1.1': '0200',
      '1.2': '8400',
      '1.3': `0a600001${'00'.repeat(12)}`,
      '1.4': '01bb',
      '1.6': '6d6800',
      '1.7': '190000003d000000',
      '1.8': '302a0000',
      '1.9': 'ffffff00',
    });
  });

  it('[IPVS-4] sends 128 for an IPv6 server that remembers nobody, and no protocol for a mark', () => {
    expect(
      attributesOf(addServer(plainServer(markKey('IPv6', 0xf000_0001), { onePacket: true, persistenceEngine: 'sip' }))),
    ).toEqual({
      command: '1',
      version: '1',
      '1.1': '0a00',
      '1.5': '010000f0',
      '1.6': '727200',
      '1.7': '040000003d000000',
      '1.8': '00000000',
      '1.9': '80000000',
      '1.11': '73697000',
    });
  });

  it('[IPVS-9] always sends the family of a destination, and the whole of a weight', () => {
    const key = addressKey('TCP', 'fd00::1', 80);
    const forwarding = { method: 'tunnel', encapsulation: 'gue', port: 6080, checksum: 'remcsum' } as const;
    const destination = plainDestination('10.0.0.9', 80, { forwarding, weight: 70_000, upperThreshold: 3, lowerThreshold: 2 });
    expect(attributesOf(addDestination(key, destination))).toMatchObject({
      command: '5',
      '2.1': `0a000009${'00'.repeat(12)}`,
      '2.2': '0050',
      '2.3': '02000000',
      '2.4': '70110100',
      '2.5': '03000000',
      '2.6': '02000000',
      '2.11': '0200',
      '2.13': '01',
      '2.14': '17c0',
      '2.15': '0200',
    });
    expect(Object.keys(attributesOf(deleteDestination(key, destination)))).toEqual(
      expect.arrayContaining(['2.1', '2.2', '2.11']),
    );
    expect(attributesOf(deleteDestination(key, destination))['2.3']).toBeUndefined();
  });
});

describe('what was written', () => {
  it.each(families)('is read back, %s', (family) => {
    const universe = wideUniverse(family);
    fc.assert(
      fc.property(anyServer(family, universe), anyDestination(universe), (server, destination) => {
        const one = written((writer) => writeOperation(writer, addServer(server)));
        expect(readServerAnswer(one.view, one.message)).toEqual(server);
        const other = written((writer) => writeOperation(writer, addDestination(server.key, destination)));
        expect(readDestinationAnswer(other.view, other.message, server.key)).toEqual({
          ...destination,
          counters: { active: 0, inactive: 0, persistent: 0, ...unknownTraffic },
        });
      }),
    );
  });

  it('has what passed of a destination: with 64 bits where the kernel sends them, else with 32 and 64', () => {
    const key = addressKey('TCP', '10.96.0.1', 80);
    const number = (bytes: string): Uint8Array => Uint8Array.from(Buffer.from(bytes, 'hex'));
    const counted = (groups: readonly (readonly [number, readonly string[]])[]): unknown => {
      const { view, message } = written((writer) => {
        writeGenericHeader(writer, 8, 1);
        writeNested(writer, 2, () => {
          writeAttribute(writer, 1, () => writer.bytes(number(`0af40001${'00'.repeat(12)}`)));
          writeAttribute(writer, 7, () => writer.u32(3));
          for (const [type, values] of groups)
            writeNested(writer, type, () => {
              for (const [index, value] of values.entries()) writeAttribute(writer, index + 1, () => writer.bytes(number(value)));
            });
        });
      });
      return readDestinationAnswer(view, message, key)?.counters;
    };
    const narrow = ['05000000', 'ffffffff', '07000000', '0000000001000000', '0900000000000000', 'aa000000'] as const;
    const seen = { active: 3, inactive: 0, persistent: 0 };
    const less = { connections: 5, inPackets: 4_294_967_295, outPackets: 7, inBytes: 4_294_967_296, outBytes: 9 };
    expect(counted([[10, narrow]])).toEqual({ ...seen, ...less });
    const wide = ['0500000002000000', '0100000000000000', '0000000000000000', 'ffffffffffff1f00', 'ffffffffffffffff'];
    const limit = Number.MAX_SAFE_INTEGER;
    const all = { connections: 8_589_934_597, inPackets: 1, outPackets: 0, inBytes: limit, outBytes: limit };
    expect(
      counted([
        [10, narrow],
        [12, [...wide, 'aa00000000000000', 'bb00000000000000']],
      ]),
    ).toEqual({ ...seen, ...all });
    expect(counted([])).toEqual({ ...seen, ...unknownTraffic });
  });

  it('tells idle times', () => {
    const timeouts = { tcp: 7500, tcpFin: 120, udp: 60 };
    const { view, message } = written((writer) => writeTimeouts(writer, timeouts));
    expect(readTimeouts(view, message)).toEqual(timeouts);
  });

  it('is passed over where it holds nothing that is known', () => {
    const { view, message } = written((writer) => writer.u32(0));
    expect(readServerAnswer(view, message)).toBeNull();
    expect(readDestinationAnswer(view, message, markKey('IPv4', 1))).toBeNull();
    expect(readInfo(view, message)).toEqual({ version: '0.0.0', connectionTableSize: 0 });
  });
});
