import { fail, succeed } from '../model/mod.ts';
import type { SetPort } from './set-port.ts';

/** A `SetPort` in memory; `inUse` says which sets rules name, which the kernel refuses to destroy. */
export function createFakeSets(inUse: () => string): SetPort & { readonly names: ReadonlySet<string> } {
  const names = new Set<string>();
  return {
    names,
    list: async () => succeed([...names]),
    create: async (wanted) => {
      for (const name of wanted) names.add(name);
      return succeed(undefined);
    },
    destroy: async (unwanted) => {
      for (const name of unwanted) {
        if (inUse().includes(` ${name} src`)) return fail('WP_IPTABLES_SET', `ipset: set ${name} is in use`);
        names.delete(name);
      }
      return succeed(undefined);
    },
  };
}
