import { answered, refused, timeout, untouched } from '../expect.ts';
import type { Scenario } from '../flow.ts';
import { at, ready, service, slices } from '../objects.ts';

/** No endpoints, internal and external traffic policies (specification 3.3 and 16). */

const empty = service('empty', 30, { type: 'LoadBalancer', external: true });
const itp = service('itp-local', 31, { type: 'NodePort', spec: { internalTrafficPolicy: 'Local' } });
const itpRemote = service('itp-remote', 32, { type: 'NodePort', spec: { internalTrafficPolicy: 'Local' } });
const itpEmpty = service('itp-empty', 33, { spec: { internalTrafficPolicy: 'Local' } });
const local = { type: 'LoadBalancer', external: true, spec: { externalTrafficPolicy: 'Local' } } as const;
const etp = service('etp-local', 34, local);
const etpRemote = service('etp-remote', 35, local);
const etpEmpty = service('etp-empty', 36, local);
const etpInside = service('etp-inside', 37, { spec: { externalTrafficPolicy: 'Local' } });
const etpSelf = service('etp-self', 38, local);
const etpExternal = service('etp-external', 39, { external: true, spec: { externalTrafficPolicy: 'Local' } });

export const policyScenarios: readonly Scenario[] = [
  {
    name: 'no endpoints',
    objects: [empty.object],
    flows: [
      { items: ['SP-65', 'SP-77'], from: ['pod', 'node', 'outside'], to: [empty.clusterIp], port: 80, expect: refused },
      {
        items: ['SP-73', 'SP-77'],
        from: ['pod', 'node', 'outside'],
        to: [at.node],
        port: empty.nodePort,
        expect: refused,
      },
      {
        items: ['SP-73', 'SP-77'],
        from: ['pod', 'node', 'outside'],
        to: [at.secondAddress],
        port: empty.nodePort,
        expect: refused,
        inMode: { nftables: untouched },
      },
      {
        items: ['SP-73'],
        from: ['node'],
        to: [at.loopback4],
        port: empty.nodePort,
        expect: refused,
        inMode: { nftables: untouched },
      },
      { items: ['SP-77'], from: ['pod', 'outside'], to: [empty.externalIp, empty.loadBalancerIp], port: 80, expect: refused },
      {
        items: ['SP-72'],
        from: ['node'],
        to: [empty.externalIp, empty.loadBalancerIp],
        port: 80,
        expect: untouched,
        inMode: { ipvs: refused, nftables: refused },
      },
    ],
  },
  {
    name: 'internal policy Local',
    objects: [itp.object, ...slices('itp-local', [ready('p1'), ready('q1')])],
    flows: [
      { items: ['SP-87'], from: ['pod'], to: [itp.clusterIp], port: 80, expect: answered(['p1'], 'client') },
      { items: ['SP-88'], from: ['node', 'outside'], to: [itp.clusterIp], port: 80, expect: answered(['p1'], 'node') },
      { items: ['SP-41'], from: ['pod', 'outside'], to: [at.node], port: itp.nodePort, expect: answered(['p1', 'q1'], 'node') },
    ],
  },
  {
    name: 'internal policy Local, remote endpoints only',
    objects: [itpRemote.object, ...slices('itp-remote', [ready('q1'), ready('q2')])],
    flows: [
      { items: ['SP-66'], from: ['pod', 'node', 'outside'], to: [itpRemote.clusterIp], port: 80, expect: timeout },
      {
        items: ['SP-41'],
        from: ['pod', 'outside'],
        to: [at.node],
        port: itpRemote.nodePort,
        expect: answered(['q1', 'q2'], 'node'),
      },
    ],
  },
  {
    name: 'internal policy Local, no endpoints',
    objects: [itpEmpty.object],
    flows: [{ items: ['SP-65'], from: ['pod', 'node'], to: [itpEmpty.clusterIp], port: 80, expect: refused }],
  },
  {
    name: 'external policy Local',
    objects: [etp.object, ...slices('etp-local', [ready('p1'), ready('q1')])],
    flows: [
      {
        items: ['SP-92'],
        from: ['outside'],
        to: [at.node],
        port: etp.nodePort,
        expect: answered(['p1'], 'client'),
      },
      {
        items: ['SP-92'],
        from: ['outside'],
        to: [at.secondAddress],
        port: etp.nodePort,
        expect: answered(['p1'], 'client'),
        inMode: { nftables: untouched },
      },
      {
        items: ['SP-92'],
        from: ['outside'],
        to: [etp.externalIp, etp.loadBalancerIp],
        port: 80,
        expect: answered(['p1'], 'client'),
      },
      { items: ['SP-69'], from: ['pod'], to: [at.node], port: etp.nodePort, expect: answered(['p1', 'q1'], 'client') },
      {
        items: ['SP-69'],
        from: ['pod'],
        to: [etp.externalIp, etp.loadBalancerIp],
        port: 80,
        expect: answered(['p1', 'q1'], 'client'),
      },
      { items: ['SP-70'], from: ['node'], to: [at.node], port: etp.nodePort, expect: answered(['p1', 'q1'], 'node') },
      {
        items: ['SP-70'],
        from: ['node'],
        to: [etp.externalIp, etp.loadBalancerIp],
        port: 80,
        expect: answered(['p1', 'q1'], 'node'),
      },
      { items: ['SP-41'], from: ['pod'], to: [etp.clusterIp], port: 80, expect: answered(['p1', 'q1'], 'client') },
      { items: ['SP-41'], from: ['outside'], to: [etp.clusterIp], port: 80, expect: answered(['p1', 'q1'], 'node') },
    ],
  },
  {
    name: 'external policy Local, remote endpoints only',
    objects: [etpRemote.object, ...slices('etp-remote', [ready('q1')])],
    flows: [
      { items: ['SP-67'], from: ['outside'], to: [at.node], port: etpRemote.nodePort, expect: timeout },
      { items: ['SP-67'], from: ['outside'], to: [etpRemote.externalIp, etpRemote.loadBalancerIp], port: 80, expect: timeout },
      { items: ['SP-69'], from: ['pod'], to: [at.node], port: etpRemote.nodePort, expect: answered(['q1'], 'client') },
      { items: ['SP-69'], from: ['pod'], to: [etpRemote.loadBalancerIp], port: 80, expect: answered(['q1'], 'client') },
      { items: ['SP-70'], from: ['node'], to: [at.node], port: etpRemote.nodePort, expect: answered(['q1'], 'node') },
      { items: ['SP-70'], from: ['node'], to: [etpRemote.loadBalancerIp], port: 80, expect: answered(['q1'], 'node') },
    ],
  },
  {
    name: 'external policy Local, no endpoints',
    objects: [etpEmpty.object],
    flows: [
      { items: ['SP-68', 'SP-73'], from: ['pod', 'node', 'outside'], to: [at.node], port: etpEmpty.nodePort, expect: refused },
      {
        items: ['SP-68'],
        from: ['pod', 'outside'],
        to: [etpEmpty.externalIp, etpEmpty.loadBalancerIp],
        port: 80,
        expect: refused,
      },
    ],
  },
  {
    name: 'external policy Local without any external address',
    objects: [etpInside.object, ...slices('etp-inside', [ready('p1'), ready('q1')])],
    flows: [
      { items: ['SP-40'], from: ['pod'], to: [etpInside.clusterIp], port: 80, expect: answered(['p1', 'q1'], 'client') },
      { items: ['SP-40'], from: ['outside'], to: [etpInside.clusterIp], port: 80, expect: answered(['p1', 'q1'], 'node') },
    ],
  },
  {
    name: 'external policy Local, an endpoint that calls itself',
    objects: [etpSelf.object, ...slices('etp-self', [ready('p1')])],
    flows: [
      { items: ['SP-93'], from: ['pod:p1'], to: [at.node], port: etpSelf.nodePort, expect: answered(['p1'], 'node') },
      {
        items: ['SP-93'],
        from: ['pod:p1'],
        to: [etpSelf.externalIp, etpSelf.loadBalancerIp, etpSelf.clusterIp],
        port: 80,
        expect: answered(['p1'], 'node'),
      },
    ],
  },
  {
    name: 'external policy Local on a ClusterIP service with an external address',
    objects: [etpExternal.object, ...slices('etp-external', [ready('p2'), ready('q2')])],
    flows: [
      { items: ['SP-92'], from: ['outside'], to: [etpExternal.externalIp], port: 80, expect: answered(['p2'], 'client') },
      { items: ['SP-69'], from: ['pod'], to: [etpExternal.externalIp], port: 80, expect: answered(['p2', 'q2'], 'client') },
    ],
  },
];
