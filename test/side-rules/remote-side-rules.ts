import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Family, Outcome, SideEntry, SideReport, SideRules, SideState } from '../../src/model/mod.ts';
import { spawnIn } from '../lab/driver-netns.ts';
import type { SideRequest } from './resident.ts';

/** Side rules of both families in another network namespace. */
export interface RemoteSideRules {
  side(family: Family): SideRules;
  close(): Promise<void>;
}

type Listed = Outcome<{ readonly entries: readonly (readonly [string, SideEntry])[]; readonly intact: boolean }>;

/** Starts the program that holds them. */
export function openRemoteSideRules(namespace: string): RemoteSideRules {
  const script = fileURLToPath(new URL('resident.ts', import.meta.url));
  const child = spawnIn(namespace, process.execPath, [script]);
  const replies = createInterface({ input: child.stdout ?? process.stdin })[Symbol.asyncIterator]();
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  // What it did not read is told by the reply that does not come.
  child.stdin?.on('error', () => {});
  const ended = once(child, 'close');

  /** One question at a time, as the contract of side rules has it for each family. */
  let last: Promise<unknown> = Promise.resolve();
  const ask = <T>(request: SideRequest): Promise<T> => {
    const reply = last.then(async () => {
      child.stdin?.write(`${JSON.stringify(request)}\n`);
      const next = await replies.next();
      if (next.done === true) throw new Error(`the program with the side rules ended: ${errors}`);
      return JSON.parse(next.value) as T;
    });
    last = reply.catch(() => null);
    return reply;
  };

  return {
    side: (family) => ({
      family,
      apply: (change) => ask<SideReport>({ op: 'apply', family, change }),
      cleanup: () => ask<Outcome<readonly string[]>>({ op: 'cleanup', family }),
      read: async (): Promise<Outcome<SideState>> => {
        const listed = await ask<Listed>({ op: 'read', family });
        if (!listed.ok) return listed;
        return { ok: true, value: { entries: new Map(listed.value.entries), intact: listed.value.intact } };
      },
    }),
    close: async () => {
      child.stdin?.end();
      await ended;
    },
  };
}
