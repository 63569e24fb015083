import { writeFile } from 'node:fs/promises';
import type { Problem } from '../model/mod.ts';

/** Asks the kernel to end this process late when memory is short. Not being allowed to is no failure. */
export async function setOomScore(adjustment: number): Promise<Problem | null> {
  try {
    await writeFile('/proc/self/oom_score_adj', String(adjustment));
    return null;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `the kernel does not take oomScoreAdj ${adjustment} (${reason}): under memory pressure the agent may be ended early`;
    return { code: 'WP_CLI_OOM_SCORE', message, cause };
  }
}
