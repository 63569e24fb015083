import type { EncodedAnswer } from './encode-answer.ts';
import type { Name } from './name.ts';
import type { Answer, ResourceRecord } from './record.ts';
import { lowerTtl } from './write-reply.ts';
import type { Lease } from './zone-contract.ts';

/** A question on its way through the stages of a server block. */
export interface Request {
  /** In lower case. */
  readonly name: Name;
  /** As the asker spelled it. */
  readonly spelled: Name;
  readonly type: number;
  readonly dnssecOk: boolean;
  readonly checkingDisabled: boolean;
  /** The asker came over TCP. */
  readonly stream: boolean;
  /** The asker's address in canonical form, where a stage wants to know it; empty otherwise. */
  readonly source: string;
}

/** The stage an answer came from, named as metrics and logs of other DNS servers name it. */
export type Stage = 'acl' | 'autopath' | 'cache' | 'forward' | 'hosts' | 'kubernetes' | 'rewrite' | 'template' | '';

/** How long a remembered answer holds. It grows old meanwhile: the TTLs of its records go down. */
export interface Term extends Lease {
  /**
   * Gives the answer to one more asker: the seconds that its TTLs are lowered by. -1: it is over or due for a new one, and
   * the question has to go through the stages.
   */
  take(): number;
}

/** The answer to a {@link Request}, before it becomes octets. */
export interface Resolution {
  readonly answer: Answer;
  readonly stage: Stage;
  /** The answer is the same for everybody while this lease is live. Null: it has to be worked out anew for each question. */
  readonly lease: Lease | null;
  /** The answer is that of everybody who asks with the same DO and CD bits, for as long as it is remembered. Null: it is not. */
  readonly term: Term | null;
  /** The AD bit of an upstream. */
  readonly authenticData: boolean;
  /** Seconds that the records were kept: what is left of their TTLs is so much less. */
  readonly elapsed: number;
  /** Seconds in place of all TTLs; -1: none. */
  readonly fixedTtl: number;
  /** Where the octets of the answer are kept for the next asker; null: nowhere. */
  readonly memory: { encoded: EncodedAnswer | null } | null;
  /** An upstream cut the answer and it is not to be had whole. */
  readonly truncated: boolean;
  /** How it was found, step by step, for people. */
  readonly steps: readonly string[];
}

/** A lease that lasts: what does not depend on data. */
export const permanent: Lease = { live: true };

/** A refusal or failure without records. */
export function emptyAnswer(rcode: number, authoritative = false): Answer {
  return { rcode, authoritative, answer: [], authority: [], additional: [] };
}

/** A resolution that holds for this one question. */
export function resolveNow(answer: Answer, stage: Stage, ...steps: readonly string[]): Resolution {
  return {
    answer,
    stage,
    lease: null,
    term: null,
    authenticData: false,
    elapsed: 0,
    fixedTtl: -1,
    memory: null,
    truncated: false,
    steps,
  };
}

/** What becomes of a resolution whose records are changed: they are not those that a cache keeps. */
export const unkept = { elapsed: 0, fixedTtl: -1, memory: null, term: null } as const;

/** The answer with the TTLs that are left of its records. */
export function settleTtls({ answer, elapsed, fixedTtl }: Resolution): Answer {
  if (elapsed === 0 && fixedTtl < 0) return answer;
  const settle = (record: ResourceRecord): ResourceRecord => ({
    ...record,
    ttl: fixedTtl < 0 ? lowerTtl(record.ttl, elapsed) : fixedTtl,
  });
  return {
    ...answer,
    answer: answer.answer.map(settle),
    authority: answer.authority.map(settle),
    additional: answer.additional.map(settle),
  };
}
