import { classIn, rcode } from './constants.ts';
import type { ForwardResult } from './forward-contract.ts';
import { orderAnswer, stripAuthority } from './forward-sections.ts';
import type { Message } from './message.ts';
import { lowerName } from './name.ts';
import type { Name } from './name.ts';
import { parseMessage } from './parse-message.ts';

/** What a message must agree with to be the reply to a query of ours. */
export interface SentQuery {
  readonly id: number;
  /** As it was sent. */
  readonly name: Name;
  readonly type: number;
  /** The spelling has to come back too (draft-vixie-dnsext-dns0x20). */
  readonly exactCase: boolean;
}

const headerLength = 12;

/**
 * The reply to a query of ours, or null for anything else, which is noise and is waited past (RFC 5452 9.1): another id,
 * a query, another question, what cannot be decoded. Of a reply that was cut in the middle of a record the question is
 * enough, because the whole of it is fetched over TCP anyway.
 */
export function matchReply(bytes: Uint8Array, sent: SentQuery): Message | null {
  if (!isReplyTo(bytes, sent.id)) return null;
  const message = parseMessage(bytes) ?? parseQuestionOfCut(bytes);
  if (message === null || message.opcode !== 0 || message.questions.length !== 1) return null;
  const [question] = message.questions;
  if (question === undefined || question.type !== sent.type || question.class !== classIn) return null;
  const same = sent.exactCase ? question.name === sent.name : lowerName(question.name) === lowerName(sent.name);
  return same ? message : null;
}

/** Whether a message is a reply with this id, whatever it says. */
export function isReplyTo(bytes: Uint8Array, id: number): boolean {
  return bytes.length >= headerLength && (((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0)) === id && (bytes[2] ?? 0) >= 0x80;
}

function parseQuestionOfCut(bytes: Uint8Array): Message | null {
  if (((bytes[2] ?? 0) & 0x02) === 0) return null;
  const headless = bytes.slice();
  headless.fill(0, 6, headerLength);
  return parseMessage(headless);
}

/** Whether a server may not have understood our OPT record: it complains and sends none itself (RFC 6891 7). */
export function refusesEdns({ edns, rcode: code }: Message): boolean {
  return edns === null && (code === rcode.FORMERR || code === rcode.NOTIMP);
}

/** A reply as a result: what nobody asked for is taken out of its sections. */
export function readReply(message: Message, sent: SentQuery, dnssecOk: boolean, upstream: string): Answered {
  return {
    kind: 'answered',
    rcode: message.rcode,
    authenticData: message.authenticData,
    truncated: message.truncated,
    answer: orderAnswer(lowerName(sent.name), message.answer),
    authority: stripAuthority(message.authority, dnssecOk),
    upstream,
  };
}

export type Answered = Extract<ForwardResult, { readonly kind: 'answered' }>;
