import { areAddresses, areCidrs, between, isDomain, isServiceName, oneOf } from './checks.ts';
import { field } from './field.ts';

const port = between(1, 65_535);

/** The section `dns` of our own document: whether and where the resolver listens. What it answers is in a file of its own. */
export const dnsFields = [
  field('dns.enabled', 'boolean', false, 'answer cluster DNS on this node', {
    document: 'own',
    flag: { name: 'dns', beatsFile: true },
  }),
  field(
    'dns.config',
    'string',
    '',
    'Corefile, WaypostDNSConfiguration, or folder of a mounted ConfigMap; empty: the shipped defaults',
    {
      document: 'own',
      flag: { name: 'dns-config', beatsFile: true },
    },
  ),
  field('dns.clusterDomain', 'string', 'cluster.local', 'domain of the cluster, where no file names another', {
    document: 'own',
    zeroIsUnset: true,
    flag: { name: 'cluster-domain', beatsFile: true },
    check: isDomain,
  }),
  field('dns.addresses', 'string-list', null, 'node-local addresses to answer on, port 53; unset: 169.254.20.10', {
    document: 'own',
    flag: { name: 'dns-addresses', beatsFile: true },
    check: areAddresses,
  }),
  field('dns.service', 'string', 'kube-system/kube-dns', 'Service whose ClusterIPs are answered on this node; none: no Service', {
    document: 'own',
    zeroIsUnset: true,
    flag: { name: 'dns-service', beatsFile: true },
    check: isServiceName,
  }),
  field('dns.interceptPort', 'integer', 10_053, 'port behind the ClusterIP that intercepted questions are taken to', {
    document: 'own',
    flag: { name: 'dns-intercept-port', beatsFile: true },
    check: port,
  }),
  field('dns.clients', 'string-list', null, 'who may ask, beside the node and its pods: CIDRs', {
    document: 'own',
    flag: { name: 'dns-clients', beatsFile: true },
    check: areCidrs,
  }),
  field('dns.threads', 'integer', 1, 'threads that answer; each has a copy of the names', {
    document: 'own',
    flag: { name: 'dns-threads', beatsFile: true },
    check: between(1, 64),
  }),
  field('dns.udp', 'string', 'batch', 'how UDP is read: batch, many datagrams with one system call, or plain', {
    document: 'own',
    zeroIsUnset: true,
    flag: { name: 'dns-udp', beatsFile: true },
    check: oneOf('batch', 'plain'),
  }),
  field('dns.resolvConf', 'string', '/etc/resolv.conf', 'file with the upstream servers, where no configuration names others', {
    document: 'own',
    zeroIsUnset: true,
    flag: { name: 'resolv-conf', beatsFile: true },
  }),
] as const;
