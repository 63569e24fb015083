import { Lane } from './lane.ts';
import { countOfStage } from './lane-counts.ts';
import type { LaneCounts } from './lane-counts.ts';

/** The lanes of a worker by listening address and zone. They outlast settings: counters of a reload go on. */
export class LaneBook {
  readonly #lanes = new Map<string, { readonly server: string; readonly zone: string; readonly lane: Lane }>();

  /** `server` is `dns://ADDRESS:PORT`; `zone` in presentation form, or `dropped` for what belongs to none. */
  laneOf(server: string, zone: string): Lane {
    const key = `${server} ${zone}`;
    const known = this.#lanes.get(key);
    if (known !== undefined) return known.lane;
    const lane = new Lane();
    this.#lanes.set(key, { server, zone, lane });
    return lane;
  }

  /** Answers that the search path gave. */
  get autopaths(): number {
    return [...this.#lanes.values()].reduce((sum, { lane }) => sum + countOfStage(lane.counts, 'autopath'), 0);
  }

  get counts(): readonly { readonly server: string; readonly zone: string; readonly counts: LaneCounts }[] {
    return [...this.#lanes.values()].map(({ server, zone, lane }) => ({ server, zone, counts: lane.counts }));
  }
}
