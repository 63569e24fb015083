import { expect, test } from 'vitest';
import { countLocalEndpoints } from './local-endpoints.ts';
import { endpoint, service, servicePort, slice } from './records.fixture.ts';

const from = { family: 'IPv4', nodeName: 'node-1' } as const;
const here = { nodeName: 'node-1' };
const twoPorts = [
  { name: 'http', protocol: 'TCP', port: 8080 },
  { name: 'admin', protocol: 'TCP', port: 9090 },
] as const;
const web = service({ ports: [servicePort(), servicePort({ name: 'admin', port: 81 })] });

test('[SP-125] a pod with two ports counts once, and pods are counted over all slices', () => {
  const slices = [
    slice([endpoint('10.244.1.1', here), endpoint('10.244.1.2', here)], { ports: twoPorts }),
    slice([endpoint('10.244.1.2', here), endpoint('10.244.1.3', here)], { key: 'shop/web-2' }),
  ];
  expect(countLocalEndpoints(web, slices, from)).toBe(3);
});

test('[SP-126] only ready pods of this node and family count', () => {
  const slices = [
    slice([
      endpoint('10.244.1.1', { ...here, ready: false, terminating: true }),
      endpoint('10.244.1.2', { ...here, ready: false, serving: false }),
      endpoint('10.244.1.3', { nodeName: 'node-2' }),
      endpoint('10.244.1.4', { nodeName: null }),
    ]),
    slice([endpoint('fd00::1', here)], { key: 'shop/web-6', family: 'IPv6' }),
  ];
  expect(countLocalEndpoints(web, slices, from)).toBe(0);
  expect(countLocalEndpoints(web, slices, { ...from, family: 'IPv6' })).toBe(1);
});

test('an endpoint under a port that the Service does not have takes none of its connections', () => {
  const slices = [slice([endpoint('10.244.1.1', here)], { ports: [{ name: 'other', protocol: 'TCP', port: 1 }] })];
  expect(countLocalEndpoints(web, slices, from)).toBe(0);
});
