import { createConntrackPort } from '../../src/netlink/mod.ts';
import type { ConntrackFlow, ConntrackQuery } from '../../src/netlink/mod.ts';

/**
 * Runs inside a network namespace, since a netlink socket is of the namespace of its process. Reads one JSON
 * array of steps from standard input and writes the results, in order, as one JSON array.
 */
export type Step =
  | {
      readonly op: 'list';
      readonly query: Omit<ConntrackQuery, 'destinationPorts'> & { readonly destinationPorts: readonly number[] };
    }
  | { readonly op: 'remove'; readonly flows: readonly ConntrackFlow[] };

async function runSteps(steps: readonly Step[]): Promise<unknown[]> {
  const port = createConntrackPort({ pause: () => null });
  const results: unknown[] = [];
  for (const step of steps) {
    results.push(
      step.op === 'list'
        ? await port.list({ ...step.query, destinationPorts: new Set(step.query.destinationPorts) })
        : await port.remove(step.flows),
    );
  }
  return results;
}

const chunks: Buffer[] = [];
for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
const results = await runSteps(JSON.parse(Buffer.concat(chunks).toString()) as Step[]);
process.stdout.write(JSON.stringify(results));
