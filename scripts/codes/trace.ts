import type { CodeTexts } from './code-text.ts';

/** Codes of `waypost trace`. */
export const traceCodes: CodeTexts = {
  WP_TRACE_AGENT: [
    'command',
    'a name can be looked up by a running agent only, and none answers',
    'start the agent, or give addresses in place of names',
  ],
  WP_TRACE_DESTINATION: ['usage', 'DESTINATION is not understood, or names what is not there', 'correct it as the message says'],
  WP_TRACE_FAMILY: [
    'usage',
    'SOURCE and DESTINATION have no IP family in common',
    'give both in one family, or another `--family`',
  ],
  WP_TRACE_SOURCE: [
    'usage',
    'SOURCE or `--source-port` is not understood, or names what is not there',
    'correct it as the message says',
  ],
  WP_TRACE_WAYS: [
    'command',
    'a packet has so many ways to go that `waypost trace` gives up',
    'narrow the question: name `--device`, `--source-port` or an address',
  ],
};
