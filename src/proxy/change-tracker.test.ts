import { describe, expect, test } from 'vitest';
import { emptySnapshot } from '../model/mod.ts';
import type { ServiceRecord, SliceRecord, Snapshot } from '../model/mod.ts';
import { ChangeTracker } from './change-tracker.ts';
import { endpoint, service, slice } from './records.fixture.ts';

const start = 1000;
const key = 'shop/web';

function snapshot(services: readonly ServiceRecord[], slices: readonly SliceRecord[]): Snapshot {
  return {
    ...emptySnapshot,
    services: new Map(services.map((one) => [one.key, one])),
    slices: Map.groupBy(slices, (one) => one.service),
  };
}

const triggered = (name: string, at: number | null, over: Partial<SliceRecord> = {}): SliceRecord =>
  slice([endpoint('10.244.1.1')], { key: `shop/${name}`, triggeredAt: at, ...over });

const nothing = snapshot([], []);

describe('[SP-134] a slice change is measured once, from its annotation to the kernel', () => {
  test('several pending changes give several observations', () => {
    const tracker = new ChangeTracker('IPv4', start);
    const first = snapshot([], [triggered('a', 2000), triggered('b', 2100)]);
    tracker.note(nothing, first, [key]);
    const second = snapshot([], [triggered('a', 2500), ...(first.slices.get(key) ?? []).slice(1)]);
    tracker.note(first, second, [key]);
    tracker.take([key]);
    expect(tracker.confirm([key], 3000)).toEqual([1000, 900, 500]);
    expect(tracker.confirm([key], 4000)).toEqual([]);
  });

  test('none, for an annotation that is absent or older than the start', () => {
    const tracker = new ChangeTracker('IPv4', start);
    tracker.note(nothing, snapshot([], [triggered('a', null), triggered('b', start - 1), triggered('c', start)]), [key]);
    tracker.take([key]);
    expect(tracker.confirm([key], 3000)).toEqual([2000]);
  });

  test('none, for a slice that was deleted before the kernel had it', () => {
    const tracker = new ChangeTracker('IPv4', start);
    const both = snapshot([], [triggered('a', 2000), triggered('b', 2000)]);
    tracker.note(nothing, both, [key]);
    tracker.note(both, snapshot([], (both.slices.get(key) ?? []).slice(1)), [key]);
    tracker.take([key]);
    expect(tracker.confirm([key], 2001)).toEqual([1]);
  });

  test('what comes while a sync runs waits for the next; what failed waits for its repetition', () => {
    const tracker = new ChangeTracker('IPv4', start);
    const first = snapshot([], [triggered('a', 2000)]);
    tracker.note(nothing, first, [key]);
    tracker.take([key]);
    tracker.note(first, snapshot([], [triggered('a', 2400)]), [key]);
    expect(tracker.confirm([key], 3000)).toEqual([1000]);
    tracker.take([key]);
    // This sync fails: nothing is confirmed. The next one takes the Service in again.
    tracker.take([key]);
    expect(tracker.confirm([key], 9000)).toEqual([6600]);
  });

  test('a clock that was set back measures no negative time', () => {
    const tracker = new ChangeTracker('IPv4', start);
    tracker.note(nothing, snapshot([], [triggered('a', 5000)]), [key]);
    tracker.take([key]);
    expect(tracker.confirm([key], 4000)).toEqual([0]);
  });

  test('slices of the other family are the other tracker’s', () => {
    const tracker = new ChangeTracker('IPv6', start);
    expect(tracker.note(nothing, snapshot([service()], [triggered('a', 2000)]), [key]).changed).toEqual({
      services: 1,
      slices: 0,
    });
    tracker.take([key]);
    expect(tracker.confirm([key], 3000)).toEqual([]);
  });

  test('a Service that is never confirmed does not fill the memory', () => {
    const tracker = new ChangeTracker('IPv4', start);
    let before = nothing;
    for (let at = 0; at < 1500; at += 1) {
      const after = snapshot([], [triggered('a', start + at)]);
      tracker.note(before, after, [key]);
      before = after;
    }
    tracker.take([key]);
    expect(tracker.confirm([key], 9000)).toHaveLength(1000);
  });
});

test('changes are pending until a sync takes them in', () => {
  const tracker = new ChangeTracker('IPv4', start);
  const other = service({ name: 'other' });
  const first = snapshot([service(), other], [triggered('a', null), triggered('b', null)]);
  expect(tracker.note(nothing, first, [key, other.key]).changed).toEqual({ services: 2, slices: 2 });
  expect(tracker.note(first, snapshot([other], []), [key]).changed).toEqual({ services: 1, slices: 2 });
  expect(tracker.pending).toEqual({ services: 2, slices: 4 });
  tracker.take([key]);
  expect(tracker.pending).toEqual({ services: 1, slices: 0 });
  tracker.take([other.key, 'shop/unknown']);
  expect(tracker.pending).toEqual({ services: 0, slices: 0 });
});

describe('what a commit has to do with a family', () => {
  const web = service();
  const four = triggered('four', null);
  const six = triggered('six', null, { family: 'IPv6' });
  const same = snapshot([web], [four]);
  const concerned = (before: Snapshot, after: Snapshot): readonly boolean[] =>
    (['IPv4', 'IPv6'] as const).map((family) =>
      new ChangeTracker(family, start).note(before, after, [key]).concerned.includes(key),
    );

  test.each<[string, Snapshot, Snapshot, readonly boolean[]]>([
    ['a slice that came', snapshot([web], [six]), snapshot([web], [six, four]), [true, false]],
    ['a slice that went', snapshot([web], [four, six]), snapshot([web], [four]), [false, true]],
    ['a slice that changed', snapshot([web], [four, six]), snapshot([web], [four, { ...six, triggeredAt: 7 }]), [false, true]],
    ['another Service, the slices as before', snapshot([web], [four]), snapshot([{ ...web }], [four]), [true, true]],
    ['another Service and another slice', snapshot([web], []), snapshot([{ ...web }], [six]), [true, true]],
    ['no reason that is known: to be on the safe side', same, same, [true, true]],
  ])('%s', (_, before, after, expected) => {
    expect(concerned(before, after)).toEqual(expected);
  });
});
