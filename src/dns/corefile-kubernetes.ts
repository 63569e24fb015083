import { parseSelector } from '../model/mod.ts';
import type { LabelSelector } from '../model/mod.ts';
import type { BlockDraft, Draft } from './corefile-draft.ts';
import type { Token } from './corefile-lex.ts';
import {
  complain,
  hasArguments,
  readFallthrough,
  readOptions,
  readTime,
  readWhole,
  readZoneList,
  warn,
} from './corefile-scope.ts';
import type { OptionReader, Scope } from './corefile-scope.ts';
import type { Line } from './corefile-tree.ts';
import { isWithin } from './name.ts';
import type { KubernetesSettings } from './settings.ts';
import { plainKubernetes } from './settings-default.ts';
import { reverseZones } from './settings-zones.ts';

/** `kubernetes [ZONES...] { }`. */
export function readKubernetes(scope: Scope, line: Line, draft: BlockDraft): void {
  const [directive, ...args] = line.words;
  if (draft.block.kubernetes !== null) complain(scope, directive, 'stands in one server block twice');
  const settings: Draft<KubernetesSettings> = { ...plainKubernetes };
  let foreign: readonly string[] = [];
  readOptions(scope, line, {
    ...dataReaders(scope, settings),
    ...connectionReaders(scope),
    multicluster: (zones, option) => {
      foreign = [...foreign, ...readZoneList(scope, zones, [])];
      warn(scope, option, 'zones of other clusters are not served');
    },
  });
  const all = readZoneList(scope, args, scope.zones).filter((zone) => !foreign.includes(zone));
  const isReverse = (zone: string): boolean => reverseZones.some((root) => isWithin(zone, root));
  settings.zones = all.filter((zone) => !isReverse(zone));
  settings.reverseZones = all.filter(isReverse);
  if (settings.zones.length === 0) complain(scope, directive, 'a zone that is no reverse zone is needed, such as cluster.local');
  if (settings.namespaces !== null && settings.namespaceLabels !== null) {
    complain(scope, directive, 'namespaces and namespace_labels exclude each other');
  }
  if (settings.zonal && settings.noEndpoints) complain(scope, directive, 'zonal and noendpoints exclude each other');
  draft.block.kubernetes = settings;
}

function dataReaders(scope: Scope, settings: Draft<KubernetesSettings>): Readonly<Record<string, OptionReader>> {
  type Switch = 'endpointPodNames' | 'zonal' | 'noEndpoints' | 'preferSameZone';
  const turnOn =
    (name: Switch): OptionReader =>
    (args, option) => {
      if (hasArguments(scope, option, args, 0, 0)) settings[name] = true;
    };
  return {
    ttl: (args, option) => {
      const [token] = args;
      if (!hasArguments(scope, option, args, 1, 1) || token === undefined) return;
      settings.ttl = readWhole(scope, token, 'ttl', 0, 3600) ?? settings.ttl;
    },
    pods: (args, option) => {
      const [token] = args;
      if (!hasArguments(scope, option, args, 1, 1) || token === undefined) return;
      const { text } = token;
      if (text === 'disabled' || text === 'insecure' || text === 'verified') settings.pods = text;
      else complain(scope, token, `pods must be disabled, insecure or verified, not "${text}"`);
    },
    endpoint_pod_names: turnOn('endpointPodNames'),
    zonal: turnOn('zonal'),
    noendpoints: turnOn('noEndpoints'),
    prefer_same_zone: turnOn('preferSameZone'),
    wildcards: (args, option) => {
      const [token] = args;
      if (!hasArguments(scope, option, args, 0, 1)) return;
      settings.wildcards = token?.text !== 'off';
      if (token !== undefined && token.text !== 'on' && token.text !== 'off') complain(scope, token, 'wildcards is on or off');
    },
    ignore: (args, option) => {
      const [token] = args;
      if (!hasArguments(scope, option, args, 1, 1) || token === undefined) return;
      if (token.text === 'empty_service') settings.ignoreEmptyService = true;
      else complain(scope, token, `ignore knows empty_service, not "${token.text}"`);
    },
    fallthrough: (args) => {
      settings.fallthrough = readFallthrough(scope, args);
    },
    namespaces: (args, option) => {
      if (!hasArguments(scope, option, args, 1, Infinity)) return;
      settings.namespaces = [...(settings.namespaces ?? []), ...args.map(({ text }) => text)];
    },
    namespace_labels: (args, option) => {
      settings.namespaceLabels = readSelector(scope, args, option) ?? settings.namespaceLabels;
    },
    labels: (args, option) => {
      settings.labels = readSelector(scope, args, option) ?? settings.labels;
    },
    startup_timeout: (args, option) => {
      const [token] = args;
      if (!hasArguments(scope, option, args, 1, 1) || token === undefined) return;
      settings.startupTimeoutMs = readTime(scope, token, 'startup_timeout', 0, Infinity) ?? settings.startupTimeoutMs;
    },
  };
}

/** The agent has one connection to the API for everything; how it is made stands in its own configuration. */
function connectionReaders(scope: Scope): Readonly<Record<string, OptionReader>> {
  const ours: OptionReader = (_, option) =>
    warn(scope, option, `${option.text} has no effect: the agent's own connection to the API is used`);
  const old: OptionReader = (_, option) =>
    warn(scope, option, `${option.text} has no effect, as in all later releases of CoreDNS`);
  return {
    endpoint: ours,
    tls: ours,
    kubeconfig: ours,
    resyncperiod: ours,
    apiserver_qps: ours,
    apiserver_burst: ours,
    apiserver_max_inflight: ours,
    upstream: old,
    transfer: (_, option) => warn(scope, option, 'transfers of zones are not offered'),
  };
}

function readSelector(scope: Scope, args: readonly Token[], option: Token): LabelSelector | null {
  if (!hasArguments(scope, option, args, 1, Infinity)) return null;
  const text = args.map((token) => token.text).join(' ');
  const selector = parseSelector(text);
  if (selector === null) complain(scope, option, `"${text}" is no label selector such as app=web,tier in (front, back)`);
  return selector;
}
