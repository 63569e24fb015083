import { isPort, parseAddress } from '../model/mod.ts';
import type { Family } from '../model/mod.ts';
import { foreignTargets } from './parse-options.ts';
import type { Extension } from './parse-options.ts';
import { parseMasked, parseNumber } from './parse-words.ts';
import type { Target } from './rule.ts';

/** The target that `-j` (or `-g`) with its options means, or null if it is outside the vocabulary. */
export function readTarget({ name, given }: Extension, goto: boolean): Target | null {
  if ([...given.values()].some((option) => option.not)) return null;
  if (goto) return { kind: 'goto', chain: name };
  switch (name) {
    case 'ACCEPT':
      return { kind: 'accept' };
    case 'DROP':
      return { kind: 'drop' };
    case 'RETURN':
      return { kind: 'return' };
    case 'REJECT':
      return readReject(given.get('reject-with')?.value);
    case 'MARK':
      return readSetMark(given);
    case 'DNAT':
      return readDnat(given.get('to-destination')?.value);
    case 'SET':
      return readRemember(given);
    case 'MASQUERADE':
      return { kind: 'masquerade', randomFully: given.has('random-fully') };
    default:
      return foreignTargets.has(name) ? null : { kind: 'jump', chain: name };
  }
}

/** What a bare `-j REJECT` means in a family. */
export function defaultReject(family: Family): Target {
  return { kind: 'reject', with: family === 'IPv4' ? 'icmp-port-unreachable' : 'icmp6-port-unreachable' };
}

function readReject(reason: string | undefined): Target | null {
  switch (reason) {
    case 'icmp-port-unreachable':
    case 'port-unreach':
      return { kind: 'reject', with: 'icmp-port-unreachable' };
    case 'icmp6-port-unreachable':
      return { kind: 'reject', with: reason };
    case 'tcp-reset':
    case 'tcp-rst':
      return { kind: 'reject', with: 'tcp-reset' };
    default:
      return null;
  }
}

/** The five ways to write `--set-xmark` (iptables-extensions(8), MARK). */
function readSetMark(given: Extension['given']): Target | null {
  const [entry] = given;
  if (entry === undefined || given.size !== 1) return null;
  const [option, { value: text }] = entry;
  const masked = parseMasked(text, 0xffffffff);
  if (masked === null || (text.includes('/') && option !== 'set-xmark' && option !== 'set-mark')) return null;
  const { value, mask } = masked;
  switch (option) {
    case 'set-xmark':
      return { kind: 'mark', value, mask };
    case 'set-mark':
      return { kind: 'mark', value, mask: (value | mask) >>> 0 };
    case 'or-mark':
      return { kind: 'mark', value, mask: value };
    case 'and-mark':
      return { kind: 'mark', value: 0, mask: ~value >>> 0 };
    default:
      return { kind: 'mark', value, mask: 0 };
  }
}

function readRemember(given: Extension['given']): Target | null {
  const [set, side, extra] = given.get('add-set')?.value.split(' ') ?? [];
  const seconds = parseNumber(given.get('timeout')?.value ?? '');
  if (set === undefined || side !== 'src' || extra !== undefined || !given.has('exist') || seconds === null) return null;
  return { kind: 'remember', set, seconds };
}

function readDnat(text: string | undefined): Target | null {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):([0-9]{1,5})$/.exec(text ?? '');
  const addressText = parts?.[1] ?? parts?.[2] ?? '';
  const address = parseAddress(addressText);
  const port = Number(parts?.[3]);
  if (address === null || address.includes(':') !== addressText.includes(':') || !isPort(port)) return null;
  return { kind: 'dnat', address, port };
}
