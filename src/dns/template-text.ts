import { fail, succeed } from '../model/mod.ts';
import type { Outcome } from '../model/mod.ts';
import { parseRecord } from './presentation.ts';
import type { ResourceRecord } from './record.ts';

/** What a template is told of the question. Texts, as a Corefile's templates see them. */
export interface TemplateFacts {
  readonly Name: string;
  readonly Zone: string;
  readonly Type: string;
  readonly Class: string;
  /** The whole match of the expression, then its groups. */
  readonly match: readonly string[];
  readonly groups: ReadonlyMap<string, number>;
}

/** Writes the text; null where it cannot: a number that is none. */
export type TemplateText = (facts: TemplateFacts) => string | null;

/** The time to live that a zone file gives a record without one. */
const usualTtl = 3600;

/**
 * Compiles the part of Go's text/template that zone data needs: fields of the question, groups of the match, and
 * `parseInt`. Anything else is refused when the configuration is read, not when somebody asks.
 */
export function compileTemplateText(text: string): Outcome<TemplateText> {
  const parts: TemplateText[] = [];
  let at = 0;
  for (const found of text.matchAll(/\{\{(-\s)?((?:[^}"`]|"[^"]*"|`[^`]*`|\}(?!\}))*?)(\s-)?\}\}/g)) {
    const before = text.slice(at, found.index);
    const previous = at > 0 && text.slice(0, at).endsWith('-}}') ? before.trimStart() : before;
    const literal = found[1] === undefined ? previous : previous.trimEnd();
    parts.push(() => literal);
    const value = compileExpression((found[2] ?? '').trim());
    if (value === null) {
      return fail(
        'WP_DNS_TEMPLATE',
        `the template action ${found[0]} is not supported; there are .Name, .Zone, .Type, .Class, .Group.x, index .Match n and parseInt`,
      );
    }
    parts.push(value);
    at = found.index + found[0].length;
  }
  const rest = text.slice(at);
  if (rest.includes('{{')) return fail('WP_DNS_TEMPLATE', `the template ${text} has a {{ without its }}`);
  const last = text.slice(0, at).endsWith('-}}') ? rest.trimStart() : rest;
  parts.push(() => last);
  return succeed((facts) => {
    const texts = parts.map((part) => part(facts));
    return texts.includes(null) ? null : texts.join('');
  });
}

function compileExpression(expression: string): TemplateText | null {
  if (/^\/\*[^]*\*\/$/.test(expression)) return () => '';
  const parse = /^parseInt\s+(\S+|\(.*\)|index\s.*)\s+(\d+)\s+(\d+)$/.exec(expression);
  return parse === null ? compileValue(expression) : compileParseInt(parse[1] ?? '', Number(parse[2]), Number(parse[3]));
}

function compileValue(expression: string): TemplateText | null {
  const text = /^\((.*)\)$/.exec(expression)?.[1]?.trim() ?? expression;
  switch (text) {
    case '.Name':
    case '.Zone':
    case '.Type':
    case '.Class': {
      const field = text.slice(1) as 'Name' | 'Zone' | 'Type' | 'Class';
      return (facts) => facts[field];
    }
    default: {
      const group = /^\.Group\.(\w+)$/.exec(text) ?? /^index\s+\.Group\s+["`](\w+)["`]$/.exec(text);
      // A group that the expression does not have is empty, as a missing key of a map of texts is in Go.
      if (group !== null) return ({ groups, match }) => match[groups.get(group[1] ?? '') ?? -1] ?? '';
      const number = /^index\s+\.Match\s+(\d{1,3})$/.exec(text)?.[1];
      return number === undefined ? null : ({ match }) => match[Number(number)] ?? null;
    }
  }
}

/** As Go's strconv.ParseUint has it: a number of that base, not negative, that fits the bits. */
function compileParseInt(expression: string, base: number, bits: number): TemplateText | null {
  const value = compileValue(expression);
  if (value === null || base < 2 || base > 36 || bits > 64) return null;
  const digits = '0123456789abcdefghijklmnopqrstuvwxyz'.slice(0, base);
  const limit = 1n << BigInt(bits === 0 ? 64 : bits);
  return (facts) => {
    const text = value(facts)?.toLowerCase() ?? '';
    if (text === '' || text.length > 64 || ![...text].every((digit) => digits.includes(digit))) return null;
    const number = [...text].reduce((sum, digit) => sum * BigInt(base) + BigInt(digits.indexOf(digit)), 0n);
    return number < limit ? String(number) : null;
  };
}

/**
 * A record as zone files may write it (RFC 1035 5.1): parentheses that only join lines, class and TTL in either order or
 * left out. Null where it is none.
 */
export function readZoneFileRecord(text: string): ResourceRecord | null {
  const flat = text.replaceAll(/"(?:[^"\\]|\\.)*"|\\.|[()]/g, (part) => (part === '(' || part === ')' ? ' ' : part)).trim();
  const found = /^(\S+)\s+(?:IN\s+)?(?:(\d{1,10})\s+)?(?:IN\s+)?(\S[^]*)$/i.exec(flat);
  return found === null ? null : parseRecord(`${found[1]} ${found[2] ?? usualTtl} IN ${found[3]}`);
}
