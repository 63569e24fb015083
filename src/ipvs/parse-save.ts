import { addressBits, fail, succeed } from '../model/mod.ts';
import type { Outcome } from '../model/mod.ts';
import { parseAddressKey, parseEndpoint, parseMarkKey, parseMask } from './parse-key.ts';
import type { IpvsOperation } from './port.ts';
import { flagNames } from './render.ts';
import { serverFamily, validateOperation } from './validate.ts';
import type { Destination, DestinationKey, Forwarding, SchedulerFlag, ServerKey, VirtualServer } from './virtual-server.ts';

const verbs: Readonly<Record<string, IpvsOperation['verb']>> = {
  '-A': 'add-server',
  '-E': 'edit-server',
  '-D': 'delete-server',
  '-a': 'add-destination',
  '-e': 'edit-destination',
  '-d': 'delete-destination',
};

/** Options that take a value, and those that stand alone. */
const valued = new Set([
  '-t',
  '-u',
  '--sctp-service',
  '-f',
  '-r',
  '-s',
  '-b',
  '-p',
  '-M',
  '--pe',
  '-w',
  '-x',
  '-y',
  '--tun-type',
  '--tun-port',
]);
const single = new Set(['-6', '-m', '-g', '-i', '-o', '--tun-nocsum', '--tun-csum', '--tun-remcsum']);

const schedulerFlags: readonly SchedulerFlag[] = ['fallback', 'port', 'flag-3'];
const defaultTimeoutSeconds = 300;

/**
 * Reads lines for `ipvsadm --restore` in the spelling of `ipvsadm --save -n` and of `renderOperation`: one operation for
 * each. What a line leaves out has the tool's own defaults. Blank lines are skipped; anything else that is not such a line
 * fails with `WP_IPVS_UNREADABLE`, naming it. Not checked is whether the kernel would take the values.
 */
export function parseSave(text: string): Outcome<readonly IpvsOperation[]> {
  const operations: IpvsOperation[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const operation = parseLine(line);
    if (typeof operation === 'string')
      return fail('WP_IPVS_UNREADABLE', `line ${index + 1} "${line.slice(0, 200)}": ${operation}`);
    operations.push(operation);
  }
  return succeed(operations);
}

/**
 * {@link parseSave}, and then refuses, with `WP_IPVS_INVALID`, what must not reach the tool: one bad line would end its
 * whole run. For text that comes from outside.
 */
export function parseRestore(text: string): Outcome<readonly IpvsOperation[]> {
  const parsed = parseSave(text);
  if (!parsed.ok) return parsed;
  for (const operation of parsed.value) {
    const problem = validateOperation(serverFamily('server' in operation ? operation.server.key : operation.key), operation);
    if (problem !== null) return { ok: false, problem };
  }
  return parsed;
}

/** An operation, or in words why this is none. */
function parseLine(line: string): IpvsOperation | string {
  const words = line.trim().split(/\s+/);
  const verb = verbs[words[0] ?? ''];
  if (verb === undefined) return 'begins with none of -A, -E, -D, -a, -e and -d';
  const options = collectOptions(words.slice(1));
  if (typeof options === 'string') return options;
  const key = readKey(options);
  if (typeof key === 'string') return key;
  switch (verb) {
    case 'delete-server':
      return { verb, key };
    case 'add-server':
    case 'edit-server': {
      const server = readServer(key, options);
      return typeof server === 'string' ? server : { verb, server };
    }
    default: {
      const endpoint = parseEndpoint(options.get('-r') ?? '');
      if (endpoint === null) return '-r must be address:port';
      if (verb === 'delete-destination') return { verb, key, destination: endpoint };
      const destination = readDestination(endpoint, options);
      return typeof destination === 'string' ? destination : { verb, key, destination };
    }
  }
}

function collectOptions(words: readonly string[]): ReadonlyMap<string, string> | string {
  const options = new Map<string, string>();
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (options.has(word)) return `${word} is given twice`;
    if (single.has(word)) options.set(word, '');
    else if (!valued.has(word)) return `${word} is not an option`;
    else {
      const value = words[at + 1];
      // A persistence without a time is the one value that may be left out.
      const isMissing = value === undefined || valued.has(value) || single.has(value);
      if (isMissing && word !== '-p') return `${word} has no value`;
      options.set(word, isMissing ? String(defaultTimeoutSeconds) : value);
      if (!isMissing) at += 1;
    }
  }
  return options;
}

function readKey(options: ReadonlyMap<string, string>): ServerKey | string {
  const named = ['-t', '-u', '--sctp-service', '-f'].filter((option) => options.has(option));
  const [option = ''] = named;
  const value = options.get(option) ?? '';
  if (named.length !== 1) return 'must have one of -t, -u, --sctp-service and -f';
  if (option === '-f') return parseMarkKey(value, options.has('-6')) ?? '-f must be a mark in decimal, not 0';
  if (options.has('-6')) return '-6 is for marks only';
  const protocol = option === '-t' ? 'TCP' : option === '-u' ? 'UDP' : 'SCTP';
  return parseAddressKey(protocol, value) ?? `${option} must be address:port`;
}

function readServer(key: ServerKey, options: ReadonlyMap<string, string>): VirtualServer | string {
  const scheduler = options.get('-s') ?? 'wlc';
  const names = flagNames(scheduler);
  const given = (options.get('-b') ?? '').split(',').filter((name) => name !== '');
  const flags = schedulerFlags.filter((flag) => given.includes(names[flag]));
  if (flags.length !== given.length) return `-b names a flag that scheduler ${scheduler} does not have`;
  const timeoutSeconds = readNumber(options.get('-p') ?? '0');
  const prefixLength = parseMask(options.get('-M') ?? String(addressBits(serverFamily(key))));
  if (timeoutSeconds === null) return '-p must be a number of seconds';
  if (prefixLength === null) return '-M must be a mask or a prefix length';
  return {
    key,
    scheduler,
    schedulerFlags: flags,
    persistence: options.has('-p') ? { timeoutSeconds, prefixLength } : null,
    onePacket: options.has('-o'),
    persistenceEngine: options.get('--pe') ?? null,
  };
}

function readDestination(key: DestinationKey, options: ReadonlyMap<string, string>): Destination | string {
  const forwarding = readForwarding(options);
  if (typeof forwarding === 'string') return forwarding;
  const weight = readNumber(options.get('-w') ?? '1');
  const upperThreshold = readNumber(options.get('-x') ?? '0');
  const lowerThreshold = readNumber(options.get('-y') ?? '0');
  if (weight === null || upperThreshold === null || lowerThreshold === null) return '-w, -x and -y must be numbers';
  return { ...key, forwarding, weight, upperThreshold, lowerThreshold };
}

function readForwarding(options: ReadonlyMap<string, string>): Forwarding | string {
  const methods = ['-m', '-g', '-i'].filter((option) => options.has(option));
  if (methods.length > 1) return 'must have at most one of -m, -g and -i';
  const tunnelOptions = [...options.keys()].filter((option) => option.startsWith('--tun-'));
  if (!options.has('-i')) {
    if (tunnelOptions.length > 0) return `${tunnelOptions[0]} needs -i`;
    return { method: options.has('-m') ? 'masquerade' : 'direct' };
  }
  const type = options.get('--tun-type') ?? 'ipip';
  if (type !== 'ipip' && type !== 'gue' && type !== 'gre') return '--tun-type must be ipip, gue or gre';
  const port = readNumber(options.get('--tun-port') ?? '0');
  if (port === null) return '--tun-port must be a number';
  const checksum = options.has('--tun-remcsum') ? 'remcsum' : options.has('--tun-csum') ? 'csum' : 'none';
  return { method: 'tunnel', encapsulation: type, port, checksum };
}

function readNumber(text: string): number | null {
  return /^[0-9]{1,10}$/.test(text) ? Number(text) : null;
}
