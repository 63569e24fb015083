import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ApiServer } from '../../test/api-server/api-server.ts';
import type { Fault } from '../../test/api-server/fault.ts';
import { namespaceObject, node, pod, service, slice } from '../../test/api-server/objects.ts';
import { Watcher, inStep } from '../../test/api-server/watcher.ts';
import type { Lookup } from '../model/mod.ts';

type RemovalKind = 'remove-service' | 'remove-slice' | 'remove-namespace' | 'remove-pod';

/** One thing that happens to the cluster, its server or the way to it. */
type Step =
  | { readonly kind: 'put-service' | 'put-slice'; readonly index: number; readonly address: number; readonly label: boolean }
  | { readonly kind: 'put-namespace' | 'put-pod'; readonly index: number; readonly ended: boolean }
  | { readonly kind: RemovalKind; readonly index: number }
  | { readonly kind: 'fault'; readonly fault: Fault; readonly times: number }
  | {
      readonly kind:
        | 'compact'
        | 'bookmarks'
        | 'end'
        | 'reset'
        | 'restart'
        | 'expire'
        | 'breathe'
        | 'settle'
        | 'streaming'
        | 'gone';
    };

const index = fc.nat(5);
const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.constantFrom<Fault>(
    { kind: 'status', status: 500 },
    { kind: 'status', status: 410 },
    { kind: 'status', status: 429, retryAfter: 3 },
    { kind: 'status', status: 401 },
    { kind: 'reset' },
    { kind: 'lines', lines: ['{"type":"ERROR","object":{"code":410}}'], after: 'end' },
    { kind: 'lines', lines: ['{"type":"ERROR","object":{"code":500}}'], after: 'go-on' },
    { kind: 'lines', lines: ['{"type":"MODI'], after: 'reset' },
    { kind: 'slow', pieceBytes: 90, pauseMs: 1 },
  ),
  fc.integer({ min: 1, max: 1200 }).map((afterBytes): Fault => ({ kind: 'cut', afterBytes })),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constantFrom('put-service', 'put-slice'), index, address: fc.nat(250), label: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('put-namespace', 'put-pod'), index, ended: fc.boolean() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom<RemovalKind[]>('remove-service', 'remove-slice', 'remove-namespace', 'remove-pod'),
      index,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('fault' as const), fault, times: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 4,
    arbitrary: fc.constantFrom<Step>(
      { kind: 'compact' },
      { kind: 'bookmarks' },
      { kind: 'end' },
      { kind: 'reset' },
      { kind: 'restart' },
      { kind: 'expire' },
      { kind: 'breathe' },
      { kind: 'settle' },
      { kind: 'settle' },
      { kind: 'settle' },
      { kind: 'streaming' },
      { kind: 'gone' },
    ),
  },
);

async function take(server: ApiServer, watcher: Watcher, what: Step): Promise<void> {
  switch (what.kind) {
    case 'put-service': {
      const labels: Record<string, string> = what.label ? { 'service.kubernetes.io/service-proxy-name': 'other' } : {};
      return server.put('services', service('ns', `s${what.index}`, `10.96.0.${what.address}`, { labels }));
    }
    case 'put-slice': {
      const labels: Record<string, string> = what.label ? { 'service.kubernetes.io/headless': '' } : {};
      const of = `s${what.address % 6}`;
      return server.put('endpointslices', slice('ns', `s${what.index}-x`, of, [`10.0.0.${what.address}`], labels));
    }
    case 'remove-service':
      return void server.remove('services', 'ns', `s${what.index}`);
    case 'remove-slice':
      return void server.remove('endpointslices', 'ns', `s${what.index}-x`);
    case 'put-namespace':
      return server.put('namespaces', namespaceObject(`n${what.index}`, what.ended ? { a: 'b' } : {}));
    case 'put-pod': {
      const phase = what.ended ? 'Failed' : 'Running';
      return server.put(
        'pods',
        pod('ns', `p${what.index}`, [`10.1.0.${what.index}`], { phase, nodeName: `node-${what.index % 2}` }),
      );
    }
    case 'remove-namespace':
      return void server.remove('namespaces', undefined, `n${what.index}`);
    case 'remove-pod':
      return void server.remove('pods', 'ns', `p${what.index}`);
    case 'fault': {
      let left = what.times;
      server.intercept = () => {
        left -= 1;
        return left >= 0 ? what.fault : null;
      };
      return undefined;
    }
    case 'compact':
      return server.compact();
    case 'bookmarks':
      return server.sendBookmarks();
    case 'end':
      return server.endWatches();
    case 'reset':
      return server.resetWatches('{"type":"DELETED","object":{"metadata":{"namespace":"ns"');
    case 'restart':
      await server.close();
      return void (await server.start());
    case 'expire':
      return server.expireContinueTokens();
    case 'streaming':
      server.streaming = server.streaming === 'served' ? 'refused' : 'served';
      return undefined;
    case 'gone':
      server.gone = server.gone === 'event' ? 'status' : 'event';
      return undefined;
    case 'settle':
      return await inStep(server, watcher);
    case 'breathe':
      return await new Promise((resolve) => void setImmediate(resolve));
  }
}

/** Replaying the keys that commits name, from the first state that shows, gives the last. */
function expectNamed({ changes }: Watcher, kind: 'namespaces' | 'pods'): void {
  let replayed: Map<string, unknown> | null = null;
  for (const { snapshot, dirty } of changes) {
    const shown: Lookup<unknown> | null = snapshot[kind];
    expect(shown === null && dirty[kind].size > 0).toBe(false);
    if (shown === null) continue;
    if (replayed === null) replayed = new Map(shown);
    for (const key of dirty[kind]) {
      const record = shown.get(key);
      if (record === undefined) replayed.delete(key);
      else replayed.set(key, record);
    }
    expect(replayed).toEqual(new Map(shown));
  }
}

test('whatever happens on the way, in the end what is known is what there is', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 60 }),
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom(null, 'none', 'node', 'all'),
      async (steps, pageLimit, pods) => {
        await using server = new ApiServer();
        server.put('nodes', node('node-1', '192.0.2.1'));
        await server.start();
        await using watcher = new Watcher(server, {
          pageLimit,
          timings: { requestIdleMs: 2000 },
          ...(pods === null ? {} : { dns: { pods, keepLabels: true } }),
        });
        for (const next of steps) await take(server, watcher, next);
        await inStep(server, watcher);
        expect(watcher.calls.filter((call) => call === 'synced')).toHaveLength(1);
        const everything = new Set([...(watcher.snapshot?.services.keys() ?? []), ...(watcher.snapshot?.slices.keys() ?? [])]);
        // Every commit said what it touched: replaying only the dirty keys gives the last snapshot.
        const replayed = new Map<string, unknown>();
        for (const { snapshot, dirty } of watcher.changes) {
          for (const key of dirty.services) replayed.set(key, [snapshot.services.get(key), snapshot.slices.get(key)]);
        }
        expect(everything.difference(new Set(replayed.keys()))).toEqual(new Set());
        for (const [key, known] of replayed) {
          expect(known).toEqual([watcher.snapshot?.services.get(key), watcher.snapshot?.slices.get(key)]);
        }
        expectNamed(watcher, 'namespaces');
        expectNamed(watcher, 'pods');
      },
    ),
    { numRuns: 200, interruptAfterTimeLimit: 15_000 },
  );
});
