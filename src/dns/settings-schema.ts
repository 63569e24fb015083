import * as v from 'valibot';
import { formatDuration, hostPrefix, parseAddress, parseDuration, parsePrefix, parseSelector } from '../model/mod.ts';
import { parseRcode, parseType } from './constants.ts';
import { lowerName, parseName, rootName } from './name.ts';
import { plainBlock, plainCache, plainForward, plainHosts, plainKubernetes, plainReload } from './settings-default.ts';
import { parseListen, parseUpstream } from './settings-text.ts';
import { readZones } from './settings-zones.ts';
import { compileRegex } from './template-regex.ts';
import { compileTemplateText, readZoneFileRecord } from './template-text.ts';

/** A text that a function turns into a value, or null where it is none. */
function parsed<T>(parse: (text: string) => T | null, needed: string) {
  return v.pipe(
    v.string(`must be ${needed}`),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const value = parse(dataset.value);
      if (value !== null) return value;
      addIssue({ message: `must be ${needed}` });
      return NEVER;
    }),
  );
}

function whole(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  return v.pipe(v.number(message), v.integer(message), v.minValue(min, message), v.maxValue(max, message));
}

function time(min: number, max = Infinity) {
  const range = max === Infinity ? `of at least ${formatDuration(min)}` : `from ${formatDuration(min)} to ${formatDuration(max)}`;
  return parsed(
    (text) => {
      const value = parseDuration(text);
      return value !== null && value >= min && value <= max ? value : null;
    },
    `a duration ${range}, such as ${formatDuration(Math.max(min, 1500))}`,
  );
}

function list<S extends v.GenericSchema>(schema: S) {
  return v.optional(v.array(schema, 'must be a list'), []);
}

const most = 2 ** 31 - 1;
const flag = v.boolean('must be true or false');
const text = v.string('must be a text');
const zone = parsed((name) => {
  const read = parseName(name);
  return read === null ? null : lowerName(read);
}, 'a name such as example.org.');
/** A prefix may be several zones. */
const zones = v.pipe(
  list(parsed(readZones, 'a name such as example.org. or a prefix such as 10.0.0.0/24')),
  v.transform((groups) => groups.flat()),
);
const recordTypes = list(parsed(parseType, 'a record type such as A or TYPE65'));
const code = parsed((name) => {
  const number = /^RCODE(\d{1,2})$/.exec(name)?.[1];
  return number !== undefined && Number(number) < 16 ? Number(number) : parseRcode(name);
}, 'a response code such as NXDOMAIN');
const selector = v.nullish(parsed(parseSelector, 'a label selector such as app=web,tier in (front, back)'), null);
const regex = v.pipe(
  text,
  v.rawCheck(({ dataset, addIssue }) => {
    const compiled = dataset.typed ? compileRegex(dataset.value) : null;
    if (compiled?.ok === false) addIssue({ message: compiled.problem.message });
  }),
);
const recordText = v.pipe(
  text,
  v.rawCheck(({ dataset, addIssue }) => {
    const compiled = dataset.typed ? compileTemplateText(dataset.value) : null;
    if (compiled?.ok === false) addIssue({ message: compiled.problem.message });
    else if (dataset.typed && !dataset.value.includes('{{') && readZoneFileRecord(dataset.value) === null) {
      addIssue({ message: 'must be a record such as "example.org. 60 IN A 192.0.2.1"' });
    }
  }),
);
const listen = parsed(parseListen, 'an address to listen on such as :8080 or 10.0.0.1:8080');
const how = v.picklist(['exact', 'prefix', 'suffix', 'substring', 'regex'], 'must be exact, prefix, suffix, substring or regex');

const aclRule = v.strictObject({
  zones,
  action: v.picklist(['allow', 'block', 'filter', 'drop'], 'must be allow, block, filter or drop'),
  types: recordTypes,
  sources: list(
    parsed((source) => {
      const address = parseAddress(source);
      return address === null ? parsePrefix(source) : hostPrefix(address);
    }, 'a prefix such as 10.0.0.0/8'),
  ),
});

const answerRule = v.strictObject({ kind: v.picklist(['name', 'value'], 'must be name or value'), from: regex, to: text });
const rewriteMatch = v.variant(
  'kind',
  [
    v.strictObject({
      kind: v.literal('name'),
      how,
      from: text,
      to: text,
      answers: v.union([v.picklist(['auto', 'keep']), v.array(answerRule)], 'must be auto, keep or a list of rules'),
    }),
    v.strictObject({ kind: v.literal('type'), from: parsed(parseType, 'a record type'), to: parsed(parseType, 'a record type') }),
    v.strictObject({ kind: v.literal('ttl'), how, from: text, min: whole(0, most), max: whole(0, most) }),
    v.strictObject({ kind: v.literal('rcode'), how, name: text, from: code, to: code }),
  ],
  'must be name, type, ttl or rcode',
);
const rewriteRule = v.strictObject({
  matches: v.pipe(
    rewriteMatch,
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed || dataset.value.kind === 'type') return;
      const { value } = dataset;
      const from = value.kind === 'rcode' ? value.name : value.from;
      const compiled = value.how === 'regex' ? compileRegex(from) : null;
      if (compiled?.ok === false) addIssue({ message: compiled.problem.message });
      const exact = value.how === 'exact' ? (value.kind === 'name' ? [from, value.to] : [from]) : [];
      if (exact.some((name) => parseName(name) === null)) addIssue({ message: 'must have names such as web.example.org' });
      if (from === '') addIssue({ message: 'must say what to match' });
    }),
  ),
  after: v.optional(v.picklist(['stop', 'continue'], 'must be stop or continue'), 'stop'),
});

const cacheClass = (plain: { readonly capacity: number; readonly ttlCap: number; readonly ttlFloor: number }) =>
  v.optional(
    v.strictObject({
      capacity: v.optional(whole(1, 10_000_000), plain.capacity),
      ttlCap: v.optional(whole(1, most), plain.ttlCap),
      ttlFloor: v.optional(whole(0, most), plain.ttlFloor),
    }),
    plain,
  );
const cache = v.strictObject({
  zones,
  success: cacheClass(plainCache.success),
  denial: cacheClass(plainCache.denial),
  servfail: v.optional(time(0, 300_000), '5s'),
  disableSuccess: zones,
  disableDenial: zones,
  keepTtl: v.optional(flag, false),
  prefetch: v.nullish(
    v.strictObject({ amount: whole(1, most), interval: v.optional(time(1), '1m'), percentage: v.optional(whole(10, 90), 10) }),
    null,
  ),
  serveStale: v.nullish(
    v.strictObject({
      for: v.optional(time(0), '1h'),
      mode: v.optional(v.picklist(['immediate', 'verify'], 'must be immediate or verify'), 'immediate'),
    }),
    null,
  ),
});

const autopath = v.strictObject({ zones, search: list(zone), searchFile: v.optional(text) });

const template = v.strictObject({
  zones,
  type: v.nullish(parsed(parseType, 'a record type such as A or TYPE65'), null),
  match: list(regex),
  answer: list(recordText),
  additional: list(recordText),
  authority: list(recordText),
  rcode: v.optional(code, 'NOERROR'),
  fallthrough: zones,
});

const hosts = v.strictObject({
  zones,
  file: v.nullish(text, null),
  lines: list(text),
  ttl: v.optional(whole(1, most), plainHosts.ttl),
  reverse: v.optional(flag, plainHosts.reverse),
  fallthrough: zones,
  reload: v.optional(time(0), '5s'),
});

const kubernetes = v.strictObject({
  zones,
  reverseZones: zones,
  ttl: v.optional(whole(0, 3600), plainKubernetes.ttl),
  pods: v.optional(v.picklist(['disabled', 'insecure', 'verified'], 'must be disabled, insecure or verified'), 'disabled'),
  endpointPodNames: v.optional(flag, false),
  wildcards: v.optional(flag, false),
  zonal: v.optional(flag, false),
  ignoreEmptyService: v.optional(flag, false),
  noEndpoints: v.optional(flag, false),
  fallthrough: zones,
  namespaces: v.nullish(v.array(text, 'must be a list'), null),
  namespaceLabels: selector,
  labels: selector,
  startupTimeout: v.optional(time(0), '5s'),
  preferSameZone: v.optional(flag, false),
});

const forward = v.strictObject({
  suffix: v.optional(zone, '.'),
  except: zones,
  upstreams: list(parsed(parseUpstream, 'an address such as 10.0.0.53 or 10.0.0.53:5353')),
  upstreamFiles: v.optional(v.pipe(v.array(text, 'must be a list'), v.minLength(1, 'must not be empty'))),
  policy: v.optional(v.picklist(['random', 'round_robin', 'sequential'], 'must be random, round_robin or sequential'), 'random'),
  transport: v.optional(
    v.picklist(['as_asked', 'prefer_udp', 'force_tcp'], 'must be as_asked, prefer_udp or force_tcp'),
    'as_asked',
  ),
  maxConcurrent: v.optional(whole(1, most), plainForward.maxConcurrent),
  maxFails: v.optional(whole(0, most), plainForward.maxFails),
  healthInterval: v.optional(time(1), '500ms'),
  healthRecursion: v.optional(flag, plainForward.healthRecursion),
  allDown: v.optional(v.picklist(['try', 'fail'], 'must be try or fail'), 'try'),
  failover: list(code),
  expire: v.optional(time(1), '10s'),
  mixCase: v.optional(flag, false),
});

const log = v.strictObject({
  zones,
  classes: list(v.picklist(['success', 'denial', 'error'], 'must be success, denial or error')),
});

const plain = plainBlock([rootName], 53);
const block = v.strictObject({
  zones: v.pipe(zones, v.minLength(1, 'must name a zone; . stands for all')),
  port: v.optional(whole(1, 65_535), plain.port),
  bind: list(parsed(parseAddress, 'an address')),
  acl: list(aclRule),
  rewrite: list(rewriteRule),
  cache: v.nullish(cache, null),
  autopath: v.nullish(autopath, null),
  templates: list(template),
  hosts: v.nullish(hosts, null),
  kubernetes: v.nullish(kubernetes, null),
  forward: list(forward),
  log: v.nullish(v.array(log, 'must be a list'), null),
  loop: v.optional(flag, plain.loop),
  shuffle: v.optional(flag, plain.shuffle),
  udpLimit: v.optional(whole(512, 4096), plain.udpLimit),
  minimal: v.optional(flag, plain.minimal),
  responseRate: v.optional(whole(0, most), plain.responseRate),
});

/** The shape of our own document. What it reads is close to `DnsSettings`; durations have lost their unit on the way. */
export const documentSchema = v.strictObject({
  apiVersion: v.literal('waypost.dev/v1alpha1', 'must be waypost.dev/v1alpha1'),
  kind: v.literal('WaypostDNSConfiguration', 'must be WaypostDNSConfiguration'),
  health: v.nullish(v.strictObject({ listen: v.optional(listen, ':8080'), lameDuck: v.optional(time(0), '0s') }), null),
  ready: v.nullish(listen, null),
  metrics: v.nullish(listen, null),
  reload: v.nullish(
    v.strictObject({
      interval: v.optional(time(2000), formatDuration(plainReload.intervalMs)),
      jitter: v.optional(time(0), formatDuration(plainReload.jitterMs)),
    }),
    null,
  ),
  servers: v.pipe(v.array(block, 'must be a list of server blocks'), v.minLength(1, 'must hold a server block')),
});

export type ReadDocument = v.InferOutput<typeof documentSchema>;
