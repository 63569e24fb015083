import { describe, expect, test } from 'vitest';
import type { ServiceRecord, SliceRecord } from '../model/mod.ts';
import { NoLocalEndpoints, countWithoutLocal } from './no-local-endpoints.ts';
import { endpoint, service, servicePort, slice } from './records.fixture.ts';
import { deriveFrontends } from './view.ts';

const viewpoint = {
  family: 'IPv4',
  nodeName: 'node-1',
  zone: null,
  nodeAddress: null,
  detectsPods: true,
  masqueradeAll: false,
  externalIps: true,
} as const;

const remote = [slice([endpoint('10.244.2.1')])];
const local = [slice([endpoint('10.244.1.1', { nodeName: 'node-1' })])];

function count(over: Partial<ServiceRecord>, slices: readonly SliceRecord[]): unknown {
  return countWithoutLocal(deriveFrontends(service(over), slices, viewpoint));
}

describe('[SP-135] service ports without a local endpoint', () => {
  const external = { type: 'NodePort', externalLocal: true, ports: [servicePort({ nodePort: 30080 })] } as const;

  test.each([
    ['policy Cluster', {}, remote, { internal: 0, external: 0 }],
    ['internal policy Local', { internalLocal: true }, remote, { internal: 1, external: 0 }],
    ['external policy Local', external, remote, { internal: 0, external: 1 }],
    ['both', { ...external, internalLocal: true }, remote, { internal: 1, external: 1 }],
    ['an endpoint on this node', { ...external, internalLocal: true }, local, { internal: 0, external: 0 }],
    ['no endpoint anywhere', { ...external, internalLocal: true }, [], { internal: 0, external: 0 }],
    ['external policy Local with no way in from outside', { externalLocal: true }, remote, { internal: 0, external: 0 }],
  ] as const)('%s', (_, over, slices, expected) => {
    expect(count(over, slices)).toEqual(expected);
  });

  test('are counted by port and not by address', () => {
    const ports = [
      servicePort({ nodePort: 30080 }),
      servicePort({ name: 'admin', port: 81, nodePort: 30081 }),
      servicePort({ name: 'idle', port: 82, nodePort: 30082 }),
    ];
    const slices = [
      slice([endpoint('10.244.2.1')], {
        ports: [
          { name: 'http', protocol: 'TCP', port: 8080 },
          { name: 'admin', protocol: 'TCP', port: 8081 },
        ],
      }),
    ];
    const over = { ...external, ports, externalIps: ['198.51.100.1'] } as unknown as Partial<ServiceRecord>;
    expect(count(over, slices)).toEqual({ internal: 0, external: 2 });
  });
});

test('[SP-135] the sum follows each Service and falls back to 0', () => {
  const frontends = (name: string, slices: readonly SliceRecord[]) =>
    deriveFrontends(
      service({ name, internalLocal: true, ports: [servicePort(), servicePort({ name: 'b', port: 81 })] }),
      slices,
      viewpoint,
    );
  const two = [
    slice([endpoint('10.244.2.1')], {
      ports: [
        { name: 'http', protocol: 'TCP', port: 1 },
        { name: 'b', protocol: 'TCP', port: 2 },
      ],
    }),
  ];
  for (const [perService, each] of [
    [false, 2],
    [true, 1],
  ] as const) {
    const sum = new NoLocalEndpoints(perService);
    sum.note('shop/a', frontends('a', two));
    sum.note('shop/a', frontends('a', two));
    sum.note('shop/b', frontends('b', two));
    expect(sum.total).toEqual({ internal: 2 * each, external: 0 });
    sum.note('shop/a', frontends('a', []));
    sum.note('shop/b', []);
    expect(sum.total).toEqual({ internal: 0, external: 0 });
  }
});
