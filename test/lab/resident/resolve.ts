import type { Resolver } from 'node:dns/promises';
import { performance } from 'node:perf_hooks';
import type { NameQuestion, Resolved } from './protocol.ts';

/** Asks one server for a name, once. */
export async function resolveName({ server, name, type, timeoutMs }: NameQuestion): Promise<Resolved> {
  // Few residents are asked for this.
  const dns = await import('node:dns/promises');
  // A resolver of its own for each question: none of them is answered from memory.
  const resolver = new dns.Resolver({ timeout: timeoutMs, tries: 1 });
  resolver.setServers([server]);
  const began = performance.now();
  const asked = await ask(resolver, name, type).catch((error: NodeJS.ErrnoException) => error);
  const elapsedMs = performance.now() - began;
  if (asked instanceof Error) return { code: asked.code ?? asked.message, records: [], ttl: null, elapsedMs };
  return { code: null, ...asked, elapsedMs };
}

async function ask(resolver: Resolver, name: string, type: NameQuestion['type']): Promise<Pick<Resolved, 'records' | 'ttl'>> {
  if (type === 'SRV') {
    const found = await resolver.resolveSrv(name);
    const texts = found.map((one) => `${one.priority} ${one.weight} ${one.port} ${one.name}`);
    return { records: texts.toSorted(), ttl: null };
  }
  const found = await (type === 'A' ? resolver.resolve4(name, { ttl: true }) : resolver.resolve6(name, { ttl: true }));
  return { records: found.map(({ address }) => address).toSorted(), ttl: found[0]?.ttl ?? null };
}
