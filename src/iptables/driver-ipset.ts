import { succeed } from '../model/mod.ts';
import type { Family, Outcome } from '../model/mod.ts';
import type { Shell } from './driver-shell.ts';
import { firstLine, iptablesProblem } from './errors.ts';
import { isOwnSet } from './names.ts';
import type { SetPort } from './set-port.ts';

export interface IpsetOptions {
  readonly family: Family;
  readonly shell: Shell;
  /** Put before every command, such as `ip netns exec <name>`. */
  readonly commandPrefix?: readonly string[];
}

/**
 * Addresses with a time limit each, as large as they get: an empty set takes some hundred bytes. A full set
 * gives up old entries for new ones (`forceadd`).
 */
const properties = 'hashsize 64 maxelem 262144 timeout 10800 forceadd';

/** The kernel's ipsets of one family through `ipset`. */
export function createIpsetPort({ family, shell, commandPrefix = [] }: IpsetOptions): SetPort {
  const run = async (argv: readonly string[], lines: readonly string[]): Promise<Outcome<string>> => {
    const input = lines.length === 0 ? null : [`${lines.join('\n')}\n`];
    const command = { argv: [...commandPrefix, 'ipset', ...argv], input, timeoutSeconds: 60, maxOutputBytes: 64 * 1024 * 1024 };
    const result = await shell.run(command);
    if (result.kind === 'exit' && result.status === 0) return succeed(result.stdout);
    const said =
      result.kind === 'exit' ? firstLine(result.stderr) || `status ${result.status}` : `it did not end (${result.kind})`;
    const missing = result.kind === 'exit' && result.status === 127;
    return { ok: false, problem: iptablesProblem(missing ? 'WP_IPTABLES_TOOL_MISSING' : 'WP_IPTABLES_SET', `ipset: ${said}`) };
  };
  const inet = family === 'IPv4' ? 'inet' : 'inet6';
  return {
    async list() {
      const listed = await run(['list', '-n'], []);
      return listed.ok ? succeed(listed.value.split('\n').filter((name) => isOwnSet(family, name))) : listed;
    },
    async create(names) {
      const made = await run(
        ['restore', '-exist'],
        names.map((name) => `create ${name} hash:ip family ${inet} ${properties}`),
      );
      return made.ok ? succeed(undefined) : made;
    },
    async destroy(names) {
      const gone = await run(
        ['restore', '-exist'],
        names.map((name) => `destroy ${name}`),
      );
      return gone.ok ? succeed(undefined) : gone;
    },
  };
}
