import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatPrefix } from '../model/mod.ts';
import { describeFlags } from './describe-flags.ts';
import { ingressFields } from './ingress-fields.ts';
import type { IngressSettings } from './ingress-settings.ts';
import { makeConfig } from './load-config.ts';
import type { Loaded } from './load-config.ts';
import { formatMark, parseMark } from './mark-text.ts';
import { formatPool, parsePool } from './pool-text.ts';
import { writeConfig } from './write-config.ts';

function load(text: string | null, flags: Readonly<Record<string, string>> = {}): Loaded {
  const texts = new Map(Object.entries(flags).map(([name, value]) => [name, [value]]));
  return makeConfig(texts, text === null ? null : { name: 'c.yaml', text });
}

/** A section `ingress` in flow style, on line 4 of a file, in ipvs mode. */
function inFile(section: string, mode = 'ipvs'): Loaded {
  const own = `apiVersion: waypost.dev/v1alpha1\nkind: WaypostConfiguration\n\ningress: {${section}}\n`;
  return load(`${own}---\napiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: ${mode}\n`);
}

function ingressOf(loaded: Loaded): IngressSettings | null {
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join('\n'));
  return loaded.config.ingress;
}

function problemsOf(loaded: Loaded): readonly string[] {
  return loaded.ok ? [] : loaded.problems.map(({ message }) => message);
}

function warningsOf(loaded: Loaded): readonly string[] {
  return loaded.warnings.map(({ code, message }) => `${code} ${message}`);
}

describe('the section ingress', () => {
  test('is off unless asked for, and then has defaults', () => {
    expect(ingressOf(load(null))).toBeNull();
    const loaded = inFile('enabled: true');
    expect(loaded.warnings).toEqual([]);
    expect(ingressOf(loaded)).toEqual({
      loadBalancerClass: 'waypost.dev/ingress',
      vipCidrs: null,
      externalIps: [],
      capture: 'local',
      fwmark: { mask: 0x0fff, first: 0x101 },
      routeTable: 5257,
      rulePriority: 90,
      dsr: null,
      noEndpointsAction: null,
      announce: null,
      healthChecks: null,
      pools: [],
      lease: { namespace: 'kube-system', name: 'waypost-ingress', durationMs: 15_000 },
      limits: { portsPerService: 512, rangesPerService: 64, marksPerNamespace: null },
    });
    expect(
      ingressOf(inFile('enabled: true, dsr: {enabled: true}, announce: {enabled: true}, healthChecks: {enabled: true}')),
    ).toMatchObject({
      dsr: { method: 'ipip', guePort: 6080, clampMss: true },
      announce: { interfaces: null },
      healthChecks: { folder: '/etc/waypost/checks', concurrency: 64 },
    });
  });

  test('says everything, also in sections within it', () => {
    const loaded = inFile(`enabled: true, class: edge, vipCIDRs: [192.0.2.0/24, "fd00::/64"], externalIPs: [198.51.100.0/24],
      capture: policy, fwmark: {mask: 0x0ff00000, first: 16}, routeTable: 100, rulePriority: 50,
      dsr: {enabled: true, method: gue, gue: {port: 6081}, clampMSS: false}, noEndpointsAction: reject,
      announce: {enabled: true, interfaces: [eth0]}, healthChecks: {enabled: true, folder: /opt/checks, concurrency: 8},
      pool: [{name: front, addresses: [192.0.2.0/28, 192.0.2.40-192.0.2.50]}, {name: v6, addresses: ["fd00::/120"]}],
      leaseNamespace: edge, leaseName: edge.lock, leaseDuration: 5s,
      limits: {portsPerService: 10, rangesPerService: 0, marksPerNamespace: 20}`);
    expect(loaded.warnings).toEqual([]);
    const found = ingressOf(loaded);
    expect({ ...found, vipCidrs: found?.vipCidrs?.map(formatPrefix), externalIps: found?.externalIps.map(formatPrefix) }).toEqual(
      {
        loadBalancerClass: 'edge',
        vipCidrs: ['192.0.2.0/24', 'fd00::/64'],
        externalIps: ['198.51.100.0/24'],
        capture: 'policy',
        fwmark: { mask: 0x0ff0_0000, first: 16 },
        routeTable: 100,
        rulePriority: 50,
        dsr: { method: 'gue', guePort: 6081, clampMss: false },
        noEndpointsAction: 'reject',
        announce: { interfaces: ['eth0'] },
        healthChecks: { folder: '/opt/checks', concurrency: 8 },
        pools: [
          {
            name: 'front',
            addresses: [
              { family: 'IPv4', address: '192.0.2.0', length: 28 },
              { family: 'IPv4', first: '192.0.2.40', last: '192.0.2.50' },
            ],
            autoAssign: true,
          },
          { name: 'v6', addresses: [{ family: 'IPv6', address: 'fd00::', length: 120 }], autoAssign: true },
        ],
        lease: { namespace: 'edge', name: 'edge.lock', durationMs: 5000 },
        limits: { portsPerService: 10, rangesPerService: 0, marksPerNamespace: 20 },
      },
    );
    expect(ingressOf(load(loaded.ok ? writeConfig(loaded.config) : ''))).toEqual(found);
  });

  test('has flags with the paths of its fields', () => {
    expect(ingressFields.map(({ flag }) => flag?.name)).toEqual(
      `enabled class vip-cidrs external-ips capture fwmark-mask fwmark-first route-table rule-priority dsr-enabled
       dsr-method dsr-gue-port dsr-clamp-mss no-endpoints-action announce-enabled announce-interfaces health-checks-enabled
       health-checks-folder health-checks-concurrency pool lease-namespace lease-name lease-duration limits-ports-per-service
       limits-ranges-per-service limits-marks-per-namespace`
        .split(/\s+/)
        .map((name) => `ingress-${name}`),
    );
    const flags = {
      'proxy-mode': 'ipvs',
      'ingress-enabled': 'true',
      'ingress-vip-cidrs': '192.0.2.0/24',
      'ingress-fwmark-mask': '0x00f0ef00',
      'ingress-fwmark-first': '7',
      'ingress-pool': 'front=192.0.2.0/28+192.0.2.40-192.0.2.50,back=192.0.2.128/25',
    };
    const loaded = load(null, flags);
    expect(ingressOf(loaded)).toMatchObject({
      fwmark: { mask: 0xf0_ef00, first: 7 },
      pools: [{ name: 'front', addresses: [{}, { last: '192.0.2.50' }] }, { name: 'back' }],
    });
    const shown = loaded.ok ? describeFlags(loaded.config) : new Map<string, string>();
    for (const [name, value] of Object.entries({ ...flags, 'ingress-fwmark-first': '0x00000007' }))
      expect(shown.get(name)).toBe(value);
  });

  test.each([
    ['class: "a b"', 'ingress.class must be a name with or without a prefix, such as waypost.dev/ingress, not "a b"'],
    ['class: a/b/c', 'ingress.class must be a name with or without a prefix, such as waypost.dev/ingress, not "a/b/c"'],
    ['class: Up.dev/x', 'ingress.class must be a name with or without a prefix, such as waypost.dev/ingress, not "Up.dev/x"'],
    ['vipCIDRs: [192.0.2.1]', 'ingress.vipCIDRs must hold only CIDRs (192.0.2.1 is none), not ["192.0.2.1"]'],
    ['externalIPs: [x]', 'ingress.externalIPs must hold only CIDRs (x is none), not ["x"]'],
    ['capture: all', 'ingress.capture must be one of local, policy, not "all"'],
    ['fwmark: {mask: 0}', 'ingress.fwmark.mask must be from 1 to 4294967295, not 0x00000000'],
    ['fwmark: {mask: 0x1ffffffff}', 'ingress.fwmark.mask must be a number of 32 bits such as 0x1fff, not 8589934591'],
    ['fwmark: {mask: -1}', 'ingress.fwmark.mask must be a number of 32 bits such as 0x1fff, not -1'],
    ['fwmark: {mask: low}', 'ingress.fwmark.mask must be a number of 32 bits such as 0x1fff, not "low"'],
    ['fwmark: {first: 0}', 'ingress.fwmark.first must be from 1 to 4294967295, not 0x00000000'],
    [
      'fwmark: {first: 0x1000}',
      'ingress.fwmark.first must be below 0x00001000, as ingress.fwmark.mask has 12 bits, not 0x00001000',
    ],
    [
      'fwmark: {mask: 0xff000000, first: 1}',
      'ingress.fwmark.mask must not hold all bits that the other marks of virtual servers have (0x57000000), not 0xff000000',
    ],
    ['fwmark: {mask: 0x1fff, first: 1}', 'ingress.fwmark.mask must not hold bit 12, which is ipvs.captureBit, not 0x00001fff'],
    ['fwmark: 7', 'ingress.fwmark must be a map of fields'],
    ['routeTable: 0', 'ingress.routeTable must not be one of 0, 253, 254, 255, 22359, not 0'],
    ['routeTable: 254', 'ingress.routeTable must not be one of 0, 253, 254, 255, 22359, not 254'],
    ['routeTable: 4294967296', 'ingress.routeTable must be from 1 to 4294967295, not 4294967296'],
    ['rulePriority: 0', 'ingress.rulePriority must be from 1 to 32765, not 0'],
    ['dsr: {method: vxlan}', 'ingress.dsr.method must be one of ipip, gue, dr, not "vxlan"'],
    ['dsr: {gue: {port: 0}}', 'ingress.dsr.gue.port must be from 1 to 65535, not 0'],
    ['dsr: {gue: 6080}', 'ingress.dsr.gue must be a map of fields'],
    ['noEndpointsAction: accept', 'ingress.noEndpointsAction must be one of drop, reject, not "accept"'],
    [
      'announce: {interfaces: [a/b]}',
      'ingress.announce.interfaces must hold only names of interfaces ("a/b" is none), not ["a/b"]',
    ],
    ['healthChecks: {folder: checks}', 'ingress.healthChecks.folder must be an absolute path, not "checks"'],
    ['healthChecks: {concurrency: 0}', 'ingress.healthChecks.concurrency must be from 1 to 4096, not 0'],
    ['leaseNamespace: Kube', 'ingress.leaseNamespace must be a name in lower case, such as kube-system, not "Kube"'],
    ['leaseDuration: 1500ms', 'ingress.leaseDuration must be whole seconds from 1s to 3600s, not 1.5s'],
    ['limits: {portsPerService: 0}', 'ingress.limits.portsPerService must be from 1 to 65535, not 0'],
    ['limits: {rangesPerService: 65}', 'ingress.limits.rangesPerService must be from 0 to 64, not 65'],
    ['limits: {marksPerNamespace: -1}', 'ingress.limits.marksPerNamespace must be from 0 to 4294967295, not -1'],
  ])('refuses %s', (line, message) => {
    expect(problemsOf(inFile(`enabled: true, ${line}`))).toEqual([`c.yaml:4: ${message}`]);
  });

  test.each([
    ['7', 'must be a list of objects with name and addresses, not 7'],
    ['[a]', 'must be a list of objects with name and addresses, not a list'],
    ['[{name: a}]', 'must be a list of objects with name and addresses, not a list'],
    ['[{name: a, addresses: 10.0.0.0/8}]', 'must be a list of objects with name and addresses, not a list'],
    [
      '[{name: a, addresses: [10.0.0.0/8], namespaces: [x]}]',
      'must be a list of objects with name and addresses (namespaces is neither), not',
    ],
    ['[{name: A, addresses: [10.0.0.0/8]}]', 'must give each pool a name of its own in lower case ("A" is none), not'],
    ['[{name: a, addresses: [10.0.0.0/8]}, {name: a, addresses: [11.0.0.0/8]}]', 'must give each pool a name of its own'],
    ['[{name: a, addresses: []}]', 'must give each pool addresses (a has none), not'],
    [
      '[{name: a, addresses: [10.0.0.1]}]',
      'must hold CIDRs, or first and last address with - between (10.0.0.1 is neither), not',
    ],
    [
      '[{name: a, addresses: [10.0.0.0/24]}, {name: b, addresses: [10.0.0.9-10.0.1.1]}]',
      'must hold no address twice (10.0.0.9-10.0.1.1 and 10.0.0.0/24 share some), not',
    ],
  ])('refuses the pool %s', (pool, message) => {
    const found = problemsOf(inFile(`enabled: true, pool: ${pool}`));
    expect(found).toHaveLength(1);
    expect(found[0]?.startsWith(`c.yaml:4: ingress.pool ${message}`)).toBe(true);
  });

  test('[INGRESS-4] a pool lies where addresses may be, perhaps in several of the ranges', () => {
    const outside = '[{name: a, addresses: [192.0.2.0/24, 10.0.0.0/24]}]';
    expect(problemsOf(inFile(`enabled: true, vipCIDRs: [192.0.2.0/23], pool: ${outside}`))).toEqual([
      expect.stringMatching(/^c\.yaml:4: ingress\.pool must be within ingress\.vipCIDRs \(10\.0\.0\.0\/24 is not\), not /),
    ]);
    const pool = '[{name: a, addresses: [192.0.2.9-192.0.3.9]}]';
    expect(problemsOf(inFile(`enabled: true, vipCIDRs: [192.0.3.0/24, 192.0.2.0/24], pool: ${pool}`))).toEqual([]);
  });

  test('names what is wrong with a flag', () => {
    const flags = { 'ingress-enabled': 'true', 'ingress-fwmark-mask': '0xfg', 'ingress-pool': 'a', 'ingress-route-table': '255' };
    expect(problemsOf(load(null, flags))).toEqual([
      '--ingress-fwmark-mask must be a number of 32 bits such as 0x1fff, not "0xfg"',
      '--ingress-pool must be a list like name=192.0.2.0/28+192.0.2.40-192.0.2.50, not "a"',
      '--ingress-route-table: ingress.routeTable must not be one of 0, 253, 254, 255, 22359, not 255',
    ]);
  });

  test('in a section that is off, rules between fields are not asked', () => {
    expect(problemsOf(inFile('fwmark: {first: 0x2000}'))).toEqual([]);
    expect(warningsOf(inFile('fwmark: {frist: 1}'))).toEqual([
      'WP_CONFIG_UNKNOWN_FIELD c.yaml:4: ingress.fwmark.frist is no known field and has no effect (did you mean ingress.fwmark.first?)',
    ]);
  });
});

describe('[INGRESS-18] bits of the mark that others use', () => {
  test.each([
    ['0x00002fff', '0x00002000 (CNI port mappings)'],
    ['0x00004001', '0x00004000 (masquerading by Kubernetes)'],
    [
      '0x0000e001',
      '0x00002000 (CNI port mappings), 0x00004000 (masquerading by Kubernetes), 0x00008000 (dropping by Kubernetes)',
    ],
  ])('%s: %s', (mask, shared) => {
    expect(warningsOf(inFile(`enabled: true, fwmark: {mask: ${mask}, first: 1}`))).toEqual([
      `WP_CONFIG_MARK ingress.fwmark.mask ${mask} shares bits of the packet mark with others: ${shared}`,
    ]);
  });

  test('the masquerade bit that was chosen is one of them; bits that nobody has are not', () => {
    const flags = { 'proxy-mode': 'ipvs', 'ingress-enabled': 'true', 'iptables-masquerade-bit': '3' };
    expect(warningsOf(load(null, flags))).toEqual([
      'WP_CONFIG_MARK ingress.fwmark.mask 0x00000fff shares bits of the packet mark with others: 0x00000008 (iptables.masqueradeBit)',
    ]);
    expect(warningsOf(inFile('enabled: true, fwmark: {mask: 0xa8010fff}'))).toEqual([]);
    expect(warningsOf(inFile('enabled: true, fwmark: {mask: 0xffff}', 'nftables')).join('\n')).not.toContain('WP_CONFIG_MARK');
  });
});

describe('settings of ingress that do nothing', () => {
  const idle = (message: string): string => `WP_CONFIG_NO_EFFECT c.yaml:4: ${message}`;

  test('because ingress is off', () => {
    expect(warningsOf(inFile('class: edge, fwmark: {first: 0x200}, pool: [{name: a, addresses: [192.0.2.0/24]}]'))).toEqual([
      idle('ingress.class "edge" has no effect: ingress.enabled is false'),
      idle('ingress.fwmark.first 0x00000200 has no effect: ingress.enabled is false'),
      idle('ingress.pool [{"name":"a","addresses":["192.0.2.0/24"]}] has no effect: ingress.enabled is false'),
    ]);
    expect(warningsOf(inFile('enabled: false, class: waypost.dev/ingress, routeTable: 5257'))).toEqual([]);
  });

  test('because the mode has no marks', () => {
    expect(warningsOf(inFile('enabled: true, capture: policy, routeTable: 9, class: edge', 'iptables'))).toEqual([
      idle('ingress.capture "policy" has no effect: iptables mode has no virtual servers of marks'),
      idle('ingress.routeTable 9 has no effect: iptables mode has no virtual servers of marks'),
    ]);
  });

  test('because what they belong to is off', () => {
    const section = `enabled: true, dsr: {method: gue, gue: {port: 1}}, announce: {interfaces: [eth0]},
      healthChecks: {concurrency: 1}, leaseDuration: 5s`;
    expect(warningsOf(inFile(section)).map((text) => text.replace(/^.*c\.yaml:\d+: /, ''))).toEqual([
      'ingress.dsr.method "gue" has no effect: ingress.dsr.enabled is false',
      'ingress.dsr.gue.port 1 has no effect: ingress.dsr.enabled is false',
      'ingress.announce.interfaces ["eth0"] has no effect: ingress.announce.enabled is false',
      'ingress.healthChecks.concurrency 1 has no effect: ingress.healthChecks.enabled is false',
      'ingress.leaseDuration 5s has no effect: nothing is announced, and there is no pool',
    ]);
    expect(warningsOf(inFile('enabled: true, leaseDuration: 5s, pool: [{name: a, addresses: [192.0.2.0/24]}]'))).toEqual([]);
  });
});

test('marks and pools are read as they were written', () => {
  fc.assert(fc.property(fc.nat(0xffff_ffff), (mark) => void expect(parseMark(formatMark(mark))).toBe(mark)));
  const pool = fc.record({
    name: fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/),
    addresses: fc.array(fc.constantFrom('192.0.2.0/24', 'fd00::1-fd00::9'), { minLength: 1, maxLength: 4 }),
  });
  fc.assert(fc.property(pool, (each) => void expect(parsePool(formatPool(each))).toEqual(each)));
  for (const text of ['0x', '0x123456789', '4294967296', '-1', '1.5', '1e3', '0b1', '']) expect(parseMark(text)).toBeNull();
});

test('no value of a section makes the reader throw', () => {
  const paths = ingressFields.map(({ path }) => path.slice('ingress.'.length));
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...paths), fc.jsonValue({ maxDepth: 3 })), (values) => {
      const root: Record<string, unknown> = { enabled: true };
      for (const [path, value] of Object.entries(values)) {
        const parts = path.split('.');
        let section = root;
        for (const part of parts.slice(0, -1)) {
          const inner = section[part];
          section = (typeof inner === 'object' && inner !== null ? inner : (section[part] = {})) as Record<string, unknown>;
        }
        section[parts.at(-1) ?? ''] = value;
      }
      const text = JSON.stringify({ apiVersion: 'waypost.dev/v1alpha1', kind: 'WaypostConfiguration', ingress: root });
      // What the file does not name, and what it names does not go with, has no line.
      for (const message of problemsOf(load(text))) expect(message).toMatch(/^(?:c\.yaml:\d+: )?ingress/);
    }),
    { numRuns: 300 },
  );
});
