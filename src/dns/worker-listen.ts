import type { Clock, Outcome, Problem } from '../model/mod.ts';
import type { StreamListener } from './listen-contract.ts';
import type { UdpSocket } from './udp-socket.ts';
import type { ListenPoint } from './worker-messages.ts';

/** How listen points become sockets. */
export interface OpenSockets {
  udp(point: ListenPoint): Promise<Outcome<UdpSocket>>;
  tcp(point: ListenPoint): Promise<Outcome<StreamListener>>;
}

export interface ListenSetOptions extends OpenSockets {
  readonly clock: Clock;
  readonly report: (problem: Problem) => void;
  /** Told when what is open has changed. */
  readonly changed: () => void;
}

interface Opened {
  readonly point: ListenPoint;
  readonly udp: UdpSocket;
  readonly tcp: StreamListener;
}

/** How long until an address that could not be had is tried again: it may not be there yet. */
const retryMs = 1000;

/** Keeps a socket of each kind open for every listen point; a point has both or none. */
export class ListenSet {
  readonly #options: ListenSetOptions;
  readonly #open = new Map<string, Opened>();
  #wish: readonly ListenPoint[] = [];
  #busy: Promise<void> = Promise.resolve();
  #cancel: (() => void) | null = null;

  constructor(options: ListenSetOptions) {
    this.#options = options;
  }

  /** The points that have sockets. */
  get points(): readonly ListenPoint[] {
    return [...this.#open.values()].map(({ point }) => point);
  }

  /** File numbers of UDP sockets that this process has to close itself should this thread end without doing so. */
  get descriptors(): readonly number[] {
    return [...this.#open.values()].flatMap(({ udp }) => (udp.descriptor === null ? [] : [udp.descriptor]));
  }

  /** Opens and closes what differs; done when all was tried once. Points that fail are tried again and again. */
  listen(points: readonly ListenPoint[]): Promise<void> {
    this.#wish = points;
    this.#busy = this.#busy.then(() => this.#follow());
    return this.#busy;
  }

  close(): Promise<void> {
    return this.listen([]);
  }

  async #follow(): Promise<void> {
    this.#cancel?.();
    this.#cancel = null;
    const wanted = new Map(this.#wish.map((point) => [keyOf(point), point]));
    let changed = false;
    for (const [key, opened] of this.#open) {
      if (wanted.has(key)) continue;
      this.#open.delete(key);
      changed = true;
      opened.udp.close();
      await opened.tcp.close();
    }
    let failed = false;
    for (const [key, point] of wanted) {
      if (this.#open.has(key)) continue;
      const opened = await this.#openBoth(point);
      if (opened === null) failed = true;
      else this.#open.set(key, opened);
      changed ||= opened !== null;
    }
    if (failed) this.#cancel = this.#options.clock.after(retryMs, () => void this.listen(this.#wish));
    if (changed || this.#open.size === 0) this.#options.changed();
  }

  async #openBoth(point: ListenPoint): Promise<Opened | null> {
    const { report } = this.#options;
    const udp = await this.#options.udp(point);
    if (!udp.ok) {
      report(udp.problem);
      return null;
    }
    const tcp = await this.#options.tcp(point);
    if (tcp.ok) return { point, udp: udp.value, tcp: tcp.value };
    udp.value.close();
    report(tcp.problem);
    return null;
  }
}

function keyOf({ address, port, serves }: ListenPoint): string {
  return `${address} ${port} ${serves}`;
}
