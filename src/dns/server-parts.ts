import type { Forwarder } from './forward-contract.ts';
import type { Peer } from './listen-contract.ts';
import type { Name } from './name.ts';
import type { Answer } from './record.ts';
import type { Request, Resolution } from './resolution.ts';
import type { LogRule } from './settings.ts';
import type { Lease, Zone } from './zone-contract.ts';

/** What a server block is put together from. Absent parts are null. */
export interface BlockParts {
  /** In lower case. */
  readonly zones: readonly Name[];
  readonly port: number;
  /** Called for each message, before any work. */
  readonly acl: AccessCheck | null;
  readonly rewrite: ((spelled: Name, type: number) => RewrittenQuestion | null) | null;
  readonly cache: BlockCache | null;
  /** The names to try for a name that a search list made, or null where plain processing is right (specification 14.2). */
  readonly autopath: ((name: Name, source: string) => readonly Name[] | null) | null;
  readonly templates: ((name: Name, type: number) => (Answer & { readonly chase: Name | null }) | null) | null;
  readonly hosts: HostsTable | null;
  readonly zone: Zone | null;
  readonly forward: readonly ForwardPart[];
  /** Whether a question is our own probe for loops, come back. Null: nobody looks for loops. */
  readonly loops: ((request: Request) => boolean) | null;
  readonly log: readonly LogRule[] | null;
  readonly shuffle: boolean;
  readonly udpLimit: number;
  readonly minimal: boolean;
  readonly rateLimit: RateCheck | null;
}

export type AccessVerdict = 'allow' | 'block' | 'filter' | 'drop';
export type AccessCheck = (peer: Peer, question: { readonly name: Name }, type: number) => AccessVerdict;
export type RateCheck = (peer: Peer, now: number) => 'send' | 'truncate' | 'drop';

export interface RewrittenQuestion {
  /** In lower case. */
  readonly name: Name;
  readonly type: number;
  readonly undo: (answer: Answer) => Answer;
}

export interface HostsTable {
  lookup(name: Name, type: number): Answer | null;
  /** Ends when the table changes. */
  readonly lease: Lease;
}

export interface ForwardPart {
  /** In lower case. */
  readonly suffix: Name;
  readonly except: readonly Name[];
  readonly forwarder: Forwarder;
}

export interface CachedAnswer {
  readonly resolution: Resolution;
  /** The entry is due for a new answer, and nobody else sees to it. */
  readonly refresh: boolean;
  /** The entry is over: it counts only where no new answer is to be had. */
  readonly verify: boolean;
}

/** The cache of a block, as its stages see it. */
export interface BlockCache {
  /** Whether names like this one are kept at all; those of our own zones usually are not (specification 12.4). */
  covers(request: Request): boolean;
  find(request: Request): CachedAnswer | null;
  /** Keeps an answer if it may be kept. Gives it with the TTLs that it is kept with; null: it was not. */
  store(request: Request, resolution: Resolution): Resolution | null;
  /** The new answer that {@link CachedAnswer.refresh} or `verify` asked for. */
  refreshed(request: Request, resolution: Resolution): void;
  /** An answer given with `verify` was served after all. */
  servedStale(): void;
}
