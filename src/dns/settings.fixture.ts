import * as fc from 'fast-check';
import { formatAddress, parsePrefix } from '../model/mod.ts';
import type { Prefix } from '../model/mod.ts';
import { parseRcode } from './constants.ts';
import { joinLabels, rootName } from './name.ts';
import type { DnsSettings, RewriteMatch } from './settings.ts';

/** Settings of all kinds, each of them valid. */

const label = fc
  .array(
    fc.oneof(fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789-_'), fc.constantFrom('.', ' ', '\\', '"', '\x00', '\xff')),
    {
      minLength: 1,
      maxLength: 8,
    },
  )
  .map((characters) => characters.join(''));
const name = fc.array(label, { maxLength: 4 }).map((labels) => joinLabels(labels) ?? rootName);
const names = fc.array(name, { maxLength: 3 });
const someNames = fc.array(name, { minLength: 1, maxLength: 3 });
const octets = fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }));
const address = octets.map(formatAddress);
const port = fc.integer({ min: 1, max: 65_535 });
const milliseconds = (min: number, max = 1e10): fc.Arbitrary<number> => fc.integer({ min, max });
const seconds = fc.integer({ min: 1, max: 2 ** 31 - 1 });
const prefix = fc.tuple(address, fc.nat(128)).map(([text, length]): Prefix => {
  return parsePrefix(`${text}/${text.includes(':') ? length : length % 33}`) ?? { family: 'IPv4', address: text, length: 32 };
});
const type = fc.oneof(fc.constantFrom(1, 28, 255, 33), fc.nat(65_535));
const code = fc.oneof(fc.nat(15), fc.constantFrom(parseRcode('BADVERS') ?? 0));
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
const word = fc.stringMatching(/^[a-z][a-z0-9]{0,6}$/);
const regex = fc.constantFrom('^a[.]', '(?P<a>x+)', '.*', '(a|b)\\.test\\.$');
const record = fc.constantFrom(
  '{{ .Name }} 60 IN A {{ index .Match 1 }}',
  'a.test. 5 IN TXT "x: y # z"',
  '{{ .Zone }} IN NS {{ .Group.a }}',
);
const how = fc.constantFrom('exact' as const, 'prefix' as const, 'suffix' as const, 'substring' as const, 'regex' as const);
const listen = fc.record({ host: fc.oneof(fc.constantFrom('', 'localhost'), address), port });
const selector = fc.array(
  fc.oneof(
    fc.record({
      label: word,
      operator: fc.constantFrom('in' as const, 'not-in' as const),
      values: fc.array(word, { minLength: 1, maxLength: 3 }),
    }),
    fc.record({
      label: fc.constantFrom('app', 'example.org/tier'),
      operator: fc.constantFrom('exists' as const, 'not-exists' as const),
    }),
  ),
  { maxLength: 3 },
);
const nullable = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary, { freq: 2 });

const answers = fc.oneof(
  fc.constantFrom('auto' as const, 'keep' as const),
  fc.array(fc.record({ kind: fc.constantFrom('name' as const, 'value' as const), from: regex, to: text }), { maxLength: 2 }),
);
/** Where a rule has to have an expression or a name, it has one. */
const fitting = <T extends { readonly how: string }>(rule: T, from: keyof T, pattern: string): T =>
  rule.how === 'regex'
    ? { ...rule, [from]: pattern }
    : rule.how === 'exact'
      ? { ...rule, [from]: 'a.test', ...('to' in rule && typeof rule.to === 'string' ? { to: 'b.test' } : {}) }
      : rule;
const rewriteMatch: fc.Arbitrary<RewriteMatch> = fc.oneof(
  fc
    .tuple(fc.record({ kind: fc.constant('name' as const), how, from: text, to: text, answers }), regex)
    .map(([rule, pattern]) => fitting(rule, 'from', pattern)),
  fc.record({ kind: fc.constant('type' as const), from: type, to: type }),
  fc
    .tuple(
      fc.record({
        kind: fc.constant('ttl' as const),
        how,
        from: text,
        min: fc.nat(100),
        max: fc.integer({ min: 100, max: 5000 }),
      }),
      regex,
    )
    .map(([rule, pattern]) => fitting(rule, 'from', pattern)),
  fc
    .tuple(fc.record({ kind: fc.constant('rcode' as const), how, name: text, from: code, to: code }), regex)
    .map(([rule, pattern]) => fitting(rule, 'name', pattern)),
);

const cacheClass = fc.record({ capacity: fc.integer({ min: 1, max: 10_000_000 }), ttlCap: seconds, ttlFloor: fc.nat(1000) });
const cache = fc.record({
  zones: names,
  success: cacheClass,
  denial: cacheClass,
  servfailMs: milliseconds(0, 300_000),
  disableSuccess: names,
  disableDenial: names,
  keepTtl: fc.boolean(),
  prefetch: nullable(
    fc.record({
      amount: fc.integer({ min: 1, max: 100 }),
      intervalMs: milliseconds(1),
      percentage: fc.integer({ min: 10, max: 90 }),
    }),
  ),
  serveStale: nullable(fc.record({ forMs: milliseconds(0), mode: fc.constantFrom('immediate' as const, 'verify' as const) })),
});
const kubernetes = fc.record({
  zones: someNames,
  reverseZones: names,
  ttl: fc.nat(3600),
  pods: fc.constantFrom('disabled' as const, 'insecure' as const, 'verified' as const),
  endpointPodNames: fc.boolean(),
  wildcards: fc.boolean(),
  zonal: fc.boolean(),
  ignoreEmptyService: fc.boolean(),
  noEndpoints: fc.constant(false),
  fallthrough: names,
  namespaces: nullable(fc.array(text, { maxLength: 2 })),
  namespaceLabels: fc.constant(null),
  labels: nullable(selector),
  startupTimeoutMs: milliseconds(0),
  preferSameZone: fc.boolean(),
});
const upstreams = fc.array(fc.record({ address, port: fc.oneof(fc.constant(53), port) }), { minLength: 1, maxLength: 5 });
const forward = fc
  .tuple(
    fc.record({
      suffix: name,
      except: names,
      upstreams,
      policy: fc.constantFrom('random' as const, 'round_robin' as const, 'sequential' as const),
      transport: fc.constantFrom('as_asked' as const, 'prefer_udp' as const, 'force_tcp' as const),
      maxConcurrent: seconds,
      maxFails: fc.nat(5),
      healthIntervalMs: milliseconds(1),
      healthRecursion: fc.boolean(),
      allDown: fc.constantFrom('try' as const, 'fail' as const),
      failover: fc.array(code, { maxLength: 3 }),
      expireMs: milliseconds(1),
      mixCase: fc.boolean(),
    }),
    fc.array(text, { maxLength: 2 }),
  )
  .map(([rule, files]) => (files.length === 0 ? rule : { ...rule, upstreamFiles: files }));
const block = fc.record({
  zones: someNames,
  port,
  bind: fc.array(address, { maxLength: 2 }),
  acl: fc.array(
    fc.record({
      zones: names,
      action: fc.constantFrom('allow' as const, 'block' as const, 'filter' as const, 'drop' as const),
      types: fc.array(type, { maxLength: 2 }),
      sources: fc.array(prefix, { maxLength: 2 }),
    }),
    { maxLength: 2 },
  ),
  rewrite: fc.array(fc.record({ matches: rewriteMatch, after: fc.constantFrom('stop' as const, 'continue' as const) }), {
    maxLength: 3,
  }),
  cache: nullable(cache),
  autopath: nullable(
    fc
      .tuple(fc.record({ zones: names, search: names }), nullable(text))
      .map(([rule, file]) => (file === null ? rule : { ...rule, searchFile: file })),
  ),
  templates: fc.array(
    fc.record({
      zones: names,
      type: nullable(type),
      match: fc.array(regex, { maxLength: 2 }),
      answer: fc.array(record, { maxLength: 2 }),
      additional: fc.array(record, { maxLength: 1 }),
      authority: fc.array(record, { maxLength: 1 }),
      rcode: code,
      fallthrough: names,
    }),
    { maxLength: 2 },
  ),
  hosts: nullable(
    fc.record({
      zones: names,
      file: nullable(text),
      lines: fc.array(text, { maxLength: 2 }),
      ttl: seconds,
      reverse: fc.boolean(),
      fallthrough: names,
      reloadMs: milliseconds(0),
    }),
  ),
  kubernetes: nullable(kubernetes),
  forward: fc.array(forward, { maxLength: 2 }),
  log: nullable(
    fc.array(
      fc.record({
        zones: names,
        classes: fc.uniqueArray(fc.constantFrom('success' as const, 'denial' as const, 'error' as const)),
      }),
      { maxLength: 2 },
    ),
  ),
  loop: fc.boolean(),
  shuffle: fc.boolean(),
  udpLimit: fc.integer({ min: 512, max: 4096 }),
  minimal: fc.boolean(),
  responseRate: fc.nat(1000),
});

export const anySettings: fc.Arbitrary<DnsSettings> = fc.record({
  blocks: fc.array(block, { minLength: 1, maxLength: 2 }),
  health: nullable(fc.tuple(listen, milliseconds(0)).map(([page, lameDuckMs]) => ({ ...page, lameDuckMs }))),
  ready: nullable(listen),
  metrics: nullable(listen),
  reload: nullable(fc.record({ intervalMs: milliseconds(2000), jitterMs: milliseconds(0) })),
});
