import type { EffectiveConfig } from '../config/mod.ts';
import { succeed } from '../model/mod.ts';
import type { Outcome } from '../model/mod.ts';
import { cleanServers } from './clean-servers.ts';
import type { CleanServersOptions, TakenOver } from './clean-servers.ts';
import { removeTunnels } from './remove-tunnels.ts';

export interface CleanFormerOptions extends CleanServersOptions {
  readonly config: CleanServersOptions['config'] & Pick<EffectiveConfig, 'mode' | 'ingress'>;
}

/**
 * Removes, in one family, what an agent with other settings made and this one has no use for: virtual servers where the mode
 * is another one, and after their connections have ended the tunnels through which these may have come.
 */
export async function cleanFormer(taken: TakenOver, options: CleanFormerOptions): Promise<Outcome<readonly string[]>> {
  const { mode, ingress } = options.config;
  const direct = mode === 'ipvs' && ingress !== null && ingress.dsr !== null;
  const servers = mode === 'ipvs' ? succeed([]) : await cleanServers(taken, options);
  if (!servers.ok || direct || options.signal.aborted) return servers;
  const tunnels = await removeTunnels(taken.family);
  return tunnels.ok ? succeed([...servers.value, ...tunnels.value]) : tunnels;
}
