import { expect, test } from 'vitest';
import { fail, succeed } from '../model/mod.ts';
import { collectConnections } from './connections.ts';

test('one family that cannot be asked does not hide the other, and modes that count nothing give nothing', async () => {
  const server = { server: 'TCP 10.96.0.1:443', service: 'default/kubernetes', destinations: [] };
  const counts = await collectConnections([
    { family: 'IPv4', connections: async () => succeed([server]) },
    { family: 'IPv6', connections: async () => fail('WP_IPVS_REFUSED', 'no') },
  ]);
  expect(counts).toEqual({
    families: [{ family: 'IPv4', servers: [server] }],
    problems: [{ code: 'WP_IPVS_REFUSED', message: 'no' }],
  });
  expect(await collectConnections([{ family: 'IPv4' }])).toEqual({ families: [], problems: [] });
});
