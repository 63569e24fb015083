import type { DirectReturnSettings, EffectiveConfig } from '../config/mod.ts';
import { familyOf, isLoopback } from '../model/mod.ts';
import type { Family } from '../model/mod.ts';
import { finding } from './check-facts.ts';
import type { Finding, InterfaceFact, NodeFacts } from './check-facts.ts';
import { findModule } from './check-kernel.ts';
import { plainSegmentSize, segmentSizeOf, usualMtu } from './segment-size.ts';
import { isOwnAlias, tunnelDevices } from './tunnel-setup.ts';

const code = 'WP_CLI_CHECK_DSR';

const modules: Readonly<Record<Family, string>> = { IPv4: 'ipip', IPv6: 'ip6_tunnel' };
const gueModules: Readonly<Record<Family, string>> = { IPv4: 'fou', IPv6: 'fou6' };
/** What packets must have room for anywhere (RFC 791; RFC 8200, 5). */
const smallestMtu: Readonly<Record<Family, number>> = { IPv4: 576, IPv6: 1280 };

/** Whether direct return can work on this node, and what of it does not (specification of ingress, 8). */
export function checkDirectReturn({ mode, ingress }: EffectiveConfig, facts: NodeFacts): readonly Finding[] {
  const dsr = ingress?.dsr ?? null;
  if (dsr === null) return [];
  if (mode !== 'ipvs') {
    const message = `direct return is enabled, and mode ${mode} has none: Services that ask for it are served by their externalTrafficPolicy`;
    return [finding('warning', code, message, 'choose mode ipvs, or disable ingress.dsr')];
  }
  const found = familiesOf(facts).flatMap((family) => [
    ...checkModules(family, dsr, facts),
    ...checkDevice(family, facts),
    ...checkSize(family, dsr, facts),
  ]);
  const all = [...found, ...checkFilter(dsr, facts)];
  return [...(all.length === 0 ? [finding('ok', code, 'the kernel has what direct return needs')] : all), ...tellLimits(dsr)];
}

function familiesOf({ addresses }: NodeFacts): readonly Family[] {
  const outside = addresses.filter(({ address }) => !isLoopback(address) && !address.startsWith('fe80:'));
  return [...new Set(outside.map(({ address }) => familyOf(address)))].toSorted();
}

/** Every node takes IP in IP, since a Service may ask for it; without it the others still work. */
function checkModules(family: Family, { method }: DirectReturnSettings, facts: NodeFacts): readonly Finding[] {
  const needed = method === 'gue' ? [modules[family], gueModules[family]] : [modules[family]];
  return needed.flatMap((name) => {
    const state = findModule(name, facts);
    const lost = `${family} packets that other nodes send on to this one through a tunnel are lost`;
    if (state === 'unknown') {
      const message = `whether kernel ${facts.kernelRelease} has the module ${name} cannot be seen from here: without it ${lost}`;
      return [finding('warning', code, message, `mount /lib/modules of the host, or run modprobe ${name} on it`)];
    }
    if (state !== 'absent') return [];
    const level = method === 'dr' ? 'warning' : 'error';
    const message = `kernel ${facts.kernelRelease} has no module ${name}: ${lost}`;
    return [finding(level, code, message, 'install the kernel’s package of extra modules, or set ingress.dsr.method to dr')];
  });
}

function checkDevice(family: Family, { interfaces }: NodeFacts): readonly Finding[] {
  const name = tunnelDevices[family];
  const device = interfaces.find((one) => one.name === name);
  if (device === undefined || isOwnAlias(device.alias)) return [];
  const message = `there is an interface ${name} that this agent has not made: ${family} packets that other nodes send on to this one through a tunnel are lost`;
  return [finding('error', code, message, `remove or rename it: ip link set ${name} name other`)];
}

/** Packets grow in a tunnel, and what is too large then is lost without a word (specification of ingress, 8). */
function checkSize(family: Family, { method, clampMss }: DirectReturnSettings, facts: NodeFacts): readonly Finding[] {
  if (method === 'dr') return [];
  const [smallest] = carriers(family, facts).toSorted((a, b) => a.mtu - b.mtu);
  if (smallest === undefined) return [];
  const size = segmentSizeOf(family, method, smallest.mtu);
  const where = `${smallest.name} has an MTU of ${smallest.mtu}`;
  if (size < plainSegmentSize(family, smallestMtu[family])) {
    const message = `${where}, too small for ${family} in a tunnel: packets of ordinary size do not get to other nodes`;
    return [finding('error', code, message, `raise the MTU of ${smallest.name}, or set ingress.dsr.method to dr`)];
  }
  if (clampMss || size >= plainSegmentSize(family, usualMtu)) return [];
  const message = `${where}, and ingress.dsr.clampMSS is false: uploads over ${family} to back ends of other nodes hang`;
  return [finding('warning', code, message, `set ingress.dsr.clampMSS, or raise the MTU of ${smallest.name}`)];
}

/** Interfaces that may lead to other nodes. */
function carriers(family: Family, { addresses, interfaces, bridges }: NodeFacts): readonly InterfaceFact[] {
  const own = new Set(
    addresses.filter(({ address }) => familyOf(address) === family && !isLoopback(address)).map(({ device }) => device),
  );
  const names = new Set([...bridges.map(({ name }) => name), ...Object.values(tunnelDevices)]);
  return interfaces.filter(({ name }) => own.has(name) && !names.has(name));
}

/** The device gets a loose check of its own where all are checked; for that its parameter has to be writable. */
function checkFilter({ method }: DirectReturnSettings, { sysctls }: NodeFacts): readonly Finding[] {
  const all = sysctls.get('net.ipv4.conf.all.rp_filter');
  const usual = sysctls.get('net.ipv4.conf.default.rp_filter');
  const strict = all?.value === '1';
  const findings: Finding[] = [];
  if (usual !== undefined && !usual.writable && (all?.value !== '0' || usual.value !== '0')) {
    const message =
      'sources are checked (net.ipv4.conf.*.rp_filter), and this process may not exempt its tunnel from that: IPv4 packets that other nodes send on to this one through it are dropped';
    findings.push(
      finding('error', code, message, 'run the agent with /proc/sys writable, or set rp_filter of all and default to 0'),
    );
  }
  if (method === 'dr' && strict) {
    const message =
      'net.ipv4.conf.all.rp_filter is 1: what another node sends on is dropped unless the route to its client leads out of the interface that it came from';
    findings.push(finding('warning', code, message, 'set net.ipv4.conf.all.rp_filter to 0 or 2'));
  }
  return findings;
}

function tellLimits({ method }: DirectReturnSettings): readonly Finding[] {
  const note = (message: string): Finding => finding('note', code, message);
  return [
    note(
      'with direct return every node sends with the addresses of Services: the network must let it, which cannot be seen from here',
    ),
    method === 'dr'
      ? note(
          'direct routing needs nodes on one Ethernet link: those that are not get no packets, and the log names them (WP_INGRESS_LINK)',
        )
      : note(
          'datagrams of UDP are not made smaller for the tunnel: those that do not fit are answered with ICMP, and lost if that is',
        ),
  ];
}
