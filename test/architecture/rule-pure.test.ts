import { describe, expect, it } from 'vitest';
import { parseSource } from './parse-source.ts';
import { findImpurity } from './rule-pure.ts';

function reasonsFor(path: string, text: string): readonly string[] {
  return findImpurity([parseSource(path, text)]).map((violation) => violation.reason);
}

describe('pure files', () => {
  it.each([
    'src/model/snapshot.ts',
    'src/ipvs/plan.ts',
    'src/iptables/plan-service.ts',
    'src/iptables/parse-save.ts',
    'src/nftables/diff.ts',
    'src/nftables/render.ts',
    'src/proxy/view.ts',
    'src/proxy/view/frontends.ts',
  ])('%s reads no clock', (path) => {
    expect(reasonsFor(path, 'const t = Date.now();')).toEqual([expect.stringContaining('uses Date.now, but this file is pure')]);
  });

  it.each([
    'const t = performance.now();',
    'const r = Math.random();',
    'setTimeout(f, 1);',
    'const t = process.hrtime();',
    'const t = new Date();',
    "import { performance } from 'node:perf_hooks';",
    "import { setTimeout } from 'node:timers/promises';",
    "import { randomInt } from 'node:crypto';",
  ])('plan.ts may not say %s', (text) => {
    expect(reasonsFor('src/ipvs/plan.ts', text)).toHaveLength(1);
  });

  it('never wait', () => {
    expect(reasonsFor('src/ipvs/diff.ts', 'const f = async () => { await g(); };')).toHaveLength(2);
  });

  it.each(['src/ipvs/data-plane.ts', 'src/ipvs/plan.test.ts', 'src/ipvs/planner.ts', 'src/kube/parse.ts', 'src/cli/plan.ts'])(
    '%s is not one of them',
    (path) => {
      expect(reasonsFor(path, 'const t = Date.now();')).toEqual([]);
    },
  );

  it('may compute a hash', () => {
    expect(reasonsFor('src/iptables/plan.ts', "import { createHash } from 'node:crypto'; createHash('sha256');")).toEqual([]);
  });
});
