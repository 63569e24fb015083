import { addressBytes } from '../model/mod.ts';
import type { Family, Prefix } from '../model/mod.ts';
import type { Peer } from './listen-contract.ts';
import { isWithin, rootName } from './name.ts';
import type { Name } from './name.ts';
import type { AclRule } from './settings.ts';

export type AclVerdict = AclRule['action'];

/**
 * What becomes of a question; its name in lower case, which is asked for only where a rule has zones. Called for every
 * message: keeps and makes no object.
 */
export type AclCheck = (peer: Peer, question: { readonly name: Name }, type: number) => AclVerdict;

/** The octets of an address as four numbers of 32 bits; of IPv4 the last one counts. */
interface Source {
  isIpv4: boolean;
  a: number;
  b: number;
  c: number;
  d: number;
}

/** A rule with prefixes as pairs of (masked words, mask words), and with sets where there are conditions. */
interface CompiledRule {
  readonly action: AclVerdict;
  /** Null: all sources. */
  readonly ipv4: Int32Array | null;
  readonly ipv6: Int32Array | null;
  /** Null: all names. */
  readonly zones: readonly Name[] | null;
  /** Null: all types. */
  readonly types: ReadonlySet<number> | null;
}

/** Makes the check of specification 18.1: the first rule that fits decides, and what no rule fits is allowed. */
export function compileAcl(rules: readonly AclRule[]): AclCheck {
  if (rules.length === 0) return () => 'allow';
  const compiled = rules.map(compileRule);
  const source: Source = { isIpv4: true, a: 0, b: 0, c: 0, d: 0 };
  const judge = (question: { readonly name: Name }, type: number): AclVerdict => {
    for (const rule of compiled) if (fits(rule, source, question, type)) return rule.action;
    return 'allow';
  };
  if (!compiled.every(({ zones, types }) => zones === null && types === null)) {
    return (peer, question, type) => {
      readSource(peer, source);
      return judge(question, type);
    };
  }
  const memo = new VerdictMemo();
  return (peer, question, type) => {
    readSource(peer, source);
    const known = memo.find(source);
    if (known !== null) return known;
    const verdict = judge(question, type);
    memo.store(source, verdict);
    return verdict;
  };
}

/** What was said of the last sources, where nothing but the source counts. A node has some hundred pods. */
class VerdictMemo {
  readonly #words = new Int32Array(memoSize * 4);
  readonly #isIpv4 = new Uint8Array(memoSize);
  readonly #verdicts: (AclVerdict | null)[] = Array.from({ length: memoSize }, () => null);

  find({ isIpv4, a, b, c, d }: Source): AclVerdict | null {
    const slot = slotOf(a, b, c, d);
    const at = slot * 4;
    const words = this.#words;
    if (words[at + 3] !== d || words[at + 2] !== c || words[at + 1] !== b || words[at] !== a) return null;
    return this.#isIpv4[slot] === (isIpv4 ? 1 : 0) ? (this.#verdicts[slot] ?? null) : null;
  }

  store({ isIpv4, a, b, c, d }: Source, verdict: AclVerdict): void {
    const slot = slotOf(a, b, c, d);
    this.#words[slot * 4] = a;
    this.#words[slot * 4 + 1] = b;
    this.#words[slot * 4 + 2] = c;
    this.#words[slot * 4 + 3] = d;
    this.#isIpv4[slot] = isIpv4 ? 1 : 0;
    this.#verdicts[slot] = verdict;
  }
}

const memoSize = 1024;

function slotOf(a: number, b: number, c: number, d: number): number {
  const sum = a ^ b ^ c ^ d;
  return (sum ^ (sum >>> 10) ^ (sum >>> 20)) & (memoSize - 1);
}

function compileRule(rule: AclRule): CompiledRule {
  const all = rule.sources.length === 0;
  return {
    action: rule.action,
    ipv4: all ? null : wordsOfAll(rule.sources, 'IPv4'),
    ipv6: all ? null : wordsOfAll(rule.sources, 'IPv6'),
    zones: rule.zones.length === 0 || rule.zones.includes(rootName) ? null : rule.zones,
    types: rule.types.length === 0 ? null : new Set(rule.types),
  };
}

function wordsOfAll(prefixes: readonly Prefix[], family: Family): Int32Array {
  return Int32Array.from(prefixes.filter((prefix) => prefix.family === family).flatMap(wordsOf));
}

/** Network and mask, word by word: two numbers for IPv4, eight for IPv6. */
function wordsOf(prefix: Prefix): number[] {
  const octets = addressBytes(prefix.address);
  const words: number[] = [];
  for (let at = 0; at < octets.length; at += 4) {
    const bits = Math.min(32, Math.max(0, prefix.length - at * 8));
    words.push(wordAt(octets, at), bits === 0 ? 0 : -1 << (32 - bits));
  }
  return words;
}

function wordAt(octets: Uint8Array, at: number): number {
  return ((octets[at] ?? 0) << 24) | ((octets[at + 1] ?? 0) << 16) | ((octets[at + 2] ?? 0) << 8) | (octets[at + 3] ?? 0);
}

/** An IPv4-mapped address (RFC 4291 2.5.5.2), which a socket for both families shows, counts as IPv4. */
function readSource({ buffer, offset, octets }: Peer, source: Source): void {
  if (octets === 4) {
    source.isIpv4 = true;
    source.a = 0;
    source.b = 0;
    source.c = 0;
    source.d = wordAt(buffer, offset);
    return;
  }
  source.a = wordAt(buffer, offset);
  source.b = wordAt(buffer, offset + 4);
  source.c = wordAt(buffer, offset + 8);
  source.d = wordAt(buffer, offset + 12);
  source.isIpv4 = source.a === 0 && source.b === 0 && source.c === 0xffff;
  if (source.isIpv4) source.c = 0;
}

function fits(rule: CompiledRule, source: Source, question: { readonly name: Name }, type: number): boolean {
  if (rule.types !== null && !rule.types.has(type)) return false;
  if (
    rule.ipv4 !== null &&
    rule.ipv6 !== null &&
    !(source.isIpv4 ? isInIpv4(rule.ipv4, source.d) : isInIpv6(rule.ipv6, source))
  ) {
    return false;
  }
  if (rule.zones === null) return true;
  const { name } = question;
  for (const zone of rule.zones) if (isWithin(name, zone)) return true;
  return false;
}

function isInIpv4(words: Int32Array, address: number): boolean {
  for (let at = 0; at < words.length; at += 2) if ((address & (words[at + 1] ?? 0)) === words[at]) return true;
  return false;
}

function isInIpv6(words: Int32Array, { a, b, c, d }: Source): boolean {
  for (let at = 0; at < words.length; at += 8) {
    if ((a & (words[at + 1] ?? 0)) !== words[at]) continue;
    if ((b & (words[at + 3] ?? 0)) !== words[at + 2]) continue;
    if ((c & (words[at + 5] ?? 0)) !== words[at + 4]) continue;
    if ((d & (words[at + 7] ?? 0)) === words[at + 6]) return true;
  }
  return false;
}
