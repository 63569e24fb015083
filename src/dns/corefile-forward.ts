import { parseRcode, rcode } from './constants.ts';
import type { BlockDraft, Draft } from './corefile-draft.ts';
import type { Token } from './corefile-lex.ts';
import { complain, hasArguments, readOptions, readTime, readWhole, readZone, readZoneList, warn } from './corefile-scope.ts';
import type { OptionReader, Scope } from './corefile-scope.ts';
import type { Line } from './corefile-tree.ts';
import { parseName, rootName } from './name.ts';
import type { ForwardRule, Upstream } from './settings.ts';
import { plainForward } from './settings-default.ts';
import { parseUpstream } from './settings-text.ts';

/** The upstream that a node-local cache fills in at run time: the cluster's DNS under another address. */
const clusterUpstream = '__PILLAR__CLUSTER__DNS__';
const mostUpstreams = 15;

/** `forward FROM TO... { }`. */
export function readForward(scope: Scope, line: Line, draft: BlockDraft): void {
  const [directive, from, ...to] = line.words;
  if (from === undefined || to.length === 0) {
    complain(scope, directive, 'a zone and at least one upstream are needed: forward . /etc/resolv.conf');
    return;
  }
  const targets = readTargets(scope, to);
  if (targets.cluster) draft.asksCluster = true;
  const rule: Draft<ForwardRule> = { ...plainForward, upstreams: targets.upstreams };
  if (targets.files.length > 0) rule.upstreamFiles = targets.files;
  if (to.length > mostUpstreams) complain(scope, directive, `there may be ${mostUpstreams} upstreams and not ${to.length}`);
  readOptions(scope, line, optionReaders(scope, rule));
  if (targets.cluster && targets.upstreams.length === 0 && targets.files.length === 0) return;
  for (const suffix of readZone(scope, from)) draft.block.forward = [...draft.block.forward, { ...rule, suffix }];
}

interface Targets {
  readonly upstreams: readonly Upstream[];
  readonly files: readonly string[];
  readonly cluster: boolean;
}

function readTargets(scope: Scope, tokens: readonly Token[]): Targets {
  const upstreams: Upstream[] = [];
  const files: string[] = [];
  let cluster = false;
  for (const token of tokens) {
    const scheme = /^(tls|https|https3|quic|grpc):\/\//.exec(token.text)?.[1];
    const text = token.text.replace(/^dns:\/\//, '');
    const upstream = parseUpstream(text);
    if (scheme !== undefined) {
      complain(
        scope,
        token,
        `upstreams over ${scheme}:// are not supported; plain DNS over UDP and TCP is`,
        'WP_DNS_COREFILE_UNSUPPORTED',
      );
    } else if (upstream !== null) upstreams.push(upstream);
    else if (text === clusterUpstream) cluster = true;
    else if (text.startsWith('/') || text.startsWith('./')) files.push(text);
    else
      complain(
        scope,
        token,
        `"${token.text}" is neither an address, such as 10.0.0.53 or 10.0.0.53:5353, nor the path of a resolv.conf`,
      );
  }
  return { upstreams, files, cluster };
}

function optionReaders(scope: Scope, rule: Draft<ForwardRule>): Readonly<Record<string, OptionReader>> {
  const whole = (args: readonly Token[], option: Token, min: number): number | null => {
    const [token] = args;
    if (!hasArguments(scope, option, args, 1, 1) || token === undefined) return null;
    return readWhole(scope, token, option.text, min, 2 ** 31 - 1);
  };
  const noEffect: OptionReader = (_, option) => warn(scope, option, `${option.text} has no effect here`);
  const unsupported: OptionReader = (_, option) =>
    complain(scope, option, `the option ${option.text} is not supported`, 'WP_DNS_COREFILE_UNSUPPORTED');
  return {
    except: (args, option) => {
      if (hasArguments(scope, option, args, 1, Infinity)) rule.except = [...rule.except, ...readZoneList(scope, args, [])];
    },
    force_tcp: (args, option) => {
      if (hasArguments(scope, option, args, 0, 0)) rule.transport = 'force_tcp';
    },
    // Where both are given force_tcp counts.
    prefer_udp: (args, option) => {
      if (hasArguments(scope, option, args, 0, 0) && rule.transport !== 'force_tcp') rule.transport = 'prefer_udp';
    },
    policy: (args, option) => {
      const [token] = args;
      if (!hasArguments(scope, option, args, 1, 1) || token === undefined) return;
      const { text } = token;
      if (text === 'random' || text === 'round_robin' || text === 'sequential') rule.policy = text;
      else complain(scope, token, `policy must be random, round_robin or sequential, not "${text}"`);
    },
    max_concurrent: (args, option) => {
      rule.maxConcurrent = whole(args, option, 1) ?? rule.maxConcurrent;
    },
    max_fails: (args, option) => {
      rule.maxFails = whole(args, option, 0) ?? rule.maxFails;
    },
    expire: (args, option) => {
      const [token] = args;
      if (!hasArguments(scope, option, args, 1, 1) || token === undefined) return;
      rule.expireMs = readTime(scope, token, 'expire', 1, Infinity) ?? rule.expireMs;
    },
    health_check: (args, option) => readHealthCheck(scope, rule, args, option),
    failfast_all_unhealthy_upstreams: (args, option) => {
      if (hasArguments(scope, option, args, 0, 0)) rule.allDown = 'fail';
    },
    failover: (args, option) => {
      if (hasArguments(scope, option, args, 1, Infinity)) rule.failover = args.flatMap((token) => readFailover(scope, token));
    },
    mix_case: (args, option) => {
      if (hasArguments(scope, option, args, 0, 0)) rule.mixCase = true;
    },
    max_idle_conns: noEffect,
    max_connect_attempts: noEffect,
    tls: unsupported,
    tls_servername: unsupported,
    doh_method: unsupported,
    resolver: unsupported,
    next: unsupported,
    next_on_nodata: unsupported,
  };
}

function readHealthCheck(scope: Scope, rule: Draft<ForwardRule>, args: readonly Token[], option: Token): void {
  const [interval, ...rest] = args;
  if (!hasArguments(scope, option, args, 1, 4) || interval === undefined) return;
  rule.healthIntervalMs = readTime(scope, interval, 'health_check', 1, Infinity) ?? rule.healthIntervalMs;
  for (let at = 0; at < rest.length; at += 1) {
    const token = rest[at];
    if (token?.text === 'no_rec') rule.healthRecursion = false;
    else if (token?.text === 'domain' && rest[at + 1] !== undefined) {
      const domain = rest[at + 1];
      if (parseName(domain?.text ?? '') !== rootName)
        warn(scope, token, 'health checks always ask for the name servers of the root');
      at += 1;
    } else if (token !== undefined) complain(scope, token, `health_check knows no_rec and domain, not "${token.text}"`);
  }
}

function readFailover(scope: Scope, token: Token): readonly number[] {
  const code = parseRcode(token.text === 'NOTIMPL' ? 'NOTIMP' : token.text);
  if (code !== null && code !== rcode.NOERROR) return [code];
  complain(scope, token, `failover takes response codes such as SERVFAIL or REFUSED, not "${token.text}"`);
  return [];
}
