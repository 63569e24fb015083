import { expect, test } from 'vitest';
import { parseAddress } from '../model/mod.ts';
import type { Address } from '../model/mod.ts';
import { createFakeTunnels } from './tunnel-setup.fixture.ts';
import { makeTunnel, removeTunnel } from './tunnel-setup.ts';

const local = parseAddress('192.0.2.11') as Address;
const wish = { family: 'IPv4', local, guePort: 6080 } as const;

test('[INGRESS-36] where no source is checked the device is not either; else it has an address and is checked loosely', async () => {
  const unchecked = createFakeTunnels('0');
  await makeTunnel(unchecked.port, unchecked.sysctls, { ...wish, guePort: null });
  expect(unchecked.said).toEqual(['made waypost4 (waypost)', 'net/ipv4/conf/waypost4/rp_filter = 0']);
  for (const value of ['1', '2']) {
    const { port, sysctls, said } = createFakeTunnels(value);
    await makeTunnel(port, sysctls, wish);
    expect(said).toEqual(['made waypost4 (waypost gue 6080)', 'net/ipv4/conf/waypost4/rp_filter = 2', 'gave 192.0.2.11 to 7']);
  }
});

test('what is there already stays, and is made anew where the node or a setting has changed', async () => {
  const { port, sysctls, said, devices, ports } = createFakeTunnels('0');
  const makings = (): number => said.filter((line) => line.startsWith('made')).length;
  await makeTunnel(port, sysctls, wish);
  await makeTunnel(port, sysctls, wish);
  expect(makings()).toBe(1);
  await makeTunnel(port, sysctls, { ...wish, local: parseAddress('192.0.2.12') as Address });
  expect([makings(), devices.get('waypost4')?.local]).toEqual([2, '192.0.2.12']);
  await makeTunnel(port, sysctls, { ...wish, guePort: null });
  expect([devices.get('waypost4')?.alias, [...ports]]).toEqual(['waypost', []]);
});

test('[INGRESS-54] ours are removed, those of others stay', async () => {
  const { port, sysctls, devices, ports } = createFakeTunnels('0');
  await makeTunnel(port, sysctls, wish);
  expect(await removeTunnel(port, 'IPv4')).toEqual({ ok: true, value: ['UDP port 6080 of tunnels', 'interface waypost4'] });
  expect([devices.size, ports.size]).toEqual([0, 0]);
  expect(await removeTunnel(port, 'IPv4')).toEqual({ ok: true, value: [] });
  const foreign = { name: 'waypost4', index: 3, alias: null, family: 'IPv4', local, mtu: 1480 } as const;
  for (const device of [foreign, { ...foreign, alias: 'waypost', family: null }, { ...foreign, alias: 'mine' }]) {
    devices.set('waypost4', device);
    expect(await removeTunnel(port, 'IPv4')).toEqual({ ok: true, value: [] });
    expect(await makeTunnel(port, sysctls, wish)).toMatchObject({ ok: false, problem: { code: 'WP_INGRESS_DEVICE' } });
    expect(devices.get('waypost4')).toBe(device);
  }
});

test('[INGRESS-54] a port that was open before is used and left open', async () => {
  const { port, sysctls, ports } = createFakeTunnels('0');
  ports.add('IPv4 6080');
  await makeTunnel(port, sysctls, wish);
  expect(await removeTunnel(port, 'IPv4')).toEqual({ ok: true, value: ['interface waypost4'] });
  expect([...ports]).toEqual(['IPv4 6080']);
});
