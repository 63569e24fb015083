import { expect, test } from 'vitest';
import { named, slices, started } from './proxy.fixture.ts';
import { node } from './records.fixture.ts';

test('[SP-150] changes go on while the kernel is looked at for an audit, which comes after the look', async () => {
  const { clock, source, plane, notices } = await started();
  const look = Promise.withResolvers<void>();
  plane.look = async () => {
    plane.calls.push('look');
    await look.promise;
  };
  plane.drift = 2;
  await clock.turn(30_000);
  expect(plane.calls).toEqual(['complete', 'look']);
  source.put('shop/a', named('a'), slices('a', '10.244.1.7'));
  await clock.turn(60_000);
  expect(plane.calls).toEqual(['complete', 'look', 'shop/a']);
  look.resolve();
  await clock.turn(1);
  expect(plane.calls).toEqual(['complete', 'look', 'shop/a', 'audit']);
  expect(notices.at(-1)).toMatchObject({ kind: 'repaired', report: { operations: 2 } });
  // A look of a minute may come about every hundred minutes.
  await clock.turn(90 * 60_000);
  expect(plane.calls).toHaveLength(4);
  await clock.turn(20 * 60_000);
  expect(plane.calls.slice(4, 6)).toEqual(['look', 'audit']);
});

test('after a complete sync the kernel is looked at anew', async () => {
  const { clock, source, plane } = await started();
  const look = Promise.withResolvers<void>();
  plane.look = async () => {
    plane.calls.push('look');
    await look.promise;
  };
  await clock.turn(30_000);
  source.setNode(node({ zone: 'zone-a' }));
  await clock.turn(1000);
  expect(plane.calls).toEqual(['complete', 'look', 'complete']);
  look.resolve();
  await clock.turn(20_000);
  expect(plane.calls).toEqual(['complete', 'look', 'complete']);
  await clock.turn(20_000);
  expect(plane.calls).toEqual(['complete', 'look', 'complete', 'look', 'audit']);
});

test('a look that fails is left to the audit, and one that is under way is waited for at the end', async () => {
  const { clock, plane, proxy, states } = await started();
  plane.look = () => Promise.reject(new Error('boom'));
  await clock.turn(30_000);
  expect(plane.calls).toEqual(['complete', 'audit']);
  expect(states()).toEqual(['shop/a Done', 'shop/b Done']);
  const look = Promise.withResolvers<void>();
  plane.look = () => look.promise;
  await clock.turn(30_000);
  let running = true;
  const stopping = proxy.stop().finally(() => {
    running = false;
  });
  await clock.turn(1000);
  expect(running).toBe(true);
  look.resolve();
  await stopping;
  expect(plane.calls).toEqual(['complete', 'audit']);
});
