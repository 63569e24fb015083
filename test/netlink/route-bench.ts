import { parseAddress } from '../../src/model/mod.ts';
import type { Address, Family } from '../../src/model/mod.ts';
import { createFakeRoutes, createRouteTool } from '../../src/netlink/mod.ts';
import type { LocalAddress, RoutePort } from '../../src/netlink/mod.ts';
import { createNamespace } from './namespace.ts';

/** A place to try a {@link RoutePort} in: fresh, and with the means to change what the port only reads. */
export interface RouteBench extends AsyncDisposable {
  readonly port: RoutePort;
  addDevice(name: string): Promise<void>;
  removeDevice(name: string): Promise<void>;
  addAddress(address: LocalAddress): Promise<void>;
  removeAddress(address: LocalAddress): Promise<void>;
}

export const benchKinds = ['fake', 'netlink', 'ip tool'] as const;

export async function createBench(kind: (typeof benchKinds)[number], family: Family): Promise<RouteBench> {
  return kind === 'fake' ? createFakeBench(family) : await createKernelBench(kind, family);
}

function createFakeBench(family: Family): RouteBench {
  const port = createFakeRoutes(family);
  return {
    port,
    addDevice: async (name) => port.addDevice(name),
    removeDevice: async (name) => port.removeDevice(name),
    addAddress: async (address) => port.addAddress(address),
    removeAddress: async ({ address }) => port.removeAddress(address),
    async [Symbol.asyncDispose]() {
      port.close();
    },
  };
}

async function createKernelBench(kind: 'netlink' | 'ip tool', family: Family): Promise<RouteBench> {
  const namespace = await createNamespace();
  const call =
    (method: string) =>
    (...args: readonly unknown[]): Promise<never> =>
      namespace.call({ op: 'route', family, method, args }) as Promise<never>;
  const overNetlink: RoutePort = {
    family,
    listRoutes: call('listRoutes'),
    changeRoutes: call('changeRoutes'),
    listRules: call('listRules'),
    changeRules: call('changeRules'),
    listAddresses: call('listAddresses'),
    close: () => {},
  };
  const port =
    kind === 'netlink'
      ? overNetlink
      : createRouteTool({ family, run: (args, input) => namespace.attempt(['ip', ...args], input) });
  const words = ({ address, length, device }: LocalAddress): string[] => [`${address}/${length}`, 'dev', device];
  return {
    port,
    async addDevice(name) {
      // The kernel has veth where it has no dummy device; the other end keeps it running.
      await namespace.exec('ip', 'link', 'add', name, 'type', 'veth', 'peer', 'name', `${name}p`);
      // No addresses that the kernel makes up.
      for (const each of [name, `${name}p`]) {
        await namespace.exec('ip', 'link', 'set', each, 'addrgenmode', 'none');
        await namespace.exec('ip', 'link', 'set', each, 'up');
      }
    },
    removeDevice: async (name) => void (await namespace.exec('ip', 'link', 'del', name)),
    addAddress: async (address) =>
      void (await namespace.exec('ip', 'addr', 'add', ...words(address), ...(family === 'IPv6' ? ['nodad'] : []))),
    removeAddress: async (address) => void (await namespace.exec('ip', 'addr', 'del', ...words(address))),
    [Symbol.asyncDispose]: () => namespace[Symbol.asyncDispose](),
  };
}

/** An address that is known to be one. */
export function addressOf(text: string): Address {
  const address = parseAddress(text);
  if (address === null) throw new TypeError(`not an address: ${text}`);
  return address;
}
