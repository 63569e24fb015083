import { addressBytes, formatAddress, parseAddress } from '../model/mod.ts';
import type { Address } from '../model/mod.ts';

/**
 * The 4 or 16 octets of an address, one to a character: the RDATA of its A or AAAA record, and half the size of a text that
 * names it.
 */
export type RawAddress = string;

export function packAddress(address: Address): RawAddress {
  return address.includes(':') ? octets(addressBytes(address)) : packIpv4(address);
}

/** Canonical text needs no checks, and a slice has a thousand of them. */
function packIpv4(address: Address): RawAddress {
  let packed = 0;
  let octet = 0;
  for (let index = 0; index < address.length; index += 1) {
    const code = address.charCodeAt(index);
    if (code === 0x2e) {
      packed = (packed << 8) | octet;
      octet = 0;
    } else octet = octet * 10 + code - 0x30;
  }
  return String.fromCharCode((packed >> 16) & 0xff, (packed >> 8) & 0xff, packed & 0xff, octet);
}

export function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index += 1) bytes[index] = text.charCodeAt(index);
  return bytes;
}

/** An even text: one that was put together from parts would keep the parts alive. */
export function octets(values: Uint8Array | readonly number[]): string {
  return Buffer.from(values).toString('latin1');
}

export function formatRaw(raw: RawAddress): Address {
  return formatAddress(bytesOf(raw));
}

/** `10-1-2-3`, `fd00-1--0`: a label must not end in a dash (specification 3.3). */
export function dashedLabel(raw: RawAddress): string {
  if (raw.length === 4) return `${raw.charCodeAt(0)}-${raw.charCodeAt(1)}-${raw.charCodeAt(2)}-${raw.charCodeAt(3)}`;
  const label = formatRaw(raw).replaceAll(':', '-');
  return label.endsWith('-') ? `${label}0` : label;
}

/**
 * The address that a label in dashed form names, in lower case: three dashes and none side by side for IPv4, else IPv6
 * (specification 3.7). Null for what is no address; an IPv4 address in IPv6 form is none, it has a label of its own.
 */
export function parseDashedLabel(label: string): RawAddress | null {
  if (!/^[0-9a-f-]+$/.test(label)) return null;
  if (/^[^-]+-[^-]+-[^-]+-[^-]+$/.test(label)) {
    const parts = label.split('-');
    const isStrict = parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255);
    return isStrict ? String.fromCharCode(...parts.map(Number)) : null;
  }
  const address = parseAddress(label.replaceAll('-', ':'));
  return address?.includes(':') === true ? packAddress(address) : null;
}
