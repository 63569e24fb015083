import { succeed } from '../model/mod.ts';
import type { Family } from '../model/mod.ts';
import type { FoundDevice, TunnelPort } from '../netlink/mod.ts';
import type { SysctlPort } from '../ipvs/mod.ts';

/** A kernel with tunnels in memory. */
export interface FakeTunnels {
  readonly port: TunnelPort;
  readonly sysctls: SysctlPort;
  readonly devices: Map<string, FoundDevice>;
  /** `IPv4 6080`. */
  readonly ports: Set<string>;
  /** Addresses given, and parameters written, in their order. */
  readonly said: string[];
}

export function createFakeTunnels(rpFilterOfAll: string): FakeTunnels {
  const devices = new Map<string, FoundDevice>();
  const ports = new Set<string>();
  const said: string[] = [];
  const keyOf = ({ family, port }: { readonly family: Family; readonly port: number }): string => `${family} ${port}`;
  const port: TunnelPort = {
    findDevice: async (name) => succeed(devices.get(name) ?? null),
    async addDevice({ name, local, alias }) {
      const family = local.includes(':') ? 'IPv6' : 'IPv4';
      devices.set(name, { name, index: devices.size + 7, alias, family, local, mtu: 1480 });
      said.push(`made ${name} (${alias})`);
      return succeed(undefined);
    },
    async addAddress(index, address) {
      said.push(`gave ${address} to ${index}`);
      return succeed(undefined);
    },
    deleteDevice: async (name) => succeed(devices.delete(name)),
    hasReceivePort: async (one) => succeed(ports.has(keyOf(one))),
    async addReceivePort(one) {
      ports.add(keyOf(one));
      return succeed(undefined);
    },
    deleteReceivePort: async (one) => succeed(ports.delete(keyOf(one))),
    close: () => {},
  };
  const sysctls: SysctlPort = {
    read: async (name) => (name.endsWith('/all/rp_filter') ? rpFilterOfAll : null),
    async write(name, value) {
      said.push(`${name} = ${value}`);
      return succeed(undefined);
    },
  };
  return { port, sysctls, devices, ports, said };
}
