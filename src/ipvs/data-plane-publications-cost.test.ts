import { expect, test } from 'vitest';
import { hostPrefix } from '../model/mod.ts';
import type { Frontend } from '../model/mod.ts';
import { applyFrontends, startWorld } from './data-plane.fixture.ts';
import { publishedFrontends, publishedShape } from './publications.fixture.ts';
import { addressOf } from './wish.fixture.ts';

const count = 2000;

/** A published Service with an address of its own. */
function publishAt(index: number, backends: readonly number[]): Frontend[] {
  const name = `s${index}`;
  const address = addressOf(`198.18.${index >> 8}.${index & 255}`);
  return publishedFrontends({ ...publishedShape, name, backends }).map((frontend) => {
    const { publication } = frontend;
    const plain = publication?.plain ?? null;
    const moved = plain === null ? null : { ...plain, address };
    return { ...frontend, address, publication: publication === null ? null : { ...publication, plain: moved } };
  });
}

test('[INGRESS-55] with 2,000 published Services an endpoint costs three operations of IPVS and one transaction at most', async () => {
  const world = startWorld('IPv4');
  const services = Object.fromEntries(Array.from({ length: count }, (_, index) => [`ns/s${index}`, publishAt(index, [1, 2, 3])]));
  expect(await applyFrontends(world, services, true)).toMatchObject({ problem: null, failed: new Map() });
  expect(world.plane.statistics().servers).toEqual({ own: count, foreign: 0 });
  const routes = await world.routes.listRoutes(255);
  expect(routes.ok && routes.value).toContainEqual(
    expect.objectContaining({ destination: hostPrefix(addressOf('198.18.0.77')) }),
  );
  world.servers.list = () => Promise.reject(new Error('a listing'));
  // One more, one in the place of another, one less; a back end on this node has a source to be rewritten besides.
  for (const backends of [
    [1, 2, 3, 4],
    [1, 2, 3, 5],
    [1, 2, 5],
  ]) {
    const [operations, changes] = [world.servers.operations.length, world.side.changes.length];
    expect(await applyFrontends(world, { 'ns/s77': publishAt(77, backends) })).toMatchObject({ problem: null });
    expect(world.servers.operations.length - operations).toBeGreaterThan(0);
    expect(world.servers.operations.length - operations).toBeLessThanOrEqual(3);
    expect(world.side.changes.length - changes).toBeLessThanOrEqual(1);
  }
});
