import { askText, tellUnanswered } from './ask-agent.ts';
import { savedSchema } from './saved-state.ts';
import type { SavedState } from './saved-state.ts';
import { printProblems } from './terminal.ts';
import type { Terminal } from './terminal.ts';

/** Pages that commands read with `--from`, and those that whoever reads a report wants besides. None of them has a secret. */
const pages = ['/status', '/services', '/connections', '/endpoints/use', '/ingress', '/diff', '/configz', '/metrics'] as const;

/** Milliseconds: for `/diff` the agent reads whole tables, perhaps behind a sync. */
const patience = 120_000;

/**
 * `waypost dump`: prints the pages of the running agent as one document. 1 where no agent answers, or not for all pages: what there is
 * is printed all the same.
 */
export async function runDump({ url }: { readonly url: string }, terminal: Terminal): Promise<number> {
  const saved: Record<string, SavedState['pages'][string]> = {};
  let complete = true;
  for (const path of pages) {
    // One after the other: an agent that is in trouble is not to be pressed.
    const asked = await askText(url, path, { patience });
    if (asked.ok) {
      saved[path] = { status: asked.value.status, body: readBody(asked.value.text) };
      continue;
    }
    if (Object.keys(saved).length === 0) return tellUnanswered(asked.problem, terminal);
    printProblems(terminal, [asked.problem]);
    complete = false;
  }
  const state: SavedState = { version: 1, schema: savedSchema, savedAt: Date.now(), pages: saved };
  terminal.out(`${JSON.stringify(state, null, 1)}\n`);
  return complete ? 0 : 1;
}

function readBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
