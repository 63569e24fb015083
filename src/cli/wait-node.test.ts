import { expect, test } from 'vitest';
import { makeConfig } from '../config/mod.ts';
import type { EffectiveConfig } from '../config/mod.ts';
import type { Source } from '../kube/mod.ts';
import { emptySnapshot, noDirt, parseAddress, parsePrefix } from '../model/mod.ts';
import type { NodeRecord, Problem } from '../model/mod.ts';
import { waitForNode } from './wait-node.ts';
import type { NodeWaitOptions } from './wait-node.ts';

type Handlers = Parameters<Source['start']>[0];

interface Stage {
  readonly options: NodeWaitOptions;
  readonly source: Source;
  readonly said: string[];
  readonly closed: () => boolean;
  /** Milliseconds of the timer that runs. */
  readonly patience: () => number | null;
  readonly fire: () => void;
  tell(node: NodeRecord | null): void;
  synced(): void;
}

function configOf(flags: Readonly<Record<string, string>>): EffectiveConfig {
  const loaded = makeConfig(new Map(Object.entries(flags).map(([name, value]) => [name, [value]])), null);
  if (!loaded.ok) throw new Error(loaded.problems[0]?.message);
  return loaded.config;
}

function setStage(flags: Readonly<Record<string, string>> = {}): Stage {
  let handlers: Handlers | null = null;
  let isClosed = false;
  let timer: { readonly delay: number; readonly callback: () => void } | null = null;
  const said: string[] = [];
  return {
    said,
    source: {
      start: (given) => {
        handlers = given;
      },
      close: async () => {
        isClosed = true;
      },
    },
    options: {
      config: configOf(flags),
      nodeName: 'node-1',
      families: ['IPv4', 'IPv6'],
      clock: {
        now: () => 0,
        after: (delay, callback) => {
          timer = { delay, callback };
          return () => {
            timer = null;
          };
        },
      },
      report: ({ message }) => said.push(message),
    },
    closed: () => isClosed,
    patience: () => timer?.delay ?? null,
    fire: () => timer?.callback(),
    tell: (record) => {
      handlers?.change({ ...emptySnapshot, version: 1, node: record }, { ...noDirt, node: true });
    },
    synced: () => handlers?.synced(),
  };
}

function node(address: string | null, podCidr: string | null = null): NodeRecord {
  const parsed = address === null ? null : parseAddress(address);
  const prefix = podCidr === null ? null : parsePrefix(podCidr);
  return {
    name: 'node-1',
    addresses: parsed === null ? [] : [parsed],
    podCidrs: prefix === null ? [] : [prefix],
    zone: null,
    leaving: false,
    labels: {},
    weight: null,
  };
}

const never = new Promise<string>(() => {});

test('[SP-144] [SP-148] waits for an address of the Node, and closes the source', async () => {
  const stage = setStage();
  const waited = waitForNode(stage.source, stage.options, never);
  stage.tell(node(null));
  stage.synced();
  expect(stage.patience()).toBe(30_000);
  stage.tell(node('192.0.2.1'));
  expect(await waited).toEqual({ ok: true, value: undefined });
  expect([stage.closed(), stage.patience(), stage.said]).toEqual([true, null, []]);
});

test('[SP-148] goes on without the Node after 30 s, and says so', async () => {
  const stage = setStage();
  const waited = waitForNode(stage.source, stage.options, never);
  stage.synced();
  stage.fire();
  expect(await waited).toMatchObject({ ok: true });
  expect(stage.said).toEqual(['Node node-1 is unknown or has no address; going on without']);
});

test('[SP-148] NodeCIDR without pod CIDRs fails after five minutes', async () => {
  const stage = setStage({ 'detect-local-mode': 'NodeCIDR' });
  const waited = waitForNode(stage.source, stage.options, never);
  stage.synced();
  stage.tell(node('192.0.2.1'));
  expect(stage.patience()).toBe(300_000);
  stage.fire();
  expect(await waited).toMatchObject({ ok: false, problem: { code: 'WP_PROXY_NO_POD_CIDR' } });
});

test('a folder of manifests is not waited for', async () => {
  const stage = setStage({ manifests: '/srv' });
  const waited = waitForNode(stage.source, stage.options, never);
  stage.synced();
  expect(await waited).toMatchObject({ ok: true });
});

test('a signal or a new configuration ends the waiting', async () => {
  const stage = setStage();
  expect(await waitForNode(stage.source, stage.options, Promise.resolve('SIGTERM'))).toMatchObject({
    ok: false,
    problem: { code: 'WP_CLI_INTERRUPTED', message: 'SIGTERM received before the initialisation was complete' },
  });
  const problem: Problem = { code: 'WP_CLI_CONFIG_CHANGED', message: 'changed' };
  const other = setStage();
  expect(await waitForNode(other.source, other.options, Promise.resolve(problem))).toEqual({ ok: false, problem });
  expect(other.closed()).toBe(true);
});
