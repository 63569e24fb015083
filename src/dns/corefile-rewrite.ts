import { formatRcode, parseRcode } from './constants.ts';
import type { BlockDraft } from './corefile-draft.ts';
import type { Token } from './corefile-lex.ts';
import { complain, readType } from './corefile-scope.ts';
import type { Scope } from './corefile-scope.ts';
import type { Line } from './corefile-tree.ts';
import { parseName } from './name.ts';
import type { HowToMatch } from './rewrite-name.ts';
import type { RewriteMatch, RewriteRule } from './settings.ts';
import { compileRegex } from './template-regex.ts';

type NameRule = Extract<RewriteMatch, { readonly kind: 'name' }>;
type AnswerRule = { readonly kind: 'name' | 'value'; readonly from: string; readonly to: string };

const ways: ReadonlySet<string> = new Set(['exact', 'prefix', 'suffix', 'substring', 'regex']);
const mostTtl = 2 ** 31 - 1;

/** `rewrite [continue|stop] FIELD ...`, or with a block that has the field and what is done to the answer. */
export function readRewrite(scope: Scope, line: Line, draft: BlockDraft): void {
  const [directive, ...words] = line.words;
  const [mode] = words;
  const after: RewriteRule['after'] = mode?.text === 'continue' ? 'continue' : 'stop';
  const args = mode?.text === 'continue' || mode?.text === 'stop' ? words.slice(1) : words;
  // Lines of a block say the same as words on one line.
  const all = [...args, ...(line.body ?? []).flatMap((inner) => inner.words)];
  const matches = readMatch(scope, directive, all);
  if (matches !== null) draft.block.rewrite = [...draft.block.rewrite, { matches, after }];
}

function readMatch(scope: Scope, directive: Token, args: readonly Token[]): RewriteMatch | null {
  const [field, ...rest] = args;
  switch (field?.text) {
    case 'name':
      return readNameRule(scope, field, rest);
    case 'type':
      return readTypeRule(scope, field, rest);
    case 'ttl':
      return readTtlRule(scope, field, rest);
    case 'rcode':
      return readRcodeRule(scope, field, rest);
    case 'class':
    case 'edns0':
    case 'cname':
    case 'cname_target':
      complain(scope, field, `the field ${field.text} is not supported`, 'WP_DNS_COREFILE_UNSUPPORTED');
      return null;
    case undefined:
      complain(scope, directive, 'what to rewrite is missing: name, type, ttl or rcode');
      return null;
    default:
      complain(scope, field ?? directive, `"${field?.text ?? ''}" can not be rewritten; name, type, ttl and rcode can`);
      return null;
  }
}

/** The way of matching, which may be left out. With options it is needed, so that a name `exact` is no riddle. */
function takeWay(args: readonly Token[], least: number): { readonly how: HowToMatch; readonly rest: readonly Token[] } {
  const [first, ...rest] = args;
  const given = first !== undefined && args.length > least && ways.has(first.text);
  return { how: given ? (first.text as HowToMatch) : 'exact', rest: given ? rest : args };
}

function readNameRule(scope: Scope, field: Token, args: readonly Token[]): NameRule | null {
  const { how, rest } = takeWay(args, 2);
  const [from, to, ...options] = rest;
  if (from === undefined || to === undefined) {
    complain(scope, field, 'two names are needed: the one that is asked and the one to ask instead');
    return null;
  }
  if (!isGoodPattern(scope, how, from) || (how === 'exact' && !isGoodPattern(scope, how, to))) return null;
  const answers = readAnswers(scope, options);
  // With an exact rule the asker would not know the answer as one to its question.
  return { kind: 'name', how, from: from.text, to: to.text, answers: answers ?? (how === 'exact' ? 'auto' : 'keep') };
}

/** What follows a rule for names: `answer auto`, or any number of `answer name FROM TO` and `answer value FROM TO`. */
function readAnswers(scope: Scope, options: readonly Token[]): NameRule['answers'] | null {
  const rules: AnswerRule[] = [];
  let auto = false;
  for (let at = 0; at < options.length;) {
    const [word, kind, from, to] = options.slice(at, at + 4);
    if (word?.text === 'answer' && kind?.text === 'auto') {
      auto = true;
      at += 2;
      continue;
    }
    if (word?.text !== 'answer' || (kind?.text !== 'name' && kind?.text !== 'value') || from === undefined || to === undefined) {
      if (word !== undefined)
        complain(scope, word, `found "${word.text}" where answer auto, answer name FROM TO or answer value FROM TO may stand`);
      return null;
    }
    if (isGoodPattern(scope, 'regex', from)) rules.push({ kind: kind.text, from: from.text, to: to.text });
    at += 4;
  }
  return rules.length > 0 ? rules : auto ? 'auto' : null;
}

function readTypeRule(scope: Scope, field: Token, args: readonly Token[]): RewriteMatch | null {
  const [from, to, surplus] = args;
  if (from === undefined || to === undefined || surplus !== undefined) {
    complain(scope, field, 'two record types are needed');
    return null;
  }
  const [before, after] = [readType(scope, from), readType(scope, to)];
  return before === null || after === null ? null : { kind: 'type', from: before, to: after };
}

function readTtlRule(scope: Scope, field: Token, args: readonly Token[]): RewriteMatch | null {
  const { how, rest } = takeWay(args, 2);
  const [from, seconds, surplus] = rest;
  if (from === undefined || seconds === undefined || surplus !== undefined) {
    complain(scope, field, 'a name and seconds are needed');
    return null;
  }
  const range = /^(\d{0,10})(-?)(\d{0,10})$/.exec(seconds.text);
  const [, least = '', dash = '', most = ''] = range ?? [];
  const min = Number(least);
  const max = most !== '' ? Number(most) : dash === '' ? min : mostTtl;
  if (range === null || (least === '' && most === '') || min > max || max > mostTtl) {
    complain(scope, seconds, `"${seconds.text}" is no number of seconds and no range such as 30-60, 30- or -60`);
    return null;
  }
  return isGoodPattern(scope, how, from) ? { kind: 'ttl', how, from: from.text, min, max } : null;
}

function readRcodeRule(scope: Scope, field: Token, args: readonly Token[]): RewriteMatch | null {
  const { how, rest } = takeWay(args, 3);
  const [name, before, after, surplus] = rest;
  if (name === undefined || before === undefined || after === undefined || surplus !== undefined) {
    complain(scope, field, 'a name and two response codes are needed');
    return null;
  }
  const [from, to] = [readCode(scope, before), readCode(scope, after)];
  if (from === null || to === null || !isGoodPattern(scope, how, name)) return null;
  return { kind: 'rcode', how, name: name.text, from, to };
}

function readCode(scope: Scope, token: Token): number | null {
  const number = /^\d{1,2}$/.test(token.text) && Number(token.text) <= 15 ? Number(token.text) : parseRcode(token.text);
  if (number === null) complain(scope, token, `"${token.text}" is no response code such as ${formatRcode(3)}`);
  return number;
}

function isGoodPattern(scope: Scope, how: HowToMatch, token: Token): boolean {
  if (how === 'regex') {
    const regex = compileRegex(token.text);
    if (!regex.ok) complain(scope, token, regex.problem.message);
    return regex.ok;
  }
  const good = how === 'exact' ? parseName(token.text) !== null : token.text !== '';
  if (!good) complain(scope, token, `"${token.text}" is no name`);
  return good;
}
