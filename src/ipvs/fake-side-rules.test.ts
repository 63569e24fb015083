import { expect, test } from 'vitest';
import { parseAddress } from '../model/mod.ts';
import type { SideChange, SideEntry } from '../model/mod.ts';
import { createFakeSideRules } from './fake-side-rules.ts';

const address = parseAddress('198.51.100.1');
if (address === null) throw new TypeError('not an address');

const settings: SideChange['settings'] = {
  podTraffic: { kind: 'none' },
  nodePorts: { kind: 'all-local', loopback: false },
  masqueradeBit: 14,
  captureBit: 12,
  echo: 'refuse',
  strays: 'drop',
  echoAddress: null,
  tunnelDevices: [],
  tunnelProtocols: [],
};

test('side rules in memory refuse ranges that overlap, as the kernel does, and take those that follow each other', async () => {
  const side = createFakeSideRules('IPv4');
  const capture = (port: number, lastPort: number): SideEntry => ({ kind: 'capture', address, protocol: 'TCP', port, lastPort });
  const set = (...entries: readonly SideEntry[]): SideChange => ({ settings, set: entries, remove: [] });
  expect(await side.apply(set(capture(1, 9), capture(10, 20), capture(15, 15)))).toMatchObject({ problem: null });
  expect(await side.apply(set({ ...capture(5, 12), kind: 'restricted' } as SideEntry))).toMatchObject({ problem: null });
  expect(await side.apply(set(capture(20, 30)))).toMatchObject({
    problem: { message: 'capture/198.51.100.1/TCP/20-30 overlaps another range' },
  });
  expect(side.entries.size).toBe(4);
  expect(
    await side.apply({ ...set(capture(5, 30)), remove: ['capture/198.51.100.1/TCP/1-9', 'capture/198.51.100.1/TCP/10-20'] }),
  ).toMatchObject({
    problem: null,
  });
});
