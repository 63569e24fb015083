import { describe, expect, test } from 'vitest';
import { formatPrefix } from '../model/mod.ts';
import { directives, problemsOf, settingsOf, warningsOf } from './corefile.fixture.ts';
import { formatName, lowerName, parseName, rootName } from './name.ts';
import type { Name } from './name.ts';
import { plainCache, plainKubernetes } from './settings-default.ts';
import { reverseZones } from './settings-zones.ts';

const name = (text: string): Name => lowerName(parseName(text) ?? rootName);
const firstProblem = (lines: string): string => (problemsOf(`. {\n${lines}\n}`)[0] ?? '').replace(/^Corefile:\d+: /, '');

describe('kubernetes', () => {
  test('[DNS-115] ttl 0, ignore empty_service, endpoint_pod_names and the filters, with all other options', () => {
    const { kubernetes } = directives(`kubernetes Cluster.local 10.0.0.0/8 {
      ttl 0
      pods verified
      endpoint_pod_names
      ignore empty_service
      namespaces a b
      namespaces c
      labels app=web,tier in (front, back),!canary,env!=test,x
      fallthrough
      startup_timeout 2s
      wildcards on
      zonal
      prefer_same_zone
    }`);
    expect(kubernetes).toEqual({
      zones: [name('cluster.local.')],
      reverseZones: [name('10.in-addr.arpa.')],
      ttl: 0,
      pods: 'verified',
      endpointPodNames: true,
      wildcards: true,
      zonal: true,
      ignoreEmptyService: true,
      noEndpoints: false,
      fallthrough: [rootName],
      namespaces: ['a', 'b', 'c'],
      namespaceLabels: null,
      labels: [
        { label: 'app', operator: 'in', values: ['web'] },
        { label: 'tier', operator: 'in', values: ['front', 'back'] },
        { label: 'canary', operator: 'not-exists' },
        { label: 'env', operator: 'not-in', values: ['test'] },
        { label: 'x', operator: 'exists' },
      ],
      startupTimeoutMs: 2000,
      preferSameZone: true,
    });
  });

  test('takes the zones of its block, and has the defaults of the engine', () => {
    const [block] = settingsOf('cluster.local in-addr.arpa {\n  kubernetes\n}').blocks;
    expect(block?.kubernetes).toEqual({ ...plainKubernetes, zones: [name('cluster.local.')], reverseZones: [reverseZones[0]] });
    expect(plainKubernetes).toMatchObject({ ttl: 5, pods: 'disabled', startupTimeoutMs: 5000 });
    expect(directives('kubernetes a.test {\nnamespace_labels team\n}').kubernetes?.namespaceLabels).toHaveLength(1);
    expect(directives('kubernetes a.test {\nnoendpoints\n}').kubernetes?.noEndpoints).toBe(true);
  });

  test('what concerns the connection to the API is the business of the agent', () => {
    const lines =
      'kubernetes a.test clusterset.local {\nendpoint https://k:6443\nkubeconfig /f\nupstream\nmulticluster clusterset.local\n}';
    expect(directives(lines).kubernetes?.zones).toEqual([name('a.test.')]);
    expect(warningsOf(`. {\n${lines}\n}`)).toEqual([
      "Corefile:3: kubernetes: endpoint has no effect: the agent's own connection to the API is used",
      "Corefile:4: kubernetes: kubeconfig has no effect: the agent's own connection to the API is used",
      'Corefile:5: kubernetes: upstream has no effect, as in all later releases of CoreDNS',
      'Corefile:6: kubernetes: zones of other clusters are not served',
    ]);
  });

  test.each([
    ['kubernetes 10.0.0.0/8', 'kubernetes: a zone that is no reverse zone is needed, such as cluster.local'],
    ['kubernetes a {\nttl 3601\n}', 'kubernetes: ttl must be a whole number from 0 to 3600, not "3601"'],
    ['kubernetes a {\npods all\n}', 'kubernetes: pods must be disabled, insecure or verified, not "all"'],
    ['kubernetes a {\nlabels a=b=c\n}', 'kubernetes: "a=b=c" is no label selector such as app=web,tier in (front, back)'],
    ['kubernetes a {\nnamespaces x\nnamespace_labels y\n}', 'kubernetes: namespaces and namespace_labels exclude each other'],
    ['kubernetes a {\nzonal\nnoendpoints\n}', 'kubernetes: zonal and noendpoints exclude each other'],
    ['kubernetes a {\nignore all\n}', 'kubernetes: ignore knows empty_service, not "all"'],
    ['kubernetes a\nkubernetes b', 'kubernetes: stands in one server block twice'],
  ])('%s is refused', (lines, message) => {
    expect(firstProblem(lines)).toBe(message);
  });
});

describe('cache', () => {
  test('with all options', () => {
    const { cache } = directives(`cache 60 Example.org {
      success 5000 40 3
      denial 2500
      prefetch 10 2m 20%
      serve_stale 30m verify
      servfail 0s
      disable success a.example.org
      disable denial
      keepttl
    }`);
    expect(cache).toEqual({
      zones: [name('example.org.')],
      success: { capacity: 5000, ttlCap: 40, ttlFloor: 3 },
      denial: { capacity: 2500, ttlCap: 60, ttlFloor: 0 },
      servfailMs: 0,
      disableSuccess: [name('a.example.org.')],
      disableDenial: [name('example.org.')],
      keepTtl: true,
      prefetch: { amount: 10, intervalMs: 120_000, percentage: 20 },
      serveStale: { forMs: 1_800_000, mode: 'verify' },
    });
  });

  test('without, with a zone alone, and with short forms', () => {
    expect(directives('cache').cache).toEqual(plainCache);
    expect(directives('cache example.org').cache).toEqual({ ...plainCache, zones: [name('example.org.')] });
    expect(directives('cache . {\nprefetch 3\nserve_stale\ndisable success\n}').cache).toMatchObject({
      zones: [rootName],
      prefetch: { amount: 3, intervalMs: 60_000, percentage: 10 },
      serveStale: { forMs: 3_600_000, mode: 'immediate' },
      disableSuccess: [rootName],
    });
  });

  test.each([
    ['cache 0', 'cache: the time to live must be a whole number from 1 to 2147483647, not "0"'],
    ['cache {\nservfail 6m\n}', 'cache: servfail must be a duration from 0s to 5m0s, not "6m"'],
    ['cache {\nprefetch 1 1m 5%\n}', 'cache: the percentage must be from 10% to 90%, not "5%"'],
    ['cache {\ndisable all\n}', 'cache: disable takes success or denial, not "all"'],
    ['cache {\nsuccess\n}', 'cache: success takes 1 to 3 arguments and not 0'],
    ['cache {\nserve_stale 1h later\n}', 'cache: serve_stale knows immediate and verify, not "later"'],
  ])('%s is refused', (lines, message) => {
    expect(firstProblem(lines)).toBe(message);
  });
});

describe('rewrite', () => {
  test('names, types, times to live and codes, on one line and in a block', () => {
    const { rewrite } = directives(`rewrite name old.test new.test
      rewrite continue name suffix .a.test .b.test answer auto
      rewrite stop {
        name regex (.*)-(us-west-1)\\.test {1}.service.{2}.consul
        answer name (.*)\\.service\\.(us-west-1)\\.consul {1}-{2}.test
        answer value (.*)\\.consul {1}.rocks
      }
      rewrite type ANY HINFO
      rewrite continue {
        ttl regex (.*)\\.test 15
      }
      rewrite ttl a.test 30-60
      rewrite ttl suffix .test -60
      rewrite ttl exact exact 30-
      rewrite rcode a.test SERVFAIL NXDOMAIN`);
    expect(rewrite).toEqual([
      { after: 'stop', matches: { kind: 'name', how: 'exact', from: 'old.test', to: 'new.test', answers: 'auto' } },
      { after: 'continue', matches: { kind: 'name', how: 'suffix', from: '.a.test', to: '.b.test', answers: 'auto' } },
      {
        after: 'stop',
        matches: {
          kind: 'name',
          how: 'regex',
          from: '(.*)-(us-west-1)\\.test',
          to: '{1}.service.{2}.consul',
          answers: [
            { kind: 'name', from: '(.*)\\.service\\.(us-west-1)\\.consul', to: '{1}-{2}.test' },
            { kind: 'value', from: '(.*)\\.consul', to: '{1}.rocks' },
          ],
        },
      },
      { after: 'stop', matches: { kind: 'type', from: 255, to: 13 } },
      { after: 'continue', matches: { kind: 'ttl', how: 'regex', from: '(.*)\\.test', min: 15, max: 15 } },
      { after: 'stop', matches: { kind: 'ttl', how: 'exact', from: 'a.test', min: 30, max: 60 } },
      { after: 'stop', matches: { kind: 'ttl', how: 'suffix', from: '.test', min: 0, max: 60 } },
      { after: 'stop', matches: { kind: 'ttl', how: 'exact', from: 'exact', min: 30, max: 2 ** 31 - 1 } },
      { after: 'stop', matches: { kind: 'rcode', how: 'exact', name: 'a.test', from: 2, to: 3 } },
    ]);
    expect(directives('rewrite name prefix a b').rewrite[0]?.matches).toMatchObject({ how: 'prefix', answers: 'keep' });
  });

  test.each([
    ['rewrite', 'rewrite: what to rewrite is missing: name, type, ttl or rcode'],
    ['rewrite edns0 local set 0xffee 0x61', 'rewrite: the field edns0 is not supported'],
    ['rewrite class CH IN', 'rewrite: the field class is not supported'],
    ['rewrite colour red blue', 'rewrite: "colour" can not be rewritten; name, type, ttl and rcode can'],
    ['rewrite name a', 'rewrite: two names are needed: the one that is asked and the one to ask instead'],
    ['rewrite name a b c', 'rewrite: found "c" where answer auto, answer name FROM TO or answer value FROM TO may stand'],
    ['rewrite name regex (a b', 'rewrite: the regular expression (a cannot be used: a ( without its )'],
    ['rewrite name exact a..b c', 'rewrite: "a..b" is no name'],
    ['rewrite type A NONE', 'rewrite: "NONE" is no record type such as A or TYPE65'],
    ['rewrite ttl a.test 60-30', 'rewrite: "60-30" is no number of seconds and no range such as 30-60, 30- or -60'],
    ['rewrite rcode a.test SERVFAIL NOPE', 'rewrite: "NOPE" is no response code such as NXDOMAIN'],
  ])('%s is refused', (lines, message) => {
    expect(firstProblem(lines)).toBe(message);
  });
});

describe('template', () => {
  test('with all options', () => {
    const { templates } = directives(`template ANY ANY invalid {
        rcode NXDOMAIN
        authority "invalid. 60 {{ .Class }} SOA ns.invalid. h.invalid. (1 60 60 60 60)"
      }
      template IN A example {
        match ^ip-(?P<a>[0-9]*)[.]example[.]$ "^\\d+[.]example[.]$"
        answer "{{ .Name }} 60 IN A 10.0.0.{{ .Group.a }}"
        additional "a.example. 60 IN A 192.0.2.1"
        fallthrough
      }
      template CH TXT {
        answer "a. 1 IN TXT a"
      }`);
    expect(templates).toEqual([
      {
        zones: [name('invalid.')],
        type: null,
        match: [],
        answer: [],
        additional: [],
        authority: ['invalid. 60 {{ .Class }} SOA ns.invalid. h.invalid. (1 60 60 60 60)'],
        rcode: 3,
        fallthrough: [],
      },
      {
        zones: [name('example.')],
        type: 1,
        match: ['^ip-(?P<a>[0-9]*)[.]example[.]$', '^\\d+[.]example[.]$'],
        answer: ['{{ .Name }} 60 IN A 10.0.0.{{ .Group.a }}'],
        additional: ['a.example. 60 IN A 192.0.2.1'],
        authority: [],
        rcode: 0,
        fallthrough: [rootName],
      },
    ]);
  });

  test.each([
    ['template IN', 'template: a class and a type are needed: template IN A'],
    ['template XX A', 'template: "XX" is no class: IN or ANY'],
    ['template IN A {\nmatch (?=a)\n}', /^template: the regular expression \(\?=a\) cannot be used/],
    ['template IN A {\nanswer "{{ .Remote }}"\n}', /^template: the template action {{ \.Remote }} is not supported/],
    [
      'template IN A {\nanswer "a.test. IN A web"\n}',
      'template: "a.test. IN A web" is no record such as "example.org. 60 IN A 192.0.2.1"',
    ],
    ['template IN A {\nrcode NOPE\n}', 'template: "NOPE" is no response code such as NXDOMAIN'],
  ])('%s is refused', (lines, message) => {
    expect(firstProblem(lines)).toMatch(message);
  });
});

describe('acl, log, autopath and the small ones', () => {
  test('[DNS-129] acl', () => {
    const { acl } = directives(
      'acl a.test {\nallow type A AAAA net 10.0.0.0/8 fd00::1\nfilter type * net *\n}\nacl {\ndrop net 192.0.2.1\nblock\n}',
    );
    expect(
      acl.map(({ zones, action, types, sources }) => [zones.map(formatName), action, types, sources.map(formatPrefix)]),
    ).toEqual([
      [['a.test.'], 'allow', [1, 28], ['10.0.0.0/8', 'fd00::1/128']],
      [['a.test.'], 'filter', [], []],
      [['.'], 'drop', [], ['192.0.2.1/32']],
      [['.'], 'block', [], []],
    ]);
    expect(firstProblem('acl {\nallow net 10.0.0.0/99\n}')).toBe('acl: "10.0.0.0/99" is neither an address nor a prefix');
    expect(firstProblem('acl {\nallow 10.0.0.0/8\n}')).toBe('acl: found "10.0.0.0/8" where type or net may stand');
    expect(firstProblem('acl {\nreject\n}')).toBe('acl: unknown option "reject"');
  });

  test('log', () => {
    expect(directives('loop').log).toBeNull();
    expect(directives('log').log).toEqual([{ zones: [rootName], classes: [] }]);
    expect(directives('log a.test b.test {combined} {\nclass denial error\n}\nlog c.test {\nclass all success\n}').log).toEqual([
      { zones: [name('a.test.'), name('b.test.')], classes: ['denial', 'error'] },
      { zones: [name('c.test.')], classes: [] },
    ]);
    expect(warningsOf('. {\nlog . "{proto} {name}"\n}')).toEqual(['Corefile:2: log: the format of the query log is fixed']);
    expect(firstProblem('log {\nclass good\n}')).toBe('log: class takes success, denial, error or all, not "good"');
  });

  test('autopath', () => {
    expect(directives('autopath @kubernetes').autopath).toEqual({
      zones: [rootName],
      search: [],
      searchFile: '/etc/resolv.conf',
    });
    expect(directives('autopath cluster.local @kubernetes').autopath?.zones).toEqual([name('cluster.local.')]);
    expect(firstProblem('autopath /etc/resolv.conf')).toBe(
      'autopath: search lists from "/etc/resolv.conf" are not supported; @kubernetes is',
    );
  });

  test('bind, bufsize, minimal, any, loadbalance, errors', () => {
    expect(directives('bind 127.0.0.1 ::1 10.0.0.1 {\nexcept 10.0.0.1\n}\nbind 127.0.0.1').bind).toEqual(['127.0.0.1', '::1']);
    expect(directives('bufsize 4096').udpLimit).toBe(4096);
    expect(directives('bufsize').udpLimit).toBe(1232);
    expect(directives('minimal\nany\nloadbalance round_robin\nerrors {\nconsolidate 5m ".* timeout$" warning\n}')).toMatchObject({
      minimal: true,
      shuffle: true,
    });
    expect(firstProblem('bind eth0')).toBe('bind: "eth0" is no address; names of interfaces and hosts are not supported');
    expect(firstProblem('loadbalance weighted /f')).toBe('loadbalance: the policy "weighted" is not supported; round_robin is');
    expect(firstProblem('loop now')).toBe('loop: loop takes 0 arguments and not 1: "now"');
    expect(firstProblem('loop {\nx\n}')).toBe('loop: takes no block');
  });

  test('pages and reload hold for the process, and the first of several counts', () => {
    const text =
      'a.test {\nhealth localhost:8092 {\nlameduck 1s\n}\nready [::1]:8182\nprometheus\nreload 10s 8s\n}\nb.test {\nhealth localhost:8092 {\nlameduck 1s\n}\nprometheus :9253\n}';
    expect(settingsOf(text)).toMatchObject({
      health: { host: 'localhost', port: 8092, lameDuckMs: 1000 },
      ready: { host: '::1', port: 8182 },
      metrics: { host: 'localhost', port: 9153 },
      reload: { intervalMs: 10_000, jitterMs: 5000 },
    });
    expect(warningsOf(text)).toEqual([
      'Corefile:13: prometheus: holds for the whole process and stands in another server block with other values, which count',
    ]);
    expect(settingsOf('. {\nreload 0\n}').reload).toBeNull();
    expect(settingsOf('. {\n}')).toMatchObject({ health: null, ready: null, metrics: null, reload: null });
    expect(firstProblem('ready 8181')).toBe('ready: "8181" is no address to listen on, such as :8080 or 10.0.0.1:8080');
    expect(firstProblem('reload 1s')).toBe('reload: the interval must be a duration of at least 2s, not "1s"');
  });
});
