import { describePacketTable } from './packet-suite.ts';
import { iptablesVariants, nftablesVariants } from './variant.ts';

for (const variant of [...iptablesVariants, ...nftablesVariants]) describePacketTable(variant);
