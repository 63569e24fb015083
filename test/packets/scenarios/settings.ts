import { answered, timeout, untouched } from '../expect.ts';
import type { Group, Scenario } from '../flow.ts';
import { at, ready, service, slices } from '../objects.ts';

/** The same few Services under settings other than the usual ones: detectors, masqueradeAll, node-port addresses. */

const web = service('web', 1, { type: 'NodePort' });
const etp = service('etp-local', 34, { type: 'LoadBalancer', external: true, spec: { externalTrafficPolicy: 'Local' } });
const etpRemote = service('etp-remote', 35, { type: 'NodePort', spec: { externalTrafficPolicy: 'Local' } });
const solo = service('solo', 2, { type: 'NodePort' });

const objects = [
  web.object,
  ...slices('web', [ready('p1'), ready('p2')]),
  etp.object,
  ...slices('etp-local', [ready('p1'), ready('q1')]),
  etpRemote.object,
  ...slices('etp-remote', [ready('q1')]),
  solo.object,
  ...slices('solo', [ready('p1')]),
];

const detectorOff: Scenario = {
  name: 'no pod-traffic detector',
  objects,
  flows: [
    { items: ['SP-89'], from: ['pod', 'outside'], to: [web.clusterIp], port: 80, expect: answered(['p1', 'p2'], 'client') },
    { items: ['SP-89'], from: ['node'], to: [web.clusterIp], port: 80, expect: answered(['p1', 'p2'], 'client') },
    { items: ['SP-89', 'SP-93'], from: ['pod:p1'], to: [solo.clusterIp], port: 80, expect: answered(['p1'], 'node') },
    { items: ['SP-91'], from: ['pod', 'outside'], to: [at.node], port: web.nodePort, expect: answered(['p1', 'p2'], 'node') },
    { items: ['SP-71'], from: ['pod'], to: [at.node], port: etp.nodePort, expect: answered(['p1'], 'client') },
    { items: ['SP-71'], from: ['pod'], to: [at.node], port: etpRemote.nodePort, expect: timeout },
    { items: ['SP-70'], from: ['node'], to: [at.node], port: etp.nodePort, expect: answered(['p1', 'q1'], 'node') },
  ],
};

const masqueradeAll: Scenario = {
  name: 'masqueradeAll',
  objects,
  flows: [
    { items: ['SP-90'], from: ['pod', 'node', 'outside'], to: [web.clusterIp], port: 80, expect: answered(['p1', 'p2'], 'node') },
    { items: ['SP-90'], from: ['outside'], to: [at.node], port: etp.nodePort, expect: answered(['p1'], 'client') },
    { items: ['SP-90'], from: ['pod'], to: [at.node], port: etp.nodePort, expect: answered(['p1', 'q1'], 'client') },
  ],
};

/** What every detector must tell apart: pods of this node from everybody else. */
function detector(name: string): Scenario {
  return {
    name,
    objects,
    flows: [
      { items: ['SP-94', 'SP-87'], from: ['pod'], to: [web.clusterIp], port: 80, expect: answered(['p1', 'p2'], 'client') },
      {
        items: ['SP-94', 'SP-88'],
        from: ['node', 'outside'],
        to: [web.clusterIp],
        port: 80,
        expect: answered(['p1', 'p2'], 'node'),
      },
      { items: ['SP-94', 'SP-69'], from: ['pod'], to: [at.node], port: etp.nodePort, expect: answered(['p1', 'q1'], 'client') },
      { items: ['SP-94', 'SP-92'], from: ['outside'], to: [at.node], port: etp.nodePort, expect: answered(['p1'], 'client') },
    ],
  };
}

const answers = answered(['p1', 'p2'], 'node');

const listedAddresses: Scenario = {
  name: 'nodePortAddresses of one family',
  objects,
  flows: [
    {
      items: ['SP-44'],
      from: ['pod', 'node', 'outside'],
      to: [at.node],
      port: web.nodePort,
      families: ['IPv4'],
      expect: answers,
    },
    {
      items: ['SP-44'],
      from: ['pod', 'outside'],
      to: [at.secondAddress],
      port: web.nodePort,
      families: ['IPv4'],
      expect: untouched,
    },
    { items: ['SP-44'], from: ['node'], to: [at.loopback4], port: web.nodePort, expect: untouched },
    {
      items: ['SP-45'],
      from: ['outside'],
      to: [at.node, at.secondAddress],
      port: web.nodePort,
      families: ['IPv6'],
      expect: answers,
    },
  ],
};

const noAddresses: Scenario = {
  name: 'nodePortAddresses that are no address of the node',
  objects,
  flows: [
    {
      items: ['SP-44'],
      from: ['pod', 'node', 'outside'],
      to: [at.node, at.secondAddress],
      port: web.nodePort,
      expect: untouched,
    },
  ],
};

const primaryAddresses: Scenario = {
  name: 'nodePortAddresses primary',
  objects,
  flows: [
    { items: ['SP-43'], from: ['pod', 'node', 'outside'], to: [at.node], port: web.nodePort, expect: answers },
    { items: ['SP-43'], from: ['pod', 'outside'], to: [at.secondAddress], port: web.nodePort, expect: untouched },
    { items: ['SP-43'], from: ['node'], to: [at.loopback4], port: web.nodePort, expect: untouched },
  ],
};

const everyIpv4: Scenario = {
  name: 'nodePortAddresses with a zero-length prefix',
  objects,
  flows: [
    {
      items: ['SP-46'],
      from: ['outside'],
      to: [at.node, at.secondAddress],
      port: web.nodePort,
      families: ['IPv4'],
      expect: answers,
    },
    {
      items: ['SP-48'],
      from: ['node'],
      to: [at.loopback4],
      port: web.nodePort,
      expect: answers,
      inMode: { nftables: untouched },
    },
  ],
};

const noLocalhost: Scenario = {
  name: 'localhostNodePorts off',
  objects,
  flows: [
    { items: ['SP-48'], from: ['node'], to: [at.loopback4], port: web.nodePort, expect: untouched },
    { items: ['SP-42'], from: ['outside'], to: [at.node], port: web.nodePort, expect: answers },
  ],
};

export const settingGroups: readonly Group[] = [
  { name: 'detector off', config: { clusterCIDR: '' }, scenarios: [detectorOff] },
  {
    name: 'masqueradeAll',
    config: { iptables: { masqueradeAll: true }, nftables: { masqueradeAll: true } },
    scenarios: [masqueradeAll],
  },
  {
    name: 'detector NodeCIDR',
    config: { clusterCIDR: '', detectLocalMode: 'NodeCIDR' },
    scenarios: [detector('detector NodeCIDR')],
  },
  {
    name: 'detector InterfaceNamePrefix',
    config: { clusterCIDR: '', detectLocalMode: 'InterfaceNamePrefix', detectLocal: { interfaceNamePrefix: 'pod-' } },
    scenarios: [detector('detector InterfaceNamePrefix')],
  },
  {
    name: 'detector BridgeInterface',
    config: { clusterCIDR: '', detectLocalMode: 'BridgeInterface', detectLocal: { bridgeInterface: 'pod-c1' } },
    scenarios: [detector('detector BridgeInterface')],
  },
  { name: 'nodePortAddresses of one family', config: { nodePortAddresses: ['192.0.2.0/24'] }, scenarios: [listedAddresses] },
  {
    name: 'nodePortAddresses elsewhere',
    config: { nodePortAddresses: ['10.0.0.0/8', '2001:db8:ffff::/48'] },
    scenarios: [noAddresses],
  },
  { name: 'nodePortAddresses primary', config: { nodePortAddresses: ['primary'] }, scenarios: [primaryAddresses] },
  { name: 'nodePortAddresses all', config: { nodePortAddresses: ['10.0.0.0/8', '0.0.0.0/0'] }, scenarios: [everyIpv4] },
  { name: 'localhostNodePorts off', config: { iptables: { localhostNodePorts: false } }, scenarios: [noLocalhost] },
];
