import { describeMeddling } from './meddling-suite.ts';
import { nftablesVariant } from './variant.ts';

describeMeddling(nftablesVariant(), [
  { what: 'a flushed chain', argv: ['nft', 'flush chain ip kube-proxy from_pod'], families: ['IPv4'], by: 'nft' },
  { what: 'a table that was deleted', argv: ['nft', 'delete table ip6 kube-proxy'], families: ['IPv6'], by: 'nft' },
  { what: 'a flushed ruleset', argv: ['nft', 'flush ruleset'], families: ['IPv4', 'IPv6'], by: 'nft' },
]);
