import { describeLiveChanges } from '../packets/live-suite.ts';
import { netlinkVariant } from './variants.ts';

describeLiveChanges(netlinkVariant());
