import { compareText, isPort, protocols } from '../model/mod.ts';
import type { PortRange, Protocol, ServicePortRecord } from '../model/mod.ts';
import { noteValue, textOf } from './decode-annotations.ts';
import type { Annotations } from './decode-annotations.ts';

const name = 'port-ranges';
const maxLength = 4096;
const maxRanges = 64;

const noRanges: readonly PortRange[] = [];

/**
 * `waypost.dev/port-ranges`, such as `tcp:40000-40100,udp:5060`: sorted, at most 64. A range that shares a port with one
 * before it, or with a port of the Service, is left out: a packet can have one fate only.
 */
export function readPortRanges(annotations: Annotations, ports: readonly ServicePortRecord[]): readonly PortRange[] {
  const needed = `a list like tcp:40000-40100,udp:5060 of at most ${maxLength} characters is needed, it is ignored`;
  const text = textOf(annotations, name, maxLength, needed);
  if (text === null) return noRanges;
  const taken: PortRange[] = ports.map(({ protocol, port }) => ({ protocol, first: port, last: port }));
  const found: PortRange[] = [];
  for (const part of text.split(',').map((each) => each.trim())) {
    if (part === '') continue;
    const range = parseRange(part);
    const wrong = range === null ? 'protocol:port or protocol:first-last is needed' : judgeRange(range, taken, found.length);
    if (range === null || wrong !== null) noteValue(annotations, name, part, `${wrong ?? ''}, the range is left out`);
    else {
      taken.push(range);
      found.push(range);
    }
  }
  return found.toSorted((a, b) => compareText(a.protocol, b.protocol) || a.first - b.first);
}

function judgeRange(range: PortRange, taken: readonly PortRange[], count: number): string | null {
  if (count >= maxRanges) return `there may be ${maxRanges} ranges`;
  const other = taken.find(({ protocol, first, last }) => {
    return protocol === range.protocol && first <= range.last && range.first <= last;
  });
  if (other === undefined) return null;
  return `it overlaps ${other.first === other.last ? `port ${other.first}` : `ports ${other.first}-${other.last}`} of the Service`;
}

function parseRange(text: string): PortRange | null {
  const [, word = '', from = '', to = from] = /^([a-z]{3,4}):(\d{1,5})(?:-(\d{1,5}))?$/i.exec(text) ?? [];
  const protocol = protocols.find((each): each is Protocol => each === word.toUpperCase());
  const first = Number(from);
  const last = Number(to);
  return protocol === undefined || !isPort(first) || !isPort(last) || first > last ? null : { protocol, first, last };
}
