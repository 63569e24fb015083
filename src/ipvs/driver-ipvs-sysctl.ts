import { readFile, writeFile } from 'node:fs/promises';
import { fail, succeed } from '../model/mod.ts';
import type { SysctlPort } from './settings.ts';

/** Kernel parameters through `/proc/sys`; `root` stands before every path. */
export function createSysctlPort(root = ''): SysctlPort {
  // A dot in the name of a device would be a slash to `sysctl`; none of the parameters set here has one.
  const pathOf = (name: string): string => `${root}/proc/sys/${name.replaceAll('.', '/')}`;
  return {
    async read(name) {
      try {
        return (await readFile(pathOf(name), 'utf8')).trim();
      } catch {
        return null;
      }
    },
    async write(name, value) {
      try {
        await writeFile(pathOf(name), value, { flag: 'r+' });
        return succeed(undefined);
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        return fail('WP_IPVS_SYSCTL', `${name} cannot be set to ${value}: ${reason}`, cause);
      }
    },
  };
}
