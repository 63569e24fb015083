import { hostPrefix, parseAddress, parseDuration, parsePrefix } from '../model/mod.ts';
import type { Prefix } from '../model/mod.ts';
import { parseRcode, recordType } from './constants.ts';
import type { BlockDraft, Draft } from './corefile-draft.ts';
import type { Token } from './corefile-lex.ts';
import {
  complain,
  hasArguments,
  readFallthrough,
  readOptions,
  readTime,
  readType,
  readWhole,
  readZoneList,
  warn,
} from './corefile-scope.ts';
import type { Scope } from './corefile-scope.ts';
import type { Line } from './corefile-tree.ts';
import { readHostsLine } from './hosts.ts';
import type { AclRule, HostsSettings, LogRule, TemplateRule } from './settings.ts';
import { plainHosts } from './settings-default.ts';
import { compileRegex } from './template-regex.ts';
import { compileTemplateText, readZoneFileRecord } from './template-text.ts';

const mostTtl = 2 ** 31 - 1;

/** `hosts [FILE [ZONES...]] { [INLINE] }`. */
export function readHosts(scope: Scope, line: Line, draft: BlockDraft): void {
  const [directive, file, ...zones] = line.words;
  if (draft.block.hosts !== null) complain(scope, directive, 'stands in one server block twice');
  const isEntry = (inner: Line): boolean => parseAddress(inner.words[0].text) !== null;
  const entries = (line.body ?? []).filter(isEntry);
  const settings: Draft<HostsSettings> = { ...plainHosts, zones: readZoneList(scope, zones, scope.zones) };
  settings.lines = entries.map((inner) => readEntry(scope, inner));
  // A pod of CoreDNS has a file with nothing but itself. The one of a node is another matter: it is read where it is named,
  // or where there is nothing else to serve.
  settings.file = file?.text ?? (entries.length > 0 ? null : plainHosts.file);
  const options = { words: line.words, body: (line.body ?? []).filter((inner) => !isEntry(inner)) };
  readOptions(scope, options, {
    ttl: (args, option) => {
      const [token] = args;
      if (!hasArguments(scope, option, args, 1, 1) || token === undefined) return;
      settings.ttl = readWhole(scope, token, 'ttl', 1, mostTtl) ?? settings.ttl;
    },
    no_reverse: (args, option) => {
      if (hasArguments(scope, option, args, 0, 0)) settings.reverse = false;
    },
    reload: (args, option) => {
      const [token] = args;
      if (!hasArguments(scope, option, args, 1, 1) || token === undefined) return;
      settings.reloadMs = readTime(scope, token, 'reload', 0, Infinity) ?? settings.reloadMs;
    },
    fallthrough: (args) => {
      settings.fallthrough = readFallthrough(scope, args);
    },
    fallthrough_unsupported: (_, option) =>
      complain(scope, option, 'the option fallthrough_unsupported is not supported', 'WP_DNS_COREFILE_UNSUPPORTED'),
  });
  draft.block.hosts = settings;
}

function readEntry(scope: Scope, { words }: Line): string {
  const text = words.map((word) => word.text).join(' ');
  if (readHostsLine(text).names.length !== words.length - 1 || words.length < 2) {
    complain(scope, words[0], `"${text}" is no address followed by names`);
  }
  return text;
}

/** `template CLASS TYPE [ZONE...] { }`. */
export function readTemplate(scope: Scope, line: Line, draft: BlockDraft): void {
  const [directive, dnsClass, type, ...zones] = line.words;
  if (dnsClass === undefined || type === undefined) {
    complain(scope, directive, 'a class and a type are needed: template IN A');
    return;
  }
  const rule: Draft<TemplateRule> = {
    zones: readZoneList(scope, zones, scope.zones),
    type: readTemplateType(scope, type),
    match: [],
    answer: [],
    additional: [],
    authority: [],
    rcode: 0,
    fallthrough: [],
  };
  const section = (name: 'answer' | 'additional' | 'authority') => (args: readonly Token[], option: Token) => {
    if (hasArguments(scope, option, args, 1, Infinity))
      rule[name] = [...rule[name], ...args.flatMap((token) => readText(scope, token))];
  };
  readOptions(scope, line, {
    match: (args, option) => {
      if (hasArguments(scope, option, args, 1, Infinity))
        rule.match = [...rule.match, ...args.flatMap((token) => readRegex(scope, token))];
    },
    answer: section('answer'),
    additional: section('additional'),
    authority: section('authority'),
    rcode: (args, option) => {
      const [token] = args;
      if (!hasArguments(scope, option, args, 1, 1) || token === undefined) return;
      const code = parseRcode(token.text);
      if (code === null) complain(scope, token, `"${token.text}" is no response code such as NXDOMAIN`);
      rule.rcode = code ?? 0;
    },
    fallthrough: (args) => {
      rule.fallthrough = readFallthrough(scope, args);
    },
    ederror: (_, option) => warn(scope, option, 'extended errors are not sent'),
    upstream: (_, option) => warn(scope, option, 'upstream has no effect, as in all later releases of CoreDNS'),
  });
  if (/^(IN|ANY)$/i.test(dnsClass.text)) draft.block.templates = [...draft.block.templates, rule];
  else if (/^(CH|HS)$/i.test(dnsClass.text)) warn(scope, dnsClass, `questions of class ${dnsClass.text} are always refused`);
  else complain(scope, dnsClass, `"${dnsClass.text}" is no class: IN or ANY`);
}

function readTemplateType(scope: Scope, token: Token): number | null {
  const type = readType(scope, token);
  return type === recordType.ANY ? null : type;
}

function readRegex(scope: Scope, token: Token): readonly string[] {
  const regex = compileRegex(token.text);
  if (!regex.ok) complain(scope, token, regex.problem.message);
  return regex.ok ? [token.text] : [];
}

function readText(scope: Scope, token: Token): readonly string[] {
  const text = compileTemplateText(token.text);
  if (!text.ok) complain(scope, token, text.problem.message);
  else if (!token.text.includes('{{') && readZoneFileRecord(token.text) === null) {
    complain(scope, token, `"${token.text}" is no record such as "example.org. 60 IN A 192.0.2.1"`);
  }
  return text.ok ? [token.text] : [];
}

/** `acl [ZONES...] { ACTION [type QTYPE...] [net SOURCE...] }`. */
export function readAcl(scope: Scope, line: Line, draft: BlockDraft): void {
  const [, ...zoneWords] = line.words;
  const zones = readZoneList(scope, zoneWords, scope.zones);
  const rule =
    (action: AclRule['action']) =>
    (args: readonly Token[]): void => {
      draft.block.acl = [...draft.block.acl, { zones, action, ...readConditions(scope, args) }];
    };
  readOptions(scope, line, { allow: rule('allow'), block: rule('block'), filter: rule('filter'), drop: rule('drop') });
}

function readConditions(scope: Scope, args: readonly Token[]): Pick<AclRule, 'types' | 'sources'> {
  const types: number[] = [];
  const sources: Prefix[] = [];
  let [allTypes, allSources] = [true, true];
  let section: 'type' | 'net' | null = null;
  for (const token of args) {
    if (token.text === 'type' || token.text === 'net') section = token.text;
    else if (section === null) complain(scope, token, `found "${token.text}" where type or net may stand`);
    else if (section === 'type') {
      allTypes = token.text === '*';
      const type = allTypes ? null : readType(scope, token);
      if (type !== null) types.push(type);
    } else {
      allSources = token.text === '*';
      const prefix = allSources ? null : readSource(scope, token);
      if (prefix !== null) sources.push(prefix);
    }
  }
  return { types: allTypes ? [] : types, sources: allSources ? [] : sources };
}

function readSource(scope: Scope, token: Token): Prefix | null {
  const address = parseAddress(token.text);
  const prefix = address === null ? parsePrefix(token.text) : hostPrefix(address);
  if (prefix === null) complain(scope, token, `"${token.text}" is neither an address nor a prefix`);
  return prefix;
}

/** `log [NAMES...] [FORMAT] { class CLASSES... }`. */
export function readLog(scope: Scope, line: Line, draft: BlockDraft): void {
  const [, ...words] = line.words;
  const format = words.find((word) => word.text.includes('{'));
  if (format !== undefined && !['{common}', '{combined}'].includes(format.text))
    warn(scope, format, 'the format of the query log is fixed');
  const classes = new Set<LogRule['classes'][number] | 'all'>();
  readOptions(scope, line, {
    class: (args, option) => {
      if (!hasArguments(scope, option, args, 1, Infinity)) return;
      for (const token of args) {
        const { text } = token;
        if (text === 'success' || text === 'denial' || text === 'error' || text === 'all') classes.add(text);
        else complain(scope, token, `class takes success, denial, error or all, not "${text}"`);
      }
    },
    minDuration: (args, option) => {
      if (args[0] !== undefined && parseDuration(args[0].text) === null)
        complain(scope, args[0], `"${args[0].text}" is no duration`);
      else warn(scope, option, 'questions are not logged by the time that they took');
    },
  });
  const zones = readZoneList(
    scope,
    words.filter((word) => word !== format),
    scope.zones,
  );
  const chosen = classes.has('all') ? [] : [...classes].filter((one) => one !== 'all');
  draft.block.log = [...(draft.block.log ?? []), { zones, classes: chosen }];
}
