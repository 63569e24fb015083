import { markOfServer, serverOfMark } from '../model/mod.ts';
import type { Family, RecordEntry } from '../model/mod.ts';
import type { IpvsTimeouts } from './port.ts';
import { serverKeyText } from './virtual-server.ts';
import type { ServerKey } from './virtual-server.ts';

/**
 * What the data plane writes down to know its own after a restart, as the text of a `RecordEntry`:
 * a virtual server it made, the name behind the number of a server or sticky group or behind the mark of a publication,
 * what was there before it changed it.
 */
export type Remembered =
  | { readonly kind: 'server'; readonly text: string }
  /** `digest` is 24 hexadecimal digits of the SHA-256 of the name. */
  | { readonly kind: 'number'; readonly of: NumberKind; readonly number: number; readonly digest: string }
  | { readonly kind: 'mark'; readonly mark: number; readonly digest: string }
  | { readonly kind: 'sysctl'; readonly name: string; readonly value: string }
  | { readonly kind: 'timeouts'; readonly value: IpvsTimeouts };

/** Servers and sticky groups are numbered apart. */
export type NumberKind = 'server' | 'group';

const letters: Readonly<Record<NumberKind, string>> = { server: 's', group: 'g' };

/** At most 100 printable characters (`RecordEntry`). */
export function recordEntry(remembered: Remembered): RecordEntry {
  return { kind: 'record', text: writeRecord(remembered) };
}

function writeRecord(remembered: Remembered): string {
  switch (remembered.kind) {
    case 'server':
      return `v ${remembered.text}`;
    case 'number':
      return `${letters[remembered.of]} ${remembered.number} ${remembered.digest}`;
    case 'mark':
      return `m ${remembered.mark} ${remembered.digest}`;
    case 'sysctl':
      return `y ${remembered.name}=${remembered.value}`;
    case 'timeouts':
      return `t ${remembered.value.tcp} ${remembered.value.tcpFin} ${remembered.value.udp}`;
  }
}

/** Null for text that no record of ours has. */
export function readRecord(text: string): Remembered | null {
  const number = /^([sg]) (\d{1,8}) ([0-9a-f]{24})$/.exec(text);
  if (number !== null) {
    const [, letter, digits, digest = ''] = number;
    return { kind: 'number', of: letter === 's' ? 'server' : 'group', number: Number(digits), digest };
  }
  const mark = /^m (\d{1,10}) ([0-9a-f]{24})$/.exec(text);
  if (mark !== null) return { kind: 'mark', mark: Number(mark[1]), digest: mark[2] ?? '' };
  const server = /^v (\S+ \S+)$/.exec(text);
  if (server?.[1] !== undefined) return { kind: 'server', text: server[1] };
  const sysctl = /^y ([\w./-]+)=(.*)$/.exec(text);
  if (sysctl !== null) return { kind: 'sysctl', name: sysctl[1] ?? '', value: sysctl[2] ?? '' };
  const timeouts = /^t (\d+) (\d+) (\d+)$/.exec(text);
  if (timeouts === null) return null;
  const [tcp = 0, tcpFin = 0, udp = 0] = timeouts.slice(1).map(Number);
  return { kind: 'timeouts', value: { tcp, tcpFin, udp } };
}

/** Texts of the servers that a record stands for: both lanes of a numbered one. Empty for other records. */
export function serversOfRecord(remembered: Remembered, family: Family): readonly string[] {
  if (remembered.kind === 'server') return [remembered.text];
  if (remembered.kind === 'mark') return [serverKeyText({ kind: 'mark', family, mark: remembered.mark })];
  if (remembered.kind !== 'number' || remembered.of !== 'server') return [];
  return [false, true].map((masquerade) =>
    serverKeyText({ kind: 'mark', family, mark: markOfServer(remembered.number, masquerade) }),
  );
}

/** The number of a server of {@link markLayout}, or null for any other key. */
export function numberOfServer(key: ServerKey): number | null {
  return key.kind === 'mark' ? (serverOfMark(key.mark)?.server ?? null) : null;
}
