import type { EffectiveConfig } from '../config/mod.ts';
import { readVersion } from './version.ts';

/** How the API server is reached, for reading and for writing Events alike. */
interface ApiAccess {
  readonly kubeconfig: string;
  readonly master: string;
  readonly nodeName: string;
  readonly qps: number;
  readonly burst: number;
  readonly userAgent: string;
  readonly env: NodeJS.ProcessEnv;
}

/** What the configuration says of it; empty where it says nothing. */
export function apiAccess(config: EffectiveConfig, nodeName: string): ApiAccess {
  return {
    kubeconfig: config.kubeconfig ?? '',
    master: config.master ?? '',
    nodeName,
    qps: config.settings['clientConnection.qps'],
    burst: config.settings['clientConnection.burst'],
    userAgent: `waypost/${readVersion()}`,
    env: process.env,
  };
}
