import { parseAddress } from '../model/mod.ts';
import type { Address } from '../model/mod.ts';
import type { BlockDraft, ProcessDraft } from './corefile-draft.ts';
import type { Token } from './corefile-lex.ts';
import { complain, hasArguments, readListen, readOptions, readTime, readWhole, readZoneList, warn } from './corefile-scope.ts';
import type { OptionReader, Scope } from './corefile-scope.ts';
import type { Line } from './corefile-tree.ts';
import { rootName } from './name.ts';

/** What reads a directive of a server block. */
export type DirectiveReader = (scope: Scope, line: Line, draft: BlockDraft, process: ProcessDraft) => void;

/** Words that a node-local cache's manifest fills in; the agent knows its addresses itself. */
const ownAddress = /^__PILLAR__(?:LOCAL__DNS|DNS__SERVER)__$/;

/** Directives of few words: what the process listens on and how a block treats all its answers. */
export const smallDirectives: Readonly<Record<string, DirectiveReader>> = {
  errors: (scope, line) => {
    const fixed: OptionReader = (_, option) =>
      warn(scope, option, `${option.text} has no effect: equal errors are always consolidated`);
    readOptions(scope, line, { consolidate: fixed, stacktrace: fixed, panicRecoveryStacktrace: fixed });
  },
  health: (scope, line, _, process) => {
    const [directive, ...args] = line.words;
    if (!hasArguments(scope, directive, args, 0, 1)) return;
    const listen = readPage(scope, args, 8080);
    let lameDuckMs = 0;
    readOptions(scope, line, {
      lameduck: (values, option) => {
        const [token] = values;
        if (!hasArguments(scope, option, values, 1, 1) || token === undefined) return;
        lameDuckMs = readTime(scope, token, 'lameduck', 0, Infinity) ?? 0;
      },
    });
    process.health = keepFirst(scope, directive, process.health, { ...listen, lameDuckMs });
  },
  ready: (scope, line, _, process) => {
    const [directive, ...args] = line.words;
    if (!hasArguments(scope, directive, args, 0, 1)) return;
    process.ready = keepFirst(scope, directive, process.ready, readPage(scope, args, 8181));
  },
  prometheus: (scope, line, _, process) => {
    const [directive, ...args] = line.words;
    if (!hasArguments(scope, directive, args, 0, 1)) return;
    const listen = args.length === 0 ? { host: 'localhost', port: 9153 } : readPage(scope, args, 9153);
    readOptions(scope, line, {
      runtime_metrics: (_args, option) => warn(scope, option, 'runtime_metrics has no effect'),
      tls: (_args, option) => complain(scope, option, 'metrics over TLS are not supported', 'WP_DNS_COREFILE_UNSUPPORTED'),
    });
    process.metrics = keepFirst(scope, directive, process.metrics, listen);
  },
  reload: (scope, line, _, process) => {
    const [directive, ...args] = line.words;
    if (!hasArguments(scope, directive, args, 0, 2)) return;
    const [interval, jitter] = args;
    const off = interval !== undefined && /^0s?$/.test(interval.text);
    const intervalMs =
      interval === undefined || off ? 30_000 : (readTime(scope, interval, 'the interval', 2000, Infinity) ?? 30_000);
    const asked = jitter === undefined ? 15_000 : (readTime(scope, jitter, 'the jitter', 0, Infinity) ?? 15_000);
    if (!off)
      process.reload = keepFirst(scope, directive, process.reload, { intervalMs, jitterMs: Math.min(asked, intervalMs / 2) });
  },
  loop: (scope, line, draft) => {
    if (hasArguments(scope, line.words[0], line.words.slice(1), 0, 0)) draft.block.loop = true;
  },
  loadbalance: (scope, line, draft) => {
    const [directive, policy, ...rest] = line.words;
    if (policy !== undefined && policy.text !== 'round_robin') {
      complain(scope, policy, `the policy "${policy.text}" is not supported; round_robin is`, 'WP_DNS_COREFILE_UNSUPPORTED');
    }
    if (rest.length > 0) complain(scope, directive, 'takes one policy');
    readOptions(scope, line, {
      reload: (_, option) => warn(scope, option, 'reload has no effect without a file of weights'),
      limit_answers: (_, option) =>
        complain(scope, option, 'the option limit_answers is not supported', 'WP_DNS_COREFILE_UNSUPPORTED'),
    });
    draft.block.shuffle = true;
  },
  bufsize: (scope, line, draft) => {
    const [directive, ...args] = line.words;
    const [size] = args;
    if (!hasArguments(scope, directive, args, 0, 1)) return;
    draft.block.udpLimit = size === undefined ? 1232 : (readWhole(scope, size, 'the size', 512, 4096) ?? 1232);
  },
  minimal: (scope, line, draft) => {
    if (hasArguments(scope, line.words[0], line.words.slice(1), 0, 0)) draft.block.minimal = true;
  },
  // Questions of type ANY get a small answer in any case (RFC 8482).
  any: (scope, line) => {
    hasArguments(scope, line.words[0], line.words.slice(1), 0, 0);
  },
  bind: readBind,
  autopath: readAutopath,
};

function readPage(scope: Scope, [token]: readonly Token[], port: number): { readonly host: string; readonly port: number } {
  const listen =
    token === undefined ? null : readListen(scope, { ...token, text: token.text.replace(/^__PILLAR__LOCAL__DNS__/, '') });
  return listen ?? { host: '', port };
}

/** Directives that hold for the whole process count once. */
function keepFirst<T>(scope: Scope, token: Token, before: T | null, now: T): T {
  if (before === null) return now;
  if (JSON.stringify(before) !== JSON.stringify(now)) {
    warn(scope, token, 'holds for the whole process and stands in another server block with other values, which count');
  }
  return before;
}

function readBind(scope: Scope, line: Line, draft: BlockDraft): void {
  const [directive, ...args] = line.words;
  if (!hasArguments(scope, directive, args, 1, Infinity)) return;
  const read = (tokens: readonly Token[]): readonly Address[] =>
    tokens.flatMap(({ text, ...token }) => {
      const address = parseAddress(text);
      if (address === null && !ownAddress.test(text)) {
        complain(scope, { ...token, text }, `"${text}" is no address; names of interfaces and hosts are not supported`);
      }
      return address === null ? [] : [address];
    });
  const addresses = read(args);
  let except: readonly Address[] = [];
  readOptions(scope, line, {
    except: (values, option) => {
      if (hasArguments(scope, option, values, 1, Infinity)) except = [...except, ...read(values)];
    },
  });
  draft.block.bind = [...new Set([...draft.block.bind, ...addresses.filter((address) => !except.includes(address))])];
}

function readAutopath(scope: Scope, line: Line, draft: BlockDraft): void {
  const [directive, ...args] = line.words;
  if (!hasArguments(scope, directive, args, 1, Infinity)) return;
  const source = args.at(-1);
  if (source?.text !== '@kubernetes') {
    complain(
      scope,
      source ?? directive,
      `search lists from "${source?.text ?? ''}" are not supported; @kubernetes is`,
      'WP_DNS_COREFILE_UNSUPPORTED',
    );
    return;
  }
  const zones = readZoneList(scope, args.slice(0, -1), scope.zones);
  draft.block.autopath = { zones: zones.length > 0 ? zones : [rootName], search: [], searchFile: scope.upstreamFile };
}
