import { formatRcode, formatRecord, formatType, lowerName, parseName, parseType } from '../dns/mod.ts';
import type { Explanation, Resolver } from '../dns/mod.ts';
import { parseAddress } from '../model/mod.ts';

/** What `/dns/lookup` says. */
export type LookupAnswer =
  | { readonly ok: false; readonly error: string }
  | {
      readonly ok: true;
      readonly question: string;
      readonly rcode: string;
      readonly authoritative: boolean;
      /** The stage that answered: kubernetes, cache, forward, hosts, template … */
      readonly stage: string;
      readonly answer: readonly string[];
      readonly authority: readonly string[];
      readonly additional: readonly string[];
      /** How it was found. */
      readonly steps: readonly string[];
    };

const dnsPort = 53;

interface Question {
  readonly name: string;
  readonly type: string;
  /** An address, or empty. */
  readonly source: string;
}

/** What cannot be asked, naming field and value; null where it can. */
export function checkQuestion({ name, type, source }: Question): string | null {
  if (parseName(name) === null) return `name must be a domain name, not "${name}"`;
  if (parseType(type) === null) return `type must be a record type such as A, AAAA or SRV, not "${type}"`;
  if (source !== '' && parseAddress(source) === null) return `source must be an IP address, not "${source}"`;
  return null;
}

/** Asks the resolver as a client would, and has it explain the answer. Parameters: `name`, `type` (A), `source` (an address). */
export async function askResolver(resolver: Pick<Resolver, 'ask'>, query: URLSearchParams): Promise<LookupAnswer> {
  const [text, typeText, source] = [query.get('name') ?? '', query.get('type') ?? 'A', query.get('source') ?? ''];
  const wrong = checkQuestion({ name: text, type: typeText, source });
  const spelled = parseName(text);
  const type = parseType(typeText);
  if (wrong !== null || spelled === null || type === null) return { ok: false, error: wrong ?? '' };
  const request = {
    name: lowerName(spelled),
    spelled,
    type,
    dnssecOk: false,
    checkingDisabled: false,
    stream: true,
    source: parseAddress(source) ?? '',
  };
  const answer = await resolver.ask(request, dnsPort);
  if (answer === null) return { ok: false, error: 'no DNS thread is running at the moment' };
  return describe(`${text} ${formatType(type)}`, answer);
}

function describe(
  question: string,
  { rcode, authoritative, stage, answer, authority, additional, steps }: Explanation,
): LookupAnswer {
  return {
    ok: true,
    question,
    rcode: formatRcode(rcode),
    authoritative,
    stage,
    answer: answer.map(formatRecord),
    authority: authority.map(formatRecord),
    additional: additional.map(formatRecord),
    steps,
  };
}
