import { areCidrs, areInterfaces, between, isAbsolutePath, isClassName, isObjectName, oneOf, wholeSeconds } from './checks.ts';
import { field } from './field.ts';
import type { Field, ValueKind, ValueKinds } from './field.ts';
import { arePools } from './pool-text.ts';

const mark = between(1, 0xffff_ffff);
/** The kernel's own tables are 0 and from 253 on (rtnetlink(7)); 22359 holds what the ipvs mode captures without ingress. */
const reservedTables: readonly number[] = [0, 253, 254, 255, 0x5757];
/** Between the rules for the tables `local` and `main`. */
const priority = between(1, 32_765);

/** The section `ingress` of our own document. Each flag has the path of its field, with `-` between the words. */
export const ingressFields = [
  ingress('enabled', 'boolean', false, 'publish Services of the class to clients outside of the cluster'),
  ingress('class', 'string', 'waypost.dev/ingress', 'loadBalancerClass of the Services that are published', isClassName),
  ingress('vipCIDRs', 'string-list', null, 'where load-balancer addresses may be; unset: anywhere', areCidrs),
  ingress('externalIPs', 'string-list', null, 'where spec.externalIPs may be published; none: nowhere', areCidrs),
  ingress(
    'capture',
    'string',
    'local',
    'how packets to load-balancer addresses are taken: local, all of them, or policy, those to published ports',
    oneOf('local', 'policy'),
  ),
  ingress('fwmark.mask', 'mark', 0x0fff, 'bits of the packet mark that ingress may use; they need not be neighbours', mark),
  ingress('fwmark.first', 'mark', 0x101, 'first number that is given to a publication', mark),
  ingress('routeTable', 'integer', 5257, 'routing table for addresses that are taken by policy', isRouteTable),
  ingress('rulePriority', 'integer', 90, 'priority of the routing rule that leads there', priority),
  ingress('dsr.enabled', 'boolean', false, 'allow Services to have their answers sent directly by the node of the back end'),
  ingress('dsr.method', 'string', 'ipip', 'how packets reach that node: ipip, gue or dr', oneOf('ipip', 'gue', 'dr')),
  ingress('dsr.gue.port', 'integer', 6080, 'UDP port of gue, on all nodes', between(1, 65_535)),
  ingress('dsr.clampMSS', 'boolean', true, 'lower the segment size of TCP connections to what fits into the tunnel'),
  ingress(
    'noEndpointsAction',
    'string',
    '',
    'drop or reject what finds no back end; empty: drop at load-balancer addresses, reject at node ports',
    oneOf('drop', 'reject'),
  ),
  ingress('announce.enabled', 'boolean', false, 'allow Services to have their addresses announced by ARP and NDP'),
  ingress('announce.interfaces', 'string-list', null, 'interfaces to announce on; unset: those of the network', areInterfaces),
  ingress('healthChecks.enabled', 'boolean', false, 'allow Services to have their back ends asked whether they live'),
  ingress('healthChecks.folder', 'string', '/etc/waypost/checks', 'programs that such checks may run', isAbsolutePath),
  ingress('healthChecks.concurrency', 'integer', 64, 'checks that run at the same time', between(1, 4096)),
  ingress('pool', 'pool-list', [], 'addresses to give to Services of the class: name and addresses of each pool', arePools),
  ingress('leaseNamespace', 'string', 'kube-system', 'namespace of the Leases by which nodes agree who acts', isObjectName),
  ingress(
    'leaseName',
    'string',
    'waypost-ingress',
    'name of the Lease, and what the names of further ones begin with',
    isLeaseName,
  ),
  ingress(
    'leaseDuration',
    'duration',
    15_000,
    'time without a sign of life after which another node acts',
    wholeSeconds(1, 3600),
  ),
  ingress('limits.portsPerService', 'integer', 512, 'ports that one Service may publish', between(1, 65_535)),
  ingress('limits.rangesPerService', 'integer', 64, 'port ranges that one Service may publish', between(0, 64)),
  ingress('limits.marksPerNamespace', 'integer', 0, 'marks that the Services of a namespace may use; 0: no limit', marks),
] as const;

function ingress<const P extends string, K extends ValueKind>(
  path: P,
  kind: K,
  fallback: ValueKinds[K],
  help: string,
  check?: (value: ValueKinds[K]) => string | null,
): Field<`ingress.${P}`, K> {
  const words = path.replaceAll('.', '-').replaceAll(/([a-z])([A-Z])/g, '$1-$2');
  return field(`ingress.${path}`, kind, fallback, help, {
    document: 'own',
    // Of numbers zero is a value, and mostly a wrong one.
    zeroIsUnset: kind === 'string',
    flag: { name: `ingress-${words.toLowerCase()}`, beatsFile: true },
    ...(check === undefined ? {} : { check }),
  });
}

function marks(value: number): string | null {
  return between(0, 0xffff_ffff)(value);
}

function isRouteTable(value: number): string | null {
  return reservedTables.includes(value) ? `must not be one of ${reservedTables.join(', ')}` : mark(value);
}

/** Further Leases have names of up to 32 characters more. */
function isLeaseName(value: string): string | null {
  return value.length <= 200 ? isObjectName(value) : 'must have at most 200 characters';
}
