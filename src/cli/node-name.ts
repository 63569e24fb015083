import { fail, succeed } from '../model/mod.ts';
import type { Outcome } from '../model/mod.ts';

/** The Node's name: the override, else the host name, trimmed and in lower case (specification 1.4). */
export function resolveNodeName(override: string | null, hostName: string): Outcome<string> {
  const name = (override ?? hostName).trim().toLowerCase();
  if (name !== '') return succeed(name);
  const source = override === null ? "the machine's host name" : 'the node name of --hostname-override or hostnameOverride';
  return fail('WP_CLI_NODE_NAME', `${source} is empty: set --hostname-override to the name of this Node`);
}
