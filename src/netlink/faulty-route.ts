import { fail } from '../model/mod.ts';
import type { RoutePort } from './route-port.ts';

/** A port any call of which fails, with no effect, when `chance` says so. */
export function createFaultyRoutes(port: RoutePort, chance: () => boolean): RoutePort {
  const refusal = fail('WP_NETLINK_SOCKET', 'cannot send to the kernel: this call was made to fail');
  const perhaps = async <T>(call: () => Promise<T>): Promise<T | typeof refusal> => (chance() ? refusal : await call());
  return {
    family: port.family,
    listRoutes: (table) => perhaps(() => port.listRoutes(table)),
    changeRoutes: (add, remove) => perhaps(() => port.changeRoutes(add, remove)),
    listRules: () => perhaps(() => port.listRules()),
    changeRules: (add, remove) => perhaps(() => port.changeRules(add, remove)),
    listAddresses: () => perhaps(() => port.listAddresses()),
    close: () => port.close(),
  };
}
