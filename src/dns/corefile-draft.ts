import type { HealthSettings, ListenText, ServerBlock } from './settings.ts';

export type Draft<T> = { -readonly [K in keyof T]: T[K] };

/** A server block while its directives are read. */
export interface BlockDraft {
  readonly block: Draft<ServerBlock>;
  /** It forwards to the cluster's DNS, where a node-local cache has it from (specification 21.3). */
  asksCluster: boolean;
}

/** What holds for the whole process and may stand in any block. */
export interface ProcessDraft {
  health: HealthSettings | null;
  ready: ListenText | null;
  metrics: ListenText | null;
  reload: { readonly intervalMs: number; readonly jitterMs: number } | null;
}
