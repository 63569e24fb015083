import { fail, succeed } from '../model/mod.ts';
import type { Outcome } from '../model/mod.ts';
import { generationTypes, readGeneration, writeGenerationQuery } from './codec-generation.ts';
import type { Generation } from './codec-generation.ts';
import type { NetlinkSocket } from './driver-socket.ts';

/** The present generation of the rules of nftables, to be given to the transaction that rests on what was read. */
export async function askGeneration(socket: Pick<NetlinkSocket, 'ask'>): Promise<Outcome<Generation>> {
  const found: Generation[] = [];
  const what = 'tell the generation of the nftables rules';
  const result = await socket.ask({ type: generationTypes.get, body: writeGenerationQuery }, what, (view, message) => {
    const generation = message.type === generationTypes.new ? readGeneration(view, message) : null;
    if (generation !== null) found.push(generation);
  });
  if (!result.ok) return { ok: false, problem: result.failure.problem };
  const [generation] = found;
  return generation === undefined ? fail('WP_NETLINK_SILENT', `the kernel did not ${what}`) : succeed(generation);
}
