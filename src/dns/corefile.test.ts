import { describe, expect, test } from 'vitest';
import {
  kubeadmCorefile,
  nodeLocalCorefile,
  blockOf,
  directives,
  problemsOf,
  settingsOf,
  warningsOf,
} from './corefile.fixture.ts';
import { formatName, lowerName, parseName, rootName } from './name.ts';
import type { Name } from './name.ts';
import { defaultSettings, plainBlock, plainCache, plainForward, plainHosts, plainKubernetes } from './settings-default.ts';
import { reverseZones } from './settings-zones.ts';

const name = (text: string): Name => lowerName(parseName(text) ?? rootName);
const names = (list: readonly Name[] | undefined): readonly string[] | undefined => list?.map(formatName);

describe('the stock Corefile', () => {
  test('[DNS-128] gives the stock settings, without a warning', () => {
    const stock = defaultSettings({ clusterDomain: name('cluster.local.'), upstreamFile: '/etc/resolv.conf' });
    expect(settingsOf(kubeadmCorefile)).toEqual(stock);
    expect(warningsOf(kubeadmCorefile)).toEqual([]);
  });

  test('[DNS-128] with CRLF, tabs, comments, quotes and without indentation it says the same', () => {
    const other = kubeadmCorefile
      .replaceAll('\n', ' # a comment {\r\n')
      .replaceAll('    ', '\t')
      .replace('cluster.local in-addr', '"cluster.local" in-addr');
    expect(settingsOf(other)).toEqual(settingsOf(kubeadmCorefile));
  });

  test('is what runs where there is no file', () => {
    const { blocks, ...rest } = defaultSettings({ clusterDomain: name('k8s.test.'), upstreamFile: '/run/resolv.conf' });
    expect(rest).toEqual({
      health: { host: '', port: 8080, lameDuckMs: 5000 },
      ready: { host: '', port: 8181 },
      metrics: { host: '', port: 9153 },
      reload: { intervalMs: 30_000, jitterMs: 15_000 },
    });
    expect(blocks).toHaveLength(1);
    expect(blocks[0]).toMatchObject({
      zones: [rootName],
      kubernetes: { zones: [name('k8s.test.')], reverseZones, ttl: 30, pods: 'insecure', fallthrough: reverseZones },
      forward: [{ suffix: rootName, upstreamFiles: ['/run/resolv.conf'], maxConcurrent: 1000 }],
      cache: { success: { ttlCap: 30 }, denial: { ttlCap: 30 }, disableSuccess: [name('k8s.test.')] },
      loop: true,
      shuffle: true,
    });
  });
});

describe('the Corefile of a node-local cache', () => {
  test('serves the cluster from the API, and the rest as it says', () => {
    const { blocks, ...rest } = settingsOf(nodeLocalCorefile, { clusterDomain: name('k8s.test.') });
    expect(rest).toEqual({
      health: { host: '', port: 8080, lameDuckMs: 0 },
      ready: null,
      metrics: { host: '', port: 9253 },
      reload: { intervalMs: 30_000, jitterMs: 15_000 },
    });
    const resolv = { ...plainForward, upstreamFiles: ['/etc/resolv.conf'] };
    expect(blocks).toHaveLength(2);
    expect(blocks[0]).toEqual({
      ...plainBlock([name('k8s.test.'), ...reverseZones], 53),
      kubernetes: {
        ...plainKubernetes,
        zones: [name('k8s.test.')],
        reverseZones,
        ttl: 30,
        pods: 'insecure',
        fallthrough: reverseZones,
      },
      cache: {
        ...plainCache,
        success: { ...plainCache.success, ttlCap: 30 },
        denial: { ...plainCache.denial, ttlCap: 5 },
        disableSuccess: [name('k8s.test.')],
        disableDenial: [name('k8s.test.')],
      },
      forward: [resolv],
      loop: true,
      shuffle: true,
    });
    expect(blocks[1]).toMatchObject({ zones: [rootName], forward: [resolv], kubernetes: null });
    expect(warningsOf(nodeLocalCorefile)).toEqual([]);
  });

  test('is a cache only where the address of the cluster DNS is given', () => {
    const fill = new Map([
      ['__PILLAR__CLUSTER__DNS__', '10.96.0.11'],
      ['__PILLAR__LOCAL__DNS__', '169.254.20.10'],
      ['__PILLAR__DNS__SERVER__', '10.96.0.10'],
    ]);
    const { blocks, health } = settingsOf(nodeLocalCorefile, { fill });
    expect(blocks.map(({ zones }) => names(zones))).toEqual([['cluster.local.'], ['in-addr.arpa.'], ['ip6.arpa.'], ['.']]);
    expect(blocks[0]).toMatchObject({
      kubernetes: null,
      bind: ['169.254.20.10', '10.96.0.10'],
      forward: [{ upstreams: [{ address: '10.96.0.11', port: 53 }], transport: 'force_tcp' }],
    });
    expect(health).toEqual({ host: '169.254.20.10', port: 8080, lameDuckMs: 0 });
  });
});

describe('server blocks', () => {
  test('have zones, prefixes, ports and a scheme', () => {
    const { blocks } = settingsOf(
      'Example.org, .:5353 dns://test:53 10.0.0.0/24 2001:db8::/32:5353 {\n  loop\n}\n:1053 {\n}\ndns:// {\n}',
    );
    expect(blocks.map(({ zones, port, loop }) => ({ zones: names(zones), port, loop }))).toEqual([
      { zones: ['example.org.', 'test.', '0.0.10.in-addr.arpa.'], port: 53, loop: true },
      { zones: ['.', '8.b.d.0.1.0.0.2.ip6.arpa.'], port: 5353, loop: true },
      { zones: ['.'], port: 1053, loop: false },
      { zones: ['.'], port: 53, loop: false },
    ]);
  });

  test('may have no braces where there is only one, zones on several lines, and everything on one line', () => {
    expect(blockOf('.:53\nforward . 10.0.0.1 {\n  force_tcp\n}\nloop')).toMatchObject({
      loop: true,
      forward: [{ transport: 'force_tcp' }],
    });
    expect(names(blockOf('a.test,\nb.test {\n}').zones)).toEqual(['a.test.', 'b.test.']);
    expect(blockOf('. { loop }').loop).toBe(true);
  });

  test('of other protocols are refused', () => {
    expect(problemsOf('tls://. {\n}\nhttps://a.test {\n}\ngrpc://. {\n}')).toEqual([
      'Corefile:1: the server block tls://. is for tls://, which is not supported; plain DNS over UDP and TCP is',
      'Corefile:3: the server block https://a.test is for https://, which is not supported; plain DNS over UDP and TCP is',
      'Corefile:5: the server block grpc://. is for grpc://, which is not supported; plain DNS over UDP and TCP is',
    ]);
  });

  test('for one zone and port may be two only on different addresses', () => {
    expect(problemsOf('a.test {\n}\nA.test. {\n}')).toEqual(['Corefile: two server blocks are for the zone a.test. on port 53']);
    expect(problemsOf('a.test {\n bind 10.0.0.1\n}\na.test {\n bind 10.0.0.2\n}\na.test:54 {\n}')).toEqual([]);
  });
});

describe('snippets, imports and variables', () => {
  test('snippets are put in, also into each other and in options', () => {
    const text =
      '(retry) {\n  max_fails 7\n}\n(up) {\n  forward . 10.0.0.1 {\n    import retry\n  }\n  loop\n}\n. {\n  import up\n  minimal\n}';
    expect(blockOf(text)).toMatchObject({ loop: true, minimal: true, forward: [{ maxFails: 7 }] });
  });

  test('files are put in, at the top and inside of blocks; a pattern may find none', () => {
    const files = new Map([
      [
        'custom/*.override',
        [
          { name: 'custom/a.override', text: 'minimal' },
          { name: 'custom/b.override', text: 'hosts {\n 10.0.0.1 a.test\n}' },
        ],
      ],
      ['custom/*.server', [{ name: 'custom/x.server', text: 'x.test {\n  forward . 10.0.0.9\n}' }]],
    ]);
    const text = '. {\n  import custom/*.override\n  import other/*.none\n}\nimport custom/*.server\n';
    const readImport = (pattern: string): { name: string; text: string }[] | null => files.get(pattern) ?? null;
    const { blocks } = settingsOf(text, { readImport });
    expect(blocks).toHaveLength(2);
    expect(blocks[0]).toMatchObject({ minimal: true, hosts: { lines: ['10.0.0.1 a.test'] } });
    expect(names(blocks[1]?.zones)).toEqual(['x.test.']);
    expect(warningsOf(text, { readImport })).toEqual(['Corefile:3: import: there is no snippet and no file other/*.none']);
    expect(problemsOf('. {\n  import custom/none\n}')).toEqual([
      'Corefile:2: import: there is no snippet and no file custom/none',
    ]);
  });

  test('problems in an imported file name that file', () => {
    const readImport = (): { name: string; text: string }[] => [{ name: 'custom/a', text: 'loop\n\nbufsize 9\n' }];
    expect(problemsOf('. {\n  import custom/a\n}', { readImport })).toEqual([
      'custom/a:3: bufsize: the size must be a whole number from 512 to 4096, not "9"',
    ]);
  });

  test('what imports itself ends with a problem', () => {
    const readImport = (): { name: string; text: string }[] => [{ name: 'self', text: 'import self' }];
    expect(problemsOf('. {\n  import self\n}', { readImport })[0]).toMatch(/imports itself/);
    expect(problemsOf('(a) {\n  import a\n  import a\n}\n. {\n  import a\n}')[0]).toMatch(/imports itself/);
  });

  test('variables of the environment, in both forms', () => {
    const env = { UPSTREAM: '10.1.2.3', PORT: '5300', DOMAIN: 'k8s.test' };
    const block = blockOf('{$DOMAIN}:{%PORT%} {\n  forward . {$UPSTREAM} {$MISSING}10.0.0.2:{$PORT}\n}', { env });
    expect([names(block.zones), block.port]).toEqual([['k8s.test.'], 5300]);
    expect(block.forward[0]?.upstreams).toEqual([
      { address: '10.1.2.3', port: 53 },
      { address: '10.0.0.2', port: 5300 },
    ]);
  });
});

describe('forward', () => {
  test('with all options', () => {
    const block =
      directives(`forward Example.org 10.0.0.53 10.0.0.54:5353 fd00::53 [fd00::54]:54 dns://10.0.0.55 /run/resolv.conf {
      except a.example.org 10.0.0.0/24
      except b.example.org
      force_tcp
      prefer_udp
      expire 20s
      max_fails 3
      policy sequential
      health_check 1s no_rec
      max_concurrent 50
      failover SERVFAIL REFUSED NOTIMP
      failfast_all_unhealthy_upstreams
      mix_case
    }`);
    expect(block.forward).toEqual([
      {
        suffix: name('example.org.'),
        except: ['a.example.org.', '0.0.10.in-addr.arpa.', 'b.example.org.'].map(name),
        upstreams: [
          { address: '10.0.0.53', port: 53 },
          { address: '10.0.0.54', port: 5353 },
          { address: 'fd00::53', port: 53 },
          { address: 'fd00::54', port: 54 },
          { address: '10.0.0.55', port: 53 },
        ],
        upstreamFiles: ['/run/resolv.conf'],
        policy: 'sequential',
        transport: 'force_tcp',
        maxConcurrent: 50,
        maxFails: 3,
        healthIntervalMs: 1000,
        healthRecursion: false,
        allDown: 'fail',
        failover: [2, 5, 4],
        expireMs: 20_000,
        mixCase: true,
      },
    ]);
  });

  test('several stand in the order of the file, one for each zone of a prefix', () => {
    const block = directives(
      'forward lab.test 10.0.0.1\nforward test 10.0.0.2\nforward 10.0.0.0/15 10.0.0.3\nforward . 10.0.0.4',
    );
    expect(block.forward.map(({ suffix }) => formatName(suffix))).toEqual([
      'lab.test.',
      'test.',
      '0.10.in-addr.arpa.',
      '1.10.in-addr.arpa.',
      '.',
    ]);
  });

  test.each([
    ['forward . tls://9.9.9.9', 'forward: upstreams over tls:// are not supported; plain DNS over UDP and TCP is'],
    ['forward . https://9.9.9.9', 'forward: upstreams over https:// are not supported; plain DNS over UDP and TCP is'],
    [
      'forward . dns.example.org',
      'forward: "dns.example.org" is neither an address, such as 10.0.0.53 or 10.0.0.53:5353, nor the path of a resolv.conf',
    ],
    [
      'forward . 10.0.0.1:0',
      'forward: "10.0.0.1:0" is neither an address, such as 10.0.0.53 or 10.0.0.53:5353, nor the path of a resolv.conf',
    ],
    ['forward .', 'forward: a zone and at least one upstream are needed: forward . /etc/resolv.conf'],
    [`forward . ${'10.0.0.1 '.repeat(16)}`, 'forward: there may be 15 upstreams and not 16'],
    ['forward . 10.0.0.1 {\npolicy best\n}', 'forward: policy must be random, round_robin or sequential, not "best"'],
    [
      'forward . 10.0.0.1 {\nfailover NOERROR\n}',
      'forward: failover takes response codes such as SERVFAIL or REFUSED, not "NOERROR"',
    ],
    ['forward . 10.0.0.1 {\nmax_concurrent 0\n}', 'forward: max_concurrent must be a whole number from 1 to 2147483647, not "0"'],
    ['forward . 10.0.0.1 {\nexpire never\n}', 'forward: expire must be a duration of at least 1ms, not "never"'],
    ['forward . 10.0.0.1 {\ntls_servername a\n}', 'forward: the option tls_servername is not supported'],
    ['forward . 10.0.0.1 {\nfrce_tcp\n}', 'forward: unknown option "frce_tcp"'],
    ['forward a..b 10.0.0.1', 'forward: "a..b" is neither a zone nor a prefix'],
  ])('%s is refused', (line, message) => {
    expect(problemsOf(`. {\n${line}\n}`)).toEqual([expect.stringMatching(/^Corefile:[23]: /)]);
    expect(problemsOf(`. {\n${line}\n}`)[0]?.replace(/^Corefile:\d: /, '')).toBe(message);
  });
});

describe('hosts', () => {
  test('with a file, zones, lines and options', () => {
    const block = directives(
      'hosts /etc/extra example.org {\n10.0.0.1 a.example.org b # two\nfd00::1 a.example.org\nttl 60\nno_reverse\nreload 2s\nfallthrough example.org test\n}',
    );
    expect(block.hosts).toEqual({
      zones: [name('example.org.')],
      file: '/etc/extra',
      lines: ['10.0.0.1 a.example.org b', 'fd00::1 a.example.org'],
      ttl: 60,
      reverse: false,
      fallthrough: [name('example.org.'), name('test.')],
      reloadMs: 2000,
    });
  });

  test('without a file reads the usual one, unless there are lines', () => {
    expect(directives('hosts').hosts).toEqual({ ...plainHosts, zones: [rootName] });
    expect(directives('hosts {\n10.0.0.1 a\nfallthrough\n}').hosts).toMatchObject({ file: null, fallthrough: [rootName] });
    expect(problemsOf('. {\nhosts {\n10.0.0.1\n}\n}')).toEqual(['Corefile:3: hosts: "10.0.0.1" is no address followed by names']);
    expect(problemsOf('. {\nhosts {\n10.0.0.x a\n}\n}')).toEqual(['Corefile:3: hosts: unknown option "10.0.0.x"']);
  });
});
