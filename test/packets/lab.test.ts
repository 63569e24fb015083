import { describePacketTable } from './packet-suite.ts';
import { iptablesVariants } from './variant.ts';

for (const variant of iptablesVariants) describePacketTable(variant);
