import { expect, test } from 'vitest';
import { parseAddress } from '../model/mod.ts';
import type { Address } from '../model/mod.ts';
import { writeAttribute, writeNested } from './attributes.ts';
import { ByteWriter, viewOf } from './bytes.ts';
import { readDevice, writeNewAddress, writeNewTunnel, writeRaiseTunnel } from './codec-tunnel.ts';
import type { Message } from './message.ts';

const local = parseAddress('192.0.2.11') as Address;
const device = { name: 'waypost4', local, alias: 'waypost gue 6080' };

function bodyOf(write: (writer: ByteWriter) => void): { readonly view: DataView; readonly message: Message } {
  const writer = new ByteWriter();
  write(writer);
  const view = viewOf(writer.finish());
  return { view, message: { type: 16, flags: 0, sequence: 1, start: 0, end: view.byteLength } };
}

function hex(write: (writer: ByteWriter) => void): string {
  const { view } = bodyOf(write);
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('hex');
}

test('a device that was asked for is read again as a tunnel of its family', () => {
  for (const [address, family] of [
    ['192.0.2.11', 'IPv4'],
    ['2001:db8::11', 'IPv6'],
  ] as const) {
    const own = parseAddress(address) as Address;
    const { view, message } = bodyOf((writer) => writeNewTunnel(writer, { ...device, local: own }));
    expect(readDevice(view, message)).toEqual({ name: 'waypost4', index: 0, alias: null, family, local: own, mtu: 0 });
  }
});

test('the alias and that it is up come second', () => {
  const { view, message } = bodyOf((writer) => writeRaiseTunnel(writer, device));
  expect(view.getUint32(8, true)).toBe(1);
  expect(readDevice(view, message)).toMatchObject({ name: 'waypost4', alias: 'waypost gue 6080', family: null, local: null });
});

test('devices of other kinds are no tunnels, and what has no name is no device', () => {
  const other = bodyOf((writer) => {
    writer.bytes(new Uint8Array(16));
    writeAttribute(writer, 3, () => writer.bytes(new TextEncoder().encode('eth0\0')));
    writeAttribute(writer, 4, () => writer.u32(9000));
    writeNested(writer, 18, () => {
      writeAttribute(writer, 1, () => writer.bytes(new TextEncoder().encode('veth\0')));
      writeNested(writer, 2, () => writeAttribute(writer, 2, () => writer.u32(7)));
    });
  });
  expect(readDevice(other.view, other.message)).toMatchObject({ name: 'eth0', mtu: 9000, family: null, local: null });
  const nameless = bodyOf((writer) => writer.bytes(new Uint8Array(16)));
  expect(readDevice(nameless.view, nameless.message)).toBeNull();
});

test('an address of a device is for this host alone', () => {
  // struct ifaddrmsg with RT_SCOPE_HOST, IFA_LOCAL, IFA_ADDRESS (uapi/linux/if_addr.h).
  expect(hex((writer) => writeNewAddress(writer, 7, local))).toBe('022000fe0700000008000200c000020b08000100c000020b');
});
