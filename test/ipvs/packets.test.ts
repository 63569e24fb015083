import { describePacketTable } from '../packets/packet-suite.ts';
import { netlinkVariant } from './variants.ts';

describePacketTable(netlinkVariant());
