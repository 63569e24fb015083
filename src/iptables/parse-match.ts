import { fullMask, conntrackStates } from './render.ts';
import type { Family } from '../model/mod.ts';
import type { Extension } from './parse-options.ts';
import { parseMasked, parseNumber } from './parse-words.ts';
import type { ConntrackState, Match, TransportName } from './rule.ts';

/**
 * The match that an extension's options mean, or null if they are outside the vocabulary. `family` is
 * what the rule's addresses tell, null where there are none.
 */
export function readMatch(extension: Extension, family: Family | null): Match | null {
  switch (extension.name) {
    case 'comment':
      return readComment(extension);
    case 'tcp':
    case 'udp':
    case 'sctp':
      return readPorts(extension, extension.name);
    case 'conntrack':
      return readConntrack(extension);
    case 'addrtype':
      return readAddressType(extension);
    case 'mark':
      return readMark(extension);
    case 'statistic':
      return readRandom(extension);
    case 'recent':
      return readRecent(extension, family);
    case 'set':
      return readSet(extension);
    case 'bpf':
      return readBpf(extension);
    default:
      return null;
  }
}

function readComment({ given }: Extension): Match | null {
  const comment = given.get('comment');
  if (comment === undefined || comment.not || Buffer.byteLength(comment.value) > 255) return null;
  return { kind: 'comment', text: comment.value };
}

function readPorts({ given }: Extension, protocol: TransportName): Match | null {
  const option = given.get('dport');
  // Without ports the tcp and udp extensions stand for every port; sctp then asks for something else.
  if (option === undefined) {
    return protocol === 'sctp' ? null : { kind: 'destination-port', protocol, from: 0, to: 65535, not: false };
  }
  const [fromText, toText, extra] = option.value.split(':');
  const from = fromText === '' ? 0 : parsePort(fromText);
  const to = toText === undefined ? from : toText === '' ? 65535 : parsePort(toText);
  if (extra !== undefined || from === null || to === null || from > to) return null;
  return { kind: 'destination-port', protocol, from, to, not: option.not };
}

function parsePort(text: string | undefined): number | null {
  if (text === undefined || !/^[0-9]{1,5}$/.test(text)) return null;
  const port = Number(text);
  return port <= 65535 ? port : null;
}

function readConntrack({ given }: Extension): Match | null {
  const option = given.get('ctstate');
  if (option === undefined) return null;
  const names = option.value.split(',');
  if (names.some((name) => !conntrackStates.includes(name as ConntrackState))) return null;
  return { kind: 'conntrack', states: conntrackStates.filter((state) => names.includes(state)), not: option.not };
}

function readAddressType({ given }: Extension): Match | null {
  const source = given.get('src-type');
  const option = source ?? given.get('dst-type');
  if (option === undefined || given.size !== 1 || option.value !== 'LOCAL') return null;
  return { kind: 'address-type', side: source === undefined ? 'dst' : 'src', type: 'LOCAL', not: option.not };
}

function readMark({ given }: Extension): Match | null {
  const option = given.get('mark');
  const masked = option === undefined ? null : parseMasked(option.value, 0xffffffff);
  return option === undefined || masked === null ? null : { kind: 'mark', ...masked, not: option.not };
}

function readRandom({ given }: Extension): Match | null {
  const mode = given.get('mode');
  const probability = given.get('probability');
  if (mode?.value !== 'random' || mode.not || probability === undefined || probability.not) return null;
  if (!/^[0-9]*\.?[0-9]+$/.test(probability.value)) return null;
  const chance = Number(probability.value);
  // libxt_statistic stores lround(2^31 * chance).
  return chance <= 1 ? { kind: 'random', threshold: Math.round(chance * 2 ** 31) } : null;
}

function readRecent({ given }: Extension, family: Family | null): Match | null {
  const modes = (['set', 'update', 'rcheck'] as const).filter((name) => given.has(name));
  const [mode] = modes;
  if (mode === undefined || modes.length !== 1 || [...given.values()].some((option) => option.not)) return null;
  const width = maskFamily(given.get('mask')?.value, family);
  const secondsText = given.get('seconds')?.value;
  const seconds = secondsText === undefined ? null : parseNumber(secondsText);
  const reap = given.has('reap');
  if (width === null || (secondsText !== undefined && seconds === null) || (reap && seconds === null)) return null;
  if (mode === 'set' && seconds !== null) return null;
  const list = given.get('name')?.value ?? 'DEFAULT';
  if (!/^[^\s"]+$/.test(list)) return null;
  const base = { kind: 'recent', mode, list, seconds, reap } as const;
  return family === null && width === 'IPv6' ? { ...base, family: width } : base;
}

/** The family whose whole address the mask covers; null for a shorter mask or the other family's. */
function maskFamily(mask: string | undefined, family: Family | null): Family | null {
  if (mask === undefined) return family ?? 'IPv4';
  const width = mask === fullMask.IPv4 ? 'IPv4' : mask === fullMask.IPv6 ? 'IPv6' : null;
  return family === null || width === family ? width : null;
}

function readSet({ given }: Extension): Match | null {
  const option = given.get('match-set');
  const [set, side, extra] = option?.value.split(' ') ?? [];
  if (option === undefined || set === undefined || side !== 'src' || extra !== undefined) return null;
  return { kind: 'set', set, not: option.not };
}

function readBpf({ given }: Extension): Match | null {
  const option = given.get('bytecode');
  if (option === undefined || option.not) return null;
  const [count, ...instructions] = option.value.split(',');
  if (count !== String(instructions.length) || instructions.length === 0) return null;
  return instructions.every((one) => /^\d+ \d+ \d+ \d+$/.test(one)) ? { kind: 'bpf', bytecode: option.value } : null;
}
