import { addressBytes, formatAddress, parseAddress } from '../model/mod.ts';
import { formatType, parseType, recordType } from './constants.ts';
import { formatName, parseName } from './name.ts';
import { latin1, octetsOf, readName } from './read-name.ts';
import type { ResourceRecord } from './record.ts';

/** One field of RDATA as master files write it. */
type Field = 'u8' | 'u16' | 'u32' | 'name' | 'ipv4' | 'ipv6' | 'string' | 'strings' | 'tail';

const fields: ReadonlyMap<number, readonly Field[]> = new Map<number, readonly Field[]>([
  [recordType.A, ['ipv4']],
  [recordType.AAAA, ['ipv6']],
  [recordType.NS, ['name']],
  [recordType.CNAME, ['name']],
  [recordType.PTR, ['name']],
  [recordType.DNAME, ['name']],
  [recordType.SOA, ['name', 'name', 'u32', 'u32', 'u32', 'u32', 'u32']],
  [recordType.MX, ['u16', 'name']],
  [recordType.SRV, ['u16', 'u16', 'u16', 'name']],
  [recordType.TXT, ['strings']],
  [recordType.HINFO, ['string', 'string']],
  [recordType.CAA, ['u8', 'string', 'tail']],
]);

/**
 * A record in master file form: `web.shop.svc.cluster.local. 30 IN A 10.96.0.80`; TTL and class may be left out (0, IN), and
 * RDATA may be in the form of RFC 3597: `\# 4 0a600050`. Null where the text is no such record.
 */
export function parseRecord(text: string): ResourceRecord | null {
  const words = splitWords(text);
  const name = parseName(words.shift()?.text ?? '');
  let ttl = 0;
  if (/^\d{1,10}$/.test(words[0]?.text ?? '')) ttl = Number(words.shift()?.text);
  if (words[0]?.text.toUpperCase() === 'IN') words.shift();
  const type = parseType(words.shift()?.text ?? '');
  if (name === null || type === null || ttl > 0x7fffffff) return null;
  const data = words[0]?.text === '\\#' ? parseGeneric(words) : parseFields(type, words);
  return data === null ? null : { name, type, ttl, data };
}

/** The record as one line of a master file. */
export function formatRecord({ name, type, ttl, data }: ResourceRecord): string {
  return `${formatName(name)} ${ttl} IN ${formatType(type)} ${formatData(type, data)}`;
}

/** RDATA as a master file has it; in the form of RFC 3597 where the type is not known here or the octets do not fit it. */
function formatData(type: number, data: Uint8Array): string {
  const layout = fields.get(type);
  const texts = layout === undefined ? null : formatFields(layout, data);
  return texts?.join(' ') ?? `\\# ${data.length}${data.length > 0 ? ` ${Buffer.from(data).toString('hex')}` : ''}`;
}

function formatFields(layout: readonly Field[], data: Uint8Array): string[] | null {
  const texts: string[] = [];
  let at = 0;
  for (const field of layout) {
    for (let more = true; more; more = field === 'strings' && at < data.length) {
      const read = formatField(field, data, at);
      if (read === null) return null;
      texts.push(read.text);
      at = read.next;
    }
  }
  return at === data.length ? texts : null;
}

const widths = { u8: 1, u16: 2, u32: 4, ipv4: 4, ipv6: 16 } as const;

function formatField(field: Field, data: Uint8Array, at: number): { readonly text: string; readonly next: number } | null {
  if (field === 'name') {
    const read = readName(data, 0, data.length, at);
    return read === null ? null : { text: formatName(read.name), next: read.next };
  }
  if (field === 'tail') return { text: quote(latin1(data, at, data.length)), next: data.length };
  if (field === 'string' || field === 'strings') {
    const next = at + 1 + (data[at] ?? 256);
    return next > data.length ? null : { text: quote(latin1(data, at + 1, next)), next };
  }
  const next = at + widths[field];
  if (next > data.length) return null;
  const octets = data.subarray(at, next);
  if (field === 'ipv4') return { text: octets.join('.'), next };
  if (field === 'ipv6') return { text: formatIpv6(octets), next };
  return { text: String(octets.reduce((sum, octet) => sum * 256 + octet, 0)), next };
}

/** What an IPv4 address is mapped into IPv6 with, RFC 4291 2.5.5.2. */
const mappedPrefix = '\0'.repeat(10) + '\xff\xff';

/** An IPv4-mapped address stays one of IPv6 in an AAAA record. */
function formatIpv6(octets: Uint8Array): string {
  const text: string = formatAddress(octets);
  return text.includes(':') ? text : `::ffff:${text}`;
}

function quote(text: string): string {
  const escaped = text.replaceAll(/[^ -~]|["\\]/g, (character) =>
    character === '"' || character === '\\' ? `\\${character}` : `\\${String(character.charCodeAt(0)).padStart(3, '0')}`,
  );
  return `"${escaped}"`;
}

interface Word {
  readonly text: string;
  readonly quoted: boolean;
}

/** Splits at blanks outside of quotes; a quoted word has its escapes resolved. */
function splitWords(text: string): Word[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|\S+/g)].map(([all, inside]) =>
    inside === undefined ? { text: all, quoted: false } : { text: unquote(inside), quoted: true },
  );
}

function unquote(text: string): string {
  return text.replaceAll(/\\(\d{3}|.)/g, (_, escape: string) =>
    escape.length === 3 ? String.fromCharCode(Number(escape)) : escape,
  );
}

function parseGeneric(words: readonly Word[]): Uint8Array | null {
  const length = Number(words[1]?.text);
  const hex = words
    .slice(2)
    .map(({ text }) => text)
    .join('');
  if (!/^([0-9a-f]{2})*$/i.test(hex) || hex.length !== 2 * length) return null;
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

function parseFields(type: number, words: Word[]): Uint8Array | null {
  const layout = fields.get(type);
  if (layout === undefined) return null;
  let octets = '';
  for (const field of layout) {
    for (let more = true; more; more = field === 'strings' && words.length > 0) {
      const part = parseField(field, words.shift());
      if (part === null) return null;
      octets += part;
    }
  }
  return words.length === 0 ? octetsOf(octets) : null;
}

function parseField(field: Field, word: Word | undefined): string | null {
  if (word === undefined) return null;
  const { text } = word;
  if (field === 'name') return parseName(text);
  if (field === 'tail') return text;
  if (field === 'string' || field === 'strings') return text.length > 255 ? null : String.fromCharCode(text.length) + text;
  if (field === 'ipv4' || field === 'ipv6') {
    const address = parseAddress(text);
    if (address === null || text.includes(':') !== (field === 'ipv6')) return null;
    const octets = addressBytes(address);
    const plain = latin1(octets, 0, octets.length);
    return field === 'ipv6' && octets.length === 4 ? mappedPrefix + plain : plain;
  }
  const width = widths[field];
  const number = Number(text);
  if (!/^\d+$/.test(text) || number >= 256 ** width) return null;
  let octetText = '';
  for (let shift = width - 1; shift >= 0; shift -= 1) octetText += String.fromCharCode(Math.floor(number / 256 ** shift) % 256);
  return octetText;
}
