import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { kubeadmCorefile, settingsOf } from './corefile.fixture.ts';
import { parseName, rootName } from './name.ts';
import { plainBlock, plainCache, plainForward, plainHosts, plainKubernetes } from './settings-default.ts';
import { readDocument } from './settings-document.ts';
import type { SettingsReading } from './settings-reading.ts';
import { formatSettings } from './settings-write.ts';
import { anySettings } from './settings.fixture.ts';

const head = 'apiVersion: waypost.dev/v1alpha1\nkind: WaypostDNSConfiguration\n';
const read = (text: string): SettingsReading => readDocument({ name: 'dns.yaml', text });
const problemsOf = (body: string): readonly string[] => {
  const reading = read(head + body);
  return reading.ok ? [] : reading.problems.map(({ message }) => message);
};

describe('our own document', () => {
  test('reading what was written gives the same settings', () => {
    fc.assert(
      fc.property(anySettings, (settings) => {
        const text = formatSettings(settings);
        expect(read(text)).toEqual({ ok: true, settings, warnings: [] });
      }),
      { numRuns: 300 },
    );
  });

  test('writes the stock settings in the words of an operator', () => {
    expect(formatSettings(settingsOf(kubeadmCorefile))).toBe(`${head}health:
  listen: :8080
  lameDuck: 5s
ready: :8181
metrics: :9153
reload:
  interval: 30s
  jitter: 15s
servers:
  - zones:
      - .
    loop: true
    shuffle: true
    cache:
      success:
        ttlCap: 30
      denial:
        ttlCap: 30
      disableSuccess:
        - cluster.local.
      disableDenial:
        - cluster.local.
    kubernetes:
      zones:
        - cluster.local.
      reverseZones:
        - in-addr.arpa.
        - ip6.arpa.
      ttl: 30
      pods: insecure
      fallthrough:
        - in-addr.arpa.
        - ip6.arpa.
    forward:
      - suffix: .
        upstreamFiles:
          - /etc/resolv.conf
`);
  });

  test('has the defaults of the directives', () => {
    const reading = read(
      `${head}servers: [{zones: [.], cache: {}, hosts: {}, kubernetes: {zones: [k8s.test]}, forward: [{upstreams: [10.0.0.1]}]}]`,
    );
    expect(reading.ok && reading.settings.blocks).toEqual([
      {
        ...plainBlock([rootName], 53),
        cache: plainCache,
        hosts: { ...plainHosts, file: null },
        kubernetes: { ...plainKubernetes, zones: [parseName('k8s.test.')] },
        forward: [{ ...plainForward, upstreams: [{ address: '10.0.0.1', port: 53 }] }],
      },
    ]);
  });

  test('takes prefixes for reverse zones, and JSON', () => {
    const text = JSON.stringify({
      apiVersion: 'waypost.dev/v1alpha1',
      kind: 'WaypostDNSConfiguration',
      servers: [{ zones: ['10.0.0.0/15'] }],
    });
    const reading = read(text);
    expect(reading.ok && reading.settings.blocks[0]?.zones).toEqual([
      parseName('0.10.in-addr.arpa.'),
      parseName('1.10.in-addr.arpa.'),
    ]);
  });

  test('tells all problems at once, each with line, field and value', () => {
    const body = `health: {listen: ":x", lameDuck: soon}
ready: 8181
nonsense: 1
servers:
  - zones: [a..b]
    port: 70000
    udpLimit: 100
    cache:
      servfail: 10m
      success: {ttl: 1}
    kubernetes:
      ttl: 5000
      pods: all
      labels: "a=b=c"
    forward:
      - upstreams: [dns.example.org]
        failover: [NOPE]
    templates:
      - {match: ["(?=a)"], answer: ["{{ .Remote }}", "a.test. IN A web"]}
    rewrite:
      - {matches: {kind: name, how: regex, from: "(", to: a, answers: keep}}
      - {matches: {kind: colour}}
    acl: [{action: reject, sources: [10.0.0.0/99]}]
`;
    expect(problemsOf(body)).toEqual([
      expect.stringMatching(
        /^dns\.yaml:3: health\.listen must be an address to listen on such as :8080 or 10\.0\.0\.1:8080, not ":x"$/,
      ),
      expect.stringMatching(/^dns\.yaml:3: health\.lameDuck must be a duration of at least 0s, such as 1\.5s, not "soon"$/),
      expect.stringMatching(/^dns\.yaml:4: ready must be an address to listen on .*, not 8181$/),
      expect.stringMatching(/^dns\.yaml:7: servers\[0\]\.zones\[0\] must be a name .*, not "a\.\.b"$/),
      expect.stringMatching(/^dns\.yaml:8: servers\[0\]\.port must be a whole number from 1 to 65535, not 70000$/),
      expect.stringMatching(/^dns\.yaml:25: servers\[0\]\.acl\[0\]\.action must be allow, block, filter or drop, not "reject"$/),
      expect.stringMatching(
        /^dns\.yaml:25: servers\[0\]\.acl\[0\]\.sources\[0\] must be a prefix such as 10\.0\.0\.0\/8, not "10\.0\.0\.0\/99"$/,
      ),
      expect.stringMatching(/^dns\.yaml:23: servers\[0\]\.rewrite\[0\]\.matches the regular expression \( cannot be used/),
      expect.stringMatching(
        /^dns\.yaml:24: servers\[0\]\.rewrite\[1\]\.matches\.kind must be name, type, ttl or rcode, not "colour"$/,
      ),
      expect.stringMatching(/^dns\.yaml:12: servers\[0\]\.cache\.success\.ttl is no known field$/),
      expect.stringMatching(
        /^dns\.yaml:11: servers\[0\]\.cache\.servfail must be a duration from 0s to 5m0s, such as 1\.5s, not "10m"$/,
      ),
      expect.stringMatching(/^dns\.yaml:21: servers\[0\]\.templates\[0\]\.match\[0\] the regular expression/),
      expect.stringMatching(/^dns\.yaml:21: servers\[0\]\.templates\[0\]\.answer\[0\] the template action/),
      expect.stringMatching(
        /^dns\.yaml:21: servers\[0\]\.templates\[0\]\.answer\[1\] must be a record such as .*, not "a\.test\. IN A web"$/,
      ),
      expect.stringMatching(/^dns\.yaml:14: servers\[0\]\.kubernetes\.ttl must be a whole number from 0 to 3600, not 5000$/),
      expect.stringMatching(/^dns\.yaml:15: servers\[0\]\.kubernetes\.pods must be disabled, insecure or verified, not "all"$/),
      expect.stringMatching(/^dns\.yaml:16: servers\[0\]\.kubernetes\.labels must be a label selector/),
      expect.stringMatching(
        /^dns\.yaml:18: servers\[0\]\.forward\[0\]\.upstreams\[0\] must be an address such as .*, not "dns\.example\.org"$/,
      ),
      expect.stringMatching(
        /^dns\.yaml:19: servers\[0\]\.forward\[0\]\.failover\[0\] must be a response code such as NXDOMAIN, not "NOPE"$/,
      ),
      expect.stringMatching(/^dns\.yaml:9: servers\[0\]\.udpLimit must be a whole number from 512 to 4096, not 100$/),
      expect.stringMatching(/^dns\.yaml:5: nonsense is no known field$/),
    ]);
  });

  test.each([
    ['', /^dns\.yaml:1: servers is missing$/],
    ['servers: []', /servers must hold a server block/],
    ['servers: [{}]', /servers\[0\]\.zones must name a zone/],
    ['servers: [3]', /servers\[0\] must be a map of fields, not 3/],
    ['servers: [{zones: [.], kubernetes: {}}]', /servers\[0\]\.kubernetes\.zones must name a zone/],
    ['servers: [{zones: [.], kubernetes: {zones: [a], zonal: true, noEndpoints: true}}]', /exclude each other/],
    ['servers: [{zones: [.], kubernetes: {zones: [a], namespaces: [a], namespaceLabels: b}}]', /exclude each other/],
    ['servers: [{zones: [.], forward: [{}]}]', /forward\[0\] must have 1 to 15 upstreams or upstreamFiles, not 0/],
    [
      'servers: [{zones: [.], rewrite: [{matches: {kind: ttl, how: exact, from: a, min: 5, max: 4}}]}]',
      /min must not be above max/,
    ],
    [
      'servers: [{zones: [.], rewrite: [{matches: {kind: name, how: exact, from: a..b, to: c, answers: auto}}]}]',
      /must have names/,
    ],
    ['servers: [', /^dns\.yaml:\d+: not valid YAML/],
    ['a: &a [x]\nservers: *b', /not (valid|usable) YAML/],
  ])('refuses %j', (body, message) => {
    expect(problemsOf(body)).toEqual(expect.arrayContaining([expect.stringMatching(message)]));
  });

  test('refuses other kinds, and what is no map', () => {
    const messages = (text: string): readonly string[] => {
      const reading = read(text);
      return reading.ok ? [] : reading.problems.map(({ message }) => message);
    };
    expect(messages('apiVersion: v1\nkind: Pod\nservers: [{zones: [.]}]')).toEqual([
      'dns.yaml:1: apiVersion must be waypost.dev/v1alpha1, not "v1"',
      'dns.yaml:2: kind must be WaypostDNSConfiguration, not "Pod"',
    ]);
    for (const text of ['- 1', '', '7']) expect(messages(text)).toEqual(['dns.yaml:1: the document must be a map of fields']);
  });

  test('no text makes the reader throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(read(text)).toHaveProperty('ok');
      }),
    );
    const unit = fc.constantFrom(
      'a',
      ': ',
      '\n',
      '  ',
      '- ',
      '[',
      ']',
      '{',
      '}',
      '&a',
      '*a',
      '!!',
      '"',
      "'",
      '#',
      '|',
      '>',
      'servers',
      'zones',
      '.',
      '? ',
      '<<',
      ',',
      '---\n',
      '%',
    );
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 30 }), (parts) => {
        expect(read(head + parts.join(''))).toHaveProperty('ok');
      }),
      { numRuns: 1500 },
    );
    const bomb = `${head}a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nservers: [*c,*c,*c,*c,*c]`;
    expect(read(bomb).ok).toBe(false);
  });

  test('no value in a place of the document makes the reader throw', () => {
    fc.assert(
      fc.property(anySettings, fc.nat(60), fc.jsonValue(), (settings, line, value) => {
        const lines = formatSettings(settings).split('\n');
        const at = line % lines.length;
        lines[at] = (lines[at] ?? '').replace(/([:-]) .*|$/, `$1 ${JSON.stringify(value)}`);
        expect(read(lines.join('\n'))).toHaveProperty('ok');
      }),
    );
  });
});
