import { fail, familyOf, parseAddress, parsePrefix, succeed } from '../model/mod.ts';
import type { Address, Family, Outcome, Prefix } from '../model/mod.ts';
import type { LocalAddress, Route, RoutingRule } from './route-port.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Types by their numbers (`RTN_*`), as `ip -N` prints them. */
const types: Readonly<Record<string, Route['type']>> = { '1': 'unicast', '2': 'local', '6': 'blackhole', '7': 'unreachable' };

/** What a rule may say without being more than {@link RoutingRule} has fields for. */
const plainFields: ReadonlySet<string> = new Set(['priority', 'src', 'fwmark', 'fwmask', 'table', 'protocol']);

/**
 * Reads what `ip -details -N -json route show table` prints. `table`: the one that was asked for, which is then not
 * printed, or null. Only routes with the metric of a route that was given none, where `plain`.
 */
export function parseRoutes(text: string, family: Family, table: number | null, plain: boolean): Outcome<readonly Route[]> {
  return parseList(text, 'ip route', (fields) => {
    const destination = readDestination(fields['dst'], family);
    if (destination === null) return [];
    if (plain && readNumber(fields['metric'] ?? 0) !== (family === 'IPv4' ? 0 : 1024)) return [];
    const type = types[String(fields['type'])] ?? 'other';
    const nowhere = type === 'blackhole' || type === 'unreachable';
    return [
      {
        destination,
        table: fields['table'] === undefined ? (table ?? 254) : readNumber(fields['table']),
        type,
        device: nowhere || typeof fields['dev'] !== 'string' ? null : fields['dev'],
        source: readAddress(fields['prefsrc'], family),
        gateway: readAddress(fields['gateway'], family),
        protocol: readNumber(fields['protocol']),
      },
    ];
  });
}

/** Reads what `ip -details -N -json rule show` prints. */
export function parseRules(text: string): Outcome<readonly RoutingRule[]> {
  return parseList(text, 'ip rule', (fields) => {
    const value = readNumber(fields['fwmark'] ?? 0);
    const mask = readNumber(fields['fwmask'] ?? (value === 0 ? 0 : 0xff_ff_ff_ff));
    return [
      {
        priority: readNumber(fields['priority']),
        mark: value === 0 && mask === 0 ? null : { value, mask },
        table: readNumber(fields['table'] ?? 0),
        protocol: readNumber(fields['protocol']),
        further: fields['src'] !== 'all' || Object.keys(fields).some((name) => !plainFields.has(name)),
      },
    ];
  });
}

/** Reads what `ip -N -json addr show` prints. */
export function parseAddresses(text: string, family: Family): Outcome<readonly LocalAddress[]> {
  return parseList(text, 'ip addr', (link) => {
    const addresses = Array.isArray(link['addr_info']) ? (link['addr_info'] as readonly Fields[]) : [];
    return addresses.flatMap((fields) => {
      const address = readAddress(fields['local'], family);
      if (address === null) return [];
      const [length, scope] = [readNumber(fields['prefixlen']), readNumber(fields['scope'])];
      const plain = { address, device: String(link['ifname']), length, scope };
      return [fields['deprecated'] === true ? { ...plain, deprecated: true as const } : plain];
    });
  });
}

/**
 * What `ip -force -batch -` said to its lines, by number of the line from 1: only those that failed have an entry.
 * `rest` is what it said last and to no line: it gave up, or is not able to run.
 */
export function parseBatchErrors(text: string): { readonly errors: ReadonlyMap<number, string>; readonly rest: string } {
  const errors = new Map<number, string>();
  let end = 0;
  for (const match of text.matchAll(/([\s\S]*?)Command failed -:(\d+)\n?/g)) {
    const [whole, said = '', line = ''] = match;
    errors.set(Number(line), oneLine(said));
    end = match.index + whole.length;
  }
  return { errors, rest: oneLine(text.slice(end)) };
}

function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, '; ');
}

function parseList<T>(text: string, tool: string, read: (fields: Fields) => readonly T[]): Outcome<readonly T[]> {
  // A table that nobody has made yet is printed as the beginning of a list.
  if (['', '['].includes(text.trim())) return succeed([]);
  try {
    const items: unknown = JSON.parse(text);
    if (Array.isArray(items)) return succeed((items as readonly Fields[]).flatMap(read));
  } catch (cause) {
    return fail('WP_NETLINK_TOOL', `what ${tool} printed is not JSON`, cause);
  }
  return fail('WP_NETLINK_TOOL', `what ${tool} printed is not a list`);
}

function readDestination(value: unknown, family: Family): Prefix | null {
  if (typeof value !== 'string') return null;
  if (value === 'default') return { family, address: (family === 'IPv4' ? '0.0.0.0' : '::') as Address, length: 0 };
  const prefix = parsePrefix(value.includes('/') ? value : `${value}/${family === 'IPv4' ? 32 : 128}`);
  return prefix?.family === family ? prefix : null;
}

function readAddress(value: unknown, family: Family): Address | null {
  const address = typeof value === 'string' ? parseAddress(value) : null;
  return address !== null && familyOf(address) === family ? address : null;
}

/** Numbers are printed as numbers, as text, or as text in base sixteen. */
function readNumber(value: unknown): number {
  const number = Number(value);
  return Number.isFinite(number) ? number : 0;
}
