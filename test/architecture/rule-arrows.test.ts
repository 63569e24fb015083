import { describe, expect, it } from 'vitest';
import { parseSource } from './parse-source.ts';
import { findForbiddenArrows } from './rule-arrows.ts';

function reasonsFor(path: string, text: string): readonly string[] {
  return findForbiddenArrows([parseSource(path, text)]).map((violation) => violation.reason);
}

describe('arrows between rooms', () => {
  it.each([
    ['src/ipvs/plan.ts', "import { families } from '../model/mod.ts';"],
    ['src/ipvs/plan.ts', "import { diff } from './diff.ts';"],
    ['src/nftables/driver-netlink.ts', "import { open } from '../netlink/mod.ts';"],
    ['src/dns/server/driver-udp.ts', "import type { Address } from '../../model/mod.ts';"],
    ['src/cli/run.ts', "import { createProxy } from '../proxy/mod.ts'; import { parse } from 'yaml';"],
    ['src/model/address.ts', "import type { Family } from './family.ts';"],
    ['src/model/address.test.ts', "import { expect } from 'vitest'; import { a } from './address.ts';"],
    ['src/ipvs/plan.test.ts', "import { a } from './plan.fixture.ts';"],
    ['src/kube/reflector.test.ts', "import { start } from '../../test/api-server/mod.ts';"],
  ])('%s may say %s', (path, text) => {
    expect(reasonsFor(path, text)).toEqual([]);
  });

  it.each([
    ['src/ipvs/plan.ts', "import { a } from '../proxy/mod.ts';", 'back ends never see proxy'],
    ['src/ipvs/plan.ts', "import type { A } from '../nftables/mod.ts';", 'ipvs may not import nftables'],
    ['src/proxy/run.ts', "import { a } from '../kube/mod.ts';", 'proxy may not import kube'],
    ['src/proxy/run.ts', "const a = await import('../observe/mod.ts');", 'proxy may not import observe'],
    ['src/dns/zone.ts', "export * from '../config/mod.ts';", 'dns may not import config'],
    ['src/config/defaults.ts', "new Worker(new URL('../cli/main.ts', import.meta.url));", 'no room imports cli'],
    ['src/model/address.ts', "import { a } from '../netlink/mod.ts';", 'model may not import netlink'],
    ['src/model/address.ts', "import { isIP } from 'node:net';", 'model imports nothing'],
    ['src/netlink/codec.ts', "import { a } from '../ipvs/mod.ts';", 'netlink may not import ipvs'],
    ['src/cli/run.ts', "import { a } from '../proxy/status.ts';", 'enter through its door, src/proxy/mod.ts'],
    ['src/ipvs/plan.ts', "import { a } from '../model/address.ts';", 'enter through its door, src/model/mod.ts'],
    ['src/ipvs/plan.ts', "import { a } from '../../test/lab/mod.ts';", 'nothing from outside src/'],
    ['src/ipvs/plan.ts', "import { a } from 'waypost/iptables';", 'this package itself'],
    ['src/ipvs/plan.ts', "import { a } from '/etc/a.ts';", 'neither a relative path'],
    ['src/ipvs/plan.ts', 'const a = await import(name);', 'must be a plain text'],
    ['src/ipvs/plan.test.ts', "import { a } from '../nftables/mod.ts';", 'ipvs may not import nftables'],
    ['src/ipvs/plan.ts', "import { a } from './plan.fixture.ts';", 'for tests only'],
    ['src/plan.ts', '', 'lives in a room'],
    ['src/cupboard/plan.ts', '', 'no room src/cupboard'],
  ])('%s may not say %s', (path, text, reason) => {
    expect(reasonsFor(path, text)).toEqual([expect.stringContaining(reason)]);
  });

  it('names the line', () => {
    const [violation] = findForbiddenArrows([parseSource('src/ipvs/plan.ts', "\n\nimport '../proxy/mod.ts';")]);
    expect(violation?.line).toBe(3);
  });
});
