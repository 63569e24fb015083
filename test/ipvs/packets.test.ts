import { describePacketTable } from '../packets/packet-suite.ts';
import { ipvsVariants } from './variants.ts';

for (const variant of ipvsVariants) describePacketTable(variant);
