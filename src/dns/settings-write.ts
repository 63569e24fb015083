import { stringify } from 'yaml';
import { formatDuration, formatEndpoint, formatPrefix, formatSelector } from '../model/mod.ts';
import { formatRcode, formatType } from './constants.ts';
import { formatName } from './name.ts';
import type {
  AclRule,
  CacheSettings,
  DnsSettings,
  ForwardRule,
  HostsSettings,
  KubernetesSettings,
  RewriteRule,
  ServerBlock,
  TemplateRule,
} from './settings.ts';
import { plainBlock, plainCache, plainForward, plainHosts, plainKubernetes } from './settings-default.ts';
import { dnsApiVersion, dnsKind } from './settings-document.ts';
import { formatListen } from './settings-text.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The settings as our own document; what has its default is left out. */
export function formatSettings({ blocks, health, ready, metrics, reload }: DnsSettings): string {
  const document = {
    apiVersion: dnsApiVersion,
    kind: dnsKind,
    ...(health === null ? {} : { health: { listen: formatListen(health), lameDuck: formatDuration(health.lameDuckMs) } }),
    ...(ready === null ? {} : { ready: formatListen(ready) }),
    ...(metrics === null ? {} : { metrics: formatListen(metrics) }),
    ...(reload === null
      ? {}
      : { reload: { interval: formatDuration(reload.intervalMs), jitter: formatDuration(reload.jitterMs) } }),
    servers: blocks.map(writeBlock),
  };
  return stringify(document, { lineWidth: 0 });
}

function writeBlock(block: ServerBlock): Fields {
  const plain = plainBlock(block.zones, 53);
  return {
    zones: block.zones.map(formatName),
    ...changed({ ...block, ...plainParts }, { ...plain, ...plainParts }),
    ...writeList('bind', block.bind),
    ...writeList('acl', block.acl.map(writeAcl)),
    ...writeList('rewrite', block.rewrite.map(writeRewrite)),
    ...(block.cache === null ? {} : { cache: writeCache(block.cache) }),
    ...(block.autopath === null
      ? {}
      : {
          autopath: {
            ...writeNames('zones', block.autopath.zones),
            ...writeNames('search', block.autopath.search),
            ...(block.autopath.searchFile === undefined ? {} : { searchFile: block.autopath.searchFile }),
          },
        }),
    ...writeList('templates', block.templates.map(writeTemplate)),
    ...(block.hosts === null ? {} : { hosts: writeHosts(block.hosts) }),
    ...(block.kubernetes === null ? {} : { kubernetes: writeKubernetes(block.kubernetes) }),
    ...writeList('forward', block.forward.map(writeForward)),
    ...(block.log === null
      ? {}
      : { log: block.log.map(({ zones, classes }) => ({ ...writeNames('zones', zones), ...writeList('classes', classes) })) }),
  };
}

/** Parts of a block that are more than a number or a switch: written one by one. */
const plainParts = {
  zones: [],
  bind: [],
  acl: [],
  rewrite: [],
  cache: null,
  autopath: null,
  templates: [],
  hosts: null,
  kubernetes: null,
  forward: [],
  log: null,
};

/** The fields whose values are not the default's. */
function changed<T extends object>(object: T, plain: T): Fields {
  const defaults = plain as Fields;
  return Object.fromEntries(
    Object.entries(object).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(defaults[key])),
  );
}

function writeList(name: string, values: readonly unknown[]): Fields {
  return values.length === 0 ? {} : { [name]: [...values] };
}

function writeNames(name: string, names: readonly string[]): Fields {
  return writeList(name, names.map(formatName));
}

/** A duration that is not the default's. */
function writeTime(name: string, value: number, plain: number): Fields {
  return value === plain ? {} : { [name]: formatDuration(value) };
}

function writeAcl({ zones, action, types, sources }: AclRule): Fields {
  return {
    ...writeNames('zones', zones),
    action,
    ...writeList('types', types.map(formatType)),
    ...writeList('sources', sources.map(formatPrefix)),
  };
}

function writeRewrite({ matches, after }: RewriteRule): Fields {
  const end = after === 'stop' ? {} : { after };
  if (matches.kind === 'type')
    return { matches: { ...matches, from: formatType(matches.from), to: formatType(matches.to) }, ...end };
  if (matches.kind === 'rcode')
    return { matches: { ...matches, from: formatRcode(matches.from), to: formatRcode(matches.to) }, ...end };
  return { matches, ...end };
}

function writeCache(cache: CacheSettings): Fields {
  const { prefetch, serveStale } = cache;
  const [success, denial] = [changed(cache.success, plainCache.success), changed(cache.denial, plainCache.denial)];
  return {
    ...writeNames('zones', cache.zones),
    ...(Object.keys(success).length === 0 ? {} : { success }),
    ...(Object.keys(denial).length === 0 ? {} : { denial }),
    ...writeTime('servfail', cache.servfailMs, plainCache.servfailMs),
    ...writeNames('disableSuccess', cache.disableSuccess),
    ...writeNames('disableDenial', cache.disableDenial),
    ...(cache.keepTtl ? { keepTtl: true } : {}),
    ...(prefetch === null
      ? {}
      : {
          prefetch: { amount: prefetch.amount, interval: formatDuration(prefetch.intervalMs), percentage: prefetch.percentage },
        }),
    ...(serveStale === null ? {} : { serveStale: { for: formatDuration(serveStale.forMs), mode: serveStale.mode } }),
  };
}

function writeTemplate({ zones, type, rcode, fallthrough, match, answer, additional, authority }: TemplateRule): Fields {
  return {
    ...writeNames('zones', zones),
    ...(type === null ? {} : { type: formatType(type) }),
    ...writeList('match', match),
    ...writeList('answer', answer),
    ...writeList('additional', additional),
    ...writeList('authority', authority),
    ...(rcode === 0 ? {} : { rcode: formatRcode(rcode) }),
    ...writeNames('fallthrough', fallthrough),
  };
}

function writeHosts({ zones, file, lines, ttl, reverse, fallthrough, reloadMs }: HostsSettings): Fields {
  return {
    ...writeNames('zones', zones),
    ...(file === null ? {} : { file }),
    ...writeList('lines', lines),
    ...(ttl === plainHosts.ttl ? {} : { ttl }),
    ...(reverse ? {} : { reverse }),
    ...writeNames('fallthrough', fallthrough),
    ...writeTime('reload', reloadMs, plainHosts.reloadMs),
  };
}

function writeKubernetes(settings: KubernetesSettings): Fields {
  const { zones, reverseZones, fallthrough, namespaceLabels, labels, startupTimeoutMs, ...rest } = settings;
  return {
    ...writeNames('zones', zones),
    ...writeNames('reverseZones', reverseZones),
    ...changed<object>(rest, plainKubernetes),
    ...writeNames('fallthrough', fallthrough),
    ...(namespaceLabels === null ? {} : { namespaceLabels: formatSelector(namespaceLabels) }),
    ...(labels === null ? {} : { labels: formatSelector(labels) }),
    ...writeTime('startupTimeout', startupTimeoutMs, plainKubernetes.startupTimeoutMs),
  };
}

function writeForward(rule: ForwardRule): Fields {
  const { suffix, except, upstreams, failover, healthIntervalMs, expireMs, ...rest } = rule;
  return {
    suffix: formatName(suffix),
    ...writeList(
      'upstreams',
      upstreams.map(({ address, port }) => (port === 53 ? address : formatEndpoint(address, port))),
    ),
    ...changed<object>(rest, plainForward),
    ...writeNames('except', except),
    ...writeTime('healthInterval', healthIntervalMs, plainForward.healthIntervalMs),
    ...writeList('failover', failover.map(formatRcode)),
    ...writeTime('expire', expireMs, plainForward.expireMs),
  };
}
